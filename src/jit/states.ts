import * as z from 'zod'
import { Msat, Ppm } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { NodeId } from '../../lsps/base/node-id.ts'
import { Scid } from '../../lsps/base/scid.ts'

const Uint = z.number().int().nonnegative()
const At = z.custom<Timestamp>((v) => Number.isSafeInteger(v))
const ChannelId = z.codec(z.string().regex(/^\d+$/), z.bigint(), { decode: (text) => BigInt(text), encode: String })

/** Who waits for whom: the channel's funding is published at once, or only when the payment is claimed (L2-49, L2-86). */
export const Trust = z.enum(['lsp-trusts-client', 'client-trusts-lsp'])
export type Trust = z.output<typeof Trust>

/** What was sold: the offer the client took, the payment it is for, and what that costs. Never changes. */
export const Deal = z.object({
  scid: Scid,
  /**
   * Of another channel under a purchase that was paid: the scid that was bought, which payers use and which leads to the
   * client already. `scid` is a name of ours then that nobody is told.
   */
  via: Scid.optional(),
  client: NodeId,
  minFee: Msat,
  proportional: Ppm,
  validUntil: At,
  minLifetime: Uint,
  maxClientToSelfDelay: Uint,
  /** Absent: an invoice without an amount. The one HTLC that comes decides it (bLIP-52, "no-MPP+var-invoice"). */
  paymentSize: Msat.optional(),
  /** The opening fee for `paymentSize` (bLIP-52 opening fee computation); absent with it. */
  fee: Msat.optional(),
  /** Limits of the offer, inclusive: what an invoice without an amount may be paid with, and another channel. */
  minPayment: Msat.optional(),
  maxPayment: Msat.optional(),
  /** For an invoice without an amount: take what ldk-node 0.7 accepts, unless that is less than this (D11). */
  lenientSkimFloor: Msat.optional(),
  /** Absent: we trust the client. */
  trust: Trust.optional(),
  cltvExpiryDelta: Uint,
  /** Least that may be forwarded in one HTLC. */
  htlcMinimum: Msat,
  /** How long held parts wait, in ms from the first of them (bLIP-52: at least 90 s). */
  partHold: Uint,
  /** How long after the offer an unpaid channel is taken back, in ms; absent: never. */
  reclaimAfter: Uint.optional(),
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

/** A part whose forward is decided: what is deducted of it (0: nothing, L2-94), and what became of it. */
export const SentPart = Part.extend({
  fee: Msat,
  end: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('settled'), amountOut: Msat }),
      z.object({ type: z.literal('failed') }),
    ])
    .optional(),
})
export type SentPart = z.output<typeof SentPart>

/** The failure that the payer sees. */
export const FailureCode = z.enum(['temporary_channel_failure', 'unknown_next_peer'])
export type FailureCode = z.output<typeof FailureCode>

/** A circuit that was never answered with a forward, and its answer from now on, also when lnd offers it again. */
export const Refusal = z.object({ circuit: z.string(), code: FailureCode, why: z.string() })
export type Refusal = z.output<typeof Refusal>

export const ChannelRef = z.object({ outpoint: z.string(), chanId: ChannelId, pendingChannelId: z.string() })
export type ChannelRef = z.output<typeof ChannelRef>

/** Held, never forwarded, in the order in which they came. */
const parts = z.array(Part)
const refused = z.array(Refusal)
/** What was deducted of parts that settled, of earlier payments to this sale. */
const collected = Msat
/** Circuits of parts of earlier payments that were forwarded and have ended: lnd may offer them once more (lnd.md 1.5). */
const forwarded = z.array(z.string())
/** Parts of earlier payments that settled, the last ones: lnd may have lost its rows of them. Left out: none. */
const delivered = z.array(z.object({ circuit: z.string(), amountOut: Msat })).optional()
export type Delivered = z.output<typeof delivered>

export const Sale = z.discriminatedUnion('tag', [
  /** Sold, waiting for its payment. Nothing of ours is at risk. Parts may be held, also while the client is offline. */
  z.object({ tag: z.literal('awaiting'), deal: Deal, parts, refused }),
  /** The channel was ordered from the funding service. Parts stay held; they are gone once they had to be failed. */
  z.object({ tag: z.literal('opening'), deal: Deal, pendingChannelId: z.string(), parts, refused }),
  /**
   * The parts of one payment, their deductions and the channel are fixed; replays get the same answer. Held until the
   * alias is bound. `fee` is what this sale costs in all; `parts` belong to other payments, which wait for this one.
   */
  z.object({
    tag: z.literal('forwarding'),
    deal: Deal,
    channel: ChannelRef,
    fee: Msat,
    collected,
    sent: z.array(SentPart),
    parts,
    bound: z.boolean(),
    forwarded,
    delivered,
    refused,
  }),
  /** The channel stands and the fee is still owed: the next payment to the scid pays it, until the offer ends. */
  z.object({
    tag: z.literal('owed'),
    deal: Deal,
    channel: ChannelRef,
    collected,
    parts,
    bound: z.boolean(),
    forwarded,
    delivered,
    refused,
  }),
  /**
   * The offer ended while its channel was being opened, and no payment is held: whoever signed for it may never come
   * back, and its coins are locked. Asked back at `due` and again, until lnd knows what it is.
   */
  z.object({ tag: z.literal('unwanted'), deal: Deal, pendingChannelId: z.string(), due: At, refused }),
  /** The offer ended before the fee was earned. The channel is taken back at `due`; without it, that was asked for. */
  z.object({ tag: z.literal('reclaiming'), deal: Deal, channel: ChannelRef, due: At.optional(), refused }),
  /** The client has its money. `earned` is what stayed with us by lnd's own amounts. Terminal. */
  z.object({
    tag: z.literal('paid'),
    deal: Deal,
    channel: ChannelRef,
    paymentHash: z.string(),
    amountIn: Msat,
    amountOut: Msat,
    /** The opening fee that was due. */
    fee: Msat.optional(),
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
  /** `amount`: what the channel must be able to carry, in so many HTLCs. */
  z.object({ type: z.literal('open-channel'), pendingChannelId: z.string(), amount: Msat, parts: Uint.default(1) }),
  z.object({ type: z.literal('add-alias'), chanId: ChannelId }),
  /** The client trusted us and was paid: its channel's funding has to be published now (L2-88). */
  z.object({ type: z.literal('publish-funding'), pendingChannelId: z.string() }),
  /** The channel was never paid for: it is closed, or when nothing of it was published, forgotten. */
  z.object({ type: z.literal('reclaim-channel'), pendingChannelId: z.string() }),
])
export type JitEffect = z.output<typeof JitEffect>

export type JitEvent =
  | {
      readonly type: 'part-held'
      readonly part: Part
      /** Parts of the same payment that came with it: they are taken together. */
      readonly further?: readonly Part[]
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
  | {
      readonly type: 'channel-active'
      /** Of which order this is told: an earlier one of the same sale may be told of again. */
      readonly pendingChannelId: string
      readonly outpoint: string
      readonly chanId: bigint
      readonly at: Timestamp
    }
  | {
      readonly type: 'channel-refused'
      readonly pendingChannelId: string
      readonly reason: RefusedChannel
      readonly detail: string
      readonly at: Timestamp
    }
  | {
      readonly type: 'channel-closed'
      readonly pendingChannelId: string
      readonly outpoint: string
      readonly at: Timestamp
    }
  | { readonly type: 'alias-added'; readonly at: Timestamp }
  | {
      readonly type: 'settled'
      readonly circuit: string
      readonly amountOut: Msat
      /** As lnd's history has it, where that told of the end. */
      readonly amountIn?: Msat
      readonly at: Timestamp
    }
  | { readonly type: 'failed'; readonly circuit: string; readonly reason: string; readonly at: Timestamp }
  /** The funding service has on disk that the channel is to be taken back. */
  | { readonly type: 'reclaim-ordered'; readonly at: Timestamp }

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
  /** The HTLC that settled: one entry each, as in lnd's forwarding history. */
  readonly circuit: string
  /** What lnd keeps of this HTLC in all; equals the fee in its forwarding history. */
  readonly earned: Msat
  /** The part of it that was sold as opening fee. */
  readonly openingFee: Msat
  readonly at: Timestamp
}

/** Whose order of a channel it is, and which of them. */
export type FundingSource = { readonly owner: string; readonly pendingChannelId: string }

/** What the funding service tells about an ordered channel. */
export type FundingReport =
  | { readonly type: 'channel-active'; readonly outpoint: string; readonly chanId: bigint }
  | { readonly type: 'published'; readonly outpoint: string }
  | { readonly type: 'confirmed'; readonly outpoint: string }
  | { readonly type: 'channel-closed'; readonly outpoint: string }
  | { readonly type: 'refused'; readonly reason: RefusedChannel; readonly detail: string }
