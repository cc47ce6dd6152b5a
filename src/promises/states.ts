import * as z from 'zod'
import { Sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { NodeId } from '../../lsps/base/node-id.ts'

const Uint = z.number().int().nonnegative()
const At = z.custom<Timestamp>((v) => Number.isSafeInteger(v))
const ChannelId = z.codec(z.string().regex(/^\d+$/), z.bigint(), { decode: (text) => BigInt(text), encode: String })

/** What the channel was sold by: a just-in-time sale (its scid) or an order (its id). */
export const Source = z.object({ type: z.enum(['jit', 'order']), id: z.string() })
export type Source = z.output<typeof Source>

/** How a channel ended, in lnd's words. */
export const CloseType = z.enum([
  'cooperative',
  'local_force',
  'remote_force',
  'breach',
  'funding_canceled',
  'abandoned',
])
export type CloseType = z.output<typeof CloseType>

/** Who began a close, as far as lnd tells: our node (an operator, or lnd itself), the peer, or either. */
export const Closer = z.enum(['us', 'peer', 'unknown'])
export type Closer = z.output<typeof Closer>

/** A longer life that was bought (LSPS7). */
const Extension = z.object({ order: z.string(), blocks: Uint, at: At })

/**
 * How long a channel that was sold and paid for stays open: until `blocks` after its funding came into a block, and not
 * before `notBefore` either. Whoever began the close of it decides nothing about that: only our own closes are bound.
 */
export const LifetimePromise = z.object({
  outpoint: z.string(),
  peer: NodeId,
  source: Source,
  /** As lnd names it, once it was seen open. */
  chanId: ChannelId.optional(),
  /** Extensions included. */
  blocks: Uint,
  /** L1-95: what a client was told as a time. Blocks may come faster than that. */
  notBefore: At.optional(),
  /** The height of the block that its funding stands in, the highest one that was seen; absent before. */
  fromHeight: Uint.optional(),
  /** That block is deep in the chain: it is not looked for again. */
  deep: z.literal(true).optional(),
  extensions: z.array(Extension),
  madeAt: At,
  /** When the peer was last seen connected, and something last moved in the channel: known to a day. */
  seenAt: At.optional(),
  movedAt: At.optional(),
  /** What lnd said of the channel then: all that ever went out and came in, in sat. */
  moved: z.object({ sent: Sat, received: Sat }).optional(),
  /** Since when lnd has it among the closing ones, and whether that was before its time. */
  closing: z.object({ at: At, height: Uint, early: z.boolean() }).optional(),
})
export type LifetimePromise = z.output<typeof LifetimePromise>

/** A promise whose channel is gone. */
export const EndedPromise = z.object({
  promise: LifetimePromise,
  at: At,
  height: Uint,
  closeType: CloseType,
  by: Closer,
  early: z.boolean(),
})
export type EndedPromise = z.output<typeof EndedPromise>

/** A moment as the chain and the clock have it. */
export type Moment = { readonly height: number; readonly now: Timestamp }

/** The height from which on the channel may be closed, as far as blocks go; undefined before its funding is in a block. */
export function untilHeight({ fromHeight, blocks }: LifetimePromise): number | undefined {
  return fromHeight === undefined ? undefined : fromHeight + blocks
}

/** Whether all that was promised was kept: only then may we close the channel. */
export function isOver(promise: LifetimePromise, { height, now }: Moment): boolean {
  const until = untilHeight(promise)
  if (until === undefined || height < until) return false
  return promise.notBefore === undefined || now >= promise.notBefore
}
