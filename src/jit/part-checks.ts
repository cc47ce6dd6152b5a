import type { Timestamp } from '../../lsps/base/datetime.ts'
import { openingFee } from './fees.ts'
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
  const why =
    at >= deal.validUntil ? 'the offer has ended' : (wrongValues(deal, part, height) ?? wrongAmount(deal, part))
  if (why !== undefined) return { code: bound ? 'temporary_channel_failure' : 'unknown_next_peer', why }
  if (hasTimeLeft(part, height)) return undefined
  return { code: 'temporary_channel_failure', why: `expires too soon: ${part.expiryOut} at height ${height}` }
}

/** Blocks enough to open a channel, and for the client to claim the payment (L2-73). */
export function hasTimeLeft({ autoFailHeight, expiryOut }: Part, height: number): boolean {
  return autoFailHeight - height >= MIN_BLOCKS_BEFORE_AUTO_FAIL && expiryOut - height >= MIN_OUTGOING_BLOCKS
}

function wrongValues(deal: Deal, part: Part, height: number): string | undefined {
  if (part.amountIn < part.amountOut) {
    return `the onion asks to forward ${part.amountOut} msat of ${part.amountIn} msat`
  }
  if (part.expiryIn - part.expiryOut < deal.cltvExpiryDelta) {
    return `expiry delta ${part.expiryIn - part.expiryOut}, sold with ${deal.cltvExpiryDelta}`
  }
  if (part.expiryOut - height > MAX_OUTGOING_BLOCKS) return `expires too late: ${part.expiryOut} at ${height}`
  return undefined
}

function wrongAmount(deal: Deal, { amountOut }: Part): string | undefined {
  if (amountOut < deal.htlcMinimum) return `${amountOut} msat, less than the ${deal.htlcMinimum} msat of any HTLC`
  if (deal.via !== undefined) return undefined // its payment is judged as a whole
  if (deal.paymentSize !== undefined) {
    if (amountOut <= deal.paymentSize * MOST_OVERPAID) return undefined
    return `${amountOut} msat for a payment that was sold as ${deal.paymentSize} msat`
  }
  const { minPayment = deal.htlcMinimum, maxPayment = amountOut } = deal
  if (amountOut < minPayment) return `${amountOut} msat, less than the ${minPayment} msat of the offer`
  if (amountOut > maxPayment) return `${amountOut} msat, more than the ${maxPayment} msat of the offer`
  const fee = openingFee(deal, amountOut)
  if (fee === undefined) return `the fee for ${amountOut} msat does not fit into 64 bits`
  if (fee + deal.htlcMinimum <= amountOut) return undefined
  return `after the fee of ${fee} msat less than ${deal.htlcMinimum} msat are left of ${amountOut} msat`
}
