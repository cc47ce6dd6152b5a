import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/kernel/clock.ts'

const never = new AbortController().signal

describe('the system clock', () => {
  it('tells the time of the machine', () => {
    const before = Date.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
    expect(systemClock.now()).toBeLessThanOrEqual(Date.now())
  })

  it('sleeps for the time asked for', async () => {
    const before = performance.now()
    await systemClock.sleep(20, never)
    expect(performance.now() - before).toBeGreaterThanOrEqual(19)
  })

  it('wakes with the reason of the signal', async () => {
    const controller = new AbortController()
    const sleep = systemClock.sleep(60_000, controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)

    await expect(sleep).rejects.toBe(reason)
    await expect(systemClock.sleep(60_000, controller.signal)).rejects.toBe(reason)
  })

  it('does not cut a sleep that is longer than a timer can be', async () => {
    const controller = new AbortController()
    const sleep = systemClock.sleep(2 ** 40, controller.signal)
    const ended = await Promise.race([sleep.then(() => 'ended'), systemClock.sleep(30, never).then(() => 'asleep')])
    controller.abort(new Error('done'))
    await expect(sleep).rejects.toThrow('done')
    expect(ended).toBe('asleep')
  })
})
