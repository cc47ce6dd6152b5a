import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { HEALTHY_AFTER_MS, type Supervised, supervise } from '../../../src/kernel/supervise.ts'

const BACKOFF = { firstMs: 40, factor: 2, longestMs: 200, jitter: 0 }
const down = () => new SidecarError({ code: 'LND_UNAVAILABLE', call: 'stream', detail: 'gone' })

/** Runs the attempts given, then stops; every sleep is over at once and noted. */
async function run(attempts: readonly Supervised['run'][], more: Partial<Supervised> = {}) {
  const stop = new AbortController()
  const slept: number[] = []
  let now = 1_000
  let next = 0
  await supervise(
    {
      name: 'stream',
      backoff: BACKOFF,
      entropy: (length) => new Uint8Array(length),
      clock: {
        now: () => now as Timestamp,
        sleep: async (ms) => {
          slept.push(ms)
          now += ms
        },
      },
      run: async (signal, attached) => {
        const attempt = attempts[next]
        next += 1
        if (attempt === undefined) return stop.abort()
        await attempt(signal, attached)
      },
      ...more,
    },
    stop.signal,
  )
  return { slept, attempts: next }
}

describe('a supervised stream', () => {
  it('[L2-116] is opened again after ever longer waits', async () => {
    const failing = async () => {
      throw down()
    }

    expect(await run([failing, failing, failing, failing, failing])).toEqual({
      slept: [40, 80, 160, 200, 200],
      attempts: 6,
    })
  })

  it('is opened again when the node just ends it', async () => {
    expect((await run([async () => {}])).slept).toEqual([40])
  })

  it('starts with the short wait again after it was up for a while', async () => {
    let now = 0
    const slept: number[] = []
    const clock = {
      now: () => now as Timestamp,
      sleep: async (ms: number) => {
        slept.push(ms)
      },
    }
    const failing = async () => {
      throw down()
    }
    const healthy = async (_: AbortSignal, attached: () => void) => {
      attached()
      now += HEALTHY_AFTER_MS
      throw down()
    }
    await run([failing, failing, failing, healthy, failing], { clock })

    expect(slept).toEqual([40, 80, 160, 40, 80])
  })

  it('does not count the time before it was attached as health', async () => {
    let now = 0
    const slept: number[] = []
    const clock = {
      now: () => now as Timestamp,
      sleep: async (ms: number) => {
        slept.push(ms)
      },
    }
    const late = async (_: AbortSignal, attached: () => void) => {
      now += HEALTHY_AFTER_MS
      attached()
      throw down()
    }
    await run([late, late], { clock })

    expect(slept).toEqual([40, 80])
  })

  it('tells each time when it is up and when it is down', async () => {
    const told: unknown[] = []
    const error = down()
    const attempt = async (_: AbortSignal, attached: () => void) => {
      attached()
      attached()
      throw error
    }
    await run([attempt, attempt], { onUp: () => told.push('up'), onDown: (reason) => told.push(reason) })

    expect(told).toEqual(['up', error, 'up', error])
  })

  it('ends quietly when the signal aborts, in a run or in a wait', async () => {
    const stop = new AbortController()
    const never = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    const options = { name: 'stream', entropy: (length: number) => new Uint8Array(length) }
    const clock = { now: () => 0 as Timestamp, sleep: (_: number, signal: AbortSignal) => never(signal) }
    const told: unknown[] = []
    const onDown = (reason: unknown) => told.push(reason)
    const running = supervise({ ...options, clock, onDown, run: never }, stop.signal)
    const waiting = supervise({ ...options, clock, run: async () => {} }, stop.signal)
    stop.abort(new Error('stopping'))

    await expect(running).resolves.toBeUndefined()
    await expect(waiting).resolves.toBeUndefined()
    expect(told).toEqual([])
  })

  it('rejects with what is not the fault of the node', async () => {
    const bug = new TypeError('undefined is not a function')
    const disk = new SidecarError({ code: 'STORE_FAILED', detail: 'disk full' })

    for (const error of [bug, disk]) {
      await expect(
        run([
          async () => {
            throw error
          },
        ]),
      ).rejects.toBe(error)
    }
  })
})
