import * as z from 'zod'
import { Msat, msat, Ppm, U64_MAX } from '../base/amount.ts'
import { Datetime, type Timestamp } from '../base/datetime.ts'
import { NodeId } from '../base/node-id.ts'
import { Scid } from '../base/scid.ts'
import { openingFee } from './fee.ts'
import { FeeCap, highestFee } from './fee-cap.ts'
import {
  EXTRA_FINAL_CLTV_BLOCKS,
  type JitRouteHint,
  jitRouteHint,
  longestInvoiceExpiry,
  type ReceivedPart,
} from './invoice.ts'
import { Blocks } from './schema.ts'

/** Longest expiry of an invoice unless the wallet wants another, in seconds. */
export const USUAL_EXPIRY_SECONDS = 3600

/**
 * What a wallet bought, and all that it needs to know when the payment comes. Plain data: keep it beside the invoice
 * (`z.encode` and `z.decode` with this codec), for the payment may come after a restart.
 */
export const JitPurchase = z.strictObject({
  /** The LSP: only its channels may bring parts with a deduction. */
  lsp: NodeId,
  /** The scid that was sold. The channel's own alias may be the same or another (L2-85): do not derive one from the other. */
  scid: Scid,
  cltvExpiryDelta: Blocks,
  /** The price as promised; the fee of an invoice without an amount follows from what arrives. */
  minFee: Msat,
  proportional: Ppm,
  /** No invoice for this purchase may live longer (L2-55). */
  validUntil: Datetime,
  /** After the channel was paid for, the LSP keeps it open for so many blocks (L2-06). */
  lifetimeBlocks: Blocks,
  /** The most that the wallet may demand as the LSP's `to_self_delay`, in blocks (L2-81). */
  maxToSelfDelayBlocks: Blocks,
  /** What the invoice asks for; absent for an invoice without an amount (L2-53). */
  amount: Msat.optional(),
  maxFee: FeeCap,
  /** `lsp-first`: the funding is published at once. `client-first`: only when the preimage is known (L2-49, L2-86). */
  trust: z.enum(['lsp-first', 'client-first']),
})

export type JitPurchase = z.output<typeof JitPurchase>

/** What the invoice of a purchase has to say. Everything else in it is the wallet's business. */
export type InvoiceRules = {
  /** In msat; undefined: an invoice without an amount (L2-57). */
  readonly amount: Msat | undefined
  /** The only route hint, of this one hop (L2-55). */
  readonly routeHint: JitRouteHint
  /** Whether the feature `basic_mpp` is set: only with an amount (L2-57). */
  readonly basicMpp: boolean
  /** For the invoice only: what is enforced on receipt stays the wallet's normal value (L2-56). In blocks. */
  readonly minFinalCltvExpiryDelta: number
  /** In seconds, counted from the `now` that was given, 1 or more (L2-55). */
  readonly expirySeconds: number
}

/**
 * What to write into the invoice of a purchase when it is made at `now`; undefined when the offer has ended: buy anew.
 * `finalCltvBlocks` is what the wallet demands of any payment; two blocks are added, since the channel opens first.
 */
export function invoiceRules(
  purchase: JitPurchase,
  {
    now,
    finalCltvBlocks,
    expirySeconds = USUAL_EXPIRY_SECONDS,
  }: { readonly now: Timestamp; readonly finalCltvBlocks: number; readonly expirySeconds?: number | undefined },
): InvoiceRules | undefined {
  const longest = longestInvoiceExpiry({ valid_until: purchase.validUntil }, now)
  if (longest < 1) return undefined
  return {
    amount: purchase.amount,
    routeHint: jitRouteHint(purchase.lsp, {
      jit_channel_scid: purchase.scid,
      lsp_cltv_expiry_delta: purchase.cltvExpiryDelta,
    }),
    basicMpp: purchase.amount !== undefined,
    minFinalCltvExpiryDelta: finalCltvBlocks + EXTRA_FINAL_CLTV_BLOCKS,
    expirySeconds: Math.min(expirySeconds, longest),
  }
}

/** The fee that was agreed for a payment of this size, in msat; undefined when it does not fit into 64 bits. */
export function agreedFee(purchase: JitPurchase, payment: Msat): Msat | undefined {
  const { minFee: min_fee_msat, proportional } = purchase
  return openingFee({ min_fee_msat, proportional }, purchase.amount ?? payment)
}

/** Why the parts of a payment must be failed, all of them. Amounts in msat. */
export type PartsFailure =
  /** A part is not what its onion says less what its record declares (L2-95). `part` counts from 0. */
  | { readonly code: 'undeclared-deduction'; readonly part: number }
  /** More was kept back than the promised price allows (L2-95). */
  | { readonly code: 'above-agreed-fee'; readonly deducted: Msat; readonly agreed: Msat }
  /** The price is as promised, but more than the wallet's cap for a payment of this size. */
  | { readonly code: 'above-cap'; readonly deducted: Msat; readonly cap: Msat }
  /** An invoice without an amount is paid by one HTLC (L2-57, L2-67). */
  | { readonly code: 'several-parts' }
  /** The parts, or the price for them, leave 64 bits (L2-31). */
  | { readonly code: 'overflow' }

/** What to do with the parts that have come so far. Amounts in msat. */
export type PartsVerdict =
  /** Claim all of them: `received` is the wallet's, `fee` was kept back. */
  | { readonly verdict: 'claim'; readonly received: Msat; readonly fee: Msat; readonly reveal: Reveal }
  /** Hold them for the rest of the payment, as for any payment in several parts: `missing` at least. */
  | { readonly verdict: 'wait'; readonly missing: Msat }
  | { readonly verdict: 'fail'; readonly reason: PartsFailure }

/**
 * When the preimage may be given away (L2-101). `at-once`: it must, as soon as the HTLCs are irrevocably committed;
 * the LSP publishes the funding only then, so waiting for the transaction waits for ever. `when-satisfied`: at once
 * too, or after the wallet saw the funding transaction in a mempool or in a block.
 */
export type Reveal = 'at-once' | 'when-satisfied'

/** How the preimage of a purchase may be given away. */
export function revealRule({ trust }: Pick<JitPurchase, 'trust'>): Reveal {
  return trust === 'client-first' ? 'at-once' : 'when-satisfied'
}

function fail(reason: PartsFailure): PartsVerdict {
  return { verdict: 'fail', reason }
}

/**
 * Judges all parts of one payment that have come so far, over channels with the LSP. Ask again with each further
 * part, until it says `claim` or `fail`; parts that come after a claim are claimed with the same preimage as long as
 * the whole is not `fail`.
 *
 * - Each part is exactly what its onion says less its declared `extra_fee` (L2-95).
 * - All that is kept back is at most the agreed fee (L2-95), and at most the wallet's cap.
 * - With an amount: claimed once the parts are worth the amount less the agreed fee (L2-97); the fee is that of the
 *   invoice's amount, even if more is paid.
 * - Without one: the fee is that of the one HTLC.
 */
export function checkParts(purchase: JitPurchase, parts: readonly ReceivedPart[]): PartsVerdict {
  const undeclared = parts.findIndex(
    ({ onionAmount, htlcAmount, extraFee }) => htlcAmount !== onionAmount - (extraFee ?? 0n),
  )
  if (undeclared >= 0) return fail({ code: 'undeclared-deduction', part: undeclared })
  if (purchase.amount === undefined && parts.length > 1) return fail({ code: 'several-parts' })

  const total = parts.reduce((sum, { onionAmount }) => sum + onionAmount, 0n)
  const kept = parts.reduce((sum, { extraFee }) => sum + (extraFee ?? 0n), 0n)
  if (total > U64_MAX) return fail({ code: 'overflow' })
  const sent = msat(total)
  const payment = purchase.amount ?? sent
  const agreed = agreedFee(purchase, payment)
  if (agreed === undefined) return fail({ code: 'overflow' })
  const deducted = msat(kept) // not more than `sent`
  if (deducted > agreed) return fail({ code: 'above-agreed-fee', deducted, agreed })
  const cap = highestFee(purchase.maxFee, payment)
  if (deducted > cap) return fail({ code: 'above-cap', deducted, cap })

  const received = msat(sent - deducted)
  const least = purchase.amount === undefined ? 1n : payment - agreed
  if (parts.length > 0 && received >= least)
    return { verdict: 'claim', received, fee: deducted, reveal: revealRule(purchase) }
  return { verdict: 'wait', missing: msat(least > received ? least - received : 0n) }
}
