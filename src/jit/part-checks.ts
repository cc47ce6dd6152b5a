import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Deal, FailureCode, Part } from './states.ts'

/** Blocks that must be left before lnd fails a held HTLC by itself: time to open, and to be sure of the outcome. */
export const MIN_BLOCKS_BEFORE_AUTO_FAIL = 6
/** BOLT 4: a payee takes no more than twice what it asked for. The fee is for what was sold, and so is the channel. */
export const MOST_OVERPAID = 2n
/** Blocks that must be left on the outgoing HTLC for the client to claim it. */
export const MIN_OUTGOING_BLOCKS = 12
/** lnd forwards nothing that expires later (its `max-cltv-expiry`): the channel would be opened in vain. */
export const MAX_OUTGOING_BLOCKS = 2016

export type PartFault = { readonly code: FailureCode; readonly why: string }
export type PartFacts = {
  readonly height: number
  readonly at: Timestamp
  /** The scid routes to a channel: unknown_next_peer cannot be given any more (L2-110). */
  readonly bound: boolean
}

/**
 * Whether an HTLC counts as a part of the sale. lnd has not compared what the onion asks us to forward with what came
 * in: a payer who colludes with the client would otherwise be paid out of our channel (lnd.md 1.1).
 */
export function checkPart(deal: Deal, part: Part, { height, at, bound }: PartFacts): PartFault | undefined {
  const unknown = (why: string): PartFault => ({
    code: bound ? 'temporary_channel_failure' : 'unknown_next_peer',
    why,
  })
  if (at >= deal.validUntil) return unknown('the offer has ended')
  if (part.amountIn < part.amountOut) {
    return unknown(`the onion asks to forward ${part.amountOut} msat of ${part.amountIn} msat`)
  }
  if (part.amountOut > deal.paymentSize * MOST_OVERPAID) {
    return unknown(`${part.amountOut} msat for a payment that was sold as ${deal.paymentSize} msat`)
  }
  if (part.expiryIn - part.expiryOut < deal.cltvExpiryDelta) {
    return unknown(`expiry delta ${part.expiryIn - part.expiryOut}, sold with ${deal.cltvExpiryDelta}`)
  }
  if (part.expiryOut - height > MAX_OUTGOING_BLOCKS) return unknown(`expires too late: ${part.expiryOut} at ${height}`)
  if (part.autoFailHeight - height < MIN_BLOCKS_BEFORE_AUTO_FAIL || part.expiryOut - height < MIN_OUTGOING_BLOCKS) {
    return { code: 'temporary_channel_failure', why: `expires too soon: ${part.expiryOut} at height ${height}` }
  }
  if (part.amountOut >= deal.paymentSize && part.amountOut - deal.fee < deal.htlcMinimum) {
    return unknown(`after the fee ${part.amountOut - deal.fee} msat are left, less than ${deal.htlcMinimum} msat`)
  }
  return undefined
}
