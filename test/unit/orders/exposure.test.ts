import { describe, expect, it } from 'vitest'
import { isKnown, riskOf } from '../../../src/orders/exposure.ts'
import * as s from './samples.ts'

const unconfirmed = s.receipts([s.receipt(1, s.FEE, { confirmations: 0, replaceable: false })], {
  zeroConfLeft: s.FEE,
})
const confirmed = s.receipts([s.receipt(1, s.FEE)])

describe('what is risked on payments without a confirmation', () => {
  it('is nothing before a payment was taken, and its price from then on until it is in a block', () => {
    expect(riskOf(s.after(s.ZERO_CONF))).toBe(0n)
    expect(riskOf(s.after(s.ZERO_CONF, unconfirmed))).toBe(s.FEE)
    expect(riskOf(s.after(s.ZERO_CONF, unconfirmed, s.published()))).toBe(s.FEE)
    expect(riskOf(s.after(s.ZERO_CONF, unconfirmed, confirmed))).toBe(0n)
    expect(riskOf(s.after(s.ZERO_CONF, unconfirmed, s.published(), confirmed))).toBe(0n)
  })

  it('is nothing of what failed, of what was written off, and of what is paid otherwise', () => {
    expect(riskOf(s.after(s.ZERO_CONF, unconfirmed, s.refused('withdrawn'), s.cancelOrder()))).toBe(0n)
    const lost = s.after(s.ZERO_CONF, unconfirmed, s.published(), s.deadlineAt(s.NOW + 15 * 86_400_000))
    expect(lost).toMatchObject({ tag: 'completed', lost: 'its payment on chain is in no block' })
    expect(riskOf(lost)).toBe(0n)
    expect(riskOf(s.after(s.ZERO_CONF, s.accepted()))).toBe(0n)
    expect(riskOf(s.after(s.TERMS, s.receipts([s.receipt(1, s.TOTAL)])))).toBe(0n)
  })
})

describe('receipts of an order that has ended', () => {
  const FULL = s.receipt(1, s.TOTAL)
  const done = s.after(s.TERMS, s.receipts([FULL]), s.published())

  it('are nothing new when every one is in the books', () => {
    expect(isKnown(done, [FULL])).toBe(true)
    expect(isKnown(done, [{ ...FULL, confirmations: 50 }])).toBe(true)
    expect(isKnown(done, [])).toBe(true)
  })

  it('are news when one came later, or when one fell out of its block', () => {
    expect(isKnown(done, [FULL, s.receipt(2, 1_000n)])).toBe(false)
    expect(isKnown(done, [{ ...FULL, confirmations: 0 }])).toBe(false)
  })

  it('are always looked at while the order is open', () => {
    expect(isKnown(s.after(s.TERMS), [])).toBe(false)
    expect(isKnown(s.after(s.TERMS, s.receipts([FULL])), [FULL])).toBe(false)
  })
})
