import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

const { signal } = new AbortController()

describe('the manual clock', () => {
  it('stands still until it is told to move', async () => {
    const clock = new ManualClock(1000)
    let woken = false
    void clock.sleep(1, signal).then(() => {
      woken = true
    })
    await clock.settle()
    expect([woken, clock.now(), clock.sleeping]).toEqual([false, 1000, 1])
  })

  it('wakes in the order of due times, and lets each finish before the next', async () => {
    const clock = new ManualClock(0)
    const log: string[] = []
    const sleeper = async (name: string, ms: number) => {
      await clock.sleep(ms, signal)
      log.push(`${name} at ${clock.now()}`)
      await clock.sleep(5, signal)
      log.push(`${name} again at ${clock.now()}`)
    }
    void sleeper('late', 20)
    void sleeper('early', 10)
    void sleeper('second early', 10)
    await clock.advance(30)
    expect(log).toEqual([
      'early at 10',
      'second early at 10',
      'early again at 15',
      'second early again at 15',
      'late at 20',
      'late again at 25',
    ])
    expect(clock.now()).toBe(30)
  })

  it('keeps to whole milliseconds, as the clock of a machine does', async () => {
    const clock = new ManualClock(0)
    void clock.sleep(1.2, new AbortController().signal)
    await clock.until(() => clock.now() > 0, 'the sleeper')
    expect(clock.now()).toBe(2)
  })

  it('rejects with the reason of the signal and forgets the sleeper', async () => {
    const clock = new ManualClock(0)
    const stop = new AbortController()
    const sleep = clock.sleep(10, stop.signal)
    stop.abort(new Error('enough'))
    await expect(sleep).rejects.toThrow('enough')
    expect(clock.sleeping).toBe(0)
    await expect(clock.sleep(10, stop.signal)).rejects.toThrow('enough')
  })

  it('runs until a condition holds, and says what it waited for in vain', async () => {
    const clock = new ManualClock(0)
    let ticks = 0
    const tick = async () => {
      for (;;) {
        await clock.sleep(1000, signal)
        ticks += 1
      }
    }
    void tick()
    await clock.until(() => ticks === 5, 'five ticks')
    expect(clock.now()).toBe(5000)
    await expect(clock.until(() => false, 'a wonder', 3000)).rejects.toThrow('waited 3000 ms for a wonder')
  })

  it('does not wait for ever when nobody sleeps', async () => {
    await expect(new ManualClock(0).until(() => false, 'a wonder')).rejects.toThrow('a wonder')
  })
})
