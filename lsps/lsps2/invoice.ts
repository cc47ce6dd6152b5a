import type { Msat } from '../base/amount.ts'
import type { Timestamp } from '../base/datetime.ts'
import type { NodeId } from '../base/node-id.ts'
import type { Scid } from '../base/scid.ts'

/** Blocks to add to the invoice's `min_final_cltv_expiry_delta`, but not to what is enforced on receipt (L2-56). */
export const EXTRA_FINAL_CLTV_BLOCKS = 2

const MS_PER_SECOND = 1000

/** One hop before the wallet: the channel's name, and what the LSP asks for forwarding over it. */
export type RouteHint = {
  readonly nodeId: NodeId
  readonly scid: Scid
  readonly baseFeeMsat: number
  readonly feeProportionalMillionths: number
  /** In blocks. */
  readonly cltvExpiryDelta: number
}

/** The one hop of the invoice's one route hint: nothing is paid for the forwarding (L2-55). */
export type JitRouteHint = RouteHint & { readonly baseFeeMsat: 0; readonly feeProportionalMillionths: 0 }

/** The route hint of an invoice that the server will open a channel for: through it, free of routing fees (L2-55). */
export function jitRouteHint(
  server: NodeId,
  bought: { readonly jit_channel_scid: Scid; readonly lsp_cltv_expiry_delta: number },
): JitRouteHint {
  return {
    nodeId: server,
    scid: bought.jit_channel_scid,
    baseFeeMsat: 0,
    feeProportionalMillionths: 0,
    cltvExpiryDelta: bought.lsp_cltv_expiry_delta,
  }
}

/**
 * The route hint of every later invoice (L2-98): the channel's own alias, as the LSP told it for this channel, and the
 * policy of its side of the channel. Nothing of the purchase: its scid may be this alias or not (L2-85), and stops
 * leading to the wallet when the offer ends (L2-71).
 */
export function channelRouteHint(
  server: NodeId,
  channel: { readonly alias: Scid } & Omit<RouteHint, 'nodeId' | 'scid'>,
): RouteHint {
  const { alias, baseFeeMsat, feeProportionalMillionths, cltvExpiryDelta } = channel
  return { nodeId: server, scid: alias, baseFeeMsat, feeProportionalMillionths, cltvExpiryDelta }
}

/** The longest expiry of an invoice made now, in whole seconds: it must not outlive the offer (L2-55); 0 when it has. */
export function longestInvoiceExpiry(offer: { readonly valid_until: Timestamp }, now: Timestamp): number {
  return Math.max(0, Math.floor((offer.valid_until - now) / MS_PER_SECOND))
}

/** One part of a payment as it reached the wallet. */
export type ReceivedPart = {
  /** What the sender's onion says that the part carries. */
  readonly onionAmount: Msat
  readonly htlcAmount: Msat
  readonly extraFee: Msat | undefined
}

/** Whether a wallet may take these parts: what is missing is what was declared, and not more than agreed (L2-95, L2-97). */
export function acceptsExtraFees(parts: readonly ReceivedPart[], agreedFee: Msat): boolean {
  let total = 0n
  for (const { onionAmount, htlcAmount, extraFee } of parts) {
    const deducted = extraFee ?? 0n
    if (htlcAmount !== onionAmount - deducted) return false
    total += deducted
  }
  return total <= agreedFee
}
