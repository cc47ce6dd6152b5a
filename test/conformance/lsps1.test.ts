import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { sat } from '../../lsps/base/amount.ts'
import { invoiceAmount } from '../../lsps/lsps1/invoice-amount.ts'
import { lsps1 } from '../../lsps/lsps1/methods.ts'
import { checkOptions } from '../../lsps/lsps1/rules.ts'
import { Lsps1Options, OrderResult } from '../../lsps/lsps1/schema.ts'
import { OPTIONS, REFUND_ADDRESS } from '../unit/lsps/lsps1/orders.ts'
import { GOOD_ORDER } from './kinds/lsps1.ts'
import { ALICE, BOB } from './lsp.ts'
import type { OrderAnswer } from './order-lsp.ts'
import { createSeller, ORDER_EXPIRY_MS, type Seller, type SellerConfig, SOLD_AT_HEIGHT } from './order-seller.ts'
import { shaped } from './vectors.ts'

const REQUIRED = [
  'lsp_balance_sat',
  'client_balance_sat',
  'required_channel_confirmations',
  'funding_confirms_within_blocks',
  'channel_expiry_blocks',
  'announce_channel',
]
/** The sample of bLIP-51 announces a channel without a confirmation, which is not sold here (L1-23). */
const GOOD = { ...GOOD_ORDER, required_channel_confirmations: 1, channel_expiry_blocks: 144 }
const DATETIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const MAX_INVOICE = 2048

const running: Seller[] = []
afterEach(async () => {
  for (const seller of running.splice(0)) {
    expect(seller.unexpected).toEqual([])
    await seller.close()
  }
})

function setUp(config: SellerConfig = {}) {
  const lsp = createSeller(config)
  running.push(lsp)
  const create = (change: object, peer = ALICE) =>
    lsp.call('lsps1.create_order', JSON.parse(JSON.stringify({ ...GOOD, ...change })), peer)
  const read = async (order_id: string) =>
    z.decode(OrderResult, (await lsp.call('lsps1.get_order', { order_id }))?.result as never)
  return { lsp, create, read }
}

/** What an error leaves behind (L1-35): nothing on disk, and nothing at the node. */
function expectNothing({ orders, asked, addresses, bytes }: Seller): void {
  expect(orders.size).toBe(0)
  expect(asked).toEqual([])
  expect(addresses).toEqual([])
  const kept = [...bytes].filter(([table, rows]) => table !== 'orders-scanned' && rows.size > 0)
  expect(kept).toEqual([])
}

/** The error of an order that is changed like this; nothing was ordered. */
async function errorOf(change: object, config: SellerConfig = {}, peer = ALICE): Promise<OrderAnswer['error']> {
  const { lsp, create } = setUp(config)
  const answer = await create(change, peer)
  expect(answer?.result).toBeUndefined()
  expectNothing(lsp)
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
    const options = { ...OPTIONS, min_required_channel_confirmations: 2 }
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
    const { refund_onchain_address: refund, ...echoed } = GOOD as Readonly<Record<string, unknown>>
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

  it.each([1, 3, 6])('[L1-73] [L1-74] P28: after %d confirmations on chain', async (confirmations) => {
    const { result } = (await setUp({ onchain: { confirmations, zeroConfPerOrder: sat(0n) } }).create({})) ?? {}
    const { onchain } = z.decode(OrderResult, result as never).payment
    expect(onchain?.min_onchain_payment_confirmations).toBe(confirmations)
    expect(onchain?.min_fee_for_0conf ?? null).toBeNull()
  })

  it('[L1-73] [L1-74] without a confirmation only up to what is risked, and never when a balance is pushed', async () => {
    const options = { ...OPTIONS, min_initial_client_balance_sat: sat(0n) }
    const askedOf = async (zeroConfPerOrder: bigint, client_balance_sat: string) => {
      const onchain = { confirmations: 1, zeroConfPerOrder: sat(zeroConfPerOrder) }
      const { result } = await setUp({ options, onchain }).create({ client_balance_sat })
      return z.decode(OrderResult, result as never).payment.onchain
    }
    const fee = (await askedOf(0n, '0'))?.fee_total_sat ?? 0n
    expect(await askedOf(fee, '0')).toMatchObject({ min_onchain_payment_confirmations: 0, min_fee_for_0conf: 500 })
    expect(await askedOf(fee - 1n, '0')).toMatchObject({
      min_onchain_payment_confirmations: 1,
      min_fee_for_0conf: null,
    })
    expect(await askedOf(1_000_000n, '1')).toMatchObject({ min_onchain_payment_confirmations: 1 })
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

  it('[L1-65] is payable by a hold invoice for exactly its total, which does not outlive it', async () => {
    const { lsp, create } = setUp()
    const { result } = await create({})
    const { order_id: id, payment } = z.decode(OrderResult, result as never)
    const total = payment.bolt11?.order_total_sat ?? 0n
    expect(lsp.asked).toMatchObject([{ amount: total * 1000n, expirySeconds: ORDER_EXPIRY_MS / 1000, cltvExpiry: 288 }])
    expect(lsp.asked[0]?.memo).toContain(id)
    expect(payment.bolt11?.expires_at).toBe(lsp.now() + ORDER_EXPIRY_MS)
    expect(lsp.orderOf(id)?.terms.bolt11?.paymentHash).toBe(lsp.asked[0]?.paymentHash)
  })

  it('[L1-22] [L1-40] each call makes another order, by an id that nobody guesses', async () => {
    const { lsp, create } = setUp()
    const ids = new Set<string>()
    for (let made = 0; made < 20; made += 1) ids.add(idOf(await create({})))
    expect(ids.size).toBe(20)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(lsp.addresses).size).toBe(20)
    expect(new Set(lsp.asked.map(({ paymentHash }) => paymentHash)).size).toBe(20)
  })

  it('[L1-45] [L1-71] has one way to pay at least, or is not made', async () => {
    const onlyOnchain = { lightning: 'not-taken', onchain: { confirmations: 1, zeroConfPerOrder: sat(0n) } } as const
    const { result } = await setUp(onlyOnchain).create({})
    expect(Object.keys(result?.payment ?? {})).toEqual(['onchain'])
    const none = await errorOf({ refund_onchain_address: undefined }, onlyOnchain)
    expect(none).toMatchObject({ code: 1, data: { message: expect.stringContaining('refund_onchain_address') } })
    const onlyLightning = await setUp({ onchain: 'not-taken' }).create({})
    expect(Object.keys(onlyLightning.result?.payment ?? {})).toEqual(['bolt11'])
  })

  it('[L1-67] [L1-69] [L1-70] [L1-93] [L1-94] P30: held, then completed, with its channel', async () => {
    const { lsp, create, read } = setUp()
    const id = idOf(await create({}))
    await lsp.hold(id)
    expect(await read(id)).toMatchObject({
      order_state: 'CREATED',
      payment: { bolt11: { state: 'HOLD' } },
      channel: null,
    })
    expect(lsp.opened).toEqual([])
    lsp.connect()
    await lsp.clock.settle()
    expect(lsp.opened).toHaveLength(1)
    expect(lsp.settled).toEqual([])
    await lsp.channel(id, { type: 'published', outpoint: `${'cd'.repeat(32)}:1` })
    const done = await read(id)
    expect(done).toMatchObject({ order_state: 'COMPLETED', payment: { bolt11: { state: 'PAID' } } })
    expect(lsp.settled).toEqual([lsp.asked[0]?.paymentHash])
    const { channel } = done
    expect(channel?.funding_outpoint).toEqual({ txid: 'cd'.repeat(32), index: 1 })
    expect((channel?.expires_at ?? 0) - (channel?.funded_at ?? 0)).toBe(GOOD.channel_expiry_blocks * 600_000)
  })

  it('[L1-68] [L1-93] P31: refunded and failed, never CANCELLED', async () => {
    const { lsp, create } = setUp()
    lsp.connect()
    const order_id = idOf(await create({}))
    await lsp.hold(order_id)
    for (let refusal = 0; refusal < 3; refusal += 1) {
      await lsp.channel(order_id, { type: 'refused', reason: 'client-refused', detail: 'no' })
      await lsp.pass(10 * 60_000)
    }
    const { result } = await lsp.call('lsps1.get_order', { order_id })
    expect(result).toMatchObject({ order_state: 'FAILED', payment: { bolt11: { state: 'REFUNDED' } }, channel: null })
    expect(lsp.cancelled).toEqual([lsp.asked[0]?.paymentHash])
    expect(JSON.stringify(result)).not.toContain('CANCELLED')
  })

  it('[L1-70] goes back when its payment comes so late that it would expire before the channel is there', async () => {
    const { lsp, create, read } = setUp({ onchain: 'not-taken' })
    lsp.connect()
    const id = idOf(await create({}))
    await lsp.hold(id, SOLD_AT_HEIGHT + 66)
    expect(await read(id)).toMatchObject({ order_state: 'FAILED', payment: { bolt11: { state: 'REFUNDED' } } })
    expect(lsp.opened).toEqual([])
  })

  it('[L1-72] [L1-76] paid on chain: PAID when it is deep enough, and the invoice is cancelled [L1-80]', async () => {
    const { lsp, create, read } = setUp()
    const id = idOf(await create({}))
    const amount = (await read(id)).payment.onchain?.order_total_sat ?? sat(0n)
    await lsp.deposit(id, { amount, confirmations: 0 })
    expect((await read(id)).payment.onchain?.state).toBe('EXPECT_PAYMENT')
    await lsp.deposit(id, { amount, confirmations: 1 })
    expect(await read(id)).toMatchObject({
      order_state: 'CREATED',
      payment: { onchain: { state: 'PAID' }, bolt11: { state: 'REFUNDED' } },
    })
    expect(lsp.cancelled).toEqual([lsp.asked[0]?.paymentHash])
  })

  it('[L1-75] without a confirmation: one transaction that cannot be replaced, and pays all of it', async () => {
    const options = { ...OPTIONS, min_initial_client_balance_sat: sat(0n) }
    const onchain = { confirmations: 1, zeroConfPerOrder: sat(100_000n) }
    const paidBy = async (payment: {
      readonly replaceable: boolean
      readonly less?: bigint
      readonly depth?: number
    }) => {
      const { lsp, create, read } = setUp({ options, onchain })
      const id = idOf(await create({ client_balance_sat: '0' }))
      const total = (await read(id)).payment.onchain?.order_total_sat ?? sat(0n)
      const { replaceable, less = 0n, depth = 0 } = payment
      await lsp.deposit(id, { amount: sat(total - less), confirmations: depth, replaceable })
      return (await read(id)).payment.onchain?.state
    }
    expect(await paidBy({ replaceable: false })).toBe('PAID')
    expect(await paidBy({ replaceable: true })).toBe('EXPECT_PAYMENT')
    expect(await paidBy({ replaceable: false, less: 1n })).toBe('EXPECT_PAYMENT')
    expect(await paidBy({ replaceable: true, depth: 1 })).toBe('PAID')
  })

  it('[L1-80] paid by Lightning, its address is not told any more as long as nothing came to it', async () => {
    const { lsp, create, read } = setUp()
    const id = idOf(await create({}))
    const amount = (await read(id)).payment.onchain?.order_total_sat ?? sat(0n)
    await lsp.hold(id)
    expect(Object.keys((await read(id)).payment)).toEqual(['bolt11'])
    await lsp.deposit(id, { amount, confirmations: 1 })
    expect((await read(id)).payment.onchain?.state).toBe('EXPECT_PAYMENT')
    lsp.connect()
    await lsp.clock.settle()
    await lsp.channel(id, { type: 'published', outpoint: `${'cd'.repeat(32)}:1` })
    expect(lsp.refunds).toMatchObject([{ amount, address: REFUND_ADDRESS }])
  })

  it('[L1-61] nothing paid in time: FAILED, and its invoice REFUNDED', async () => {
    const { lsp, create, read } = setUp()
    const id = idOf(await create({}))
    await lsp.pass(ORDER_EXPIRY_MS - 1)
    expect((await read(id)).order_state).toBe('CREATED')
    await lsp.pass(1)
    expect(await read(id)).toMatchObject({
      order_state: 'FAILED',
      channel: null,
      payment: { bolt11: { state: 'REFUNDED' }, onchain: { state: 'EXPECT_PAYMENT' } },
    })
  })

  it('[L1-91] [L1-97] opens what was ordered: both balances as capacity, and the balance of the client pushed', async () => {
    const { lsp, create } = setUp()
    lsp.connect()
    await lsp.hold(idOf(await create({ funding_confirms_within_blocks: 9 })))
    expect(lsp.opened).toMatchObject([
      {
        capacity: 7_000_000n,
        push: 2_000_000n,
        peer: ALICE,
        visibility: 'announced',
        confirmation: 'ordinary',
        confirmsWithin: 9,
      },
    ])
  })

  it('[L1-91] counts the blocks for the funding from the payment, not from when the client came', async () => {
    const { lsp, create } = setUp()
    await lsp.hold(idOf(await create({ funding_confirms_within_blocks: 9, announce_channel: false })))
    await lsp.pass(4 * 600_000)
    lsp.connect()
    await lsp.clock.settle()
    expect(lsp.opened).toMatchObject([{ visibility: 'private', confirmsWithin: 5 }])
  })
})

describe('what is told before anything is paid', () => {
  it('[L1-23] an announced channel without a confirmation is refused, and the flag never changed', async () => {
    expect(await errorOf({ required_channel_confirmations: 0 })).toMatchObject(invalid('announce_channel'))
    const { lsp, create } = setUp()
    lsp.connect()
    await lsp.hold(idOf(await create({ required_channel_confirmations: 0, announce_channel: false })))
    expect(lsp.opened).toMatchObject([{ visibility: 'private', confirmation: 'zero-conf' }])
  })

  const LARGE = { lsp_balance_sat: '14777216', client_balance_sat: '2000000' }

  it.each([
    ['is not connected', undefined, 'connect first'],
    ['has no large channels', [1, 17, 20], 'no large channels'],
  ])('[L1-21] a large channel for a node that %s', async (_, features, words) => {
    const error = await errorOf(LARGE, { features })
    expect(error).toMatchObject(mismatch('max_channel_balance_sat'))
    expect(error?.data).toMatchObject({ message: expect.stringContaining(words) })
  })

  it.each([[[18]], [[19]]])('[L1-21] a large channel for a node with the feature %j', async (features) => {
    expect((await setUp({ features }).create(LARGE)).result).toBeDefined()
  })

  it('[L1-21] one satoshi less needs nothing', async () => {
    const { result } = await setUp({ features: undefined }).create({ ...LARGE, lsp_balance_sat: '14777215' })
    expect(result).toBeDefined()
  })

  it.each([
    ['nothing is sold', { notSelling: 'not now' }, 'not now'],
    ['no coins are there for it', { largestChannel: sat(6_999_999n) }, 'no channel of this size'],
    ['nobody knows what the chain costs', { feerate: 'unknown' }, 'can be priced'],
  ] as const)('[L1-31] [L1-35] while %s', async (_, config, words) => {
    const error = await errorOf({}, config)
    expect(error).toMatchObject({ code: 1, data: { message: expect.stringContaining(words) } })
  })

  it('[L1-31] an eleventh order of a peer that has ten unpaid ones, until one of them is paid or over', async () => {
    const { lsp, create } = setUp({ maxUnpaidPerPeer: 10 })
    const ids: string[] = []
    for (let made = 0; made < 10; made += 1) ids.push(idOf(await create({})))
    expect((await create({})).error).toMatchObject({ code: 1, data: { message: expect.stringContaining('unpaid') } })
    expect((await create({}, BOB)).result).toBeDefined()
    await lsp.hold(ids[3] ?? '')
    expect((await create({})).result).toBeDefined()
    expect((await create({})).error?.code).toBe(1)
  })
})
