import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { sat } from '../../lsps/base/amount.ts'
import { invoiceAmount } from '../../lsps/lsps1/invoice-amount.ts'
import { lsps1 } from '../../lsps/lsps1/methods.ts'
import { checkOptions } from '../../lsps/lsps1/rules.ts'
import { Lsps1Options, OrderResult } from '../../lsps/lsps1/schema.ts'
import { OPTIONS } from '../unit/lsps/lsps1/orders.ts'
import { GOOD_ORDER } from './kinds/lsps1.ts'
import { ALICE, BOB } from './lsp.ts'
import { createOrderLsp, type OrderAnswer, type OrderLspConfig } from './order-lsp.ts'
import { shaped } from './vectors.ts'

const REQUIRED = [
  'lsp_balance_sat',
  'client_balance_sat',
  'required_channel_confirmations',
  'funding_confirms_within_blocks',
  'channel_expiry_blocks',
  'announce_channel',
]
const DATETIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const MAX_INVOICE = 2048

function setUp(config: OrderLspConfig = {}) {
  const lsp = createOrderLsp(config)
  const create = (change: object, peer = ALICE) =>
    lsp.call('lsps1.create_order', JSON.parse(JSON.stringify({ ...GOOD_ORDER, ...change })), peer)
  return { lsp, create }
}

/** The error of an order that is changed like this; nothing was ordered. */
async function errorOf(change: object, config: OrderLspConfig = {}, peer = ALICE): Promise<OrderAnswer['error']> {
  const { lsp, create } = setUp(config)
  const answer = await create(change, peer)
  expect(answer?.result).toBeUndefined()
  expect(lsp.orders.size).toBe(0)
  expect(lsp.unexpected).toEqual([])
  return answer?.error
}

function idOf(answer: OrderAnswer | undefined): string {
  return shaped(z.looseObject({ order_id: z.string() }), answer?.result).order_id
}

const invalid = (property: string) => ({
  code: -32602,
  data: { unrecognized: [], property, message: expect.stringMatching(/./) },
})
const mismatch = (property: string) => ({ code: 100, data: { property, message: expect.stringMatching(/./) } })

describe('probes of lsps1.get_info', () => {
  it('[L1-03] [L1-04] [L1-05] P16: flat, of exact types, each minimum below its maximum', async () => {
    const { result } = (await setUp().lsp.call('lsps1.get_info', {})) ?? {}
    expect(Object.keys(result ?? {}).toSorted()).toEqual(Object.keys(Lsps1Options.shape).toSorted())
    const options = z.decode(Lsps1Options, result as never)
    expect(options).toEqual(OPTIONS)
    expect(checkOptions(options)).toBeUndefined()
    expect(options.min_funding_confirms_within_blocks).toBeGreaterThanOrEqual(1)
    expect(lsps1['lsps1.get_info'].faults).toEqual([])
  })

  it('[L0-30] takes no parameters', async () => {
    const answer = await setUp().lsp.call('lsps1.get_info', { token: '' })
    expect(answer?.error).toMatchObject({ code: -32602, data: { unrecognized: ['token'] } })
  })
})

describe('probes of lsps1.create_order: fields', () => {
  it.each([5_000_000, '1e6', '-1', '01', '18446744073709551616', '', ' 1', '1.0', null])(
    '[L1-10] [L1-11] [L1-30] P17: a balance of %j',
    async (amount) => {
      for (const name of ['lsp_balance_sat', 'client_balance_sat']) {
        expect(await errorOf({ [name]: amount })).toMatchObject(invalid(name))
      }
    },
  )

  it('[L1-10] [L1-33] a balance of the LSP of zero is no order', async () => {
    const options = { ...OPTIONS, min_initial_lsp_balance_sat: sat(0n) }
    expect(await errorOf({ lsp_balance_sat: '0' }, { options })).toMatchObject(invalid('lsp_balance_sat'))
  })

  it.each(REQUIRED)('[L1-19] [L1-30] P18: without %s', async (name) => {
    const error = await errorOf({ [name]: undefined })
    expect(error).toMatchObject({ code: -32602, data: { unrecognized: [], property: name, message: 'required' } })
  })

  it.each(['true', 1, null, 0, 'yes'])('[L1-17] [L1-30] P19: announce_channel is %j', async (announce_channel) => {
    expect(await errorOf({ announce_channel })).toMatchObject(invalid('announce_channel'))
  })

  it.each([-1, 65_536, 1.5, '6', null])('[L1-12] [L1-13] [L1-30] 16 bits are not %j', async (value) => {
    for (const name of ['required_channel_confirmations', 'funding_confirms_within_blocks']) {
      expect(await errorOf({ [name]: value })).toMatchObject(invalid(name))
    }
  })

  it.each([0, -1, 4_294_967_296, 1.5, '144', null])('[L1-14] [L1-30] a lifetime is not %j', async (value) => {
    expect(await errorOf({ channel_expiry_blocks: value })).toMatchObject(invalid('channel_expiry_blocks'))
  })

  it.each([5, true, {}, [], 'a\0b'])('[L1-15] [L1-30] a token is not %j', async (token) => {
    expect(await errorOf({ token })).toMatchObject(invalid('token'))
  })

  it.each([
    ['base58', '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'],
    ['of another network', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'],
    ['with a wrong checksum', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5'],
    ['of version 1 with the checksum of version 0', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd'],
    ['a number', 5],
    ['empty', ''],
  ])('[L1-16] [L1-30] [L0-76] P25: a refund address that is %s', async (_, refund_onchain_address) => {
    expect(await errorOf({ refund_onchain_address })).toMatchObject(invalid('refund_onchain_address'))
  })

  it('[L1-18] [L1-33] balances that leave 64 bits together', async () => {
    const amounts = { lsp_balance_sat: '18446744073709551615', client_balance_sat: '1' }
    expect(await errorOf(amounts)).toMatchObject(invalid('client_balance_sat'))
  })

  it('[L0-30] [L0-31] an unknown parameter', async () => {
    expect(await errorOf({ confirms_within_blocks: 1 })).toMatchObject({
      code: -32602,
      data: { unrecognized: ['confirms_within_blocks'] },
    })
  })
})

describe('probes of lsps1.create_order: options', () => {
  it.each([
    ['L1-10', { lsp_balance_sat: '100000001' }, 'max_initial_lsp_balance_sat'],
    ['L1-10', { lsp_balance_sat: '9999' }, 'min_initial_lsp_balance_sat'],
    ['L1-11', { client_balance_sat: '100000001' }, 'max_initial_client_balance_sat'],
    ['L1-11', { client_balance_sat: '19999' }, 'min_initial_client_balance_sat'],
    ['L1-13', { funding_confirms_within_blocks: 5 }, 'min_funding_confirms_within_blocks'],
    ['L1-14', { channel_expiry_blocks: 20_161 }, 'max_channel_expiry_blocks'],
    ['L1-18', { lsp_balance_sat: '98000001' }, 'max_channel_balance_sat'],
    ['L1-18', { lsp_balance_sat: '10000', client_balance_sat: '39999' }, 'min_channel_balance_sat'],
  ])('[%s] [L1-32] P20 P21 P22 P23: %j', async (_, change, property) => {
    expect(await errorOf(change)).toMatchObject(mismatch(property))
  })

  it('[L1-12] [L1-32] P22: fewer confirmations than are needed', async () => {
    const options = { ...OPTIONS, min_required_channel_confirmations: 1 }
    expect(await errorOf({}, { options })).toMatchObject(mismatch('min_required_channel_confirmations'))
  })

  it('[L1-31] [L1-33] what is checked first: the fields, the client, the options, the token', async () => {
    const config = { rejected: [BOB], tokens: ['good'] }
    const everything = { announce_channel: 1, channel_expiry_blocks: 99_999, token: 'bad' }
    const { announce_channel: _, ...fine } = everything
    expect((await errorOf(everything, config, BOB))?.code).toBe(-32602)
    expect(await errorOf(fine, config, BOB)).toMatchObject({ code: 1, data: { message: 'not served' } })
    expect((await errorOf(fine, config))?.code).toBe(100)
    expect((await errorOf({ token: 'bad' }, config))?.code).toBe(102)
  })
})

describe('probes of lsps1.create_order: tokens', () => {
  it('[L1-15] [L1-34] [L0-39] P24: a bad token is 102, without data', async () => {
    expect(await errorOf({ token: 'bad' }, { tokens: ['good'] })).toEqual({ code: 102, message: expect.any(String) })
  })

  it.each([
    [undefined, ''],
    ['', ''],
    [null, null],
    ['good', 'good'],
  ])('[L1-19] [L1-34] [L1-42] P24: %j is repeated as %j', async (token, echoed) => {
    const { result } = (await setUp({ tokens: ['good'] }).create({ token })) ?? {}
    expect(result).toHaveProperty('token', echoed)
  })
})

describe('probes of an order', () => {
  it.each([undefined, null])(
    '[L1-19] [L1-20] P26: without a refund address (%j) it is not paid on chain',
    async (none) => {
      const { result } = (await setUp().create({ refund_onchain_address: none })) ?? {}
      expect(Object.keys(result?.payment ?? {})).toEqual(['bolt11'])
    },
  )

  it('[L1-41] [L1-43] [L1-44] [L1-45] [L1-46] [L1-47] [L1-63] P27: a good one', async () => {
    const { lsp, create } = setUp()
    const { result } = (await create({})) ?? {}
    const { refund_onchain_address: refund, ...echoed } = GOOD_ORDER as Readonly<Record<string, unknown>>
    expect(result).toMatchObject({ ...echoed, order_state: 'CREATED', channel: null })
    expect(result).not.toHaveProperty('refund_onchain_address')
    expect(result?.created_at).toMatch(DATETIME)
    const { payment } = z.decode(OrderResult, result as never)
    const { bolt11, onchain } = payment
    for (const option of [bolt11, onchain]) {
      expect(option?.order_total_sat).toBe((option?.fee_total_sat ?? 0n) + 2_000_000n)
      expect(option?.state).toBe('EXPECT_PAYMENT')
    }
    expect(invoiceAmount(bolt11?.invoice ?? '')).toBe((bolt11?.order_total_sat ?? 0n) * 1000n)
    expect(bolt11?.invoice.length).toBeLessThanOrEqual(MAX_INVOICE)
    expect(onchain?.refund_onchain_address).toBe(refund)
    for (const option of Object.values(result?.payment ?? {})) {
      expect(option).toHaveProperty('expires_at', expect.stringMatching(DATETIME))
    }
    expect(lsp.orders.size).toBe(1)
  })

  it.each([0, 1, 6])('[L1-73] [L1-74] P28: after %d confirmations on chain', async (minConfirmations) => {
    const { result } = (await setUp({ minConfirmations }).create({})) ?? {}
    const { onchain } = z.decode(OrderResult, result as never).payment
    expect(onchain?.min_onchain_payment_confirmations).toBe(minConfirmations)
    if (minConfirmations > 0) expect(onchain?.min_fee_for_0conf ?? null).toBeNull()
    else expect(onchain?.min_fee_for_0conf).toBeGreaterThanOrEqual(253)
  })

  it('[L1-50] [L1-51] [L1-52] P29: read by its own client, as often as it likes, and by nobody else', async () => {
    const { lsp, create } = setUp()
    const { result } = (await create({})) ?? {}
    const order_id = result?.order_id
    for (let i = 0; i < 3; i++) expect((await lsp.call('lsps1.get_order', { order_id }))?.result).toEqual(result)
    const nobodys = ['bb4b5d0a-8334-49d8-9463-90a6d413af7c', '', 'x'.repeat(10_000), '../../etc', 'a\0b', '__proto__']
    for (const id of nobodys) {
      const answer = await lsp.call('lsps1.get_order', { order_id: id })
      expect(answer?.error).toEqual({ code: 101, message: expect.any(String) })
    }
    expect((await lsp.call('lsps1.get_order', { order_id }, BOB))?.error?.code).toBe(101)
  })

  it.each([5, null, undefined, {}])('[L1-30] [L1-52] P29: an id that is %j', async (order_id) => {
    const answer = await setUp().lsp.call('lsps1.get_order', JSON.parse(JSON.stringify({ order_id })))
    expect(answer?.error).toMatchObject(invalid('order_id'))
  })

  it('[L1-69] [L1-93] [L1-94] P30: held, then completed, with its channel', async () => {
    const { lsp, create } = setUp()
    const order_id = idOf(await create({}))
    const read = async () => z.decode(OrderResult, (await lsp.call('lsps1.get_order', { order_id }))?.result as never)
    lsp.happen(order_id, { type: 'payment-received', method: 'bolt11' })
    expect(await read()).toMatchObject({
      order_state: 'CREATED',
      payment: { bolt11: { state: 'HOLD' } },
      channel: null,
    })
    lsp.happen(order_id, { type: 'channel-opened' })
    const done = await read()
    expect(done).toMatchObject({ order_state: 'COMPLETED', payment: { bolt11: { state: 'PAID' } } })
    expect(done.channel?.expires_at).toBeGreaterThan(done.channel?.funded_at ?? 0)
  })

  it('[L1-68] [L1-93] P31: refunded and failed, never CANCELLED', async () => {
    const { lsp, create } = setUp()
    const order_id = idOf(await create({}))
    lsp.happen(order_id, { type: 'payment-received', method: 'bolt11' })
    lsp.happen(order_id, { type: 'failed' })
    const { result } = (await lsp.call('lsps1.get_order', { order_id })) ?? {}
    expect(result).toMatchObject({ order_state: 'FAILED', payment: { bolt11: { state: 'REFUNDED' } }, channel: null })
    expect(JSON.stringify(result)).not.toContain('CANCELLED')
  })
})
