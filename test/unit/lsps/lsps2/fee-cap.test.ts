import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { msat, type Ppm } from '../../../../lsps/base/amount.ts'
import { FeeCap, highestFee } from '../../../../lsps/lsps2/fee-cap.ts'

describe('the cap of a fee', () => {
  it('is an amount, a share rounded down, or the lower of both', () => {
    const payment = msat(1_999_999n)
    expect(highestFee({ msat: msat(7n) }, payment)).toBe(7n)
    expect(highestFee({ ppm: 10 as Ppm }, payment)).toBe(19n)
    expect(highestFee({ msat: msat(7n), ppm: 10 as Ppm }, payment)).toBe(7n)
    expect(highestFee({ msat: msat(70n), ppm: 10 as Ppm }, payment)).toBe(19n)
  })

  it('survives being stored', () => {
    for (const cap of [{ msat: msat(7n) }, { ppm: 10 as Ppm }, { msat: msat(7n), ppm: 10 as Ppm }]) {
      const stored = JSON.stringify(z.encode(FeeCap, cap))
      expect(z.decode(FeeCap, JSON.parse(stored))).toEqual(cap)
    }
    expect(z.safeDecode(FeeCap, {} as never).success).toBe(false)
  })
})
