import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../../lsps/base/amount.ts'
import { satPerKwFromVbyte } from '../../../../lsps/base/fee-rate.ts'
import {
  checkOptions,
  checkOrder,
  echoOf,
  hasToken,
  isLargeChannel,
  zeroConfFee,
} from '../../../../lsps/lsps1/rules.ts'
import type { CreateOrderParams } from '../../../../lsps/lsps1/schema.ts'
import { anyOptions, anyParams, OPTIONS, ORDERED } from './orders.ts'

const propertyOf = (params: Partial<CreateOrderParams>, options = OPTIONS) =>
  checkOrder(options, { ...ORDERED, ...params })?.property

type Broken = { readonly row: string; readonly params: Partial<CreateOrderParams>; readonly property: string }
const BROKEN: readonly Broken[] = [
  { row: 'L1-10', params: { lsp_balance_sat: sat(100_000_001n) }, property: 'max_initial_lsp_balance_sat' },
  { row: 'L1-10', params: { lsp_balance_sat: sat(9_999n) }, property: 'min_initial_lsp_balance_sat' },
  { row: 'L1-11', params: { client_balance_sat: sat(100_000_001n) }, property: 'max_initial_client_balance_sat' },
  { row: 'L1-11', params: { client_balance_sat: sat(19_999n) }, property: 'min_initial_client_balance_sat' },
  { row: 'L1-13', params: { funding_confirms_within_blocks: 5 }, property: 'min_funding_confirms_within_blocks' },
  { row: 'L1-14', params: { channel_expiry_blocks: 20_161 }, property: 'max_channel_expiry_blocks' },
  { row: 'L1-18', params: { lsp_balance_sat: sat(98_000_001n) }, property: 'max_channel_balance_sat' },
  {
    row: 'L1-18',
    params: { lsp_balance_sat: sat(10_000n), client_balance_sat: sat(39_999n) },
    property: 'min_channel_balance_sat',
  },
]

describe('an order against the options', () => {
  it('fits', () => {
    expect(checkOrder(OPTIONS, ORDERED)).toBeUndefined()
  })

  for (const { row, params, property } of BROKEN) {
    it(`[${row}] breaks ${property}`, () => {
      expect(propertyOf(params)).toBe(property)
    })
  }

  it('may lie on every limit', () => {
    for (const params of [
      { lsp_balance_sat: sat(98_000_000n) },
      { lsp_balance_sat: sat(10_000n), client_balance_sat: sat(40_000n) },
      { lsp_balance_sat: sat(30_000n), client_balance_sat: sat(20_000n) },
      { funding_confirms_within_blocks: 65_535, channel_expiry_blocks: 20_160, required_channel_confirmations: 65_535 },
    ]) {
      expect(propertyOf(params)).toBeUndefined()
    }
  })

  it('[L1-12] breaks min_required_channel_confirmations', () => {
    const options = { ...OPTIONS, min_required_channel_confirmations: 3 }
    expect(propertyOf({ required_channel_confirmations: 2 }, options)).toBe('min_required_channel_confirmations')
    expect(propertyOf({ required_channel_confirmations: 3 }, options)).toBeUndefined()
  })

  it('[L1-32] breaks the first option first', () => {
    const params = { client_balance_sat: sat(0n), lsp_balance_sat: sat(1n), channel_expiry_blocks: 99_999 }
    expect(propertyOf(params)).toBe('min_initial_lsp_balance_sat')
  })

  it('[L1-32] says what was ordered and what may be', () => {
    expect(checkOrder(OPTIONS, { ...ORDERED, channel_expiry_blocks: 20_161 })).toEqual({
      property: 'max_channel_expiry_blocks',
      message: 'channel_expiry_blocks: 20161 is more than 20160',
    })
  })

  it('[L1-32] breaks only what options name, and then breaks it', () => {
    fc.assert(
      fc.property(anyOptions(), anyParams(), (options, params) => {
        const property = checkOrder(options, params)?.property
        const sum = params.lsp_balance_sat + params.client_balance_sat
        const broken = {
          max_initial_lsp_balance_sat: params.lsp_balance_sat > options.max_initial_lsp_balance_sat,
          min_initial_lsp_balance_sat: params.lsp_balance_sat < options.min_initial_lsp_balance_sat,
          max_initial_client_balance_sat: params.client_balance_sat > options.max_initial_client_balance_sat,
          min_initial_client_balance_sat: params.client_balance_sat < options.min_initial_client_balance_sat,
          min_required_channel_confirmations:
            params.required_channel_confirmations < options.min_required_channel_confirmations,
          min_funding_confirms_within_blocks:
            params.funding_confirms_within_blocks < options.min_funding_confirms_within_blocks,
          max_channel_expiry_blocks: params.channel_expiry_blocks > options.max_channel_expiry_blocks,
          max_channel_balance_sat: sum > options.max_channel_balance_sat,
          min_channel_balance_sat: sum < options.min_channel_balance_sat,
        }
        expect(property).toBe(Object.entries(broken).find(([, isBroken]) => isBroken)?.[0])
      }),
    )
  })
})

describe('the options', () => {
  it('[L1-04] have no minimum above its maximum', () => {
    expect(checkOptions(OPTIONS)).toBeUndefined()
    expect(checkOptions({ ...OPTIONS, min_channel_balance_sat: OPTIONS.max_channel_balance_sat })).toBeUndefined()
  })

  it.each(['initial_client_balance_sat', 'initial_lsp_balance_sat', 'channel_balance_sat'] as const)(
    '[L1-04] say so when min_%s is above the maximum',
    (name) => {
      const options = { ...OPTIONS, [`min_${name}`]: sat(100_000_001n) }
      expect(checkOptions(options)).toEqual({
        property: `min_${name}`,
        message: `min_${name} is 100000001, more than max_${name}, which is 100000000`,
      })
    },
  )
})

describe('what an order repeats', () => {
  it('[L1-41] [L1-47] is what was ordered, verbatim, without the refund address', () => {
    const { refund_onchain_address, token, ...rest } = ORDERED
    expect(refund_onchain_address).toBeDefined()
    expect(echoOf(ORDERED)).toEqual({ ...rest, token })
  })

  it.each([
    [undefined, ''],
    [null, null],
    ['', ''],
    ['coupon', 'coupon'],
  ])('[L1-42] is, for a token sent as %j, %j', (token, echoed) => {
    expect(echoOf({ ...ORDERED, token }).token).toBe(echoed)
  })

  it.each([
    [undefined, false],
    [null, false],
    ['', false],
    ['coupon', true],
  ])('[L1-34] a token sent as %j is one: %s', (token, isOne) => {
    expect(hasToken(token)).toBe(isOne)
  })
})

describe('smaller rules', () => {
  it('[L1-74] a feerate for payments without confirmation is named only when these may do', () => {
    const feerate = satPerKwFromVbyte(4)
    expect(zeroConfFee(0, feerate)).toBe(feerate)
    expect(zeroConfFee(0, undefined)).toBeNull()
    expect(zeroConfFee(1, feerate)).toBeNull()
  })

  it('[L1-21] a channel of 2^24 sat is large', () => {
    expect(isLargeChannel(sat(16_777_215n))).toBe(false)
    expect(isLargeChannel(sat(16_777_216n))).toBe(true)
  })
})
