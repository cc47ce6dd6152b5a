import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, type Ppm, U64_MAX } from '../../../lsps/base/amount.ts'
import { lenientFee, openingFee } from '../../../src/jit/fees.ts'
import { ANY_AMOUNT, DEAL, FEE, SIZE } from './samples.ts'

const PPM = 1_000_000n
const anyRate = fc.integer({ min: 0, max: 1_000_000 })
const anyPayment = fc.bigInt({ min: 0n, max: 10n ** 13n }).map(msat)

describe('the opening fee of a sale', () => {
  it('is what was agreed for the size that was sold, also when more came [L2-92]', () => {
    expect(openingFee(DEAL, msat(SIZE + 1n))).toBe(FEE)
  })

  it('is the rate on the payment that came, at least the minimum, where no size was agreed [L2-67]', () => {
    expect(openingFee(ANY_AMOUNT, msat(800_000_000n))).toBe(2_000_000n)
    expect(openingFee(ANY_AMOUNT, msat(10_000_000n))).toBe(ANY_AMOUNT.minFee)
  })

  it('is none where it does not fit into 64 bits [L2-67]', () => {
    expect(openingFee({ ...ANY_AMOUNT, proportional: 1000 as Ppm }, msat(U64_MAX))).toBeUndefined()
  })

  it('is what ldk-node accepts where the operator allows that, unless it is below his floor (D11)', () => {
    const payment = msat(800_000_000n)
    const lenient = lenientFee(ANY_AMOUNT.proportional, payment)
    expect(lenient).toBeLessThan(2_000_000n)
    expect(openingFee({ ...ANY_AMOUNT, lenientSkimFloor: lenient }, payment)).toBe(lenient)
    expect(openingFee({ ...ANY_AMOUNT, lenientSkimFloor: msat(lenient + 1n) }, payment)).toBe(2_000_000n)
  })

  it('is never more than was promised, whatever the floor', () => {
    fc.assert(
      fc.property(anyRate, anyPayment, fc.bigInt({ min: 0n, max: 10n ** 9n }), (rate, payment, floor) => {
        const deal = { ...ANY_AMOUNT, proportional: rate as Ppm }
        const promised = openingFee(deal, payment) ?? 0n
        expect(openingFee({ ...deal, lenientSkimFloor: msat(floor) }, payment)).toBeLessThanOrEqual(promised)
      }),
    )
  })
})

describe('the lenient fee', () => {
  it('is the largest that is within the rate on what is left, rounded up (D11)', () => {
    const fits = (rate: number, payment: bigint, fee: bigint) =>
      fee <= ((payment - fee) * BigInt(rate) + PPM - 1n) / PPM
    fc.assert(
      fc.property(anyRate, anyPayment, (rate, payment) => {
        const fee = lenientFee(rate, payment)
        expect(fee === 0n || fits(rate, payment, fee)).toBe(true)
        expect(fee === payment || !fits(rate, payment, fee + 1n)).toBe(true)
      }),
    )
  })
})
