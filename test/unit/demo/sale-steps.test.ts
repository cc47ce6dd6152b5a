import { describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { describeInvoice } from '../../demo/buying.ts'
import { operatorMoment } from '../../demo/sale-steps.ts'

const AT = '2026-01-02T03:04:05.678Z'
const RECORD: FlightRecord = {
  id: '16000000x1x1',
  state: 'paid',
  client: 'client',
  scid: '16000000x1x1',
  created_at: AT,
  updated_at: AT,
  payment_msat: '1234567890',
  fee_msat: '3086420',
  amount_out_msat: '1231481470',
  earned_msat: '3086420',
  funding_txid: 'ab',
  capacity_sat: '1296914',
  terms: {
    min_fee_msat: '1000000',
    proportional: 2500,
    valid_until: AT,
    min_lifetime: 4320,
    max_client_to_self_delay: 2016,
    lsp_cltv_expiry_delta: 144,
  },
  steps: [],
}

const told = (what: string, record = RECORD) => operatorMoment(record, { at: AT, offset_ms: 0, what, detail: {} })

describe('a step of the flight record in the story', () => {
  it('keeps its time to the millisecond', () => {
    expect(told('payment held').at).toBe(Date.parse(AT))
  })

  it('has the amounts, the fee and the transaction', () => {
    expect(told('channel active')).toMatchObject({
      what: 'the channel of 1,296,914 sat is usable, unconfirmed',
      details: ['txid ab'],
    })
    expect(told('alias bound, payment forwarded').what).toBe(
      'keeps 3,086.420 sat opening fee, forwards 1,231,481.470 sat',
    )
    expect(told('payment settled, fee earned').what).toBe('lnd has settled: earned 3,086.420 sat')
  })

  it('is told in the words of the record when the story has none', () => {
    expect(told('something new')).toMatchObject({ who: 'operator', what: 'something new' })
  })
})

describe('an invoice in the story', () => {
  it('is shortened to fit a line', () => {
    const shown = describeInvoice({ text: `lnbcrt1${'q'.repeat(300)}end`, paymentHash: '' })
    expect(shown).toMatch(/^lnbcrt1q+\.\.q+end$/)
    expect(shown.length).toBeLessThan(67)
  })

  it('is its payment hash where there is no BOLT11', () => {
    expect(describeInvoice({ paymentHash: 'ff' })).toBe('hash ff')
  })
})
