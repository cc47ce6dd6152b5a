import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { ExtensionResult } from '../../lsps/lsps7/schema.ts'
import { LSP_ADDRESS, REFUND_ADDRESS } from '../unit/lsps/lsps1/orders.ts'
import { ALICE, BOB } from './lsp.ts'
import { createOrderLsp, EXTENDABLE, type OrderLspConfig, SCID } from './order-lsp.ts'

const WANTED = { short_channel_id: SCID, channel_extension_expiry_blocks: 4320, refund_onchain_address: REFUND_ADDRESS }
const BARE = { short_channel_id: '1x2x3', max_channel_extension_expiry_blocks: 10, expiration_block: 0 }

function setUp(config: OrderLspConfig = {}) {
  const lsp = createOrderLsp({
    extendable: { [ALICE]: [EXTENDABLE, { ...BARE, short_channel_id: '1x2x3' as typeof SCID }] },
    ...config,
  })
  const create = (change: object, peer = ALICE) =>
    lsp.call('lsps7.create_order', JSON.parse(JSON.stringify({ ...WANTED, ...change })), peer)
  return { lsp, create }
}

describe('lsps7.get_extendable_channels', () => {
  it('[L7-01] lists the channels of the caller, and of nobody else', async () => {
    const { lsp } = setUp()
    expect((await lsp.call('lsps7.get_extendable_channels', {}))?.result).toEqual({
      extendable_channels: [
        {
          original_order: { id: 'order-0', service: 'LSPS1' },
          short_channel_id: SCID,
          max_channel_extension_expiry_blocks: 13_000,
          expiration_block: 900_000,
        },
        BARE,
      ],
    })
    expect((await lsp.call('lsps7.get_extendable_channels', {}, BOB))?.result).toEqual({ extendable_channels: [] })
  })

  it('[L7-01] takes no parameters', async () => {
    const answer = await setUp().lsp.call('lsps7.get_extendable_channels', { short_channel_id: SCID })
    expect(answer?.error).toMatchObject({ code: -32602, data: { unrecognized: ['short_channel_id'] } })
  })
})

describe('lsps7.create_order', () => {
  it('[L7-02] [L7-03] [L7-07] answers the extension, its new end and how to pay', async () => {
    const { lsp, create } = setUp()
    const { result } = (await create({})) ?? {}
    expect(result).toMatchObject({
      order_id: expect.stringMatching(/^.{1,64}$/),
      short_channel_id: SCID,
      channel_extension_expiry_blocks: 4320,
      new_channel_expiry_blocks: 904_320,
      token: '',
      created_at: expect.stringMatching(/\.\d{3}Z$/),
      order_state: 'CREATED',
      channel: { short_channel_id: SCID, expires_at: expect.any(String), funded_at: expect.any(String) },
    })
    const { payment } = z.decode(ExtensionResult, result as never)
    for (const option of [payment.bolt11, payment.onchain]) {
      expect(option?.order_total_sat).toBe(option?.fee_total_sat)
      expect(option?.state).toBe('EXPECT_PAYMENT')
    }
    expect(payment.onchain?.address).toBe(LSP_ADDRESS)
    expect(lsp.extensions.size).toBe(1)
  })

  it('[L7-02] makes another order each time', async () => {
    const { lsp, create } = setUp()
    await create({})
    await create({})
    expect(lsp.extensions.size).toBe(2)
  })

  it.each([
    [undefined, ''],
    [null, null],
    ['', ''],
    ['good', 'good'],
  ])('[L7-03] repeats the token %j as %j', async (token, echoed) => {
    const { result } = (await setUp({ tokens: ['good'] }).create({ token })) ?? {}
    expect(result).toHaveProperty('token', echoed)
  })

  it('[L7-07] is not paid on chain without a refund address', async () => {
    const { result } = (await setUp().create({ refund_onchain_address: null })) ?? {}
    expect(Object.keys(result?.payment ?? {})).toEqual(['bolt11'])
  })

  it.each([
    ['short_channel_id', '539268:845:1'],
    ['short_channel_id', undefined],
    ['channel_extension_expiry_blocks', 0],
    ['channel_extension_expiry_blocks', '144'],
    ['channel_extension_expiry_blocks', undefined],
    ['token', 5],
    ['refund_onchain_address', '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'],
    ['refund_onchain_address', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'],
  ])('[L7-04] refuses a %s of %j', async (property, value) => {
    const { lsp, create } = setUp()
    const answer = await create({ [property]: value })
    expect(answer?.error).toMatchObject({ code: -32602, data: { unrecognized: [], property } })
    expect(lsp.extensions.size).toBe(0)
  })

  it.each([
    ['max_channel_extension_expiry_blocks', { channel_extension_expiry_blocks: 13_001 }],
    ['max_channel_extension_expiry_blocks', { short_channel_id: '1x2x3', channel_extension_expiry_blocks: 11 }],
    ['short_channel_id', { short_channel_id: '9x9x9' }],
  ])('[L7-02] [L7-04] 100 names %s', async (property, change) => {
    const { lsp, create } = setUp()
    expect((await create(change))?.error).toMatchObject({ code: 100, data: { property, message: expect.any(String) } })
    expect(lsp.extensions.size).toBe(0)
  })

  it('[L7-04] a channel of somebody else is as unknown as none', async () => {
    const { create } = setUp()
    expect((await create({}, BOB))?.error).toMatchObject({ code: 100, data: { property: 'short_channel_id' } })
  })

  it('[L7-04] rejects a client with 1, and a bad token with 102', async () => {
    expect((await setUp({ rejected: [ALICE] }).create({}))?.error).toMatchObject({
      code: 1,
      data: { message: 'not served' },
    })
    expect((await setUp({ tokens: ['good'] }).create({ token: 'bad' }))?.error?.code).toBe(102)
  })
})

describe('lsps7.get_order', () => {
  it('[L7-05] answers the same object to its own client only', async () => {
    const { lsp, create } = setUp()
    const { result } = (await create({})) ?? {}
    const order_id = result?.order_id
    for (let i = 0; i < 2; i++) expect((await lsp.call('lsps7.get_order', { order_id }))?.result).toEqual(result)
    const strangers = [
      await lsp.call('lsps7.get_order', { order_id }, BOB),
      await lsp.call('lsps7.get_order', { order_id: 'no' }),
    ]
    for (const answer of strangers) expect(answer?.error).toEqual({ code: 101, message: expect.any(String) })
  })

  it('[L7-05] is not answered for an order of LSPS1', async () => {
    expect((await setUp().lsp.call('lsps7.get_order', { order_id: 'order-0' }))?.error?.code).toBe(101)
  })
})
