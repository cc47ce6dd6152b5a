import { type Msat, msat } from '../base/amount.ts'
import { decodeTlvStream, decodeU64, encodeTlvRecord, encodeU64, TlvError } from '../base/tlv.ts'

/** The type of `extra_fee` in `update_add_htlc` (bLIP-25). */
export const EXTRA_FEE_TLV_TYPE = 65_537n

/**
 * The value under type 65537: what is deducted from this part, exactly 8 bytes, big-endian, not truncated (L2-93).
 * @throws RangeError for zero: a part without a deduction carries no record (L2-94)
 */
export function encodeExtraFee(extraFee: Msat): Uint8Array {
  if (extraFee === 0n) throw new RangeError('a part without a deduction carries no extra_fee')
  return encodeU64(extraFee)
}

/** The record as it travels: type, length, value. */
export function encodeExtraFeeRecord(extraFee: Msat): Uint8Array {
  return encodeTlvRecord({ type: EXTRA_FEE_TLV_TYPE, value: encodeExtraFee(extraFee) })
}

/** @throws TlvError unless there are exactly 8 bytes */
export function decodeExtraFee(value: Uint8Array): Msat {
  return msat(decodeU64(value))
}

/**
 * The extra fee in the TLV records of an `update_add_htlc`, undefined when it has none. Unknown odd types are skipped.
 * @throws TlvError for malformed records and for unknown even types, which the reader must understand (BOLT1)
 */
export function readExtraFee(tlvs: Uint8Array): Msat | undefined {
  let extraFee: Msat | undefined
  for (const { type, value } of decodeTlvStream(tlvs)) {
    if (type === EXTRA_FEE_TLV_TYPE) extraFee = decodeExtraFee(value)
    else if (type % 2n === 0n) throw new TlvError(`unknown required type ${type}`)
  }
  return extraFee
}
