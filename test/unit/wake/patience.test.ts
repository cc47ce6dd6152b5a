import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { LONGEST_PAUSE_MS, MAX_MISSING_CLIENTS, Patience } from '../../../src/wake/patience.ts'
import { CLIENT, HOLD_MS, nodeId, OTHER } from './samples.ts'

const time = (ms: number) => ms as Timestamp

describe('a client that did not come', () => {
  it('is not waited for, twice as long each time, an hour at most; until it comes', () => {
    const patience = new Patience(HOLD_MS)
    let now = 0
    for (const pause of [2, 4, 8, 16, 32, 60, 60]) {
      patience.missed(CLIENT, time(now), time(now))
      expect(patience.isPaused(CLIENT, time(now + pause * 60_000 - 1))).toBe(true)
      expect(patience.isPaused(CLIENT, time(now + pause * 60_000))).toBe(false)
      now += pause * 60_000
    }
    expect(patience.isPaused(OTHER, time(now))).toBe(false)
    patience.came(CLIENT)
    patience.missed(CLIENT, time(now + 1), time(now + 1))
    expect(patience.isPaused(CLIENT, time(now + 1 + 2 * HOLD_MS))).toBe(false)
  })

  it('is counted once for each wait, however many HTLCs ended in it', () => {
    const patience = new Patience(HOLD_MS)
    for (let index = 0; index < 10; index += 1) patience.missed(CLIENT, time(1_000), time(1_000 + index))
    expect(patience.isPaused(CLIENT, time(1_000 + 2 * HOLD_MS))).toBe(false)
  })

  it('is never waited for later than an hour from now, whatever the clock does', () => {
    const moments = fc.array(fc.integer({ min: 0, max: 10 * LONGEST_PAUSE_MS }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(moments, fc.integer({ min: 0, max: 10 * LONGEST_PAUSE_MS }), (misses, now) => {
        const patience = new Patience(HOLD_MS)
        for (const [index, at] of misses.entries()) patience.missed(CLIENT, time(index), time(at))
        expect(patience.isPaused(CLIENT, time(now)) && patience.isPaused(CLIENT, time(now + LONGEST_PAUSE_MS))).toBe(
          false,
        )
      }),
    )
  })

  it('is remembered with so many others only', () => {
    const patience = new Patience(HOLD_MS)
    for (let n = 0; n <= MAX_MISSING_CLIENTS; n += 1) patience.missed(nodeId(n), time(0), time(0))
    expect(patience.isPaused(nodeId(0), time(1))).toBe(false)
    expect(patience.isPaused(nodeId(1), time(1))).toBe(true)
  })
})
