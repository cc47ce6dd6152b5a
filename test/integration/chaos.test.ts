import { describe, expect, it } from 'vitest'
import { Schedule } from './chaos/schedule.ts'

/** `npm run chaos` plays more of them, and others. */
const SCHEDULES = 60
const FIRST_SEED = 1

describe('sales of several wallets at once with everything going wrong at random', () => {
  it('end with the books right to the millisatoshi, nothing stuck and nothing lost', async () => {
    const broken: string[] = []
    let settled = 0
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed += 1) {
      const played = await new Schedule(seed).play()
      settled += played.settled
      if (played.wrong.length > 0) broken.push(`seed ${seed}: ${played.wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
    // Schedules in which nobody is ever paid would show nothing.
    expect(settled).toBeGreaterThan(SCHEDULES)
  })

  it('are the same when they are played again', async () => {
    const [first, again] = [await new Schedule(FIRST_SEED).play(), await new Schedule(FIRST_SEED).play()]
    expect(again).toEqual(first)
  })
})
