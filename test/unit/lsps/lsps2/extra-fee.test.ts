import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../../lsps/base/amount.ts'
import { TlvError } from '../../../../lsps/base/tlv.ts'
import { decodeExtraFee, encodeExtraFee, encodeExtraFeeRecord, readExtraFee } from '../../../../lsps/lsps2/extra-fee.ts'
import { anyMsat } from '../arbitraries.ts'

describe('extra_fee', () => {
  it('[L2-93] is exactly 8 bytes, big-endian', () => {
    fc.assert(
      fc.property(anyMsat(), (fee) => {
        fc.pre(fee > 0n)
        expect(encodeExtraFee(fee)).toHaveLength(8)
        expect(decodeExtraFee(encodeExtraFee(fee))).toBe(fee)
        expect(readExtraFee(encodeExtraFeeRecord(fee))).toBe(fee)
      }),
    )
  })

  it('[L2-93] travels as type, length and value', () => {
    expect(bytesToHex(encodeExtraFeeRecord(msat(546_000n)))).toBe('fe000100010800000000000854d0')
  })

  it('[L2-94] does not exist for a part without a deduction', () => {
    expect(() => encodeExtraFee(msat(0n))).toThrow(RangeError)
  })

  it.each(['', '01', '03e8', '00000000000003', '000000000000000003e8'])('[L2-93] refuses the value "%s"', (hex) => {
    expect(() => decodeExtraFee(hexToBytes(hex))).toThrow(TlvError)
  })
})
