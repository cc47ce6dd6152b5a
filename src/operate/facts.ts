import type { Msat } from '../../lsps/base/amount.ts'
import type { CircuitKey, Forward, Lease, Outpoint } from '../lnd/port.ts'
import type { OurChannel } from './sightings.ts'

/** What our records say, in words that can be compared with lnd. */
export type StoreFacts = {
  /** Unfinished ones. */
  readonly sales: readonly SaleFact[]
  /** Whether a sale of this scid is on record, finished or not. */
  readonly knowsSale: (scid: string) => boolean
  /** Unfinished ones. */
  readonly orders: readonly OrderFact[]
  /** Of any order on record: its channel, undefined while it has none; `unknown` when there is no such order. */
  readonly outpointOf: (pendingChannelId: string) => Outpoint | undefined | 'unknown'
  readonly booked: readonly BookedFact[]
}

export type SaleFact = {
  readonly scid: string
  readonly state: string
  /** What it costs; undefined while its payment decides that. */
  readonly fee: Msat | undefined
  readonly outpoint: Outpoint | undefined
  readonly chanId: bigint | undefined
  readonly bound: boolean
  /** HTLCs that it counts on now. */
  readonly circuits: readonly { readonly circuit: CircuitKey; readonly state: 'held' | 'forwarded' }[]
}

export type OrderFact = {
  readonly id: string
  readonly outpoint: Outpoint | undefined
  /** The channel was seen. */
  readonly isStanding: boolean
  /** Where its transaction is by our records, once it was published. */
  readonly tx: 'published' | 'mined' | undefined
}

/** An entry of the journal. */
export type BookedFact = {
  readonly sale: string
  /** Undefined for entries of the first format and for what was found again without it. */
  readonly circuit: CircuitKey | undefined
  /** The sale's channel, where its record is still there. */
  readonly chanId: bigint | undefined
  readonly earned: Msat
}

/** What lnd and the chain say. */
export type LndFacts = {
  readonly ours: readonly OurChannel[]
  /** Every channel that lnd lists, by outpoint. */
  readonly channels: ReadonlyMap<Outpoint, 'opening' | 'open' | 'closing' | 'closed'>
  /** Aliases that only we give out, and the channel that each leads to. */
  readonly aliases: ReadonlyMap<string, bigint>
  /** Circuits whose incoming HTLC stands in a channel. */
  readonly incoming: ReadonlySet<CircuitKey>
  /** Circuits whose outgoing HTLC stands in a channel, and what is kept of each, in whole satoshi. */
  readonly inFlight: readonly { readonly circuit: CircuitKey; readonly over: bigint; readonly kept: bigint }[]
  /** Of outpoints of orders; undefined where the wallet does not know the transaction. */
  readonly confirmations: ReadonlyMap<Outpoint, number | undefined>
  readonly leases: readonly Lease[]
  /** Of the forwarding history, over channels of ours. */
  readonly rows: readonly Forward[]
  /** What each channel of ours sent by its own count, in msat of whole satoshi. */
  readonly sent: ReadonlyMap<bigint, bigint>
}

export function describeAmount(msat: bigint): string {
  return `${msat} msat`
}
