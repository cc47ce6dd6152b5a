import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import { impossibleChange } from '../../../../lsps/lsps1/changes.ts'
import type { OrderResult, Payment } from '../../../../lsps/lsps1/schema.ts'
import {
  isFinal,
  type OrderEvent,
  type OrderStates,
  PAYMENT_METHODS,
  statesAfter,
  statesOf,
} from '../../../../lsps/lsps1/states.ts'
import { NOW, ORDER, OUTPOINT, paymentFor } from './orders.ts'

const CREATED: OrderStates = { order: 'CREATED', bolt11: 'EXPECT_PAYMENT', onchain: 'EXPECT_PAYMENT' }
const paid = (method: 'bolt11' | 'bolt12' | 'onchain'): OrderEvent => ({ type: 'payment-received', method })
const OPENED: OrderEvent = { type: 'channel-opened' }
const FAILED: OrderEvent = { type: 'failed' }

function reached(...events: readonly OrderEvent[]): OrderStates | undefined {
  return events.reduce<OrderStates | undefined>((states, event) => states && statesAfter(states, event), CREATED)
}

describe('the states of an order', () => {
  it('[L1-67] [L1-69] [L1-93] paid by Lightning: held, then paid when the channel is published', () => {
    expect(reached(paid('bolt11'))).toEqual({ order: 'CREATED', bolt11: 'HOLD', onchain: 'EXPECT_PAYMENT' })
    expect(reached(paid('bolt11'), OPENED)).toEqual({ order: 'COMPLETED', bolt11: 'PAID', onchain: 'EXPECT_PAYMENT' })
  })

  it('[L1-72] [L1-76] paid on chain: paid at once, and the invoice is cancelled', () => {
    expect(reached(paid('onchain'))).toEqual({ order: 'CREATED', bolt11: 'REFUNDED', onchain: 'PAID' })
    expect(reached(paid('onchain'), OPENED)).toEqual({ order: 'COMPLETED', bolt11: 'REFUNDED', onchain: 'PAID' })
  })

  it('[L1-68] [L1-69] [L1-77] [L1-93] failed: everything is refunded, whoever paid', () => {
    const refunded = { order: 'FAILED', bolt11: 'REFUNDED', onchain: 'REFUNDED' }
    for (const events of [[FAILED], [paid('bolt11'), FAILED], [paid('onchain'), FAILED]]) {
      expect(reached(...events)).toEqual(refunded)
    }
  })

  it('nothing is paid twice, opened unpaid, or changed after the end', () => {
    expect(reached(OPENED)).toBeUndefined()
    expect(reached(paid('bolt11'), paid('bolt11'))).toBeUndefined()
    expect(reached(paid('bolt11'), paid('onchain'))).toBeUndefined()
    expect(reached(paid('bolt12'))).toBeUndefined()
    for (const event of [OPENED, FAILED, paid('bolt11')]) {
      expect(reached(paid('bolt11'), OPENED, event)).toBeUndefined()
      expect(reached(FAILED, event)).toBeUndefined()
    }
  })

  it('keep the options that the order has', () => {
    expect(statesAfter({ order: 'CREATED', bolt12: 'EXPECT_PAYMENT' }, paid('bolt12'))).toEqual({
      order: 'CREATED',
      bolt12: 'HOLD',
    })
  })
})

describe('an order is final', () => {
  const at = (order_state: OrderResult['order_state'], states: Partial<OrderStates>) => {
    const { bolt11, onchain } = paymentFor(sat(0n))
    if (bolt11 === undefined || onchain === undefined) throw new Error('the sample lacks one')
    const payment: Payment = {
      ...(states.bolt11 === undefined ? {} : { bolt11: { ...bolt11, state: states.bolt11 } }),
      ...(states.onchain === undefined ? {} : { onchain: { ...onchain, state: states.onchain } }),
    }
    return isFinal({ order_state, payment })
  }

  it.each([
    ['CREATED', { bolt11: 'REFUNDED' }, false],
    ['COMPLETED', { bolt11: 'HOLD' }, false],
    ['COMPLETED', { bolt11: 'PAID', onchain: 'EXPECT_PAYMENT' }, true],
    ['COMPLETED', { bolt11: 'REFUNDED', onchain: 'PAID' }, true],
    ['COMPLETED', { bolt11: 'HOLD', onchain: 'PAID' }, false],
    ['FAILED', { bolt11: 'HOLD' }, false],
    ['FAILED', { onchain: 'PAID' }, false],
    ['FAILED', { bolt11: 'REFUNDED', onchain: 'EXPECT_PAYMENT' }, true],
    ['FAILED', { onchain: 'REFUNDED' }, true],
    ['FAILED', {}, true],
  ] as const)('%s with %j: %s', (order, states, final) => {
    expect(at(order, states)).toBe(final)
  })
})

/** An order in these states, as an LSP would answer it. */
function answered(states: OrderStates): OrderResult {
  const { bolt11, onchain } = ORDER.payment
  if (bolt11 === undefined || onchain === undefined) throw new Error('the sample lacks one')
  const { invoice, ...price } = bolt11
  const channel = { funded_at: NOW, funding_outpoint: OUTPOINT, expires_at: (NOW + 1) as Timestamp }
  return {
    ...ORDER,
    order_state: states.order,
    payment: {
      ...(states.bolt11 === undefined ? {} : { bolt11: { ...bolt11, state: states.bolt11 } }),
      ...(states.bolt12 === undefined ? {} : { bolt12: { ...price, offer: invoice, state: states.bolt12 } }),
      ...(states.onchain === undefined ? {} : { onchain: { ...onchain, state: states.onchain } }),
    },
    channel: states.order === 'COMPLETED' ? channel : null,
  }
}

const anyEvent = (): fc.Arbitrary<OrderEvent> =>
  fc.oneof(fc.constantFrom(...PAYMENT_METHODS).map(paid), fc.constantFrom(OPENED, FAILED))
const anyStart = (): fc.Arbitrary<OrderStates> =>
  fc
    .subarray(PAYMENT_METHODS.slice(), { minLength: 1 })
    .map((methods) => ({ order: 'CREATED', ...Object.fromEntries(methods.map((one) => [one, 'EXPECT_PAYMENT'])) }))

/** Everything that an order goes through; events that cannot happen are skipped. */
function history(start: OrderStates, events: readonly OrderEvent[]): readonly OrderStates[] {
  const seen = [start]
  for (const event of events) {
    const states = statesAfter(seen.at(-1) ?? start, event)
    if (states !== undefined) seen.push(states)
  }
  return seen
}

describe('what a client sees', () => {
  it('of any history, however seldom it asks, is possible', () => {
    fc.assert(
      fc.property(anyStart(), fc.array(anyEvent()), (start, events) => {
        const seen = history(start, events).map(answered)
        seen.forEach((before, at) => {
          for (const later of seen.slice(at)) expect(impossibleChange(before, later)).toBeUndefined()
        })
      }),
    )
  })

  it('backwards is never possible', () => {
    fc.assert(
      fc.property(anyStart(), fc.array(anyEvent()), (start, events) => {
        const seen = history(start, events).map(answered)
        seen.forEach((before, at) => {
          for (const later of seen.slice(at + 1)) expect(impossibleChange(later, before)).toBeDefined()
        })
      }),
    )
  })

  it('ends with a final order exactly when no event is left that can happen', () => {
    fc.assert(
      fc.property(anyStart(), fc.array(anyEvent()), (start, events) => {
        const last = history(start, events).at(-1) ?? start
        const goesOn = [OPENED, FAILED].some((event) => statesAfter(last, event) !== undefined)
        expect(isFinal(answered(last))).toBe(!goesOn)
        expect(statesOf(answered(last))).toEqual(last)
      }),
    )
  })
})
