import * as z from 'zod'
import { Msat, Ppm } from '../base/amount.ts'

const PPM_DIVISOR = 1_000_000n

/**
 * The most that a wallet lets an LSP keep of one payment: an amount, a part of the payment in parts per million, or
 * both, and then the lower one counts.
 */
export type FeeCap =
  | { readonly msat: Msat; readonly ppm?: Ppm | undefined }
  | { readonly msat?: undefined; readonly ppm: Ppm }

/** The codec of the stored form: amounts as decimal strings. */
export const FeeCap = z.union([
  z.strictObject({ msat: Msat, ppm: Ppm.optional() }),
  z.strictObject({ ppm: Ppm }),
]) satisfies z.ZodType<FeeCap>

/** The cap for a payment of this size, in msat; a share is rounded down. */
export function highestFee({ msat, ppm }: FeeCap, payment: Msat): Msat {
  const share = ppm === undefined ? undefined : (payment * BigInt(ppm)) / PPM_DIVISOR
  if (msat === undefined) return (share ?? 0n) as Msat
  return share === undefined || msat < share ? msat : (share as Msat)
}
