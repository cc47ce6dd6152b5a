import { describe, expect, it } from 'vitest'
import { LiveClock } from '../../demo/live-clock.ts'
import { waitFor } from '../../stack/wait.ts'

describe('the clock of the simulated demo', () => {
  it('runs by itself, and skips what is only waiting', async () => {
    const clock = new LiveClock()
    const { signal } = new AbortController()
    try {
      const start = clock.now()
      await clock.sleep(5, signal)
      expect(clock.now() - start).toBeGreaterThanOrEqual(5)

      let woken = false
      const sleeping = clock.sleep(3_600_000, signal).then(() => {
        woken = true
      })
      clock.skip(3_600_000)
      await waitFor(() => woken, { deadline: 5_000, what: 'the sleeper of an hour to wake' })
      await sleeping
      expect(clock.now() - start).toBeGreaterThanOrEqual(3_600_000)
    } finally {
      await clock.stop()
    }
  })
})
