import * as z from 'zod'
import { Msat, Ppm } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { NodeId } from '../../lsps/base/node-id.ts'
import { Scid } from '../../lsps/base/scid.ts'

const Uint = z.number().int().nonnegative()
const At = z.custom<Timestamp>((v) => Number.isSafeInteger(v))
const ChannelId = z.codec(z.string().regex(/^\d+$/), z.bigint(), { decode: (text) => BigInt(text), encode: String })

/** What was sold: the offer the client took, the payment it is for, and what that costs. Never changes. */
export const Deal = z.object({
  scid: Scid,
  client: NodeId,
  minFee: Msat,
  proportional: Ppm,
  validUntil: At,
  minLifetime: Uint,
  maxClientToSelfDelay: Uint,
  paymentSize: Msat,
  /** The opening fee for `paymentSize` (bLIP-52 opening fee computation). */
  fee: Msat,
  cltvExpiryDelta: Uint,
  /** Least that may be forwarded in one HTLC. */
  htlcMinimum: Msat,
  /** How long a held part waits, in ms from when it came (bLIP-52: at least 90 s). */
  partHold: Uint,
  createdAt: At,
  /** The short name of the token whose menu it was taken from; never the token itself. */
  token: z.string().optional(),
  /** The id of the price list that the offer stood on: how its price came about. */
  priceList: z.string().optional(),
})
export type Deal = z.output<typeof Deal>

/** A held HTLC that the sale counts on. Incoming and outgoing values were checked against each other. */
export const Part = z.object({
  circuit: z.string(),
  paymentHash: z.string(),
  amountIn: Msat,
  amountOut: Msat,
  expiryIn: Uint,
  expiryOut: Uint,
  autoFailHeight: Uint,
  heldAt: At,
})
export type Part = z.output<typeof Part>

/** The failure that the payer sees. */
export const FailureCode = z.enum(['temporary_channel_failure', 'unknown_next_peer'])
export type FailureCode = z.output<typeof FailureCode>

/** A circuit that was never answered with a forward, and its answer from now on, also when lnd offers it again. */
export const Refusal = z.object({ circuit: z.string(), code: FailureCode, why: z.string() })
export type Refusal = z.output<typeof Refusal>

export const ChannelRef = z.object({ outpoint: z.string(), chanId: ChannelId, pendingChannelId: z.string() })
export type ChannelRef = z.output<typeof ChannelRef>

const refused = z.array(Refusal)

export const Sale = z.discriminatedUnion('tag', [
  /** Sold, waiting for its payment. Nothing of ours is at risk. A part may be held while the client is offline. */
  z.object({ tag: z.literal('awaiting'), deal: Deal, part: Part.optional(), refused }),
  /** The channel was ordered from the funding service. The part stays held; it is gone once it had to be failed. */
  z.object({ tag: z.literal('opening'), deal: Deal, pendingChannelId: z.string(), part: Part.optional(), refused }),
  /** The part, its deduction and the channel are fixed; replays get the same answer. Held until the alias is bound. */
  z.object({ tag: z.literal('forwarding'), deal: Deal, channel: ChannelRef, part: Part, bound: z.boolean(), refused }),
  /** The channel stands and the fee is still owed: the next payment to the scid pays it, until the offer ends. */
  z.object({ tag: z.literal('owed'), deal: Deal, channel: ChannelRef, bound: z.boolean(), refused }),
  /** The client has its money. `earned` is what stayed with us by lnd's own amounts. Terminal. */
  z.object({
    tag: z.literal('paid'),
    deal: Deal,
    channel: ChannelRef,
    paymentHash: z.string(),
    amountIn: Msat,
    amountOut: Msat,
    earned: Msat,
    at: At,
  }),
  /** Ended without a channel. Terminal. */
  z.object({ tag: z.literal('abandoned'), deal: Deal, why: z.string(), at: At }),
  /** The channel closed, or the offer ended, before the fee was earned. Terminal. */
  z.object({ tag: z.literal('unearned'), deal: Deal, outpoint: z.string(), at: At }),
])
export type Sale = z.output<typeof Sale>

export const JitEffect = z.discriminatedUnion('type', [
  /** `amount`: what the channel must be able to carry. */
  z.object({ type: z.literal('open-channel'), pendingChannelId: z.string(), amount: Msat }),
  z.object({ type: z.literal('add-alias'), chanId: ChannelId }),
])
export type JitEffect = z.output<typeof JitEffect>

export type JitEvent =
  | {
      readonly type: 'part-held'
      readonly part: Part
      readonly height: number
      readonly clientOnline: boolean
      /** Fresh randomness: the name of the channel if this part makes us open one. */
      readonly pendingChannelId: string
      readonly at: Timestamp
    }
  | {
      readonly type: 'client-online'
      readonly height: number
      readonly pendingChannelId: string
      readonly at: Timestamp
    }
  /** lnd is about to fail this held circuit itself. */
  | { readonly type: 'part-expiring'; readonly circuit: string; readonly at: Timestamp }
  /** lnd does not hold the circuit any more, and nobody said what became of it. */
  | { readonly type: 'part-gone'; readonly circuit: string; readonly at: Timestamp }
  | { readonly type: 'deadline'; readonly at: Timestamp }
  | { readonly type: 'channel-active'; readonly outpoint: string; readonly chanId: bigint; readonly at: Timestamp }
  | {
      readonly type: 'channel-refused'
      readonly reason: RefusedChannel
      readonly detail: string
      readonly at: Timestamp
    }
  | { readonly type: 'channel-closed'; readonly outpoint: string; readonly at: Timestamp }
  | { readonly type: 'alias-added'; readonly at: Timestamp }
  | { readonly type: 'settled'; readonly circuit: string; readonly amountOut: Msat; readonly at: Timestamp }
  | { readonly type: 'failed'; readonly circuit: string; readonly reason: string; readonly at: Timestamp }

/** `client-refused` is the client's own word and final; the others send the sale back to waiting. */
export type RefusedChannel =
  | 'client-refused'
  | 'client-gone'
  | 'no-coins'
  | 'failed'
  | 'no-feerate'
  | 'peer-cap'
  | 'token-cap'
  | 'total-cap'
  | 'budget'

/** A journal entry of this feature. */
export type JitMoney = {
  readonly type: 'jit-fee'
  readonly sale: Scid
  readonly client: NodeId
  readonly paymentHash: string
  /** What lnd keeps of this payment in all; equals the fee in its forwarding history. */
  readonly earned: Msat
  /** The part of it that was sold as opening fee. */
  readonly openingFee: Msat
  readonly at: Timestamp
}
