import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { transactionFee } from '../../../src/inventory/coins.ts'
import { isSplitOver, planned, stepSplit } from '../../../src/inventory/split-machine.ts'
import { isReady, MAX_SPLIT_OUTPUTS, planSplit, SMALLEST_FEE_SHARE } from '../../../src/inventory/split-plan.ts'
import type { Split, SplitEvent, SplitPlan } from '../../../src/inventory/split-states.ts'
import { coinOf, idOf } from './samples.ts'

const SIZE = sat(1_000_000n)
const CONFIG = { count: 10, size: SIZE, minConfs: 1 }

describe('a plan to split', () => {
  it('makes what is missing of the largest coins, and pays the fee of it', () => {
    const plan = planSplit([coinOf(1, 50_000_000n), coinOf(2, 3_000_000n)], CONFIG, 2)
    expect(plan).toEqual({
      inputs: [coinOf(1, 0n).outpoint],
      outputs: 10,
      fee: transactionFee(2, { inputs: 1, outputs: 11 }),
    })
  })

  it('makes as many as the coins suffice for', () => {
    expect(planSplit([coinOf(1, 2_500_000n), coinOf(2, 700_000n)], CONFIG, 2)).toMatchObject({
      inputs: { length: 2 },
      outputs: 3,
    })
    expect(planSplit([coinOf(1, 999_000n)], CONFIG, 2)).toBeUndefined()
  })

  it('waits while its fee is more than a fiftieth of what it makes', () => {
    const dust = Array.from({ length: 50 }, (_, n) => coinOf(n + 1, 100_000n))
    expect(planSplit(dust, CONFIG, 2)).toMatchObject({ outputs: 4 })
    expect(planSplit(dust, CONFIG, 100)).toBeUndefined()
    expect(planSplit([coinOf(99, 50_000_000n), ...dust], CONFIG, 100)).toMatchObject({ outputs: 10 })
  })

  it('takes only coins that are as deep as a funding needs them', () => {
    expect(planSplit([coinOf(1, 50_000_000n, 2)], { ...CONFIG, minConfs: 3 }, 2)).toBeUndefined()
    expect(planSplit([coinOf(1, 50_000_000n, 3)], { ...CONFIG, minConfs: 3 }, 2)).toMatchObject({ outputs: 10 })
  })

  it('waits until half of the coins are used, and leaves ready ones alone', () => {
    const ready = Array.from({ length: 6 }, (_, n) => coinOf(n + 10, 1_000_000n + BigInt(n)))
    expect(planSplit([...ready, coinOf(1, 50_000_000n)], CONFIG, 2)).toBeUndefined()
    expect(planSplit([...ready.slice(1), coinOf(1, 50_000_000n)], CONFIG, 2)).toMatchObject({ outputs: 5 })
    expect(planSplit(ready.slice(1), CONFIG, 2)).toBeUndefined()
  })

  it('never spends more than its coins hold, and never a ready or an unconfirmed one', () => {
    const coins = fc
      .array(fc.tuple(fc.bigInt({ min: 1_000n, max: 9_000_000n }), fc.integer({ min: 0, max: 3 })), { maxLength: 80 })
      .map((list) => list.map(([amount, confirmations], index) => coinOf(index + 1, amount, confirmations)))
    fc.assert(
      fc.property(coins, fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 200 }), (all, count, feerate) => {
        const config = { count, size: SIZE, minConfs: 1 }
        const plan = planSplit(all, config, feerate)
        if (plan === undefined) return
        const spent = all.filter(({ outpoint }) => plan.inputs.includes(outpoint))
        expect(spent).toHaveLength(plan.inputs.length)
        expect(spent.some((coin) => coin.confirmations === 0 || isReady(coin, config))).toBe(false)
        const total = spent.reduce((sum, { amount }) => sum + amount, 0n)
        expect(total).toBeGreaterThanOrEqual(SIZE * BigInt(plan.outputs) + plan.fee)
        expect(plan.fee * SMALLEST_FEE_SHARE).toBeLessThanOrEqual(SIZE * BigInt(plan.outputs))
        expect(plan.outputs).toBeLessThanOrEqual(Math.min(count, MAX_SPLIT_OUTPUTS))
      }),
    )
  })
})

const PLAN: SplitPlan = { id: idOf(1), inputs: [`${idOf(2)}:0`], outputs: 3, size: SIZE, satPerVbyte: 2 }

describe('a split', () => {
  it('is signed once at most, and only as it is on disk', () => {
    const event: fc.Arbitrary<SplitEvent> = fc.oneof(
      fc.string().map((psbt) => ({ type: 'funded' as const, psbt })),
      fc.constant({ type: 'refused' as const, why: 'x' }),
      fc.string().map((raw) => ({ type: 'signed' as const, raw, txid: raw })),
      fc.constant({ type: 'confirmed' as const }),
      fc.constant({ type: 'conflicted' as const, spentBy: 'other' }),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        let split: Split = planned(PLAN).state
        const signatures: string[] = []
        for (const each of events) {
          const before: Split = split
          const next = stepSplit(split, each)
          if (next.effects.some(({ type }) => type === 'sign'))
            signatures.push('psbt' in next.state ? next.state.psbt : '')
          if (next.effects.some(({ type }) => type === 'publish')) expect(before.tag).toBe('funded')
          if (isSplitOver(before)) expect(next.state).toBe(before)
          split = next.state
        }
        expect(signatures.length).toBeLessThanOrEqual(1)
      }),
    )
  })
})
