import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, sat } from '../../../lsps/base/amount.ts'
import { channelCapacity, largestCarried } from '../../../src/jit/capacity.ts'

const RULE = { headroom: sat(50_000n), headroomPpm: 10_000, least: sat(100_000n), most: sat(16_777_215n) }

describe('the capacity of a sold channel', () => {
  it('is the payment, the headroom and the share for the reserve', () => {
    expect(channelCapacity(msat(1_000_000_000n), RULE)).toBe(1_000_000n + 10_000n + 50_000n)
  })

  it('rounds the payment and the share up', () => {
    expect(channelCapacity(msat(100_000_001n), RULE)).toBe(100_001n + 1_001n + 50_000n)
  })

  it('is at least the least', () => {
    expect(channelCapacity(msat(1n), RULE)).toBe(100_000n)
  })

  it('is at most the most', () => {
    expect(channelCapacity(msat(100_000_000_000n), RULE)).toBe(16_777_215n)
  })

  it('has room for the weight of each further part', () => {
    const one = channelCapacity(msat(1_000_000_000n), RULE)
    expect(channelCapacity(msat(1_000_000_000n), RULE, 1)).toBe(one)
    expect(channelCapacity(msat(1_000_000_000n), RULE, 10)).toBe(one + 9_000n)
  })

  it('is enough for the largest payment that is promised for it, and that is no less than what it was made for', () => {
    const size = fc.bigInt({ min: 0n, max: 20_000_000n })
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 100 }), (capacity, parts) => {
        const carried = largestCarried(sat(capacity), RULE, parts)
        if (carried > 0n) expect(channelCapacity(carried, RULE, parts)).toBeLessThanOrEqual(capacity)
      }),
    )
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 15_000_000n }), fc.integer({ min: 1, max: 100 }), (payment, parts) => {
        const capacity = channelCapacity(msat(payment * 1000n), RULE, parts)
        // A satoshi is lost to rounding at most.
        expect(largestCarried(capacity, RULE, parts)).toBeGreaterThanOrEqual((payment - 1n) * 1000n)
      }),
    )
  })

  it('never falls when the payment grows', () => {
    const amount = fc.bigInt({ min: 0n, max: 20_000_000_000n })
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        return channelCapacity(msat(less), RULE) <= channelCapacity(msat(more), RULE)
      }),
    )
  })
})
