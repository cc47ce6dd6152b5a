import { describe, expect, it } from 'vitest'
import {
  Feerate,
  type FeerateConfig,
  MAX_HISTORY,
  MOVEMENT_MS,
  type Movement,
  movementOf,
  REFRESH_MS,
  STALE_AFTER_MS,
  withEstimate,
} from '../../../src/funding/feerate.ts'
import { FETCH_TIMEOUT_MS } from '../../../src/funding/second-source.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { time } from '../jit/samples.ts'

const MAX = 100
const { signal } = new AbortController()

/** A node whose estimates the test decides. */
function setUp(check?: FeerateConfig['check']) {
  const clock = new ManualClock()
  const node = { estimate: 5 as number | Error, asked: [] as number[] }
  const lnd = {
    estimateFeerate: async (confTarget: number) => {
      node.asked.push(confTarget)
      if (node.estimate instanceof Error) throw node.estimate
      return node.estimate
    },
  }
  const second = { answer: { hourFee: 5 } as unknown, asked: 0 }
  const fetchJson = async () => {
    second.asked += 1
    if (second.answer instanceof Error) throw second.answer
    return second.answer
  }
  const heard: Movement[] = []
  const onEstimate = async (movement: Movement) => {
    heard.push(movement)
  }
  const deps = { lnd, clock, log: silentLog, fetchJson, onEstimate }
  return { clock, node, second, heard, feerate: new Feerate(deps, { confTarget: 6, maxSatPerVbyte: MAX, check }) }
}

const CHECK = { url: 'http://localhost/fees', path: 'hourFee', max_ratio: 3, on_unreachable: 'sell' as const }

/** With its loops running. */
async function running(check: FeerateConfig['check']) {
  const world = setUp(check)
  const stop = new AbortController()
  const ended = world.feerate.run(stop.signal)
  await world.clock.advance(0)
  return {
    ...world,
    stop: () => {
      stop.abort()
      return ended
    },
  }
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

describe('what is heard of the feerate', () => {
  it('is each estimate that channels can be opened with, and what it moved within the hour', async () => {
    const { feerate, node, heard, clock } = setUp()
    for (const estimate of [5, 9, MAX + 1, 7]) {
      node.estimate = estimate
      await feerate.refresh(signal)
      await clock.advance(REFRESH_MS)
    }
    expect(heard).toEqual([
      { satPerVbyte: 5, lowest: 5, highest: 5 },
      { satPerVbyte: 9, lowest: 5, highest: 9 },
      { satPerVbyte: 7, lowest: 5, highest: MAX + 1 },
    ])
  })

  it('forgets after an hour, and what was before the clock was set back', () => {
    const estimate = (satPerVbyte: number, at: number) => ({ satPerVbyte, at: time(at) })
    let history = withEstimate([], estimate(50, 0))
    history = withEstimate(history, estimate(5, MOVEMENT_MS - 1))
    expect(movementOf(history)).toMatchObject({ lowest: 5, highest: 50 })
    expect(movementOf(withEstimate(history, estimate(6, MOVEMENT_MS)))).toMatchObject({ lowest: 5, highest: 6 })
    expect(movementOf(withEstimate(history, estimate(6, 1)))).toMatchObject({ lowest: 6, highest: 50 })
  })

  it('is bounded', () => {
    let history = withEstimate([], { satPerVbyte: 1, at: time(0) })
    for (let n = 1; n < 3 * MAX_HISTORY; n += 1) history = withEstimate(history, { satPerVbyte: 1, at: time(n) })
    expect(history).toHaveLength(MAX_HISTORY)
  })
})

describe('a second source of feerates', () => {
  it('stops sales when it says something else, and not what was promised', async () => {
    const { feerate, second, clock, stop } = await running(CHECK)
    expect(feerate.stop()).toBeUndefined()
    second.answer = { hourFee: 50 }
    await clock.advance(REFRESH_MS)
    expect(feerate.stop()).toMatchObject({ code: 'feerates-differ' })
    expect(feerate.current()).toBe(5)
    second.answer = { hourFee: 6 }
    await clock.advance(REFRESH_MS)
    expect(feerate.stop()).toBeUndefined()
    await stop()
  })

  it('that was never reached only worries, or stops, as the operator chose', async () => {
    for (const on_unreachable of ['sell', 'stop'] as const) {
      const { feerate, second, clock, stop } = await running({ ...CHECK, on_unreachable })
      second.answer = new Error('connection refused')
      await clock.advance(STALE_AFTER_MS + 2 * REFRESH_MS)
      expect(feerate.stop()?.code).toBe(on_unreachable === 'stop' ? 'second-feerate-unreachable' : undefined)
      expect(feerate.warning()?.code).toBe(on_unreachable === 'stop' ? undefined : 'second-feerate-unreachable')
      await stop()
    }
  })

  it('that hangs delays nobody, and is asked again', async () => {
    const { feerate, second, clock, stop } = await running(CHECK)
    second.answer = new Promise(() => undefined)
    const before = second.asked
    await clock.advance(REFRESH_MS)
    expect(second.asked).toBe(before + 1)
    await clock.advance(FETCH_TIMEOUT_MS + REFRESH_MS)
    expect(second.asked).toBe(before + 2)
    expect(feerate.facts().own?.at).toBeGreaterThan(clock.now() - 2 * REFRESH_MS)
    await stop()
  })

  it('is not asked when none is configured', async () => {
    const { second, clock, stop } = await running(undefined)
    await clock.advance(5 * REFRESH_MS)
    expect(second.asked).toBe(0)
    await stop()
  })
})
