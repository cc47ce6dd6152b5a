import { describe, expect, it } from 'vitest'
import type { OrderRecord } from '../../../src/admin/schema-orders.ts'
import { orderMoment } from '../../demo/order-steps.ts'

const AT = '2026-01-02T03:04:05.678Z'
const CHANNEL: OrderRecord['wanted'] = {
  lsp_balance_sat: '4000000',
  client_balance_sat: '150000',
  confirmations: 0,
  confirms_within: 6,
  blocks: 4320,
  announce: false,
}
const EXTENSION: OrderRecord['wanted'] = {
  outpoint: 'ab:0',
  short_channel_id: '16000000x1x0',
  blocks: 4320,
  new_expiry_height: 9000,
}

const told = (what: string, detail: Record<string, string> = {}, wanted: OrderRecord['wanted'] = CHANNEL) =>
  orderMoment({ wanted } as OrderRecord, { at: AT, offset_ms: 0, what, detail })

describe("a step of an order's flight record in the story", () => {
  it('keeps its time to the millisecond', () => {
    expect(told('payment held').at).toBe(Date.parse(AT))
  })

  it('says what is held, for what, and until when', () => {
    expect(told('payment held', { received_msat: '168319000', held_until: '1294' })).toMatchObject({
      who: 'operator',
      what: 'HOLD: holds 168,319 sat, opens a channel of 4,150,000 sat',
      details: ['held until block 1,294 at most'],
    })
    expect(told('payment held', { received_msat: '18055000' }, EXTENSION)).toEqual({
      at: Date.parse(AT),
      who: 'operator',
      what: 'HOLD: holds 18,055 sat, looks at the channel',
    })
  })

  it('has the transaction, and what was earned', () => {
    expect(told('funding published, order completed', { outpoint: 'cd:1' }).details).toEqual(['txid cd'])
    expect(told('payment taken', { earned_msat: '18319000' }).what).toBe(
      'PAID: has settled the invoice, earned 18,319 sat',
    )
  })

  it('is told in the words of the record when the story has none', () => {
    expect(told('channel not opened').what).toBe('channel not opened')
  })
})
