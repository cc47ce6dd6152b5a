import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../../lsps/base/amount.ts'
import { type OrderRequest, orderClient } from '../../../../lsps/lsps1/client.ts'
import { OrderError, type OrderFailure } from '../../../../lsps/lsps1/order-error.ts'
import type { CreateOrderParams, OrderResult } from '../../../../lsps/lsps1/schema.ts'
import { BOB } from '../../../conformance/lsp.ts'
import { createOrderLsp, type OrderLspConfig } from '../../../conformance/order-lsp.ts'
import { scriptedServer } from '../scripted-server.ts'
import { FATES, orderWallet, whileTimePasses } from './order-wallet.ts'
import { LSP_ADDRESS, OPTIONS, ORDERED } from './orders.ts'

const idle = new AbortController().signal
const MAX_FEE = sat(10_000n)

/** A wallet that orders once. */
function ordering(config: OrderLspConfig = {}, wanted: Partial<OrderRequest> = {}) {
  const lsp = createOrderLsp(config)
  const wallet = orderWallet(lsp)
  const orders = orderClient(wallet)
  const placed = orders.createOrder({ order: ORDERED, maxFee: MAX_FEE, signal: idle, ...wanted })
  return { lsp, wallet, orders, placed }
}

async function failureOf(result: Promise<unknown>): Promise<OrderFailure> {
  const outcome = await result.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (outcome instanceof OrderError) return outcome.failure
  throw outcome
}

const spoiling = (change: Partial<OrderResult>): OrderLspConfig => ({ spoil: (order) => ({ ...order, ...change }) })
const withParams = (change: Partial<CreateOrderParams>): Partial<OrderRequest> => ({ order: { ...ORDERED, ...change } })

describe('a wallet that orders a channel', () => {
  it('[L1-01] asks what is offered, orders, and is told how to pay', async () => {
    const { lsp, wallet, placed } = ordering()
    const { order, options } = await placed
    expect(wallet.sent.map(({ method }) => method)).toEqual(['lsps1.get_info', 'lsps1.create_order'])
    expect(lsp.orders.get(order.order_id)?.order).toEqual(order)
    expect(options.map(({ method, fee, total }) => [method, fee, total])).toEqual([
      ['bolt11', 8888n, 2_008_888n],
      ['onchain', 9999n, 2_009_999n],
    ])
  })

  it('[L1-32] does not order what does not fit', async () => {
    const { wallet, placed } = ordering({}, withParams({ channel_expiry_blocks: 20_161 }))
    expect(await failureOf(placed)).toMatchObject({ code: 'option-mismatch', property: 'max_channel_expiry_blocks' })
    expect(wallet.sent).toHaveLength(1)
  })

  it('[L1-48] leaves out what costs more than allowed', async () => {
    const { options } = await ordering({}, { maxFee: sat(9998n) }).placed
    expect(options.map(({ method }) => method)).toEqual(['bolt11'])
  })

  it('[L1-48] tells the price when everything costs more than allowed', async () => {
    const { placed } = ordering({}, { maxFee: sat(8887n) })
    expect(await failureOf(placed)).toEqual({ code: 'too-expensive', cheapest: 8888n, cap: 8887n })
    await expect(placed).rejects.toThrow('it costs 8888 sat, allowed are 8887 sat')
  })

  it('[L1-20] has no way to pay on chain without a refund address', async () => {
    const { options } = await ordering({}, withParams({ refund_onchain_address: undefined })).placed
    expect(options.map(({ method }) => method)).toEqual(['bolt11'])
  })

  it('[L1-45] says so when there is no way to pay', async () => {
    expect(await failureOf(ordering(spoiling({ payment: {} })).placed)).toEqual({ code: 'no-payment-option' })
  })

  it.each([
    ['lsp_balance_sat', { lsp_balance_sat: sat(4_999_999n) }],
    ['client_balance_sat', { client_balance_sat: sat(1_999_999n) }],
    ['required_channel_confirmations', { required_channel_confirmations: 1 }],
    ['funding_confirms_within_blocks', { funding_confirms_within_blocks: 1 }],
    ['channel_expiry_blocks', { channel_expiry_blocks: 12 }],
    ['announce_channel', { announce_channel: false }],
    ['token', { token: 'another' }],
  ] as const)('[L1-41] refuses an answer that is about another %s', async (name, change) => {
    const failure = await failureOf(ordering(spoiling(change)).placed)
    expect(failure).toMatchObject({ code: 'bad-answer', what: expect.stringContaining(name) })
  })

  it('[L1-48] [L1-63] refuses a total that is not the fee and its own balance', async () => {
    const spoil = (order: OrderResult) => {
      const { bolt11 } = order.payment
      if (bolt11 === undefined) return order
      return { ...order, payment: { bolt11: { ...bolt11, order_total_sat: sat(bolt11.order_total_sat + 1n) } } }
    }
    expect(await failureOf(ordering({ spoil }).placed)).toMatchObject({ code: 'bad-answer' })
  })

  it('[L1-73] refuses a refund to somebody else', async () => {
    const spoil = (order: OrderResult) => {
      const { onchain } = order.payment
      if (onchain === undefined) return order
      return { ...order, payment: { onchain: { ...onchain, refund_onchain_address: LSP_ADDRESS } } }
    }
    expect(await failureOf(ordering({ spoil }).placed)).toMatchObject({ code: 'bad-answer' })
  })

  it.each([undefined, null, '', 'good'])('[L1-42] shows its token %j', async (token) => {
    const { wallet, placed } = ordering({ tokens: ['good'] }, withParams({ token }))
    await placed
    const { params } = wallet.sent[1] ?? {}
    expect((params as CreateOrderParams).token).toBe(token)
  })

  it('[L1-21] orders a large channel only when told that both sides support it', async () => {
    const large = withParams({ lsp_balance_sat: sat(14_777_216n) })
    const { wallet, placed } = ordering({}, large)
    expect(await failureOf(placed)).toEqual({ code: 'large-channel', capacity: 16_777_216n })
    expect(wallet.sent).toEqual([])
    await expect(ordering({}, { ...large, largeChannels: 'both-support' }).placed).resolves.toHaveProperty('order')
    await expect(ordering({}, withParams({ lsp_balance_sat: sat(14_777_215n) })).placed).resolves.toHaveProperty(
      'order',
    )
  })

  it.each([
    [
      { code: 1, data: { message: 'not you' } },
      { code: 'rejected', said: 'not you' },
    ],
    [{ code: 1 }, { code: 'rejected', said: 'error' }],
    [
      { code: 100, data: { property: 'min_channel_balance_sat', message: 'too <small>' } },
      { code: 'option-mismatch', property: 'min_channel_balance_sat', said: 'too  small ' },
    ],
    [
      { code: 100, data: 'text' },
      { code: 'option-mismatch', property: '?', said: 'error' },
    ],
    [{ code: 102, data: {} }, { code: 'unknown-token' }],
    [
      { code: 101, data: {} },
      { code: 'unknown-order', orderId: '' },
    ],
    [{ code: -32601 }, { code: 'not-offered', method: 'lsps1.create_order' }],
    [
      { code: -32602, data: { unrecognized: [] } },
      { code: 'refused', errorCode: -32602, said: 'error' },
    ],
    [{ code: 123_456 }, { code: 'refused', errorCode: 123_456, said: 'error' }],
  ])('[L0-35] [L1-30] [L1-31] [L1-32] [L1-34] understands the error %j', async (error, failure) => {
    const { client, clock } = scriptedServer(({ method }) =>
      method === 'lsps1.get_info' ? { result: infoOnTheWire() } : { error: { message: 'error', ...error } },
    )
    const placed = orderClient({ client, clock }).createOrder({ order: ORDERED, maxFee: MAX_FEE, signal: idle })
    expect(await failureOf(placed)).toEqual(failure)
  })

  it('says what to do about each failure', async () => {
    const failures = fc.constantFrom<OrderFailure>(
      { code: 'timed-out', method: 'lsps1.get_info' },
      { code: 'unreachable', why: 'not-sent' },
      { code: 'aborted' },
      { code: 'unknown-token' },
      { code: 'impossible-change', change: { what: 'order_state', before: 'COMPLETED', after: 'CREATED' } },
    )
    fc.assert(fc.property(failures, (failure) => new OrderError(failure).message.length > 10))
  })

  it('stops when the wallet says so, and tells why', async () => {
    const wallet = orderWallet(createOrderLsp(), { nextFate: () => 'request-lost' })
    const stop = new AbortController()
    const placed = orderClient(wallet).createOrder({ order: ORDERED, maxFee: MAX_FEE, signal: stop.signal })
    const failed = expect(placed).rejects.toMatchObject({ failure: { code: 'aborted' }, cause: 'closing' })
    stop.abort('closing')
    await failed
  })

  it('[L0-44] [L1-22] gets one order for one call, whatever is lost on the way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...FATES), { maxLength: 8 }), async (fates) => {
        const lsp = createOrderLsp()
        const wallet = orderWallet(lsp, { nextFate: fateFrom(fates) })
        const placed = orderClient(wallet).createOrder({ order: ORDERED, maxFee: MAX_FEE, signal: idle })
        const outcome = await whileTimePasses(wallet.clock, placed).catch((error: unknown) => error)
        expect(lsp.orders.size).toBeLessThanOrEqual(1)
        if (outcome instanceof OrderError) return
        expect(outcome).toHaveProperty('order', lsp.orders.get('order-0')?.order)
      }),
    )
  })

  it('[L0-44] sends the same order again when the question or its answer was lost', async () => {
    const lsp = createOrderLsp()
    const wallet = orderWallet(lsp, { nextFate: fateFrom(['answered', 'request-lost', 'reply-lost']) })
    const placed = orderClient(wallet).createOrder({ order: ORDERED, maxFee: MAX_FEE, signal: idle })
    await expect(whileTimePasses(wallet.clock, placed)).resolves.toHaveProperty('order.order_id', 'order-0')
    expect(wallet.sent.filter(({ method }) => method === 'lsps1.create_order')).toHaveLength(3)
    expect(lsp.orders.size).toBe(1)
  })

  it('[L1-52] cannot read the order of another wallet', async () => {
    const { lsp, placed } = ordering()
    const { order } = await placed
    const other = orderClient(orderWallet(lsp, { peer: BOB })).order(order.order_id)
    expect(await failureOf(other.get(idle))).toEqual({ code: 'unknown-order', orderId: order.order_id })
  })

  it('reads what is offered', async () => {
    await expect(ordering().orders.getInfo(idle)).resolves.toEqual(OPTIONS)
  })
})

function fateFrom<T>(fates: readonly T[]): () => T | 'answered' {
  const left = [...fates]
  return () => left.shift() ?? 'answered'
}

function infoOnTheWire(): object {
  const amounts = Object.entries(OPTIONS).map(([name, value]) => [name, typeof value === 'bigint' ? `${value}` : value])
  return Object.fromEntries(amounts)
}
