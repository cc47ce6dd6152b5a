import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { CONFIRM_GRACE_MS, isTerminal, step } from '../../../src/orders/machine.ts'
import { MAX_CLIENT_REFUSALS } from '../../../src/orders/opening.ts'
import * as s from './samples.ts'

const FULL = s.receipt(1, s.TOTAL)

describe('an order that is paid by its hold invoice', () => {
  it('is begun at once while the client is connected, and no invoice is touched', () => {
    const { state, effects } = step(s.after(s.TERMS), s.accepted())
    expect(state.tag).toBe('opening')
    expect(state.payment.invoice).toBe('held')
    expect(effects).toEqual([{ type: 'open-channel', pendingChannelId: s.PENDING }])
  })

  it('waits for its client, and is begun when it comes [L1-90]', () => {
    const waiting = s.after(s.TERMS, s.accepted({ clientOnline: false }))
    expect(waiting.tag).toBe('paid')
    expect(step(waiting, s.clientOnline()).state.tag).toBe('opening')
  })

  it('is settled only when the channel is published [L1-69] [L1-93]', () => {
    const { state, effects } = step(s.after(s.TERMS, s.accepted()), s.published())
    expect(state.tag).toBe('completed')
    expect(state.payment.invoice).toBe('settling')
    expect(effects).toEqual([{ type: 'settle-invoice' }])
    const done = step(state, s.settledNow())
    expect(done.money).toMatchObject([{ type: 'order-fee', by: 'bolt11', earned: s.FEE * 1000n }])
    expect(isTerminal(done.state)).toBe(true)
  })

  it('is not begun when its payment would expire before the channel is there, and can still be paid on chain [L1-70]', () => {
    const late = s.accepted({ heldUntil: s.HEIGHT + s.SAFETY + s.OPEN_BLOCKS })
    const { state, effects } = step(s.after(s.TERMS), late)
    expect(state.tag).toBe('created')
    expect(effects).toEqual([{ type: 'cancel-invoice' }])
    expect(step(s.after(s.LIGHTNING_ONLY), late).state.tag).toBe('failed')
  })

  it('gives the payment back while the client is away and blocks run out [L1-70]', () => {
    const waiting = s.after(s.TERMS, s.accepted({ clientOnline: false }))
    const { state, effects } = step(waiting, s.blockAt(s.HELD_UNTIL - s.SAFETY - s.OPEN_BLOCKS))
    expect(state).toMatchObject({ tag: 'failed', why: 'the client did not connect in time' })
    expect(effects).toEqual([{ type: 'cancel-invoice' }])
  })

  it('asks its channel back before the payment expires, and keeps the payment until that is answered', () => {
    const { state, effects } = step(s.after(s.TERMS, s.accepted()), s.blockAt(s.HELD_UNTIL - s.SAFETY))
    expect(effects).toEqual([{ type: 'withdraw-channel', pendingChannelId: s.PENDING }])
    expect(step(state, s.published()).effects).toEqual([{ type: 'settle-invoice' }])
    expect(step(state, s.refused('withdrawn')).effects).toEqual([{ type: 'cancel-invoice' }])
  })

  it('sends back what comes on chain beside it [L1-80]', () => {
    const paid = s.after(s.TERMS, s.accepted(), s.published(), s.settledNow())
    const { effects } = step(paid, s.receipts([FULL]))
    expect(effects).toEqual([{ type: 'refund', outpoint: FULL.outpoint, amount: s.TOTAL }])
  })
})

describe('an order whose channel is refused', () => {
  it('is tried again after a pause', () => {
    const refused = s.after(s.TERMS, s.accepted(), s.refused('client-gone'))
    expect(refused).toMatchObject({ tag: 'paid', attempts: 1, failures: [{ reason: 'client-gone' }] })
    expect(step(refused, s.clientOnline()).ignored).toBeDefined()
    expect(step(refused, s.deadlineAt(s.NOW + 30_000)).state.tag).toBe('opening')
  })

  it('fails when the client refused it too often, and says so', () => {
    let order = s.after(s.TERMS, s.accepted())
    for (let attempt = 1; attempt <= MAX_CLIENT_REFUSALS; attempt += 1) {
      order = step(order, s.refused()).state
      if (order.tag === 'paid') order = step(order, s.deadlineAt(order.retryAt ?? 0)).state
    }
    expect(order).toMatchObject({ tag: 'failed', why: 'the client refused the channel: the words of the node' })
  })

  it('fails when its time is over', () => {
    const refused = s.after(s.TERMS, s.accepted(), s.refused('no-coins'))
    expect(step(refused, s.deadlineAt(s.NOW + s.OPEN_WITHIN_MS)).state.tag).toBe('failed')
  })
})

describe('an order that is paid on chain', () => {
  it('counts what is deep enough, all of it together [L1-75] [L1-78]', () => {
    const half = [s.receipt(1, s.TOTAL / 2n), s.receipt(2, s.TOTAL, { confirmations: 0 })]
    expect(s.after(s.TERMS, s.receipts(half)).tag).toBe('created')
    const whole = [s.receipt(1, s.TOTAL / 2n), s.receipt(2, s.TOTAL, { confirmations: 1 })]
    const { state, effects } = step(s.after(s.TERMS, s.receipts(half)), s.receipts(whole))
    expect(state).toMatchObject({ tag: 'opening', by: 'onchain' })
    expect(effects.map(({ type }) => type)).toEqual(['cancel-invoice', 'open-channel'])
  })

  it('is paid without a confirmation only by one transaction that cannot be replaced, and within the risk taken', () => {
    const seen = (over: object) =>
      s.receipts([s.receipt(1, s.FEE, { confirmations: 0, ...over })], { zeroConfLeft: s.FEE })
    expect(s.after(s.ZERO_CONF, seen({ replaceable: false })).tag).toBe('opening')
    expect(s.after(s.ZERO_CONF, seen({ replaceable: true })).tag).toBe('created')
    expect(s.after(s.TERMS, seen({ replaceable: false })).tag).toBe('created')
    const tooMuch = s.receipts([s.receipt(1, s.FEE, { confirmations: 0, replaceable: false })], {
      zeroConfLeft: s.FEE - 1n,
    })
    expect(s.after(s.ZERO_CONF, tooMuch).tag).toBe('created')
  })

  it('is booked only when what paid for it is in a block', () => {
    const unconfirmed = s.receipts([s.receipt(1, s.FEE, { confirmations: 0, replaceable: false })], {
      zeroConfLeft: s.FEE,
    })
    const completed = s.after(s.ZERO_CONF, unconfirmed, s.published())
    expect(completed).toMatchObject({ tag: 'completed', booked: false })
    const { state, money } = step(completed, s.receipts([s.receipt(1, s.FEE)]))
    expect(state).toMatchObject({ booked: true })
    expect(money.map(({ type }) => type)).toEqual(['order-deposit', 'order-fee'])
  })

  it('is waited for anew when a reorganisation takes the payment back before the channel is begun', () => {
    const paid = s.after(s.TERMS, s.receipts([FULL], { clientOnline: false }))
    expect(paid.tag).toBe('paid')
    expect(step(paid, s.receipts([{ ...FULL, confirmations: 0 }])).state.tag).toBe('created')
  })

  it('sends back what is too much, when it is done [L1-78]', () => {
    const rich = s.receipts([s.receipt(3, s.TOTAL + 5_000n)])
    const { effects, state } = step(s.after(s.TERMS, rich), s.published())
    expect(effects).toEqual([{ type: 'refund', outpoint: s.paidIn(3), amount: 5_000n }])
    expect(state.payment.deposits).toMatchObject([{ sold: s.TOTAL, refund: { amount: 5_000n, stage: 'asked' } }])
  })

  it('sends all of it back when there is no channel, once it is confirmed [L1-77]', () => {
    const order = s.after(s.TERMS, s.receipts([s.receipt(1, s.TOTAL / 2n, { confirmations: 0 })]))
    const { state, effects } = step(order, s.deadlineAt(s.EXPIRES_AT))
    expect(state.tag).toBe('failed')
    expect(effects).toEqual([{ type: 'cancel-invoice' }])
    expect(step(state, s.receipts([s.receipt(1, s.TOTAL / 2n)])).effects).toEqual([
      { type: 'refund', outpoint: s.paidIn(1), amount: s.TOTAL / 2n },
    ])
  })

  it('waits for a payment that was seen in time, and not for ever', () => {
    const seen = s.after(s.TERMS, s.receipts([{ ...FULL, confirmations: 0 }]))
    const expired = step(seen, s.deadlineAt(s.EXPIRES_AT))
    expect(expired.state.tag).toBe('created')
    expect(expired.effects).toEqual([{ type: 'cancel-invoice' }])
    expect(step(expired.state, s.receipts([FULL])).state.tag).toBe('opening')
    expect(step(expired.state, s.deadlineAt(s.EXPIRES_AT + CONFIRM_GRACE_MS)).state.tag).toBe('failed')
  })

  it('waits no more for what is in no block once it has failed, and sends it back when it is [L1-78]', () => {
    const seen = s.after(s.TERMS, s.receipts([s.receipt(1, s.TOTAL / 2n, { confirmations: 0 })]))
    const failed = s.after(
      s.TERMS,
      s.receipts([s.receipt(1, s.TOTAL / 2n, { confirmations: 0 })]),
      s.deadlineAt(s.EXPIRES_AT),
      s.cancelledNow(),
    )
    expect(isTerminal(seen)).toBe(false)
    expect(failed.tag).toBe('failed')
    expect(isTerminal(failed)).toBe(true)
    const mined = step(failed, s.receipts([s.receipt(1, s.TOTAL / 2n)]))
    expect(mined.effects).toEqual([{ type: 'refund', outpoint: s.paidIn(1), amount: s.TOTAL / 2n }])
    expect(isTerminal(mined.state)).toBe(false)
    const undone = step(mined.state, s.receipts([s.receipt(1, s.TOTAL / 2n, { confirmations: 0 })]))
    expect(isTerminal(undone.state)).toBe(false)
  })

  it('sends back what comes after its end, also long after [L1-78]', () => {
    const over = s.after(s.TERMS, s.deadlineAt(s.EXPIRES_AT), s.cancelledNow())
    expect(isTerminal(over)).toBe(true)
    const late = step(over, s.receipts([FULL]))
    expect(isTerminal(late.state)).toBe(false)
    expect(late.effects).toEqual([{ type: 'refund', outpoint: FULL.outpoint, amount: s.TOTAL }])
    const sent = step(late.state, s.refundSent(1, sat(300n)))
    expect(isTerminal(sent.state)).toBe(false)
    const done = step(sent.state, s.refundDone(1, sat(500n)))
    expect(done.money).toMatchObject([{ type: 'order-refund', amount: s.TOTAL, chainFee: 500n }])
    expect(isTerminal(done.state)).toBe(true)
  })
})

describe('an extension', () => {
  it('is written down before its payment is taken [L7-06]', () => {
    const paid = step(s.after(s.EXTENSION), s.accepted({ received: s.FEE * 1000n, clientOnline: false }))
    expect(paid.effects).toEqual([{ type: 'extend' }])
    const extended = step(paid.state, s.extended())
    expect(extended.state.tag).toBe('completed')
    expect(extended.effects).toEqual([{ type: 'settle-invoice' }])
  })

  it('gives its payment back when the channel is gone', () => {
    const paid = s.after(s.EXTENSION, s.accepted({ received: s.FEE * 1000n }))
    const { state, effects } = step(paid, s.extendRefused())
    expect(state.tag).toBe('failed')
    expect(effects).toEqual([{ type: 'cancel-invoice' }])
  })
})
