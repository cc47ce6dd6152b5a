import { Transaction } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { CHILD_VBYTES, LEAST_CHANGE_SAT, planBump } from '../../../src/funding/bump.ts'

const TWO_OF_TWO = Uint8Array.from([0, 32, ...new Uint8Array(32).fill(1)])
const KEY = Uint8Array.from([0, 20, ...new Uint8Array(20).fill(2)])
const TAPROOT = Uint8Array.from([0x51, 32, ...new Uint8Array(32).fill(3)])
const RATE = 2
const LIMITS = { maxSat: sat(20_000n), maxSatPerVbyte: 100 }

function funding(outputs: readonly { readonly script: Uint8Array; readonly value: bigint }[]) {
  const transaction = new Transaction()
  transaction.addInput(new Uint8Array(32).fill(9), 0)
  for (const { script, value } of outputs) transaction.addOutput(script, value)
  transaction.setWitness(0, [new Uint8Array(71), new Uint8Array(33)])
  const channel = outputs.findIndex(({ script }) => script === TWO_OF_TWO)
  const outpoint = `${transaction.getId()}:${channel}`
  return { raw: transaction.toHex(), outpoint, satPerVbyte: RATE, vbytes: transaction.virtualSize() }
}
const channel = { script: TWO_OF_TWO, value: 200_000n }
const change = (value: bigint, script = KEY) => ({ script, value })

describe('a child that pays for its parent', () => {
  it('lifts both to the wanted rate: it pays what the parent lacks', () => {
    const parent = funding([channel, change(1_000_000n)])
    const plan = planBump(parent, 20, LIMITS)
    if (typeof plan === 'string') throw new Error(plan)
    const paid = plan.satPerVbyte * CHILD_VBYTES + RATE * parent.vbytes
    expect(paid / (CHILD_VBYTES + parent.vbytes)).toBeGreaterThanOrEqual(20)
    expect(paid / (CHILD_VBYTES + parent.vbytes)).toBeLessThan(21)
    expect(plan.budget).toBe(LIMITS.maxSat)
  })

  it.each([
    ['after the channel', [channel, change(50_000n)], 1],
    ['before the channel', [change(50_000n), channel], 0],
    ['taproot', [channel, change(50_000n, TAPROOT)], 1],
    [
      'behind another channel of the same transaction',
      [channel, { ...channel, script: Uint8Array.from(TWO_OF_TWO) }, change(50_000n)],
      2,
    ],
  ] as const)('spends the change, wherever it is: %s', (_, outputs, index) => {
    expect(planBump(funding(outputs), 20, LIMITS)).toMatchObject({ change: index })
  })

  it('does not exist without change', () => {
    expect(planBump(funding([channel]), 20, LIMITS)).toBe('no-change')
  })

  it('is not needed while the rate is enough, whatever is wanted above the ceiling', () => {
    const parent = funding([channel, change(50_000n)])
    expect(planBump(parent, RATE, LIMITS)).toBe('rate-is-enough')
    expect(planBump(parent, 500, { ...LIMITS, maxSatPerVbyte: RATE })).toBe('rate-is-enough')
  })

  it('is not made when what it may cost makes nothing faster', () => {
    const parent = funding([channel, change(50_000n)])
    expect(planBump(parent, 20, { ...LIMITS, maxSat: sat(200n) })).toBe('budget-too-small')
    expect(planBump(parent, 20, { ...LIMITS, maxSat: sat(0n) })).toBe('budget-too-small')
    expect(planBump(funding([channel, change(400n)]), 20, LIMITS)).toBe('budget-too-small')
  })

  it('never costs more than the budget, nor the change itself, and is never slower than its parent', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 330n, max: 10_000_000n }),
        fc.nat({ max: 2_000 }),
        fc.bigInt({ min: 0n, max: 100_000n }),
        fc.integer({ min: 1, max: 1_000 }),
        (value, wanted, maxSat, maxSatPerVbyte) => {
          const plan = planBump(funding([channel, change(value)]), wanted, { maxSat: sat(maxSat), maxSatPerVbyte })
          if (typeof plan === 'string') return
          expect(plan.budget).toBeLessThanOrEqual(maxSat)
          expect(plan.budget).toBeLessThanOrEqual(value - LEAST_CHANGE_SAT)
          expect(BigInt(plan.satPerVbyte * CHILD_VBYTES)).toBeLessThanOrEqual(plan.budget)
          expect(plan.satPerVbyte).toBeGreaterThan(RATE)
        },
      ),
    )
  })
})
