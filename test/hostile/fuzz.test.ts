import { describe, expect, it } from 'vitest'
import { campaign } from './campaign.ts'

/** `npm run fuzz` plays more of them, and others. */
const SEQUENCES = 10_000
const FIRST_SEED = 1

describe('sequences of messages of hostile peers, and of payments to what they bought', () => {
  it('are answered as the specs say and in no other way, and leave nothing behind', async () => {
    const { failures, messages, reached, sales } = await campaign({ first: FIRST_SEED, sequences: SEQUENCES })
    expect(failures).toEqual([])
    expect(reached / messages).toBeGreaterThanOrEqual(0.5)
    expect(sales).toBeGreaterThan(SEQUENCES / 2)
  })
})
