import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { impossibleChange } from '../../../lsps/lsps1/changes.ts'
import { OrderResult } from '../../../lsps/lsps1/schema.ts'
import { place, step } from '../../../src/orders/machine.ts'
import type { Order, OrderEvent, Terms } from '../../../src/orders/states.ts'
import { messageOf, paymentOf, viewOf } from '../../../src/orders/view.ts'
import { anyStory, anyTerms } from './arbitraries.ts'
import * as s from './samples.ts'

/** An address that can be written; the samples have words in its place. */
const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
const real = (terms: Terms): Terms => ({
  ...terms,
  ...(terms.refundAddress === undefined ? {} : { refundAddress: ADDRESS }),
  ...(terms.onchain === undefined ? {} : { onchain: { ...terms.onchain, address: ADDRESS } }),
})

const FULL = s.receipt(1, s.TOTAL)
const states = (order: Order) => {
  const view = viewOf(order)
  const { bolt11, onchain } = view?.payment ?? {}
  return [bolt11?.state, onchain?.state, view?.order_state, view?.channel === null ? null : 'object']
}

describe('the table of states of bLIP-51', () => {
  const held = [s.accepted({ clientOnline: false })]
  const opened = [s.accepted(), s.published()]
  it.each<[string, readonly OrderEvent[], readonly unknown[]]>([
    ['created', [], ['EXPECT_PAYMENT', 'EXPECT_PAYMENT', 'CREATED', null]],
    ['held, while the client is away', held, ['HOLD', undefined, 'CREATED', null]],
    ['held, while the channel is opened', [s.accepted()], ['HOLD', undefined, 'CREATED', null]],
    ['published, not settled yet', opened, ['PAID', undefined, 'COMPLETED', 'object']],
    ['published and settled', [...opened, s.settledNow()], ['PAID', undefined, 'COMPLETED', 'object']],
    ['held, and given up', [...held, s.cancelOrder()], ['REFUNDED', 'EXPECT_PAYMENT', 'FAILED', null]],
    ['nothing paid by expiry', [s.deadlineAt(s.EXPIRES_AT)], ['REFUNDED', 'EXPECT_PAYMENT', 'FAILED', null]],
    ['confirmed on chain', [s.receipts([FULL])], ['REFUNDED', 'PAID', 'CREATED', null]],
    ['confirmed, published', [s.receipts([FULL]), s.published()], ['REFUNDED', 'PAID', 'COMPLETED', 'object']],
    [
      'confirmed, and no channel: still ours until the refund is sent',
      [s.receipts([FULL], { clientOnline: false }), s.cancelOrder()],
      ['REFUNDED', 'PAID', 'FAILED', null],
    ],
    [
      'confirmed, and no channel, the refund sent',
      [s.receipts([FULL], { clientOnline: false }), s.cancelOrder(), s.refundSent(1)],
      ['REFUNDED', 'REFUNDED', 'FAILED', null],
    ],
    [
      'paid on chain beside a payment by Lightning, and sent back',
      [...opened, s.receipts([FULL]), s.refundSent(1)],
      ['PAID', 'REFUNDED', 'COMPLETED', 'object'],
    ],
  ])('[L1-46] [L1-60] [L1-67] [L1-72] [L1-80] %s', (_, events, expected) => {
    expect(states(s.after(s.TERMS, ...events))).toEqual(expected)
  })

  it('[L1-78] too little is not PAID, neither while it waits nor when it goes back', () => {
    const some = s.receipts([s.receipt(1, s.TOTAL - 1n)])
    expect(states(s.after(s.TERMS, some))[1]).toBe('EXPECT_PAYMENT')
    const failed = s.after(s.TERMS, some, s.deadlineAt(s.EXPIRES_AT))
    expect(states(failed)).toEqual(['REFUNDED', 'EXPECT_PAYMENT', 'FAILED', null])
    expect(states(step(failed, s.refundSent(1)).state)[1]).toBe('REFUNDED')
  })
})

describe('what a client reads', () => {
  it('[L1-61] [L1-62] [L1-63] [L1-73] [L1-74] each way to pay has its expiry, its fee and its total', () => {
    const { bolt11, onchain } = paymentOf(s.after(real(s.TERMS)))
    const price = { expires_at: s.EXPIRES_AT, fee_total_sat: s.FEE, order_total_sat: s.TOTAL }
    expect(bolt11).toEqual({ state: 'EXPECT_PAYMENT', ...price, invoice: 'lnbcrt1' })
    expect(onchain).toEqual({
      state: 'EXPECT_PAYMENT',
      ...price,
      address: ADDRESS,
      min_onchain_payment_confirmations: 1,
      min_fee_for_0conf: null,
      refund_onchain_address: ADDRESS,
    })
    expect(paymentOf(s.after(real(s.ZERO_CONF))).onchain).toMatchObject({
      min_onchain_payment_confirmations: 0,
      min_fee_for_0conf: 500,
    })
  })

  it('tells what an order waits for, and why one failed', () => {
    expect(messageOf(s.after(s.TERMS))).toBeUndefined()
    expect(messageOf(s.after(s.TERMS, s.accepted({ clientOnline: false })))).toBe('waiting for you to connect')
    expect(messageOf(s.after(s.TERMS, s.accepted(), s.refused()))).toContain('the words of the node')
    expect(messageOf(s.after(s.TERMS, s.cancelOrder()))).toBe('as you asked')
    expect(messageOf(s.after(s.TERMS, s.accepted(), s.published()))).toBeUndefined()
  })

  it('is nothing for an extension: that is another method', () => {
    expect(viewOf(s.after(s.EXTENSION))).toBeUndefined()
  })

  it('[L1-41] [L1-45] [L1-80] can be written at every step of every story, and never contradicts what was read before', () => {
    fc.assert(
      fc.property(anyTerms, anyStory, (terms, events) => {
        let order = place(real(terms)).state
        let before = viewOf(order)
        for (const event of events) {
          // Taken with our preimage by a newer database: what was told before was not the whole truth.
          if (event.type === 'invoice' && event.state === 'settled') continue
          // Given back by lnd after its channel was published, before it could be taken: bLIP-51 has no word for that.
          if (event.type === 'invoice' && event.state === 'canceled' && order.tag === 'completed') continue
          order = step(order, event).state
          const after = viewOf(order)
          if (before === undefined || after === undefined) continue
          const wire = z.encode(OrderResult, after)
          expect(z.decode(OrderResult, wire)).toEqual(after)
          expect(Object.keys(after.payment).length).toBeGreaterThan(0)
          expect(JSON.stringify(wire)).not.toContain('CANCELLED')
          const change = impossibleChange(before, after)
          // A reorganisation may take a payment back: bLIP-51 has no word for that.
          if (change?.what !== 'payment.onchain.state') expect(change).toBeUndefined()
          before = after
        }
      }),
    )
  })
})
