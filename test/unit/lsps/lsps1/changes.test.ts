import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import { impossibleChange } from '../../../../lsps/lsps1/changes.ts'
import type { OrderResult, Payment } from '../../../../lsps/lsps1/schema.ts'
import { anyOrder, NOW, ORDER, OUTPOINT, outpoint, REFUND_ADDRESS } from './orders.ts'

const CHANNEL = { funded_at: NOW, funding_outpoint: OUTPOINT, expires_at: (NOW + 1000) as Timestamp }
const COMPLETED: OrderResult = { ...ORDER, order_state: 'COMPLETED', channel: CHANNEL }
const OTHER = outpoint(`${'ff'.repeat(32)}:1`)

function bolt11(change: Partial<NonNullable<Payment['bolt11']>>, from = ORDER): OrderResult {
  const { bolt11: before } = from.payment
  if (before === undefined) throw new Error('the sample lacks it')
  return { ...from, payment: { ...from.payment, bolt11: { ...before, ...change } } }
}

function onchain(change: Partial<NonNullable<Payment['onchain']>>, from = ORDER): OrderResult {
  const { onchain: before } = from.payment
  if (before === undefined) throw new Error('the sample lacks it')
  return { ...from, payment: { ...from.payment, onchain: { ...before, ...change } } }
}

const without = (method: keyof Payment, { payment, ...order }: OrderResult): OrderResult => {
  const { [method]: _, ...rest } = payment
  return { ...order, payment: rest }
}

describe('an order that changed', () => {
  it.each([
    ['not at all', ORDER, ORDER],
    ['to completed', ORDER, COMPLETED],
    ['by its payment', ORDER, bolt11({ state: 'HOLD' })],
    ['past its payment', ORDER, bolt11({ state: 'PAID' }, COMPLETED)],
    ['by an option that was withdrawn', bolt11({ state: 'HOLD' }), without('onchain', bolt11({ state: 'HOLD' }))],
    ['by an option that came back', without('onchain', ORDER), ORDER],
    ['by a later expiry of the payment', ORDER, bolt11({ expires_at: (NOW + 9_999_999) as Timestamp })],
    [
      'by a refund after it failed',
      onchain({ state: 'PAID' }, { ...ORDER, order_state: 'FAILED' }),
      onchain({ state: 'REFUNDED' }, { ...ORDER, order_state: 'FAILED' }),
    ],
    [
      'by a longer life of the channel',
      COMPLETED,
      { ...COMPLETED, channel: { ...CHANNEL, expires_at: (NOW + 2000) as Timestamp } },
    ],
  ] as const)('%s is possible', (_, before, later) => {
    expect(impossibleChange(before, later)).toBeUndefined()
  })

  it.each([
    ['order_id', ORDER, { ...ORDER, order_id: 'another' }],
    ['created_at', ORDER, { ...ORDER, created_at: (NOW + 1) as Timestamp }],
    ['order_state', COMPLETED, ORDER],
    ['order_state', COMPLETED, { ...COMPLETED, order_state: 'FAILED' as const }],
    ['order_state', { ...ORDER, order_state: 'FAILED' as const }, COMPLETED],
    ['payment.bolt11.state', bolt11({ state: 'HOLD' }), ORDER],
    ['payment.bolt11.state', bolt11({ state: 'PAID' }), bolt11({ state: 'REFUNDED' })],
    ['payment.bolt11.state', bolt11({ state: 'REFUNDED' }), bolt11({ state: 'EXPECT_PAYMENT' })],
    ['payment.onchain.state', onchain({ state: 'PAID' }), ORDER],
    ['payment.onchain.state', onchain({ state: 'REFUNDED' }), onchain({ state: 'PAID' })],
    ['payment.bolt11', bolt11({ state: 'HOLD' }), without('bolt11', ORDER)],
    ['payment.onchain', onchain({ state: 'PAID' }), without('onchain', ORDER)],
    ['payment.bolt11.fee_total_sat', ORDER, bolt11({ fee_total_sat: sat(8889n) })],
    ['payment.bolt11.order_total_sat', ORDER, bolt11({ order_total_sat: sat(1n) })],
    ['payment.bolt11.target', ORDER, bolt11({ invoice: 'lnbc1another' })],
    ['payment.onchain.target', ORDER, onchain({ address: REFUND_ADDRESS })],
    ['lsp_balance_sat', ORDER, { ...ORDER, lsp_balance_sat: sat(4_999_999n) }],
    ['announce_channel', ORDER, { ...ORDER, announce_channel: false }],
    ['channel', COMPLETED, { ...COMPLETED, channel: null }],
    ['channel.funding_outpoint', COMPLETED, { ...COMPLETED, channel: { ...CHANNEL, funding_outpoint: OTHER } }],
    ['channel.expires_at', COMPLETED, { ...COMPLETED, channel: { ...CHANNEL, expires_at: NOW } }],
  ] as const)('[L1-94] in its %s so is not', (what, before, later) => {
    const change = impossibleChange(before, later)
    expect(change?.what).toBe(what)
    expect(change?.before).not.toBe(change?.after)
  })

  it('is compared without ever throwing', () => {
    fc.assert(
      fc.property(anyOrder(), anyOrder(), (before, later) => {
        expect(impossibleChange(before, before)).toBeUndefined()
        impossibleChange(before, later)
      }),
    )
  })
})
