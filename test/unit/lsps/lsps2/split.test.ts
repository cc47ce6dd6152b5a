import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Msat, msat } from '../../../../lsps/base/amount.ts'
import { splitFee } from '../../../../lsps/lsps2/split.ts'

const sum = (amounts: readonly (bigint | undefined)[]) => amounts.reduce<bigint>((total, n) => total + (n ?? 0n), 0n)
const amount = (max: bigint): fc.Arbitrary<Msat> => fc.bigInt({ min: 0n, max }).map((n) => msat(n))

describe('the fee over the parts of a payment', () => {
  it('[L2-92] [L2-94] [L2-96] is deducted exactly, each part keeps the minimum, and fails only when it must', () => {
    const parts = fc.array(amount(5000n), { maxLength: 8 })
    fc.assert(
      fc.property(parts, amount(20_000n), amount(2000n), (amounts, fee, minimum) => {
        const split = splitFee(amounts, fee, minimum)
        const possible = amounts.every((n) => n >= minimum) && sum(amounts) - minimum * BigInt(amounts.length) >= fee
        expect(split !== undefined).toBe(possible)
        if (split === undefined) return
        expect(sum(split.map(({ extraFee }) => extraFee))).toBe(fee)
        split.forEach(({ amountOut, extraFee }, i) => {
          expect(amountOut + (extraFee ?? 0n)).toBe(amounts[i])
          expect(amountOut).toBeGreaterThanOrEqual(minimum)
          expect(extraFee).not.toBe(0n)
        })
      }),
    )
  })

  it('[L2-96] forwards what follows the fee verbatim', () => {
    expect(splitFee([msat(500n), msat(400n)], msat(100n), msat(1n))).toEqual([
      { amountOut: 400n, extraFee: 100n },
      { amountOut: 400n, extraFee: undefined },
    ])
  })

  it('[L2-96] does not underflow on a part below the minimum', () => {
    expect(splitFee([msat(999n), msat(10_000n)], msat(1n), msat(1000n))).toBeUndefined()
  })
})
