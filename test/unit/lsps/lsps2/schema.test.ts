import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { lsps2 } from '../../../../lsps/lsps2/methods.ts'
import { FeePromise, OpeningFeeParams } from '../../../../lsps/lsps2/schema.ts'
import { SAMPLE_TERMS } from '../arbitraries.ts'

const WIRE = {
  min_fee_msat: '546000',
  proportional: 1200,
  valid_until: '2023-02-23T08:47:30.511Z',
  min_lifetime: 1008,
  max_client_to_self_delay: 2016,
  min_payment_size_msat: '1000',
  max_payment_size_msat: '1000000',
  promise: 'abcdefghijklmnopqrstuvwxyz',
}
const OFFER = { ...SAMPLE_TERMS, promise: WIRE.promise }
const { 'lsps2.get_info': getInfo, 'lsps2.buy': buy } = lsps2

describe('an offer', () => {
  it('[L2-04] has the eight fields on the wire, in domain values inside', () => {
    expect(z.decode(OpeningFeeParams, WIRE)).toEqual(OFFER)
    expect(z.encode(OpeningFeeParams, OFFER)).toEqual(WIRE)
    expect(z.encode(getInfo.result, { opening_fee_params_menu: [OFFER] })).toEqual({ opening_fee_params_menu: [WIRE] })
  })

  it.each(Object.keys(WIRE))('[L2-04] lacks nothing: without %s it is malformed', (name) => {
    const incomplete = Object.fromEntries(Object.entries(WIRE).filter(([other]) => other !== name))
    expect(z.safeDecode(OpeningFeeParams, incomplete).success).toBe(false)
  })

  it('[L2-21] fails the flow of a client when it has an unknown field', () => {
    const menu = { opening_fee_params_menu: [{ ...WIRE, future: 1 }], beside: 1 }
    expect(z.safeDecode(getInfo.result, menu).success).toBe(false)
    expect(z.safeDecode(getInfo.result, { opening_fee_params_menu: [WIRE], beside: 1 } as never).success).toBe(true)
  })

  it('[L2-20] goes into buy exactly as it was read', () => {
    const odd = { ...WIRE, valid_until: '2023-02-23T08:47:30.5119Z' }
    const [offer] = z.decode(getInfo.result, { opening_fee_params_menu: [odd] }).opening_fee_params_menu
    if (offer === undefined) throw new Error('no offer')
    expect(z.encode(buy.params, { opening_fee_params: offer })).toEqual({ opening_fee_params: odd })
    expect(z.encode(buy.params, { opening_fee_params: OFFER })).toEqual({ opening_fee_params: WIRE })
  })

  it.each([
    ['min_lifetime', 4_294_967_296],
    ['min_lifetime', -1],
    ['min_lifetime', 1.5],
    ['max_client_to_self_delay', '2016'],
    ['proportional', 4_294_967_296],
    ['min_fee_msat', 546_000],
    ['max_payment_size_msat', '18446744073709551616'],
    ['valid_until', 1_677_142_050_511],
  ])('[L2-47] has no %s of %j', (name, value) => {
    expect(z.safeDecode(OpeningFeeParams, { ...WIRE, [name]: value }).success).toBe(false)
  })
})

describe('a promise on the wire', () => {
  it.each(['', 'x'.repeat(512), ' !#[]~', '0'])('[L2-11] may be %j', (text) => {
    expect(z.safeDecode(FeePromise, text).success).toBe(true)
  })

  it.each(['x'.repeat(513), 'a"', 'a\\', 'a\n', 'é', '\u007f', 123])('[L2-11] [L2-13] may not be %j', (value) => {
    expect(z.safeDecode(FeePromise, value as never).success).toBe(false)
  })
})

describe('the parameters', () => {
  it.each([{}, { token: null }, { token: '' }])('[L2-02] %j mean no token', (params) => {
    expect(z.decode(getInfo.params, params).token).toBeUndefined()
  })

  it('[L2-02] carry a token', () => {
    expect(z.decode(getInfo.params, { token: 'T' })).toEqual({ token: 'T' })
    expect(z.encode(getInfo.params, { token: 'T' })).toEqual({ token: 'T' })
    expect(z.encode(getInfo.params, {})).toEqual({})
  })

  it('[L0-06] carry no token with a zero character', () => {
    expect(z.safeDecode(getInfo.params, { token: 'a\0' }).success).toBe(false)
  })

  it.each([{}, { payment_size_msat: null }])('[L2-40] [L2-53] %j mean an invoice without an amount', (size) => {
    expect(z.decode(buy.params, { opening_fee_params: WIRE, ...size }).payment_size_msat).toBeUndefined()
  })

  it('[L2-40] carry the size of the payment', () => {
    const params = z.decode(buy.params, { opening_fee_params: WIRE, payment_size_msat: '42000' })
    expect(params.payment_size_msat).toBe(42_000n)
    expect(z.encode(buy.params, params)).toEqual({ opening_fee_params: WIRE, payment_size_msat: '42000' })
  })
})

describe('the result of buy', () => {
  it('[L2-48] [L2-49] has a trust flag that may be absent', () => {
    const result = { jit_channel_scid: '29451x4815x1', lsp_cltv_expiry_delta: 144 }
    expect(z.decode(buy.result, result as never).client_trusts_lsp).toBeUndefined()
    expect(z.decode(buy.result, { ...result, client_trusts_lsp: true } as never).client_trusts_lsp).toBe(true)
    expect(z.safeDecode(buy.result, { ...result, jit_channel_scid: '1X2X3' } as never).success).toBe(false)
  })
})
