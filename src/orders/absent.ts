import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { heightOfEnd } from './bolt11.ts'
import { BLOCK_MS, openBy } from './opening.ts'
import type { Order } from './states.ts'

/** While the client does not come it is called again so rarely: an order may wait for it for days. */
export const CALL_EVERY_BLOCKS = 6
/** So long one call is tried. No longer than a usual cooldown: the next one is for the next look, not for the cooldown. */
export const CALL_USEFUL_MS = 60_000

/** Has a client that is away called for an order that fails at the height `timeout`. Must neither wait nor throw. */
export type CallForOrder = (
  client: NodeId,
  call: { readonly order: string; readonly timeout: number; readonly usefulUntil: Timestamp },
) => void

export type AbsentDeps = {
  readonly clock: Clock
  /** Left out: nobody is called. */
  readonly callClient?: CallForOrder | undefined
  readonly isOnline: (client: NodeId) => boolean
}

/**
 * The height at which an order that waits for its client fails: with the payment that is held, or when the client was
 * waited for long enough, reckoned in blocks. Undefined: it does not wait for a client.
 */
export function failsAt(order: Order, { height, now }: { height: number; now: Timestamp }): number | undefined {
  if (order.tag !== 'paid' || order.terms.purpose.type !== 'channel') return undefined
  const inTime = height + Math.max(0, Math.ceil((openBy(order) - now) / BLOCK_MS))
  return order.by === 'bolt11' ? Math.min(inTime, heightOfEnd(order)) : inTime
}

/**
 * Clients that are away while a channel that they paid for waits for them are called (L5-30). bLIP-55 has no notification
 * of its own for that. `expiry_soon` says what the wallet must know: something that runs out needs it to connect, and by
 * which height. `payment_incoming` would have it wait for, and show, a payment that never comes. Wallets connect on both.
 */
export class Absent {
  readonly #deps: AbsentDeps

  constructor(deps: AbsentDeps) {
    this.#deps = deps
  }

  /** Of an order that is on disk. */
  look(order: Order | undefined, height: number): void {
    const { clock, callClient, isOnline } = this.#deps
    if (order === undefined || callClient === undefined || isOnline(order.terms.client)) return
    const now = clock.now()
    const timeout = failsAt(order, { height, now })
    if (timeout === undefined || timeout <= height) return
    const usefulUntil = (now + CALL_USEFUL_MS) as Timestamp
    callClient(order.terms.client, { order: order.terms.id, timeout, usefulUntil })
  }
}
