import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MOST_MATCHED, matchParts } from '../../../src/jit/matching.ts'

describe('parts that ended unheard', () => {
  it('are told apart by the sum of what was sent, in whole satoshi', () => {
    expect(matchParts([5_000n, 7_300n, 9_000n], 12_000n, 1_000n)).toEqual(['settled', 'settled', 'failed'])
    expect(matchParts([5_000n], 0n, 1_000n)).toEqual(['failed'])
    expect(matchParts([], 0n, 1_000n)).toEqual([])
  })

  it('are unknown where several ways add up', () => {
    expect(matchParts([5_000n, 5_000n, 9_000n], 14_000n, 1_000n)).toEqual(['unknown', 'unknown', 'settled'])
  })

  it('are not matched when something else was sent as well, or there are too many', () => {
    expect(matchParts([5_000n, 7_000n], 6_500n, 400n)).toBeUndefined()
    expect(matchParts(new Array(MOST_MATCHED + 1).fill(1n), 0n, 1n)).toBeUndefined()
  })

  it('never says the contrary of what happened', () => {
    const parts = fc.array(fc.record({ amount: fc.bigInt(1n, 20_000n), settled: fc.boolean() }), { maxLength: 8 })
    fc.assert(
      fc.property(parts, (all) => {
        const sent = all.reduce((sum, { amount, settled }) => (settled ? sum + amount : sum), 0n)
        const found = matchParts(
          all.map(({ amount }) => amount),
          (sent / 1000n) * 1000n,
          1000n,
        )
        for (const [index, { settled }] of all.entries()) {
          expect(found?.[index]).not.toBe(settled ? 'failed' : 'settled')
        }
      }),
    )
  })
})
