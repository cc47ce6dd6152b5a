import type { NodeId } from '../../lsps/base/node-id.ts'
import { isUnpaid } from './machine.ts'
import type { Order } from './states.ts'

const NONE: ReadonlySet<string> = new Set()

/**
 * Orders that are not over, by client, and how many of them nobody has paid for, counted as they come and go. Of a
 * client's own only those count that it made itself: over HTTP anybody may say to be it.
 */
export class OpenOrders {
  readonly #byClient = new Map<NodeId, Set<string>>()
  readonly #unpaidOf = new Map<NodeId, number>()
  #unpaid = 0
  /** Being made: their invoices and addresses are waited for. Not of the database, so `clear` leaves them. */
  readonly #makingOf = new Map<NodeId | undefined, number>()
  #making = 0

  get unpaid(): number {
    return this.#unpaid
  }

  /** Those that nobody has paid for, and those that are being made. */
  get taken(): number {
    return this.#unpaid + this.#making
  }

  /** The same, of those that the client made itself. */
  takenBy(client: NodeId): number {
    return (this.#unpaidOf.get(client) ?? 0) + (this.#makingOf.get(client) ?? 0)
  }

  /** Counts an order until it is made, or not: call the answer then. Without a client: it was made over HTTP. */
  begin(client: NodeId | undefined): () => void {
    const change = (by: 1 | -1) => {
      this.#making += by
      add(this.#makingOf, client, by)
    }
    change(1)
    return () => change(-1)
  }

  of(client: NodeId): ReadonlySet<string> {
    return this.#byClient.get(client) ?? NONE
  }

  /** What a commit changed; `before` is undefined for a new order, and for those of a database that was just read. */
  follow(before: Order | undefined, order: Order): void {
    const { client, id, origin } = order.terms
    const was = before !== undefined && isUnpaid(before) ? 1 : 0
    const change = (isUnpaid(order) ? 1 : 0) - was
    this.#unpaid += change
    if (origin === 'peer') add(this.#unpaidOf, client, change)
    if (order.tag !== 'completed' && order.tag !== 'failed') {
      const orders = this.#byClient.get(client)
      if (orders === undefined) this.#byClient.set(client, new Set([id]))
      else orders.add(id)
      return
    }
    const orders = this.#byClient.get(client)
    orders?.delete(id)
    if (orders?.size === 0) this.#byClient.delete(client)
  }

  clear(): void {
    this.#byClient.clear()
    this.#unpaidOf.clear()
    this.#unpaid = 0
  }
}

/** Counts something for a client; those with none are not kept. */
function add<Client>(counts: Map<Client, number>, client: Client, change: number): void {
  const now = (counts.get(client) ?? 0) + change
  if (now === 0) counts.delete(client)
  else counts.set(client, now)
}
