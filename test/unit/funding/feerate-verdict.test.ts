import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  describeFeerateProblem,
  type FeerateFacts,
  judgeFeerate,
  STALE_AFTER_MS,
} from '../../../src/funding/feerate-verdict.ts'
import { feerateAt } from '../../../src/funding/second-source.ts'
import { time } from '../jit/samples.ts'

const NOW = time(1_800_000_000_000)
const URL = 'http://localhost:8999/fees'
const estimate = (satPerVbyte: number, ageMs = 0) => ({ satPerVbyte, at: time(NOW - ageMs) })

function facts(own: number | undefined, second?: number, change: Partial<NonNullable<FeerateFacts['second']>> = {}) {
  const base: FeerateFacts = { now: NOW, own: own === undefined ? undefined : estimate(own), ceiling: 100 }
  if (second === undefined && Object.keys(change).length === 0) return base
  const latest = second === undefined ? undefined : estimate(second)
  return { ...base, second: { url: URL, latest, maxRatio: 3, onUnreachable: 'sell' as const, ...change } }
}

describe('a feerate', () => {
  it.each<[string, FeerateFacts, string | undefined]>([
    ['alone and low', facts(5), undefined],
    ['at the ceiling', facts(100), undefined],
    ['above the ceiling', facts(101), 'feerate-above-ceiling'],
    ['that nobody knows', facts(undefined), 'feerate-unknown'],
    ['of half an hour ago', { ...facts(5), own: estimate(5, STALE_AFTER_MS) }, undefined],
    ['of before that', { ...facts(5), own: estimate(5, STALE_AFTER_MS + 1) }, 'feerate-stale'],
    ['from a clock that was set back since', { ...facts(5), own: estimate(5, -STALE_AFTER_MS - 1) }, 'feerate-stale'],
    ['near the second one', facts(5, 15), undefined],
    ['far below the second one', facts(5, 15.1), 'feerates-differ'],
    ['far above the second one', facts(50, 16), 'feerates-differ'],
    ['rounded up to 2 where the second says 0.1', facts(2, 0.1), undefined],
    ['without the second one, which may be missing', facts(5, undefined, { onUnreachable: 'sell' }), undefined],
    [
      'without the second one, which may not be missing',
      facts(5, undefined, { onUnreachable: 'stop' }),
      'second-feerate-unreachable',
    ],
    [
      'whose second one is old and may not be missing',
      facts(5, undefined, { onUnreachable: 'stop', latest: estimate(5, STALE_AFTER_MS + 1) }),
      'second-feerate-unreachable',
    ],
    [
      'whose second one is old, and said something else then',
      facts(5, undefined, { latest: estimate(99, STALE_AFTER_MS + 1) }),
      undefined,
    ],
  ])('%s', (_name, known, code) => {
    expect(judgeFeerate(known)?.code).toBe(code)
  })

  it('is judged the same whichever of two sources is the higher one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100 }), (a, b) => {
        expect(judgeFeerate(facts(a, b))?.code).toBe(judgeFeerate(facts(b, a))?.code)
      }),
    )
  })

  it('that is refused is told with both numbers and the fix', () => {
    const problem = judgeFeerate(facts(5, 40))
    if (problem === undefined) throw new Error('no problem')
    const { what, fix } = describeFeerateProblem(problem)
    expect(what).toBe(`lnd says 5 sat/vB, ${URL} says 40 sat/vB: more than 3 times apart`)
    expect(fix).toContain('funding.feerate_check.max_ratio')
  })
})

describe('the answer of a second source', () => {
  it.each<[unknown, string, number | undefined]>([
    [{ hourFee: 12 }, 'hourFee', 12],
    [{ 6: 3.25 }, '6', 3.25],
    [{ fees: [{ rate: 7 }] }, 'fees.0.rate', 7],
    [{ hourFee: '12' }, 'hourFee', undefined],
    [{ hourFee: 0 }, 'hourFee', undefined],
    [{ hourFee: -1 }, 'hourFee', undefined],
    [{ hourFee: 1e9 }, 'hourFee', undefined],
    [{ other: 1 }, 'hourFee', undefined],
    [{}, 'constructor.length', undefined],
    [[], 'length.x', undefined],
    [undefined, 'a', undefined],
    ['12', '0', undefined],
  ])('%j at %s is %s', (answer, path, rate) => {
    expect(feerateAt(answer, path)).toBe(rate)
  })
})
