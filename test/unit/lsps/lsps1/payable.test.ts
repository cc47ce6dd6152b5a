import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat, U64_MAX } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import { invoiceAmount } from '../../../../lsps/lsps1/invoice-amount.ts'
import { payableOptions, wrongPayment } from '../../../../lsps/lsps1/payable.ts'
import type { Payment } from '../../../../lsps/lsps1/schema.ts'
import { anyPayment, INVOICE_REST, invoiceFor, LSP_ADDRESS, NOW, paymentFor, REFUND_ADDRESS } from './orders.ts'

const CLIENT = sat(2_000_000n)
const PAYMENT = paymentFor(CLIENT)
const AGREEMENT = { clientBalance: CLIENT, refundAddress: REFUND_ADDRESS }

function changed<Method extends 'bolt11' | 'onchain'>(
  method: Method,
  change: Partial<NonNullable<Payment[Method]>>,
): Payment {
  return { ...PAYMENT, [method]: { ...PAYMENT[method], ...change } }
}

describe('the prices of an order', () => {
  it('[L1-48] [L1-63] are the fee and the balance of the client', () => {
    expect(wrongPayment(PAYMENT, AGREEMENT)).toBeUndefined()
    expect(wrongPayment({}, AGREEMENT)).toBeUndefined()
  })

  it.each(['bolt11', 'onchain'] as const)('[L1-48] [L1-63] are wrong by one satoshi: %s', (method) => {
    const { order_total_sat } = PAYMENT[method] ?? { order_total_sat: 0n }
    for (const total of [order_total_sat - 1n, order_total_sat + 1n]) {
      expect(wrongPayment(changed(method, { order_total_sat: sat(total) }), AGREEMENT)).toContain(`payment.${method}`)
    }
  })

  it('[L1-48] are wrong when they leave 64 bits', () => {
    const payment = changed('bolt11', { fee_total_sat: sat(U64_MAX), order_total_sat: sat(1_999_999n) })
    expect(wrongPayment(payment, AGREEMENT)).toContain('payment.bolt11')
  })

  it.each([
    ['another amount', invoiceFor(sat(2_008_889n))],
    ['no amount', `lnbc${INVOICE_REST}`],
    ['no invoice', 'nonsense'],
  ])('[L1-65] are wrong with an invoice for %s', (_, invoice) => {
    expect(wrongPayment(changed('bolt11', { invoice }), AGREEMENT)).toContain('payment.bolt11.invoice')
  })

  it('[L1-73] are wrong when a refund goes to somebody else', () => {
    const wrong = changed('onchain', { refund_onchain_address: LSP_ADDRESS })
    expect(wrongPayment(wrong, AGREEMENT)).toContain('refunds to')
    expect(wrongPayment(changed('onchain', { refund_onchain_address: null }), AGREEMENT)).toBeUndefined()
    expect(wrongPayment(PAYMENT, { clientBalance: CLIENT })).toContain('refunds to')
  })
})

describe('the ways to pay', () => {
  const options = (payment: Payment, refundAddress = REFUND_ADDRESS) =>
    payableOptions(payment, { now: NOW, refundAddress }).map(({ method }) => method)

  it('[L1-62] are told the cheapest first', () => {
    expect(options(PAYMENT)).toEqual(['bolt11', 'onchain'])
    expect(options(paymentFor(CLIENT, { bolt11: sat(2n), onchain: sat(1n) }))).toEqual(['onchain', 'bolt11'])
  })

  it('say what to pay, and where', () => {
    const [bolt11, onchain] = payableOptions(PAYMENT, { now: NOW, refundAddress: REFUND_ADDRESS })
    expect(bolt11).toEqual({
      method: 'bolt11',
      fee: 8888n,
      total: 2_008_888n,
      expiresAt: NOW + 3_600_000,
      invoice: invoiceFor(sat(2_008_888n)),
    })
    expect(onchain).toMatchObject({ method: 'onchain', address: LSP_ADDRESS, minConfirmations: 0, zeroConfAbove: 500 })
  })

  it('[L1-20] are not on chain without a refund address', () => {
    expect(payableOptions(PAYMENT, { now: NOW }).map(({ method }) => method)).toEqual(['bolt11'])
  })

  it('[L1-61] are not those that have ended, or that are paid', () => {
    expect(options(changed('bolt11', { expires_at: NOW }))).toEqual(['onchain'])
    expect(options(changed('onchain', { state: 'PAID' }))).toEqual(['bolt11'])
    expect(options(changed('bolt11', { state: 'REFUNDED' }))).toEqual(['onchain'])
  })

  it('are at most those of the order, each once', () => {
    fc.assert(
      fc.property(anyPayment(), (payment) => {
        const told = payableOptions(payment, { now: 0 as Timestamp, refundAddress: REFUND_ADDRESS })
        for (const { method, fee, total } of told) {
          expect(payment[method]).toMatchObject({ fee_total_sat: fee, order_total_sat: total, state: 'EXPECT_PAYMENT' })
        }
        expect(new Set(told.map(({ method }) => method)).size).toBe(told.length)
      }),
    )
  })
})

describe('the amount of an invoice', () => {
  it.each([
    ['lnbc2500u', 250_000_000n],
    ['lnbc20m', 2_000_000_000n],
    ['lnbc1', 100_000_000_000n],
    ['lnbc2008888', 200_888_800_000_000_000n],
    ['lnbc10n', 1000n],
    ['lnbc10p', 1n],
    ['lnbc9678785340p', 967_878_534n],
    ['lnbcrt1m', 100_000_000n],
    ['lntb1m', 100_000_000n],
    ['lntbs1m', 100_000_000n],
    ['lnsb1m', 100_000_000n],
    ['LNBC1M', 100_000_000n],
  ])('[L1-65] of %s… is %d msat', (prefix, amount) => {
    expect(invoiceAmount(prefix + INVOICE_REST)).toBe(amount)
  })

  it.each(['lnbc', 'lnbc0', 'lnbc01u', 'lnbc1p', 'lnbc2x', 'lnxy1m', 'lno1', '', 'lnbc99999999999999999999', 'lnbc-1'])(
    '[L1-65] of %s… is none',
    (prefix) => {
      expect(invoiceAmount(prefix + INVOICE_REST)).toBeUndefined()
    },
  )

  it('[L1-65] is what was asked for, for every total', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: U64_MAX / 1000n }), (total) => {
        expect(invoiceAmount(invoiceFor(sat(total)))).toBe(total * 1000n)
      }),
    )
  })
})
