import { describe, expect, it } from 'vitest'
import { msat, sat } from '../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { Channel, Forward } from '../../../src/lnd/port.ts'
import { type ClosableRules, closableOf, earnedByChannel } from '../../../src/promises/closable.ts'
import type { LifetimePromise } from '../../../src/promises/states.ts'
import { CHANNEL } from '../funding/samples.ts'
import { BLOCKS, CHAN_ID, DAY_MS, FROM, MADE_AT, promised } from './samples.ts'

const RULES: ClosableRules = { idleDays: 30, strandedDays: 30, unprofitableDays: 90, leastYieldPpmPerYear: 5000 }
const OVER = FROM + BLOCKS
/** 200,000 sat in 90 days at 0.5 % a year: 246 sat. */
const ENOUGH = 247_000n

const grounds = (
  promise: Partial<LifetimePromise>,
  channel: Partial<Channel> = {},
  { days = 100, height = OVER, earned = ENOUGH, rules = RULES } = {},
) =>
  closableOf(
    promised({ movedAt: (MADE_AT + days * DAY_MS) as Timestamp, ...promise }),
    { ...CHANNEL, ...channel },
    { moment: { height, now: (MADE_AT + days * DAY_MS) as Timestamp }, rules, earned },
  )?.grounds

describe('a channel whose promise is over', () => {
  it('stays while something speaks for it', () => {
    expect(grounds({})).toBeUndefined()
  })

  it('may be closed when nothing settled in it for long', () => {
    expect(grounds({ movedAt: (MADE_AT + 69 * DAY_MS) as Timestamp })).toEqual([{ ground: 'idle', days: 31 }])
    expect(grounds({ movedAt: (MADE_AT + 71 * DAY_MS) as Timestamp })).toBeUndefined()
  })

  it('may be closed when its customer is away for long and our coins are in it', () => {
    const away = { seenAt: (MADE_AT + 70 * DAY_MS) as Timestamp }
    const ours = sat(1000n)
    expect(grounds(away, { active: false, localBalance: ours })).toEqual([{ ground: 'stranded', days: 30, ours }])
    expect(grounds(away, { active: false, localBalance: sat(0n) })).toBeUndefined()
    expect(grounds(away, { active: true, localBalance: ours })).toBeUndefined()
  })

  it('may be closed when it earns too little for what it binds, but only once it is old enough to be judged', () => {
    expect(grounds({}, {}, { earned: 246_000n })).toEqual([
      { ground: 'unprofitable', days: 90, earnedMsat: 246_000n, yieldPpm: 4988 },
    ])
    expect(grounds({}, {}, { earned: 0n, days: 89 })).toBeUndefined()
  })

  it('is judged by no rule that is turned off', () => {
    const off = { idleDays: 0, strandedDays: 0, unprofitableDays: 0, leastYieldPpmPerYear: 5000 }
    const worst = { movedAt: MADE_AT, seenAt: MADE_AT }
    expect(grounds(worst, { active: false }, { earned: 0n, rules: off })).toBeUndefined()
  })

  it('stays while a payment is in it', () => {
    const htlc = {
      incoming: false,
      htlcIndex: 0n,
      amount: msat(1n),
      expiryHeight: OVER + 40,
      paymentHash: '',
    }
    expect(grounds({ movedAt: MADE_AT }, { pendingHtlcs: [htlc] })).toBeUndefined()
  })
})

describe('a channel that is promised', () => {
  it('is never named, whatever speaks against it', () => {
    const worst = { movedAt: MADE_AT, seenAt: MADE_AT }
    expect(grounds(worst, { active: false }, { earned: 0n, height: OVER - 1 })).toBeUndefined()
    expect(grounds({ ...worst, fromHeight: undefined }, { active: false }, { earned: 0n })).toBeUndefined()
    const later = (MADE_AT + 101 * DAY_MS) as Timestamp
    expect(grounds({ ...worst, notBefore: later }, { active: false }, { earned: 0n })).toBeUndefined()
  })
})

describe('what a channel earned', () => {
  it('is what forwards into it and out of it did', () => {
    const row = (incomingChannel: bigint, outgoingChannel: bigint, fee: bigint): Forward => ({
      incomingChannel,
      outgoingChannel,
      amountIn: msat(1000n + fee),
      amountOut: msat(1000n),
      fee: msat(fee),
      at: 0,
    })
    const earned = earnedByChannel([row(1n, CHAN_ID, 5n), row(CHAN_ID, 2n, 7n), row(CHAN_ID, CHAN_ID, 1n)])
    expect(earned.get(CHAN_ID)).toBe(13n)
    expect(earned.get(1n)).toBe(5n)
  })
})
