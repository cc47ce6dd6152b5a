import { describe, expect, it } from 'vitest'
import type { RawChannel, RawHtlc } from '../../../src/lnd/raw.ts'
import { sendable } from '../../../src/lnd/sendable.ts'

const LIMITS = { chan_reserve_sat: '2000', max_pending_amt_msat: '198000000', max_accepted_htlcs: 2 }
const CHANNEL = {
  initiator: true,
  local_balance: '150000',
  commit_fee: '2810',
  fee_per_kw: '2500',
  local_constraints: LIMITS,
  pending_htlcs: [],
} as unknown as RawChannel
const htlc = (amount: string, incoming = false) => ({ amount, incoming }) as RawHtlc

describe('what lnd would send over a channel', () => {
  it('is its balance less the reserve, and for the opener less its fee buffer', () => {
    expect(sendable(CHANNEL)).toBe((150_000n - 2_000n - 2_810n - 860n) * 1000n)
    expect(sendable({ ...CHANNEL, initiator: false })).toBe((150_000n - 2_000n) * 1000n)
  })

  it('is no more than the peer lets be in flight, with what is', () => {
    const limited = { ...CHANNEL, local_constraints: { ...LIMITS, max_pending_amt_msat: '90000000' } }
    expect(sendable(limited)).toBe(90_000_000n)
    expect(sendable({ ...limited, pending_htlcs: [htlc('30000'), htlc('70000', true)] })).toBe(60_000_000n)
  })

  it('is nothing when the peer takes no more HTLCs, or nothing is left', () => {
    expect(sendable({ ...CHANNEL, pending_htlcs: [htlc('1'), htlc('1')] })).toBe(0n)
    expect(sendable({ ...CHANNEL, local_balance: '5000' })).toBe(0n)
  })

  it('is all of its balance when nothing is known of what limits it: nobody is to be charged for that', () => {
    expect(sendable({ ...CHANNEL, local_constraints: null })).toBe(150_000_000n)
  })
})
