import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { lastHoldUntil, openParts } from './parts.ts'
import type { Sale } from './states.ts'

/** Has a client that is away called for a payment that waits for it until then. Must neither wait nor throw. */
export type CallClient = (client: NodeId, usefulUntil: Timestamp, sale: Scid) => void

export type AbsentDeps = {
  readonly clock: Clock
  /** Left out: nobody is called. */
  readonly callClient?: CallClient | undefined
  readonly isOnline: (client: NodeId) => boolean
}

/**
 * Until when a payment of the sale is worth a call to its client; undefined: none is there. Not only while it is held
 * for the channel: a client that leaves while its channel is being opened has to come back for it to become active, or
 * for the payment to be tried once more, and one that leaves with the payment in its channel has to come to take it.
 */
export function waitsUntil(sale: Sale): Timestamp | undefined {
  const until = lastHoldUntil(sale.deal, openParts(sale))
  if (until === undefined || sale.tag !== 'awaiting') return until
  return Math.min(until, sale.deal.validUntil) as Timestamp // no channel is opened after that
}

/**
 * Clients that are away while a payment waits for them are called (L5-30). Told again and again by what stands on
 * record (each commit of a sale, each leave, each start); how often it is passed on is for others to bound.
 */
export class Absent {
  readonly #deps: AbsentDeps

  constructor(deps: AbsentDeps) {
    this.#deps = deps
  }

  /** Of a sale that is on disk, or on its way there with all that follows. */
  look(sale: Sale | undefined): void {
    const { clock, callClient, isOnline } = this.#deps
    if (sale === undefined || callClient === undefined || isOnline(sale.deal.client)) return
    const until = waitsUntil(sale)
    if (until !== undefined && until > clock.now()) callClient(sale.deal.client, until, sale.deal.scid)
  }
}
