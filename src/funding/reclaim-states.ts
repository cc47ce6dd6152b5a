import * as z from 'zod'
import { ChannelOrder } from './states.ts'

const Uint = z.number().int().nonnegative()

/** What is done about a peer that does not come back, persisted with the request. */
export const ReclaimTerms = z.object({
  /** Blocks for which a close with the peer is tried. */
  withinBlocks: Uint,
  afterwards: z.enum(['keep', 'force']),
})
export type ReclaimTerms = z.output<typeof ReclaimTerms>

const channel = { order: ChannelOrder, outpoint: z.string() }

/** Taking back, by a close, a channel whose fee was never earned. */
export const Reclaim = z.discriminatedUnion('tag', [
  /** An attempt is under way. `since` is the height of the first block afterwards. */
  z.object({
    tag: z.literal('asked'),
    ...channel,
    terms: ReclaimTerms,
    how: z.enum(['cooperative', 'force']),
    since: Uint.optional(),
  }),
  /** The last attempt came to nothing: the peer is away, a payment is in the channel, closing costs too much. */
  z.object({ tag: z.literal('waiting'), ...channel, terms: ReclaimTerms, since: Uint.optional() }),
  /** There is a closing transaction. */
  z.object({ tag: z.literal('closing'), ...channel }),
  /** Our coins are ours again. Terminal. */
  z.object({ tag: z.literal('closed'), ...channel }),
  /** The channel stays: its peer was paid over it, by any payment, did not come back in time, or paid for it. Terminal. */
  z.object({ tag: z.literal('kept'), ...channel, reason: z.enum(['in-use', 'client-away', 'promised']) }),
])
export type Reclaim = z.output<typeof Reclaim>

export type KeptReason = Extract<Reclaim, { tag: 'kept' }>['reason']

export const ReclaimEffect = z.discriminatedUnion('type', [
  z.object({ type: z.literal('close') }),
  z.object({ type: z.literal('notify-closed') }),
  z.object({ type: z.literal('notify-kept') }),
])
export type ReclaimEffect = z.output<typeof ReclaimEffect>

export type ReclaimEvent =
  | { readonly type: 'block'; readonly height: number; readonly peer: 'there' | 'away' }
  /** An attempt came to nothing. */
  | { readonly type: 'not-now' }
  | { readonly type: 'in-use' }
  /** Its lifetime is promised. */
  | { readonly type: 'promised' }
  | { readonly type: 'closing' }
  | { readonly type: 'closed' }
