import * as z from 'zod'
import { Sat } from '../../lsps/base/amount.ts'

const Uint = z.number().int().nonnegative()

/** A transaction of our own that makes coins of one size. Never changes. */
export const SplitPlan = z.object({
  /** Its name for us, and the lock of its coins at lnd: 32 random bytes in hex. */
  id: z.string().regex(/^[0-9a-f]{64}$/),
  inputs: z.array(z.string()).min(1),
  outputs: Uint,
  size: Sat,
  satPerVbyte: Uint,
})
export type SplitPlan = z.output<typeof SplitPlan>

export const Split = z.discriminatedUnion('tag', [
  /** lnd may have locked its coins. No transaction of it exists. */
  z.object({ tag: z.literal('planned'), plan: SplitPlan }),
  /** The unsigned transaction is on disk and is the only one that will ever be signed for this plan. */
  z.object({ tag: z.literal('funded'), plan: SplitPlan, psbt: z.string() }),
  /** It may be in the mempool: from here on it is published with each block. */
  z.object({ tag: z.literal('signed'), plan: SplitPlan, raw: z.string(), txid: z.string() }),
  /** In a block: its outputs are coins like any other. Terminal. */
  z.object({ tag: z.literal('done'), plan: SplitPlan, txid: z.string() }),
  /** Nothing was made, its coins are not locked any more. Terminal. */
  z.object({ tag: z.literal('dropped'), plan: SplitPlan, why: z.string() }),
])
export type Split = z.output<typeof Split>

export const SplitEffect = z.discriminatedUnion('type', [
  z.object({ type: z.literal('fund') }),
  z.object({ type: z.literal('sign') }),
  z.object({ type: z.literal('publish') }),
  z.object({ type: z.literal('release') }),
])
export type SplitEffect = z.output<typeof SplitEffect>

export type SplitEvent =
  | { readonly type: 'funded'; readonly psbt: string }
  /** lnd does not make this transaction: a coin was spent meanwhile. */
  | { readonly type: 'refused'; readonly why: string }
  | { readonly type: 'signed'; readonly raw: string; readonly txid: string }
  | { readonly type: 'confirmed' }
  /** Another transaction spent an input, deep in the chain: this one can never confirm. */
  | { readonly type: 'conflicted'; readonly spentBy: string }
