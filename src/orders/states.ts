import * as z from 'zod'
import { Msat, Sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { NodeId } from '../../lsps/base/node-id.ts'
import { Scid } from '../../lsps/base/scid.ts'
import { Deposit, type Receipt } from './onchain.ts'
import { Price } from './pricing.ts'

const Uint = z.number().int().nonnegative()
const At = z.custom<Timestamp>((v) => Number.isSafeInteger(v))

/** What an order is for. */
export const Purpose = z.discriminatedUnion('type', [
  /** A channel (LSPS1). Balances, confirmations and blocks as they were ordered. */
  z.object({
    type: z.literal('channel'),
    lspBalance: Sat,
    clientBalance: Sat,
    /** 0: a channel that may be used before its funding is in a block. */
    confirmations: Uint,
    confirmsWithin: Uint,
    expiryBlocks: Uint,
    announce: z.boolean(),
  }),
  /** A longer life of a channel that stands (LSPS7). */
  z.object({ type: z.literal('extension'), outpoint: z.string(), scid: Scid, blocks: Uint, newExpiryHeight: Uint }),
])
export type Purpose = z.output<typeof Purpose>

/** What the order was promised of our patience when it was made: a later config changes nothing of it. */
const Limits = z.object({
  /** A held payment whose first HTLC expires in so many blocks goes back. More than lnd's own margin. */
  safetyBlocks: Uint,
  /** Blocks beyond these that must be left when a channel is begun. */
  openBlocks: Uint,
  /** How long after the payment the client may be away, or refuse, in ms. */
  openWithinMs: Uint,
})

/** What was ordered and what it costs. Never changes. Amounts in sat. */
export const Terms = z.object({
  id: z.string(),
  /** To whom the channel goes. */
  client: NodeId,
  /** How it was ordered: a peer's orders are shown to that peer, those over HTTP to whoever knows the id. */
  origin: z.enum(['peer', 'http']),
  purpose: Purpose,
  /** As it was sent: it is echoed so (D5). */
  token: z.string().nullable().optional(),
  /** Its short name, when it is a token of ours. */
  tokenName: z.string().optional(),
  refundAddress: z.string().optional(),
  createdAt: At,
  createdHeight: Uint,
  /** Until when it can be paid. */
  expiresAt: At,
  price: Price,
  fee: Sat,
  total: Sat,
  bolt11: z.object({ paymentHash: z.string(), invoice: z.string() }).optional(),
  onchain: z
    .object({
      address: z.string(),
      /** How deep a payment must be; 0: not at all, within what the operator risks. */
      confirmations: Uint,
      /** Satoshi per 1000 weight units; only with 0 confirmations (L1-74). */
      minFeeFor0conf: Uint.optional(),
    })
    .optional(),
  limits: Limits,
})
export type Terms = z.output<typeof Terms>

/** What came in for an order. */
export const Payment = z.object({
  /**
   * The hold invoice: `held` when a whole payment is there and may still go back; `settling` and `cancelling` are
   * decisions on disk that lnd may not have heard yet. `none`: the order has no invoice.
   */
  invoice: z.enum(['none', 'open', 'held', 'settling', 'settled', 'cancelling', 'cancelled']),
  /** The lowest expiry height of what is held. */
  heldUntil: Uint.optional(),
  /** What lnd holds, or took, in all; a payer may send more than was asked. */
  received: Msat.optional(),
  /** Every output to the order's address, in the order in which they came. */
  deposits: z.array(Deposit),
})
export type Payment = z.output<typeof Payment>

/** An attempt to open the channel that came to nothing. */
export const Attempt = z.object({ at: At, reason: z.string(), detail: z.string() })
export type Attempt = z.output<typeof Attempt>

/** Which option paid for the order. */
export const PaidBy = z.enum(['bolt11', 'onchain'])
export type PaidBy = z.output<typeof PaidBy>

/** What is known of an order whose payment is there. */
const secured = {
  terms: Terms,
  payment: Payment,
  by: PaidBy,
  paidAt: At,
  /** The last of them, oldest first; `attempts` counts all. */
  failures: z.array(Attempt),
  attempts: Uint,
  /** How many of them were the client's own word. */
  refusals: Uint,
}

export const Order = z.discriminatedUnion('tag', [
  /** Waits for a payment. */
  z.object({ tag: z.literal('created'), terms: Terms, payment: Payment }),
  /**
   * The payment is there: held, or confirmed on chain. The channel is opened as soon as the client is connected and the
   * last attempt is long enough ago; an extension is being written down.
   */
  z.object({ tag: z.literal('paid'), ...secured, retryAt: At.optional() }),
  /**
   * The channel was ordered from the funding service, which tells what became of it. `withdrawn`: it is not wanted any
   * more, for this reason, and is published only if that was too late.
   */
  z.object({ tag: z.literal('opening'), ...secured, pendingChannelId: z.string(), withdrawn: z.string().optional() }),
  /**
   * The funding is published, or the extension written down. `booked`: the fee is in the journal. Terminal once the
   * payment is taken and everything else that came is on its way back.
   */
  z.object({
    tag: z.literal('completed'),
    ...secured,
    channel: z.object({ outpoint: z.string(), pendingChannelId: z.string().optional(), fundedAt: At, expiresAt: At }),
    booked: z.boolean(),
    /** Money that was counted on and did not come: a payment without confirmations that was double-spent, or the like. */
    lost: z.string().optional(),
    at: At,
  }),
  /** There is no channel, and there will be none. Terminal once everything that came is on its way back. */
  z.object({
    tag: z.literal('failed'),
    terms: Terms,
    payment: Payment,
    failures: z.array(Attempt),
    why: z.string(),
    at: At,
  }),
])
export type Order = z.output<typeof Order>

export const OrderEffect = z.discriminatedUnion('type', [
  z.object({ type: z.literal('open-channel'), pendingChannelId: z.string() }),
  z.object({ type: z.literal('withdraw-channel'), pendingChannelId: z.string() }),
  z.object({ type: z.literal('extend') }),
  z.object({ type: z.literal('settle-invoice') }),
  z.object({ type: z.literal('cancel-invoice') }),
  /** Of an output that came: so much goes back. */
  z.object({ type: z.literal('refund'), outpoint: z.string(), amount: Sat }),
])
export type OrderEffect = z.output<typeof OrderEffect>

/** Why no channel was opened. `client-refused` is the client's own word. */
export type OpenFailure =
  | 'client-refused'
  | 'client-gone'
  | 'no-coins'
  | 'failed'
  | 'no-feerate'
  | 'peer-cap'
  | 'token-cap'
  | 'total-cap'
  | 'budget'
  | 'withdrawn'
  | 'closed'

/** What every event brings with it. */
export type Moment = {
  readonly at: Timestamp
  readonly height: number
  readonly clientOnline: boolean
  /** Fresh randomness: the name of the channel if this event makes us open one. */
  readonly pendingChannelId: string
}

export type OrderEvent = Moment &
  (
    | {
        readonly type: 'invoice'
        readonly state: 'open' | 'accepted' | 'settled' | 'canceled'
        readonly received: Msat
        /** The lowest expiry height of the parts that are held. */
        readonly heldUntil: number
      }
    /** All that stands at the order's address now, from its first block on. */
    | {
        readonly type: 'receipts'
        readonly receipts: readonly Receipt[]
        /** What may still be taken without a confirmation, in sat. */
        readonly zeroConfLeft: Sat
      }
    | { readonly type: 'deadline' }
    /** The expiry of what is held came nearer. */
    | { readonly type: 'block' }
    | { readonly type: 'client-online' }
    | { readonly type: 'channel-published'; readonly pendingChannelId: string; readonly outpoint: string }
    | {
        readonly type: 'channel-refused'
        readonly pendingChannelId: string
        readonly reason: OpenFailure
        readonly detail: string
      }
    | { readonly type: 'extended'; readonly expiresAt: Timestamp; readonly fundedAt: Timestamp }
    | { readonly type: 'extend-refused'; readonly detail: string }
    | { readonly type: 'invoice-settled' }
    | { readonly type: 'invoice-cancelled' }
    | { readonly type: 'refund-sent'; readonly outpoint: string; readonly txid: string; readonly fee: Sat }
    /** Deep in the chain. */
    | { readonly type: 'refund-done'; readonly outpoint: string; readonly txid: string; readonly fee: Sat }
    /** Too little to be paid out: it stays with us. */
    | { readonly type: 'refund-dust'; readonly outpoint: string }
    /** By the operator. */
    | { readonly type: 'cancel'; readonly reason: string }
  )

type Entry = { readonly order: string; readonly client: NodeId; readonly at: Timestamp }

/**
 * Journal entries of this feature, in sat but for what Lightning brought. On chain, what was received is what was
 * earned, pushed, refunded and kept as dust; what is refunded includes the fee that miners took of it.
 */
export type OrderMoney =
  /** The order is paid for and done: `received` of it is ours, `pushed` was handed on in the channel. */
  | (Entry & {
      readonly type: 'order-fee'
      readonly purpose: Purpose['type']
      readonly by: PaidBy
      readonly paymentHash?: string
      readonly received: Msat
      readonly pushed: Sat
      readonly earned: Msat
    })
  /** An output that came for an order is deep enough to be reckoned with. */
  | (Entry & { readonly type: 'order-deposit'; readonly outpoint: string; readonly amount: Sat })
  | (Entry & {
      readonly type: 'order-refund'
      readonly outpoint: string
      readonly txid: string
      readonly amount: Sat
      readonly chainFee: Sat
    })
  | (Entry & { readonly type: 'order-dust'; readonly outpoint: string; readonly amount: Sat })
  /** Counted on, and never came. */
  | (Entry & { readonly type: 'order-loss'; readonly amount: Sat; readonly why: string })
