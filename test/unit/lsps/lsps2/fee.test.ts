import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Msat, msat, OverflowError, type Ppm, U64_MAX } from '../../../../lsps/base/amount.ts'
import { computeOpeningFee } from '../../../../lsps/lsps2/fee.ts'
import { anyMsat, anyPpm } from '../arbitraries.ts'

const feeOrOverflow = (min: Msat, ppm: Ppm, size: Msat): bigint | 'overflow' => {
  try {
    return computeOpeningFee({ min_fee_msat: min, proportional: ppm }, size)
  } catch (error) {
    if (error instanceof OverflowError) return 'overflow'
    throw error
  }
}

describe('the opening fee', () => {
  it('[L2-30] [L2-31] [L2-33] is the formula of the samples wherever that fits into 64 bits, and an overflow elsewhere', () => {
    fc.assert(
      fc.property(anyMsat(), anyPpm(), anyMsat(), (min, ppm, size) => {
        const sum = size * BigInt(ppm) + 999_999n
        const rate = sum / 1_000_000n
        expect(feeOrOverflow(min, ppm, size)).toBe(sum > U64_MAX ? 'overflow' : rate > min ? rate : min)
      }),
    )
  })

  it('[L2-30] never falls when the payment grows', () => {
    const size = fc.bigInt({ min: 0n, max: 1n << 50n })
    fc.assert(
      fc.property(anyMsat(), fc.integer({ min: 0, max: 8000 }), size, size, (min, ppm, a, b) => {
        const terms = { min_fee_msat: min, proportional: ppm as Ppm }
        const [small, large] = a < b ? [a, b] : [b, a]
        expect(computeOpeningFee(terms, msat(small))).toBeLessThanOrEqual(computeOpeningFee(terms, msat(large)))
      }),
    )
  })

  it('[L2-31] [L2-34] overflows when only the rounding term leaves 64 bits', () => {
    const terms = { min_fee_msat: msat(0n), proportional: 1 as Ppm }
    expect(() => computeOpeningFee(terms, msat(U64_MAX))).toThrow(OverflowError)
    expect(computeOpeningFee(terms, msat(U64_MAX - 999_999n))).toBe(18_446_744_073_709n)
    expect(() => computeOpeningFee(terms, msat(U64_MAX - 999_998n))).toThrow(OverflowError)
  })
})
