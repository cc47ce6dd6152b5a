import * as z from 'zod'
import { Sat } from '../../lsps/base/amount.ts'

const Uint = z.number().int().nonnegative()

/** A payment from the wallet to an address. Never changes. */
export const PayoutOrder = z.object({
  /** Its name for ever: whoever asks twice with one name is paid once. */
  id: z.string().min(1),
  /** Who is told what became of it. */
  owner: z.string(),
  /** SegWit, version 0 or 1. */
  address: z.string(),
  /** What leaves the wallet, in satoshi: the fee that miners take is part of it. */
  amount: Sat,
  /** Left out: an estimate of lnd when it is built. */
  satPerVbyte: Uint.optional(),
  /** The coins that it spends, all of them; left out: lnd selects. */
  inputs: z.array(z.string()).optional(),
})
export type PayoutOrder = z.output<typeof PayoutOrder>

/** One signed transaction of a payout. All of a payout spend the same coins: one of them confirms at most. */
const Version = z.object({ txid: z.string(), raw: z.string(), fee: Sat, satPerVbyte: Uint })
export type PayoutVersion = z.output<typeof Version>

const Versions = z.array(Version).min(1)
export type PayoutVersions = readonly [PayoutVersion, ...PayoutVersion[]]

/** `psbt` is empty where the transaction was found again at lnd: there is nothing to make a dearer one from. */
const Draft = z.object({ psbt: z.string(), fee: Sat, satPerVbyte: Uint })
export type PayoutDraft = z.output<typeof Draft>

/** When it was hurried along for the last time, and with what: a child of the change, or another transaction. */
const Hurry = z.object({ at: Uint, satPerVbyte: Uint })

export const Payout = z.discriminatedUnion('tag', [
  /**
   * lnd may have locked coins for it. Nothing is signed that pays it, as far as this database knows. `again`: what was
   * signed for it before can never be.
   */
  z.object({ tag: z.literal('planned'), order: PayoutOrder, again: z.literal(true).optional() }),
  /** The unsigned transaction is on disk: the only one that is signed for it now. */
  z.object({ tag: z.literal('funded'), order: PayoutOrder, draft: Draft }),
  /** Signed, and published with each block until it is deep in the chain. The last version is the one to publish. */
  z.object({
    tag: z.literal('signed'),
    order: PayoutOrder,
    draft: Draft,
    versions: Versions,
    /** When it was first signed, Unix time in ms. */
    since: Uint,
    hurried: Hurry.optional(),
    /** What is to replace the last version: it spends the same coins, and is being signed. */
    next: Draft.optional(),
    /** Its owner was told that it is on its way. */
    told: z.literal(true).optional(),
    /** The version that is in a block, but not so deep that a reorganisation could not take it out again. */
    mined: z.string().optional(),
  }),
  /** Deep in the chain. Terminal. */
  z.object({ tag: z.literal('paid'), order: PayoutOrder, txid: z.string(), fee: Sat }),
  /**
   * Nothing was sent and nothing will be. `dust`: no output is left after the fee. `inputs-gone`: the coins that it
   * names are not to be had. Terminal.
   */
  z.object({ tag: z.literal('abandoned'), order: PayoutOrder, reason: z.enum(['dust', 'inputs-gone']) }),
])
export type Payout = z.output<typeof Payout>

export const PayoutNews = z.discriminatedUnion('type', [
  /** `amount` is what arrives, `fee` what miners take: together the amount of the order. */
  z.object({ type: z.literal('payout-published'), txid: z.string(), amount: Sat, fee: Sat }),
  /** Deep in the chain. Of several versions that one. */
  z.object({ type: z.literal('payout-confirmed'), txid: z.string(), amount: Sat, fee: Sat }),
  z.object({ type: z.literal('payout-abandoned'), reason: z.enum(['dust', 'inputs-gone']) }),
])
/** What the owner of a payout is told, at least once each; again, with another txid, when one had to be made anew. */
export type PayoutNews = z.output<typeof PayoutNews>

export const PayoutEffect = z.discriminatedUnion('type', [
  z.object({ type: z.literal('fund') }),
  z.object({ type: z.literal('sign') }),
  z.object({ type: z.literal('sign-next') }),
  z.object({ type: z.literal('publish') }),
  z.object({ type: z.literal('bump'), change: Uint, satPerVbyte: Uint, budget: Sat }),
  z.object({ type: z.literal('release') }),
  z.object({ type: z.literal('notify'), news: PayoutNews }),
])
export type PayoutEffect = z.output<typeof PayoutEffect>

export type PayoutEvent =
  | { readonly type: 'funded'; readonly draft: PayoutDraft }
  | { readonly type: 'abandoned'; readonly reason: 'dust' | 'inputs-gone' }
  /** lnd has transactions that pay it, of the same coins: a newer database than this one had them signed. */
  | { readonly type: 'found'; readonly versions: PayoutVersions; readonly at: number }
  | { readonly type: 'signed'; readonly txid: string; readonly raw: string; readonly at: number }
  /** A mempool has it. */
  | { readonly type: 'published' }
  /** It waits for long, and a child of its change can help. */
  | {
      readonly type: 'stuck'
      readonly at: number
      readonly change: number
      readonly satPerVbyte: number
      readonly budget: Sat
    }
  /** It waits for long and has no change: the same coins pay more. */
  | { readonly type: 'replace'; readonly at: number; readonly draft: PayoutDraft }
  /** In no block: not yet, or, after a reorganisation, not any more. */
  | { readonly type: 'unconfirmed' }
  | { readonly type: 'mined'; readonly txid: string }
  | { readonly type: 'confirmed'; readonly txid: string }
  /** Another transaction spent its coins and is deep in the chain: none of its versions can ever confirm. */
  | { readonly type: 'conflicted'; readonly spentBy: string }
