import { describe, expect, it } from 'vitest'
import { Feerate, REFRESH_MS, STALE_AFTER_MS } from '../../../src/funding/feerate.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

const MAX = 100
const { signal } = new AbortController()

/** A node whose estimates the test decides. */
function setUp() {
  const clock = new ManualClock()
  const node = { estimate: 5 as number | Error, asked: [] as number[] }
  const lnd = {
    estimateFeerate: async (confTarget: number) => {
      node.asked.push(confTarget)
      if (node.estimate instanceof Error) throw node.estimate
      return node.estimate
    },
  }
  return { clock, node, feerate: new Feerate({ lnd, clock, log: silentLog }, { confTarget: 6, maxSatPerVbyte: MAX }) }
}

describe('the feerate for openings', () => {
  it('is unknown before the first estimate', () => {
    expect(setUp().feerate.current()).toBeUndefined()
  })

  it("is lnd's estimate for the configured target", async () => {
    const { feerate, node } = setUp()
    await feerate.refresh(signal)
    expect(feerate.current()).toBe(5)
    expect(node.asked).toEqual([6])
  })

  it('is none while the estimate is above the ceiling', async () => {
    const { feerate, node } = setUp()
    node.estimate = MAX + 1
    await feerate.refresh(signal)
    expect(feerate.current()).toBeUndefined()
    node.estimate = MAX
    await feerate.refresh(signal)
    expect(feerate.current()).toBe(MAX)
  })

  it('stays while lnd does not answer, until it is stale', async () => {
    const { feerate, node, clock } = setUp()
    await feerate.refresh(signal)
    node.estimate = new SidecarError({ code: 'LND_UNAVAILABLE', call: 'EstimateFee', detail: 'gone' })
    await clock.advance(STALE_AFTER_MS)
    await feerate.refresh(signal)
    expect(feerate.current()).toBe(5)
    await clock.advance(1)
    expect(feerate.current()).toBeUndefined()
  })

  it('is asked for again and again, until it is told to stop', async () => {
    const { feerate, node, clock } = setUp()
    const stop = new AbortController()
    const running = feerate.run(stop.signal)
    await clock.advance(0)
    expect(node.asked).toHaveLength(1)
    node.estimate = 7
    await clock.advance(REFRESH_MS)
    expect(feerate.current()).toBe(7)
    stop.abort()
    await running
    await clock.advance(REFRESH_MS)
    expect(node.asked).toHaveLength(2)
  })
})
