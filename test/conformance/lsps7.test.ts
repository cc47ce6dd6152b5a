import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { ExtensionResult } from '../../lsps/lsps7/schema.ts'
import type { Lease } from '../../src/orders/extension-leases.ts'
import { NOW, REFUND_ADDRESS } from '../unit/lsps/lsps1/orders.ts'
import { ALICE, BOB } from './lsp.ts'
import { SCID } from './order-lsp.ts'
import { createSeller, type Seller, type SellerConfig, SOLD_AT_HEIGHT } from './order-seller.ts'

const WANTED = { short_channel_id: SCID, channel_extension_expiry_blocks: 4320, refund_onchain_address: REFUND_ADDRESS }
const MOST_BLOCKS = 20_000
const BLOCK_MS = 600_000

const LEASE: Lease = {
  outpoint: `${'ab'.repeat(32)}:0`,
  scid: SCID,
  client: ALICE,
  capacity: sat(5_000_000n),
  source: { type: 'order', id: 'order-0' },
  extensions: [],
  untilHeight: SOLD_AT_HEIGHT + 7_000,
  until: (NOW + 7_000 * BLOCK_MS) as Timestamp,
  fundedAt: (NOW - 7 * 86_400_000) as Timestamp,
}
/** Extended before, nearly for as long as can be. */
const LONG: Lease = {
  ...LEASE,
  outpoint: `${'cd'.repeat(32)}:1`,
  scid: '1x2x3' as Scid,
  source: { type: 'jit', id: '16000001x1x1' },
  extensions: ['an-extension'],
  untilHeight: SOLD_AT_HEIGHT + MOST_BLOCKS - 10,
}

const running: Seller[] = []
afterEach(async () => {
  for (const seller of running.splice(0)) {
    expect(seller.unexpected).toEqual([])
    await seller.close()
  }
})

function setUp(config: SellerConfig = {}) {
  const lsp = createSeller({ leases: { [ALICE]: [LEASE, LONG] }, mostBlocks: MOST_BLOCKS, ...config })
  running.push(lsp)
  const create = (change: object, peer = ALICE) =>
    lsp.call('lsps7.create_order', JSON.parse(JSON.stringify({ ...WANTED, ...change })), peer)
  const read = async (order_id: unknown) =>
    z.decode(ExtensionResult, (await lsp.call('lsps7.get_order', { order_id }))?.result as never)
  return { lsp, create, read }
}

/** What an error leaves behind: nothing on disk, and nothing at the node. */
function expectNothing({ orders, asked, addresses }: Seller): void {
  expect(orders.size).toBe(0)
  expect(asked).toEqual([])
  expect(addresses).toEqual([])
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
          expiration_block: 807_000,
        },
        {
          original_order: { id: '16000001x1x1', service: 'LSPS2' },
          extension_order_ids: ['an-extension'],
          short_channel_id: '1x2x3',
          max_channel_extension_expiry_blocks: 10,
          expiration_block: 819_990,
        },
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
      new_channel_expiry_blocks: 811_320,
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
    expect([payment.onchain?.address]).toEqual(lsp.addresses)
    expect(lsp.asked).toMatchObject([{ amount: (payment.bolt11?.order_total_sat ?? 0n) * 1000n }])
    expect(lsp.orders.size).toBe(1)
  })

  it('[L7-02] makes another order each time', async () => {
    const { lsp, create } = setUp()
    const first = await create({})
    const second = await create({})
    expect(second?.result?.order_id).not.toBe(first?.result?.order_id)
    expect(lsp.asked).toHaveLength(2)
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
    expectNothing(lsp)
  })

  it.each([
    ['max_channel_extension_expiry_blocks', { channel_extension_expiry_blocks: 13_001 }],
    ['max_channel_extension_expiry_blocks', { short_channel_id: '1x2x3', channel_extension_expiry_blocks: 11 }],
    ['short_channel_id', { short_channel_id: '9x9x9' }],
  ])('[L7-02] [L7-04] 100 names %s', async (property, change) => {
    const { lsp, create } = setUp()
    expect((await create(change))?.error).toMatchObject({ code: 100, data: { property, message: expect.any(String) } })
    expectNothing(lsp)
  })

  it('[L7-04] a channel of somebody else is as unknown as none', async () => {
    const { create } = setUp()
    expect((await create({}, BOB))?.error).toMatchObject({ code: 100, data: { property: 'short_channel_id' } })
  })

  it('[L7-04] rejects a client with 1, and a bad token with 102', async () => {
    const { lsp, create } = setUp({ notSelling: 'not now' })
    expect((await create({})).error).toMatchObject({ code: 1, data: { message: 'not now' } })
    expectNothing(lsp)
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

  it('[L7-05] is not answered for an order of LSPS1, nor the other way round', async () => {
    const { lsp, create } = setUp()
    const extension = (await create({})).result?.order_id
    expect((await lsp.call('lsps1.get_order', { order_id: extension })).error?.code).toBe(101)
    const wanted = {
      lsp_balance_sat: '1000000',
      client_balance_sat: '20000',
      required_channel_confirmations: 0,
      funding_confirms_within_blocks: 6,
      channel_expiry_blocks: 144,
      announce_channel: false,
    }
    const order_id = (await lsp.call('lsps1.create_order', wanted)).result?.order_id
    expect((await lsp.call('lsps7.get_order', { order_id })).error?.code).toBe(101)
  })
})

describe('the payment of an extension', () => {
  it('[L7-06] [L7-07] by Lightning: the channel stays for longer, then the payment is taken; nothing is opened', async () => {
    const { lsp, create, read } = setUp()
    const id = (await create({})).result?.order_id as string
    await lsp.hold(id)
    const done = await read(id)
    expect(done).toMatchObject({ order_state: 'COMPLETED', payment: { bolt11: { state: 'PAID' } } })
    expect(Object.keys(done.payment)).toEqual(['bolt11'])
    expect(done.channel.expires_at).toBe(LEASE.until + 4320 * BLOCK_MS)
    expect(lsp.settled).toEqual([lsp.asked[0]?.paymentHash])
    expect(lsp.opened).toEqual([])
  })

  it('[L7-06] [L7-07] on chain: when it is as deep as it has to be', async () => {
    const { lsp, create, read } = setUp({ onchain: { confirmations: 3, zeroConfPerOrder: sat(0n) } })
    const id = (await create({})).result?.order_id as string
    const amount = (await read(id)).payment.onchain?.order_total_sat ?? sat(0n)
    await lsp.deposit(id, { amount, confirmations: 2 })
    expect(await read(id)).toMatchObject({ order_state: 'CREATED', payment: { onchain: { state: 'EXPECT_PAYMENT' } } })
    await lsp.deposit(id, { amount, confirmations: 3 })
    expect(await read(id)).toMatchObject({
      order_state: 'COMPLETED',
      payment: { onchain: { state: 'PAID' }, bolt11: { state: 'REFUNDED' } },
    })
  })

  it('[L7-06] goes back, REFUNDED, when the channel is gone', async () => {
    const leases: Record<string, readonly Lease[]> = { [ALICE]: [LEASE] }
    const { lsp, create, read } = setUp({ leases })
    const id = (await create({})).result?.order_id as string
    leases[ALICE] = []
    await lsp.hold(id)
    const failed = await read(id)
    expect(failed).toMatchObject({ order_state: 'FAILED', payment: { bolt11: { state: 'REFUNDED' } } })
    expect(failed.message).toContain('closed')
    expect(lsp.settled).toEqual([])
  })

  it('[L7-08] a second one waits while the first is being paid, and replaces it while nobody pays', async () => {
    const { lsp, create, read } = setUp()
    const first = (await create({})).result?.order_id as string
    const amount = (await read(first)).payment.onchain?.order_total_sat ?? sat(0n)
    await lsp.deposit(first, { amount, confirmations: 0 })
    const waits = await create({})
    expect(waits.error).toMatchObject({ code: 1, data: { message: expect.stringContaining('being paid') } })
    const other = await create({ short_channel_id: '1x2x3', channel_extension_expiry_blocks: 10 })
    expect(other.result).toBeDefined()
    const replaced = other.result?.order_id as string
    await create({ short_channel_id: '1x2x3', channel_extension_expiry_blocks: 5 })
    expect(await read(replaced)).toMatchObject({ order_state: 'FAILED', payment: { bolt11: { state: 'REFUNDED' } } })
  })

  it('[L7-07] a payment by Lightning only needs a refund address for nothing; one on chain only asks for it', async () => {
    const onlyOnchain = { lightning: 'not-taken', onchain: { confirmations: 1, zeroConfPerOrder: sat(0n) } } as const
    const { lsp, create } = setUp(onlyOnchain)
    expect((await create({ refund_onchain_address: undefined })).error?.code).toBe(1)
    expectNothing(lsp)
    expect(Object.keys((await create({})).result?.payment ?? {})).toEqual(['onchain'])
  })

  it('[L7-07] without a confirmation only up to what is risked', async () => {
    const askedOf = async (zeroConfPerOrder: bigint) => {
      const { create } = setUp({ onchain: { confirmations: 1, zeroConfPerOrder: sat(zeroConfPerOrder) } })
      return z.decode(ExtensionResult, (await create({})).result as never).payment.onchain
    }
    const fee = (await askedOf(0n))?.fee_total_sat ?? 0n
    expect(await askedOf(fee)).toMatchObject({ min_onchain_payment_confirmations: 0, min_fee_for_0conf: 500 })
    expect(await askedOf(fee - 1n)).toMatchObject({ min_onchain_payment_confirmations: 1, min_fee_for_0conf: null })
  })
})
