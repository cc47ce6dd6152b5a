import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { Sale } from './states.ts'

const NONE: ReadonlySet<Scid> = new Set()

/**
 * Sales whose payment may still come, by client: how many it has, and which to look at when it comes back. With many
 * sales and many peers, going through all sales for each peer would hold up the node's forwards for seconds.
 */
export class UnpaidSales {
  readonly #byClient = new Map<NodeId, Set<Scid>>()

  of(client: NodeId): ReadonlySet<Scid> {
    return this.#byClient.get(client) ?? NONE
  }

  add(client: NodeId, scid: Scid): void {
    const sales = this.#byClient.get(client)
    if (sales === undefined) this.#byClient.set(client, new Set([scid]))
    else sales.add(scid)
  }

  /** Of one that is not there: changes nothing. */
  remove(client: NodeId, scid: Scid): void {
    const sales = this.#byClient.get(client)
    sales?.delete(scid)
    if (sales?.size === 0) this.#byClient.delete(client)
  }

  /** Outpoints of the client's channels that are not paid for. */
  channels(client: NodeId, sales: ReadonlyMap<string, Sale>): ReadonlySet<string> {
    const unpaid = [...this.of(client)].map((scid) => sales.get(scid))
    return new Set(unpaid.flatMap((sale) => (sale !== undefined && 'channel' in sale ? [sale.channel.outpoint] : [])))
  }

  clear(): void {
    this.#byClient.clear()
  }
}
