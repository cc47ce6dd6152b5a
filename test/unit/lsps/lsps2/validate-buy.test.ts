import { describe, expect, it } from 'vitest'
import { msat } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import { type BuyRequest, validateBuy } from '../../../../lsps/lsps2/validate-buy.ts'
import { SAMPLE_TERMS } from '../arbitraries.ts'

const buy = (change: Partial<BuyRequest>) => {
  const verdict = validateBuy({
    offer: { ...SAMPLE_TERMS, promise: 'p' },
    paymentSize: msat(1_000_000n),
    now: (SAMPLE_TERMS.valid_until - 1) as Timestamp,
    promiseHolds: () => true,
    ...change,
  })
  return 'fault' in verdict ? verdict.fault.code : verdict.fee
}

const FAULTY: Partial<BuyRequest> = { promiseHolds: () => false, paymentSize: msat(1n), rejection: 'no' }

describe('a buy', () => {
  it('[L2-42] costs the opening fee', () => {
    expect(buy({})).toBe(546_000n)
  })

  it('[L2-53] without a size has no fee yet', () => {
    expect(buy({ paymentSize: undefined })).toBeUndefined()
  })

  it('[L2-41] is refused with 201 for a promise that is not ours or an offer that has expired', () => {
    expect(buy({ promiseHolds: () => false })).toBe(201)
    expect(buy({ now: (SAMPLE_TERMS.valid_until + 1) as Timestamp })).toBe(201)
    expect(buy({ now: SAMPLE_TERMS.valid_until })).toBe(546_000n)
  })

  it.each([
    [999n, 202],
    [1000n, 202],
    [546_000n, 202],
    [546_001n, 546_000n],
    [1_000_000n, 546_000n],
    [1_000_001n, 203],
  ])('[L2-42] [L2-43] of %d msat is answered %s', (size, answer) => {
    expect(buy({ paymentSize: msat(size) })).toBe(answer)
  })

  it('[L2-44] is refused with 203 when that much cannot reach us', () => {
    expect(buy({ receivable: msat(999_999n) })).toBe(203)
    expect(buy({ receivable: msat(1_000_000n) })).toBe(546_000n)
  })

  it('[L2-45] [L2-46] is refused in the order rejected, promise, sizes', () => {
    expect(buy(FAULTY)).toBe(1)
    expect(buy({ ...FAULTY, rejection: undefined })).toBe(201)
    expect(buy({ ...FAULTY, rejection: undefined, promiseHolds: () => true })).toBe(202)
    expect(buy({ paymentSize: msat(546_000n), receivable: msat(1n) })).toBe(202)
  })

  it('[L2-45] tells a rejected client why, and none of the other faults has data', () => {
    const verdict = validateBuy({
      ...FAULTY,
      offer: { ...SAMPLE_TERMS, promise: '' },
      now: 0 as Timestamp,
    } as BuyRequest)
    expect(verdict).toMatchObject({ fault: { code: 1, data: { message: 'no' } } })
  })

  it('[L2-32] is refused with 203 when the fee overflows', () => {
    const huge = msat(18_446_744_073_709_551_615n)
    const offer = { ...SAMPLE_TERMS, max_payment_size_msat: huge, promise: '' }
    expect(buy({ offer, paymentSize: huge })).toBe(203)
  })
})
