import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { Limits, MAX_TRACKED_CALLERS } from '../../../src/callers/limits.ts'

const NOW = 1_000_000 as Timestamp
const CONFIG = { requestsPerSecond: 1, burst: 1, maxPendingPerCaller: 10, maxPending: 1000 }

describe('the memory of peers', () => {
  it('keeps one that goes on asking, whoever passes by: it does not get a full bucket again', () => {
    const limits = new Limits(CONFIG)
    const flooder = 'flooder' as NodeId
    expect(limits.admit(flooder, NOW)).toBeUndefined()
    limits.done(flooder)
    for (let stranger = 0; stranger < MAX_TRACKED_CALLERS; stranger += 1) {
      limits.allows(`${stranger}` as NodeId, NOW)
      if (stranger % 1000 === 0) limits.listens(flooder, NOW)
    }
    expect(limits.trackedCallers).toBe(MAX_TRACKED_CALLERS)
    expect(limits.allows(flooder, NOW)).toBe(false)
  })
})

describe('what one caller may ask', () => {
  const at = (ms: number) => (NOW + ms) as Timestamp

  it('is never more than a burst and what its rate allows since, however it asks', () => {
    const rates = { requestsPerSecond: fc.integer({ min: 1, max: 20 }), burst: fc.integer({ min: 1, max: 20 }) }
    const pauses = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 80 })
    fc.assert(
      fc.property(fc.record(rates), pauses, ({ requestsPerSecond, burst }, waits) => {
        const limits = new Limits<string>({ requestsPerSecond, burst, maxPendingPerCaller: 1_000, maxPending: 1_000 })
        let now = 0
        let admitted = 0
        for (const wait of waits) {
          now += wait
          if (limits.admit('caller', at(now)) === undefined) {
            admitted += 1
            limits.done('caller')
          }
          expect(admitted).toBeLessThanOrEqual(burst + (now / 1000) * requestsPerSecond + 1e-6)
          expect(limits.pending).toBe(0)
        }
      }),
    )
  })

  it('is told no as often as it may ask, and then not listened to, until time has passed', () => {
    const limits = new Limits<string>({ ...CONFIG, burst: 3 })
    const answers = Array.from({ length: 6 }, () => limits.admit('caller', NOW))
    expect(answers).toEqual([undefined, undefined, undefined, 'rate', 'rate', 'rate'])
    expect(limits.listens('caller', NOW)).toBe(false)
    expect(limits.listens('another', NOW)).toBe(true)
    expect(limits.listens('caller', at(1_000))).toBe(true)
  })

  it('waits for its answers: so many at once, of one and of all', () => {
    const limits = new Limits<string>({ requestsPerSecond: 1, burst: 100, maxPendingPerCaller: 2, maxPending: 3 })
    const asks = ['a', 'a', 'a', 'b', 'b'].map((caller) => limits.admit(caller, NOW))
    expect(asks).toEqual([undefined, undefined, 'pending-per-caller', undefined, 'pending'])
    expect(limits.pending).toBe(3)
    limits.done('a')
    expect(limits.admit('b', NOW)).toBeUndefined()
    expect(limits.admit('a', NOW)).toBe('pending')
  })

  it('is remembered while an answer is owed, whoever passes by', () => {
    const limits = new Limits<string>({ ...CONFIG, burst: 2 })
    limits.admit('waits', NOW)
    for (let stranger = 0; stranger <= MAX_TRACKED_CALLERS; stranger += 1) limits.allows(`${stranger}`, NOW)
    expect(limits.trackedCallers).toBe(MAX_TRACKED_CALLERS)
    expect(limits.admit('waits', NOW)).toBeUndefined()
    expect(limits.admit('waits', NOW)).toBe('rate')
  })
})
