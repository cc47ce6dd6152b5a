import { type Msat, msat } from '../base/amount.ts'

/** What becomes of one part of a payment. `extraFee` is undefined, never 0, where nothing is deducted (L2-94). */
export type PartSplit = { readonly amountOut: Msat; readonly extraFee: Msat | undefined }

/**
 * Deducts the opening fee from the parts in their order, each keeping at least `htlcMinimum` (L2-96). Undefined when
 * the parts cannot carry the fee, or one of them is below the minimum already: then nothing may be forwarded.
 */
export function splitFee(parts: readonly Msat[], fee: Msat, htlcMinimum: Msat): readonly PartSplit[] | undefined {
  let owed = fee
  const split: PartSplit[] = []
  for (const part of parts) {
    if (part < htlcMinimum) return undefined
    const spare = msat(part - htlcMinimum)
    const deducted = spare < owed ? spare : owed
    owed = msat(owed - deducted)
    split.push({ amountOut: msat(part - deducted), extraFee: deducted === 0n ? undefined : deducted })
  }
  return owed === 0n ? split : undefined
}
