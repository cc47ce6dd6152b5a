import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { Deadlines } from '../../../src/kernel/deadlines.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

it('fires each entity once, at its last deadline, in the order of time', async () => {
  const entry = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    after: fc.option(fc.integer({ min: 1, max: 500 })),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 30 }), async (entries) => {
      const clock = new ManualClock(0)
      const fired: { id: string; at: number }[] = []
      const deadlines = new Deadlines(clock, (id) => fired.push({ id, at: clock.now() }))
      const expected = new Map<string, number>()
      for (const { id, after } of entries) {
        deadlines.set(id, after === null ? undefined : (after as Timestamp))
        if (after === null) expected.delete(id)
        else expected.set(id, after)
      }
      const stop = new AbortController()
      const running = deadlines.run(stop.signal)
      await clock.advance(1000)
      stop.abort()
      await running
      expect(new Map(fired.map(({ id, at }) => [id, at]))).toEqual(expected)
      expect(fired).toHaveLength(expected.size)
      expect(fired.map(({ at }) => at)).toEqual([...expected.values()].sort((a, b) => a - b))
    }),
    { numRuns: 60 },
  )
})
