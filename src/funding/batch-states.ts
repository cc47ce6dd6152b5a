import * as z from 'zod'
import { ChannelOrder, RefusalReason } from './states.ts'

const Uint = z.number().int().nonnegative()

/** A member whose channel exists at lnd and its peer, or may. */
const Placed = z.object({ order: ChannelOrder, outpoint: z.string() })
export type Placed = z.output<typeof Placed>

/** A member that is left out, and why. */
const Refused = z.object({ pendingChannelId: z.string(), reason: RefusalReason, detail: z.string() })
export type RefusedMember = z.output<typeof Refused>

const common = {
  /** Its name, and the lock of its coins at lnd: 32 random bytes in hex. */
  id: z.string(),
  /** How many transactions of it were burnt. */
  round: Uint,
}

export const Batch = z.discriminatedUnion('tag', [
  /** lnd may hold reservations in memory. No peer was told of a transaction. `again`: of earlier attempts, too. */
  z.object({
    tag: z.literal('gathering'),
    ...common,
    members: z.array(ChannelOrder),
    again: z.literal(true).optional(),
  }),
  /** The unsigned transaction is on disk. Peers may have signed for it. */
  z.object({ tag: z.literal('funded'), ...common, members: z.array(Placed), psbt: z.string() }),
  /** Every channel stands, and its owner wants it: from here on each order is signed and published like any other. */
  z.object({ tag: z.literal('complete'), ...common, members: z.array(Placed), psbt: z.string() }),
  /**
   * One is missing that others have signed beside: the transaction must never be. `standing` channels are given up
   * (`discarding`), then one of its coins is spent elsewhere (`burning`); the members are opened anew after that.
   */
  z.object({
    tag: z.literal('burning'),
    ...common,
    stage: z.enum(['discarding', 'burning']),
    members: z.array(ChannelOrder),
    standing: z.array(Placed),
    psbt: z.string(),
    /** How often spending a coin of it was begun. */
    attempt: Uint,
  }),
  /** Its orders go on by themselves, or are refused. Terminal. */
  z.object({ tag: z.literal('done'), ...common }),
])
export type Batch = z.output<typeof Batch>

export const BatchEffect = z.discriminatedUnion('type', [
  z.object({ type: z.literal('gather') }),
  z.object({ type: z.literal('verify') }),
  z.object({ type: z.literal('hand-out') }),
  z.object({ type: z.literal('discard') }),
  z.object({ type: z.literal('burn') }),
  z.object({ type: z.literal('release') }),
  z.object({ type: z.literal('refuse'), ...Refused.shape }),
])
export type BatchEffect = z.output<typeof BatchEffect>

export type BatchEvent =
  /** All that answered are in one transaction; undefined: nobody is. */
  | {
      readonly type: 'gathered'
      readonly placed: readonly Placed[]
      readonly psbt: string
      readonly refused: readonly RefusedMember[]
    }
  /** No peer has signed, and none ever will for this transaction: the others are gathered again. */
  | { readonly type: 'thinned'; readonly refused: readonly RefusedMember[] }
  /** Every channel stands and is wanted. */
  | { readonly type: 'whole' }
  /** `standing` have signed, and at least one other member never will, or is not wanted any more. */
  | {
      readonly type: 'broken'
      readonly standing: readonly string[]
      readonly refused: readonly RefusedMember[]
    }
  | { readonly type: 'handed-out' }
  | { readonly type: 'discarded' }
  /** A confirmed transaction spends one of its coins. */
  | { readonly type: 'burnt' }
  /** The coin that was to be spent is not to be had. */
  | { readonly type: 'burn-failed' }
