import { type Msat, msat, OverflowError } from '../base/amount.ts'
import type { FeeTerms } from './schema.ts'

/** Parts per million: the samples of bLIP-52 divide by this; its prose has a zero too many (L2-33, D10). */
const PPM_DIVISOR = 1_000_000n
const ROUND_UP = PPM_DIVISOR - 1n

/**
 * What opening the channel costs, in msat: the rate on the payment rounded up, at least the minimum (L2-30).
 * @throws OverflowError when the product or the sum leaves 64 bits (L2-31)
 */
export function computeOpeningFee(terms: Pick<FeeTerms, 'min_fee_msat' | 'proportional'>, paymentSize: Msat): Msat {
  const product = msat(paymentSize * BigInt(terms.proportional))
  const rate = msat(msat(product + ROUND_UP) / PPM_DIVISOR)
  return rate > terms.min_fee_msat ? rate : terms.min_fee_msat
}

/** The same, or undefined where it does not fit into 64 bits: such a payment is not sold (L2-32). */
export function openingFee(
  terms: Pick<FeeTerms, 'min_fee_msat' | 'proportional'>,
  paymentSize: Msat,
): Msat | undefined {
  try {
    return computeOpeningFee(terms, paymentSize)
  } catch (error) {
    if (error instanceof OverflowError) return undefined
    throw error
  }
}
