import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createEncoder } from '../../../../lsps/base/encoder.ts'
import {
  CreateOrderParams,
  Lsps1Options,
  OrderResult,
  Payment,
  PaymentBolt11,
  PaymentOnchain,
} from '../../../../lsps/lsps1/schema.ts'
import { anyOptions, anyOrder, anyParams, OPTIONS, ORDER, ORDERED, paymentFor } from './orders.ts'

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const wireOrder = () => z.encode(OrderResult, ORDER) as Readonly<Record<string, unknown>>
const wireParams = () => z.encode(CreateOrderParams, ORDERED) as Readonly<Record<string, unknown>>

/** The dotted names of what is wrong. */
function faultsOf(schema: z.ZodType, value: unknown): readonly string[] {
  const { error } = z.safeDecode(schema, value as never)
  return error?.issues.map(({ path }) => path.join('.')) ?? []
}

describe('what is offered', () => {
  it('[L1-03] comes back from the wire as it was', () => {
    fc.assert(
      fc.property(anyOptions(), (options) => {
        expect(z.decode(Lsps1Options, throughJson(z.encode(Lsps1Options, options)) as never)).toEqual(options)
      }),
    )
  })

  it('[L1-03] has exactly the ten fields, amounts as strings', () => {
    const wire = z.encode(Lsps1Options, OPTIONS) as Readonly<Record<string, unknown>>
    expect(Object.keys(wire)).toHaveLength(10)
    for (const [name, value] of Object.entries(wire)) {
      if (name.endsWith('_sat')) expect(value).toMatch(/^\d+$/)
      else expect(['number', 'boolean']).toContain(typeof value)
    }
  })

  it.each(['min_funding_confirms_within_blocks', 'max_channel_expiry_blocks'])(
    '[L1-03] has a %s of one at least',
    (name) => {
      expect(faultsOf(Lsps1Options, { ...z.encode(Lsps1Options, OPTIONS), [name]: 0 })).toEqual([name])
    },
  )
})

describe('what is ordered', () => {
  it('comes back from the wire as it was, its token too', () => {
    fc.assert(
      fc.property(anyParams(), (params) => {
        const read = z.decode(CreateOrderParams, throughJson(z.encode(CreateOrderParams, params)) as never)
        expect(read).toEqual(params)
        expect(read.token).toBe(params.token)
      }),
    )
  })

  it.each([undefined, null, '', 'coupon'])('[L1-19] [L1-42] keeps a token apart that was sent as %j', (token) => {
    const read = z.decode(CreateOrderParams, throughJson({ ...wireParams(), token }) as never)
    expect(read.token).toBe(token)
  })

  it.each([undefined, null])('[L1-19] has no refund address when it was sent as %j', (refund_onchain_address) => {
    const read = z.decode(CreateOrderParams, throughJson({ ...wireParams(), refund_onchain_address }) as never)
    expect(read.refund_onchain_address).toBeUndefined()
  })

  it('[L0-06] [L1-15] refuses a token with a zero character', () => {
    expect(faultsOf(CreateOrderParams, { ...wireParams(), token: 'a\0b' })).toEqual(['token'])
  })

  it('[L1-18] refuses balances that leave 64 bits together, and no others', () => {
    const balances = { lsp_balance_sat: '18446744073709551615', client_balance_sat: '1' }
    expect(faultsOf(CreateOrderParams, { ...wireParams(), ...balances })).toEqual(['client_balance_sat'])
    expect(faultsOf(CreateOrderParams, { ...wireParams(), ...balances, client_balance_sat: '0' })).toEqual([])
  })
})

describe('an order', () => {
  it('comes back from the wire as it was', () => {
    fc.assert(
      fc.property(anyOrder(), (order) => {
        expect(z.decode(OrderResult, throughJson(z.encode(OrderResult, order)) as never)).toEqual(order)
      }),
    )
  })

  it('is written by the fast encoder as by zod', () => {
    const encode = createEncoder(OrderResult)
    fc.assert(
      fc.property(anyOrder(), (order) => {
        expect(encode(order)).toEqual(z.encode(OrderResult, order))
      }),
    )
  })

  it('[L1-45] [L0-37] is read without what nobody knows', () => {
    const payment = { ...z.encode(Payment, ORDER.payment), bolt13: { state: 'NEW' } }
    expect(z.decode(OrderResult, { ...wireOrder(), payment, hint: 1 } as never)).toEqual(ORDER)
  })

  it('[L1-46] has a channel, or null: never nothing', () => {
    const { channel, ...rest } = wireOrder()
    expect(channel).toBeNull()
    expect(faultsOf(OrderResult, rest)).toEqual(['channel'])
  })

  it('[L1-40] has an id of at most 64 characters', () => {
    expect(faultsOf(OrderResult, { ...wireOrder(), order_id: 'x'.repeat(64) })).toEqual([])
    expect(faultsOf(OrderResult, { ...wireOrder(), order_id: 'x'.repeat(65) })).toEqual(['order_id'])
  })

  it('[L1-43] is dated to the millisecond', () => {
    expect(wireOrder()).toHaveProperty('created_at', '2030-03-17T17:46:40.000Z')
  })
})

describe('a payment option', () => {
  const { bolt11, onchain } = paymentFor(ORDERED.client_balance_sat)
  if (bolt11 === undefined || onchain === undefined) throw new Error('the sample lacks one')
  const wireBolt11 = z.encode(PaymentBolt11, bolt11)
  const wireOnchain = z.encode(PaymentOnchain, onchain)

  it.each([
    ['CANCELLED', 'REFUNDED'],
    ['REFUNDED', 'REFUNDED'],
    ['HOLD', 'HOLD'],
    ['PAID', 'PAID'],
  ] as const)('[L1-60] [L1-67] [L1-68] by Lightning that is %s is read as %s', (state, read) => {
    expect(z.decode(PaymentBolt11, { ...wireBolt11, state }).state).toBe(read)
  })

  it.each([
    ['CANCELLED', 'REFUNDED'],
    ['HOLD', 'PAID'],
    ['PAID', 'PAID'],
    ['EXPECT_PAYMENT', 'EXPECT_PAYMENT'],
  ] as const)('[L1-60] [L1-72] on chain that is %s is read as %s', (state, read) => {
    expect(z.decode(PaymentOnchain, { ...wireOnchain, state }).state).toBe(read)
  })

  it('[L1-67] [L1-72] has no other state', () => {
    for (const state of ['', 'hold', 'EXPIRED', null]) {
      expect(faultsOf(PaymentBolt11, { ...wireBolt11, state })).toEqual(['state'])
      expect(faultsOf(PaymentOnchain, { ...wireOnchain, state })).toEqual(['state'])
    }
  })

  it('[L1-61] [L1-62] [L1-63] has an expiry, a fee and a total of its own', () => {
    for (const name of ['expires_at', 'fee_total_sat', 'order_total_sat']) {
      expect(faultsOf(PaymentBolt11, { ...wireBolt11, [name]: undefined })).toEqual([name])
      expect(faultsOf(PaymentOnchain, { ...wireOnchain, [name]: undefined })).toEqual([name])
    }
  })

  it('[L1-65] has an invoice of at most 2048 characters', () => {
    expect(faultsOf(PaymentBolt11, { ...wireBolt11, invoice: 'x'.repeat(2048) })).toEqual([])
    expect(faultsOf(PaymentBolt11, { ...wireBolt11, invoice: 'x'.repeat(2049) })).toEqual(['invoice'])
  })

  it.each([null, undefined])('[L1-73] [L1-74] may say nothing of payments without confirmation: %j', (fee) => {
    expect(faultsOf(PaymentOnchain, { ...wireOnchain, min_fee_for_0conf: fee })).toEqual([])
  })

  it('[L1-73] has no feerate below the floor', () => {
    expect(faultsOf(PaymentOnchain, { ...wireOnchain, min_fee_for_0conf: 252 })).toEqual(['min_fee_for_0conf'])
  })
})
