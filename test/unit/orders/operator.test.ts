import { describe, expect, it } from 'vitest'
import { OPERATOR_REASON, planOf } from '../../../src/orders/operator.ts'
import {
  accepted,
  after,
  cancelledNow,
  cancelOrder,
  clientOnline,
  EXTENSION,
  extended,
  ONCHAIN_ONLY,
  published,
  receipt,
  receipts,
  refundSent,
  settledNow,
  TERMS,
  TOTAL,
} from './samples.ts'

const AWAY = { clientOnline: false }
const created = after(TERMS)
const partlyPaid = after(TERMS, receipts([receipt(1, 1_000n)]))
const held = after(TERMS, accepted(AWAY))
const opening = after(TERMS, accepted(AWAY), clientOnline())
const completed = after(TERMS, accepted(AWAY), clientOnline(), published(), settledNow())
const longer = after(EXTENSION, accepted(), extended())
const failed = after(TERMS, cancelOrder(), cancelledNow())
const refunded = after(ONCHAIN_ONLY, receipts([receipt(1, TOTAL)], AWAY), cancelOrder(), refundSent(1))
const refunding = after(ONCHAIN_ONLY, receipts([receipt(1, TOTAL)], AWAY), cancelOrder())

describe('a cancel', () => {
  it('is for orders that nobody has paid', () => {
    expect(planOf(created, 'cancel')).toEqual({
      does: [
        'its invoice is cancelled: nobody can pay it any more',
        'the order is FAILED then, and its client reads why',
      ],
    })
  })

  it.each([
    ['paid in part', partlyPaid, /^something was paid to its address: sluice orders refund bb4b5d0a/],
    ['held', held, /^it is paid: sluice orders refund bb4b5d0a/],
    ['being opened', opening, /^it is paid: sluice orders refund bb4b5d0a/],
  ])('sends whoever asks for one that is %s to the refund', (_, order, why) => {
    expect(planOf(order, 'cancel')).toEqual({ refused: expect.stringMatching(why) })
  })
})

describe('a refund', () => {
  it('gives back what is held, and opens nothing', () => {
    expect(planOf(held, 'refund')).toEqual({
      does: [
        'no channel is opened for it',
        'the payment that lnd holds goes back to its payer',
        'the order is FAILED then, and its client reads why',
      ],
    })
  })

  it('says that a channel which is being opened may come all the same', () => {
    expect(planOf(opening, 'refund')).toMatchObject({
      does: [expect.stringMatching(/it is published and the order completes/), '', ''].map(
        (one) => one || expect.any(String),
      ),
    })
  })

  it('sends back what came on chain', () => {
    expect(planOf(partlyPaid, 'refund')).toMatchObject({
      does: expect.arrayContaining([
        '1000 sat that came on chain go back to bcrt1qrefund, less the fee, as soon as they are confirmed',
      ]),
    })
  })

  it('of an order that nobody has paid is a cancel', () => {
    expect(planOf(created, 'refund')).toEqual({
      refused: expect.stringMatching(/^nobody has paid it: sluice orders cancel/),
    })
  })
})

describe('either', () => {
  it.each([
    ['completed', completed, /^it is completed: its channel eeee.* was published, and its lifetime is promised$/],
    ['a longer life that is promised', longer, /^it is completed: the longer life of its channel is promised already$/],
    ['failed with nothing', failed, /^it has failed, and nothing came for it$/],
    ['refunded', refunded, /^it has failed, and everything that came was sent back$/],
    ['being refunded', refunding, /^it has failed: 1 refunds? (is|are) on (its|their) way/],
  ])('is refused for an order that is %s, with the reason', (_, order, why) => {
    for (const action of ['cancel', 'refund'] as const) {
      expect(planOf(order, action)).toEqual({ refused: expect.stringMatching(why) })
    }
  })

  it('tells the client whose doing it was', () => {
    expect(OPERATOR_REASON).toEqual({ cancel: 'cancelled by the operator', refund: 'given back by the operator' })
  })
})
