import * as z from 'zod'
import { Sat } from '../../lsps/base/amount.ts'
import { NodeId } from '../../lsps/base/node-id.ts'

const Uint = z.number().int().nonnegative()
const ChannelId = z.codec(z.string().regex(/^\d+$/), z.bigint(), { decode: (text) => BigInt(text), encode: String })

/** What a channel is to be. `pendingChannelId` is its name for lnd, for us and for recovery; new for every channel. */
export const ChannelOrder = z.object({
  pendingChannelId: z.string().regex(/^[0-9a-f]{64}$/),
  /** The entity that asked, told of every step: its id within its feature. */
  owner: z.string(),
  peer: NodeId,
  capacity: Sat,
  memo: z.string().max(500),
  /** Caps, in blocks, what the peer may impose on our outputs. */
  maxLocalCsv: Uint,
  satPerVbyte: Uint,
})
export type ChannelOrder = z.output<typeof ChannelOrder>

/** Why there is no channel. `client-refused` is the peer's own word; the others may pass with time. */
export const RefusalReason = z.enum(['client-refused', 'client-gone', 'no-coins', 'failed'])
export type RefusalReason = z.output<typeof RefusalReason>

const Transaction = z.discriminatedUnion('stage', [
  /** Ours alone, base64. Nothing of it may reach the chain. */
  z.object({ stage: z.literal('unsigned'), psbt: z.string() }),
  /** The decision to sign is on disk: from here on the transaction may exist. */
  z.object({ stage: z.literal('signing'), psbt: z.string() }),
  z.object({ stage: z.literal('signed'), raw: z.string() }),
  z.object({ stage: z.literal('published'), raw: z.string() }),
])
export type Transaction = z.output<typeof Transaction>

export const Funding = z.discriminatedUnion('tag', [
  /** lnd may hold a reservation in memory. No transaction of ours exists. */
  z.object({ tag: z.literal('opening'), order: ChannelOrder }),
  /** The unsigned transaction is on disk, its outpoint is final. The peer may have signed for it: look before anything. */
  z.object({ tag: z.literal('funded'), order: ChannelOrder, psbt: z.string(), outpoint: z.string() }),
  /** The channel exists at lnd and peer. `chanId` is there once it was active. */
  z.object({
    tag: z.literal('standing'),
    order: ChannelOrder,
    outpoint: z.string(),
    chanId: ChannelId.optional(),
    tx: Transaction,
  }),
  /** Its transaction is in the chain. Terminal for this service. */
  z.object({ tag: z.literal('confirmed'), order: ChannelOrder, outpoint: z.string(), chanId: ChannelId.optional() }),
  /** No channel, no transaction, no locked coins. Terminal. */
  z.object({ tag: z.literal('refused'), order: ChannelOrder, reason: RefusalReason, detail: z.string() }),
  /** The channel closed before anything was signed: nothing of ours was in it. Terminal. */
  z.object({ tag: z.literal('lost'), order: ChannelOrder, outpoint: z.string() }),
])
export type Funding = z.output<typeof Funding>

export const FundingNews = z.discriminatedUnion('type', [
  z.object({ type: z.literal('channel-active'), outpoint: z.string(), chanId: ChannelId }),
  z.object({ type: z.literal('published'), outpoint: z.string() }),
  z.object({ type: z.literal('confirmed'), outpoint: z.string() }),
  z.object({ type: z.literal('channel-closed'), outpoint: z.string() }),
  z.object({ type: z.literal('refused'), reason: RefusalReason, detail: z.string() }),
])
/** What the owner of an order is told, at least once each. */
export type FundingNews = z.output<typeof FundingNews>

export const FundingEffect = z.discriminatedUnion('type', [
  z.object({ type: z.literal('negotiate') }),
  z.object({ type: z.literal('verify') }),
  z.object({ type: z.literal('watch-active') }),
  z.object({ type: z.literal('sign') }),
  z.object({ type: z.literal('publish') }),
  z.object({ type: z.literal('release') }),
  z.object({ type: z.literal('notify'), news: FundingNews }),
])
export type FundingEffect = z.output<typeof FundingEffect>

export type FundingEvent =
  | { readonly type: 'psbt-funded'; readonly psbt: string; readonly outpoint: string }
  | { readonly type: 'channel-found'; readonly outpoint: string }
  | { readonly type: 'channel-active'; readonly chanId: bigint }
  | { readonly type: 'channel-closed' }
  | { readonly type: 'refused'; readonly reason: RefusalReason; readonly detail: string }
  | { readonly type: 'signed'; readonly raw: string }
  | { readonly type: 'published' }
  | { readonly type: 'confirmed' }
