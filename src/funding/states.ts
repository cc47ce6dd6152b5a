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
  /**
   * When the transaction is signed and published: `at-once` when the channel is active, `when-due` when its owner says
   * that money depends on it (`publishDue`), or the chain does (D27): then it is `due`. `when-pending`: as soon as the
   * peer has signed for it (D28), and from then on the channel is never given up. Left out: at once.
   */
  broadcast: z.enum(['at-once', 'when-due', 'due', 'when-pending']).optional(),
  /** How much of the capacity is the peer's from the start, in satoshi; left out: nothing. */
  push: Sat.optional(),
  /** Left out: private. */
  visibility: z.enum(['private', 'announced']).optional(),
  /** `zero-conf`: usable before its funding is in a block. Left out: that. */
  confirmation: z.enum(['zero-conf', 'ordinary']).optional(),
  /** The transaction that it shares with other orders, by the batch's name; left out: it has its own. */
  batch: z.string().optional(),
  /** Its owner does not want it any more: it comes to nothing if nobody has signed yet. */
  withdrawn: z.literal(true).optional(),
  /** The token that it was bought with; left out without one. */
  token: z.string().optional(),
  /** When it was decided, Unix time in ms. Orders of older releases have none. */
  placedAt: z.number().int().nonnegative().optional(),
  /** From then on, Unix time in ms, it is not begun any more; left out: always. */
  beginBefore: z.number().int().nonnegative().optional(),
  /** The wallet's coins that were claimed for it; lnd selects when they are left out, or gone. */
  coins: z.object({ inputs: z.array(z.string()), minConfs: Uint }).optional(),
})
export type ChannelOrder = z.output<typeof ChannelOrder>

/** Which order is told of, and whom. */
export type OrderName = Pick<ChannelOrder, 'owner' | 'pendingChannelId'>

/** Why there is no channel. `client-refused` is the peer's own word; the others may pass with time. */
export const RefusalReason = z.enum(['client-refused', 'client-gone', 'no-coins', 'failed'])
export type RefusalReason = z.output<typeof RefusalReason>

/** A child that pays miners for its parent (CPFP): the last one that was asked for, at most one at a time. */
const Bump = z.object({
  /** The output of ours that it spends. */
  change: Uint,
  satPerVbyte: Uint,
  /** The most that it may cost. */
  budget: Sat,
  /** The height at which it was asked for. */
  height: Uint,
})
export type Bump = z.output<typeof Bump>

const Transaction = z.discriminatedUnion('stage', [
  /** Ours alone, base64. Nothing of it may reach the chain. */
  z.object({ stage: z.literal('unsigned'), psbt: z.string() }),
  /** The decision to sign is on disk: from here on the transaction may exist. */
  z.object({ stage: z.literal('signing'), psbt: z.string() }),
  z.object({ stage: z.literal('signed'), raw: z.string() }),
  z.object({
    stage: z.literal('published'),
    raw: z.string(),
    /** The first height at which it was in no block. */
    since: Uint.optional(),
    bump: Bump.optional(),
  }),
  /** In a block, but not so deep that a reorganisation could not take it out again. */
  z.object({ stage: z.literal('mined'), raw: z.string(), bump: Bump.optional() }),
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
    /** The channel closes or is closed; its owner was told. */
    closed: z.literal(true).optional(),
  }),
  /**
   * The channel is given up unsigned: closed with the peer (`closing`), then removed from lnd, which would wait for
   * ever for a closing transaction that no mempool can take (`abandoning`).
   */
  z.object({
    tag: z.literal('discarding'),
    order: ChannelOrder,
    outpoint: z.string(),
    psbt: z.string(),
    chanId: ChannelId.optional(),
    stage: z.enum(['closing', 'abandoning']),
    /** Whose close it is: the owner's, who lets nothing in any more, or one that was found. */
    by: z.enum(['owner', 'others']),
  }),
  /** Its transaction is deep in the chain. Terminal for this service. */
  z.object({
    tag: z.literal('confirmed'),
    order: ChannelOrder,
    outpoint: z.string(),
    chanId: ChannelId.optional(),
    /** What it cost to hurry it along, in satoshi. */
    childFee: Sat.optional(),
  }),
  /** No channel, no transaction, no locked coins. Terminal. */
  z.object({ tag: z.literal('refused'), order: ChannelOrder, reason: RefusalReason, detail: z.string() }),
  /** The channel closed, or was discarded, before anything was signed: nothing was in it. Terminal. */
  z.object({ tag: z.literal('lost'), order: ChannelOrder, outpoint: z.string() }),
  /**
   * Another transaction spent its input and is deep in the chain: this funding can never confirm. Terminal; it stays
   * among the live ones, where a person sees it, until the channel is gone from lnd.
   */
  z.object({
    tag: z.literal('conflicted'),
    order: ChannelOrder,
    outpoint: z.string(),
    chanId: ChannelId.optional(),
    raw: z.string(),
    spentBy: z.string(),
    closed: z.literal(true).optional(),
  }),
])
export type Funding = z.output<typeof Funding>

export const FundingNews = z.discriminatedUnion('type', [
  z.object({ type: z.literal('channel-active'), outpoint: z.string(), chanId: ChannelId }),
  z.object({ type: z.literal('published'), outpoint: z.string() }),
  /** In a block; again after a reorganisation. */
  z.object({ type: z.literal('confirmed'), outpoint: z.string(), childFee: Sat.optional() }),
  /** A reorganisation took it out of the chain: it is published again. */
  z.object({ type: z.literal('reorganised'), outpoint: z.string() }),
  z.object({ type: z.literal('channel-closed'), outpoint: z.string() }),
  /** The channel's money does not exist on chain and never will. */
  z.object({ type: z.literal('conflicted'), outpoint: z.string(), spentBy: z.string() }),
  /** A child transaction pays for it now. */
  z.object({ type: z.literal('bumped'), outpoint: z.string(), satPerVbyte: Uint, budget: Sat }),
  /** It was to be taken back by a close, and stays. */
  z.object({ type: z.literal('kept'), outpoint: z.string(), reason: z.enum(['in-use', 'client-away', 'promised']) }),
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
  z.object({ type: z.literal('bump') }),
  z.object({ type: z.literal('release') }),
  z.object({ type: z.literal('cancel') }),
  z.object({ type: z.literal('close') }),
  z.object({ type: z.literal('abandon') }),
  z.object({ type: z.literal('notify'), news: FundingNews }),
])
export type FundingEffect = z.output<typeof FundingEffect>

export type FundingEvent =
  | { readonly type: 'psbt-funded'; readonly psbt: string; readonly outpoint: string }
  | { readonly type: 'channel-found'; readonly outpoint: string }
  | { readonly type: 'channel-active'; readonly chanId: bigint }
  /** lnd lists it as closing: its closing transaction waits for the funding. */
  | { readonly type: 'channel-closing' }
  | { readonly type: 'channel-closed' }
  | { readonly type: 'refused'; readonly reason: RefusalReason; readonly detail: string }
  | { readonly type: 'signed'; readonly raw: string }
  | { readonly type: 'published' }
  /** In no block: not yet, or, after a reorganisation, not any more. */
  | { readonly type: 'unconfirmed'; readonly height: number }
  /** In a block. `childFee` is what a child that paid for it cost, as far as it is known. */
  | { readonly type: 'mined'; readonly childFee?: Sat }
  /** Deep in the chain. */
  | { readonly type: 'confirmed'; readonly childFee?: Sat }
  /** It waits for long, and a child can help. */
  | ({ readonly type: 'stuck' } & Bump)
  /** lnd has the child. */
  | { readonly type: 'bumped' }
  | { readonly type: 'conflicted'; readonly spentBy: string }
  /** Money depends on the channel. */
  | { readonly type: 'publish-due' }
  /** Nothing is in the channel and nothing shall be. */
  | { readonly type: 'discard' }
  /** The channel turned out to have money in it. */
  | { readonly type: 'discard-refused' }
  /** Its owner does not want the channel any more. */
  | { readonly type: 'withdraw' }
  /** Every channel of the batch stands: the transaction that they share may be signed. */
  | { readonly type: 'batch-complete'; readonly psbt: string; readonly outpoint: string }
