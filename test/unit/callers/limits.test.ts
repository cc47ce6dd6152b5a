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
