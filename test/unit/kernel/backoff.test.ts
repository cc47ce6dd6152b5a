import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { delayAfter, STREAM_BACKOFF } from '../../../src/kernel/backoff.ts'

describe('the wait after failures', () => {
  it('is short at first, doubles, and stops growing', () => {
    const backoff = { firstMs: 40, factor: 2, longestMs: 1000, jitter: 0 }

    expect([1, 2, 3, 4, 5, 6, 50, 10_000].map((failures) => delayAfter(failures, backoff, 0.5))).toEqual([
      40, 80, 160, 320, 640, 1000, 1000, 1000,
    ])
  })

  it('loses up to its jitter', () => {
    const backoff = { firstMs: 100, factor: 2, longestMs: 1000, jitter: 0.3 }

    expect([0, 0.5, 1].map((random) => delayAfter(1, backoff, random))).toEqual([100, 85, 70])
  })

  it('lets a stream come back within 50 ms the first time and never waits longer than its bound', () => {
    expect(delayAfter(1, STREAM_BACKOFF, 0)).toBeLessThanOrEqual(50)
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const delay = delayAfter(failures, STREAM_BACKOFF, random)
          expect(delay).toBeGreaterThan(0)
          expect(delay).toBeLessThanOrEqual(STREAM_BACKOFF.longestMs)
        },
      ),
    )
  })
})
