import { describe, expect, it } from 'vitest'
import { REPLACED } from '../../src/orders/extensions.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { Simulation, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n
const MIN_LIFETIME = 4320
const MOST_BLOCKS = 10_000
const BLOCKS = 2016
const BLOCK_MS = 600_000

type Channel = {
  readonly short_channel_id: string
  readonly max_channel_extension_expiry_blocks: number
  readonly expiration_block: number
  readonly original_order?: object
  readonly extension_order_ids?: readonly string[]
}
type Extension = {
  readonly order_id: string
  readonly new_channel_expiry_blocks: number
  readonly order_state: string
  readonly token: string | null
  readonly payment: {
    readonly bolt11: { readonly state: string; readonly invoice: string; readonly order_total_sat: string }
  }
  readonly channel: { readonly expires_at: string; readonly funded_at: string; readonly short_channel_id: string }
}

/** A wallet with a just-in-time channel that it paid for, in a block. */
async function leased(orders: object = {}, prepare: (simulation: Simulation) => void = () => undefined) {
  const config = testConfig({ orders: { enabled: true, max_channel_expiry_blocks: MOST_BLOCKS, ...orders } })
  const simulation = new Simulation({ config })
  prepare(simulation)
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
  await simulation.outcome(payment.result, 'the payment to end')
  await simulation.rest()
  const [channel] = [...wallet.channels]
  if (channel === undefined) throw new Error('the wallet has no channel')
  const ask = async <T>(method: string, params: object, who: SimWallet = wallet) =>
    (await simulation.ask(who, method, params)) as never as T
  const list = async (who?: SimWallet) =>
    (await ask<{ extendable_channels: Channel[] }>('lsps7.get_extendable_channels', {}, who)).extendable_channels
  const scid = (await list())[0]?.short_channel_id ?? ''
  const order = (blocks = BLOCKS, more: object = {}) =>
    ask<Extension>('lsps7.create_order', {
      short_channel_id: scid,
      channel_extension_expiry_blocks: blocks,
      ...more,
    })
  const look = (id: string, who?: SimWallet) => ask<Extension>('lsps7.get_order', { order_id: id }, who)
  const pay = ({ payment: { bolt11 } }: Extension) => {
    const [htlc] = simulation.world.payer.payInvoice({ invoice: bolt11.invoice })
    if (htlc === undefined) throw new Error('nothing was sent')
    return htlc
  }
  const until = () => simulation.promise(channel.outpoint)
  return { simulation, wallet, bought, channel, scid, list, order, look, pay, until }
}

describe('channels that can be extended', () => {
  it("are the caller's own that were sold here, with the end of their promise [L7-01]", async () => {
    const { simulation, list, bought, until, scid, channel } = await leased()
    const from = until()?.fromHeight ?? 0
    const { height } = simulation.world.node.chain
    expect(await list()).toEqual([
      {
        original_order: { id: bought.scid, service: 'LSPS2' },
        short_channel_id: scid,
        expiration_block: from + MIN_LIFETIME,
        max_channel_extension_expiry_blocks: MOST_BLOCKS - (from + MIN_LIFETIME - height),
      },
    ])
    const stranger = simulation.world.addWallet()
    stranger.connect()
    expect(await list(stranger)).toEqual([])
    simulation.world.node.closing.closeByNode(channel, 'cooperative')
    await simulation.advance(10_000)
    expect(await list()).toEqual([])
  })

  it('are announced as protocol 7 [L0-53] [L0-54]', async () => {
    const { simulation, wallet } = await leased()
    expect(await simulation.ask(wallet, 'lsps0.list_protocols', {})).toEqual({ protocols: [1, 2, 7] })
  })
})

describe('an order of an extension', () => {
  it('names its price, its end and how to pay [L7-03] [L7-07]', async () => {
    const { order, until, scid } = await leased()
    const made = await order(BLOCKS, { token: null })
    const total = made.payment.bolt11.order_total_sat
    expect(made).toMatchObject({
      order_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      short_channel_id: scid,
      channel_extension_expiry_blocks: BLOCKS,
      new_channel_expiry_blocks: (until()?.fromHeight ?? 0) + MIN_LIFETIME + BLOCKS,
      token: null,
      order_state: 'CREATED',
      payment: { bolt11: { state: 'EXPECT_PAYMENT', fee_total_sat: total } },
      channel: { short_channel_id: scid },
    })
    expect((await order()).token).toBe('')
  })

  it.each([
    [{ channel_extension_expiry_blocks: 0 }, -32602, 'channel_extension_expiry_blocks'],
    [{ short_channel_id: 'x' }, -32602, 'short_channel_id'],
    [{ refund_onchain_address: 'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu' }, -32602, 'refund_onchain_address'],
    [{ channel_extension_expiry_blocks: MOST_BLOCKS }, 100, 'max_channel_extension_expiry_blocks'],
    [{ short_channel_id: '1x2x3' }, 100, 'short_channel_id'],
    [{ token: 'stranger' }, 102, undefined],
    [{ refund: 1 }, -32602, undefined],
  ])('that asks for %j is refused with %i [L7-02] [L7-04]', async (params, code, property) => {
    const { simulation, order } = await leased()
    const refused = await order(BLOCKS, params).catch((error: unknown) => error)
    expect(refused).toMatchObject(property === undefined ? { code } : { code, data: { property } })
    expect(simulation.bytes.get('orders-live')?.size ?? 0).toBe(0)
  })

  it('of a channel of somebody else is refused like one of none [L7-04]', async () => {
    const { simulation, scid } = await leased()
    const stranger = simulation.world.addWallet()
    stranger.connect()
    const params = { short_channel_id: scid, channel_extension_expiry_blocks: 1 }
    await expect(simulation.ask(stranger, 'lsps7.create_order', params)).rejects.toMatchObject({
      code: 100,
      data: { property: 'short_channel_id' },
    })
  })

  it('is read by nobody else, and an unknown one by nobody [L7-05]', async () => {
    const { simulation, order, look } = await leased()
    const { order_id: id } = await order()
    expect(await look(id)).toEqual(await look(id))
    const stranger = simulation.world.addWallet()
    stranger.connect()
    for (const [unknown, who] of [
      [id, stranger],
      ['no-order', undefined],
      [`${id.slice(0, -1)}g`, undefined],
    ] as const) {
      await expect(look(unknown, who)).rejects.toMatchObject({ code: 101 })
    }
  })
})

describe('a payment', () => {
  it('is taken once the longer life is on disk, and the channel stays for it [L7-06]', async () => {
    const { simulation, order, look, pay, until, list, channel } = await leased()
    const made = await order()
    const result = await simulation.outcome(pay(made).result, 'the payment to end')
    expect(result.status).toBe('settled')
    expect(until()?.blocks).toBe(MIN_LIFETIME + BLOCKS)
    const done = await look(made.order_id)
    expect(done).toMatchObject({ order_state: 'COMPLETED', payment: { bolt11: { state: 'PAID' } } })
    const grown = Date.parse(done.channel.expires_at) - Date.parse(made.channel.expires_at)
    expect(Math.abs(grown - BLOCKS * BLOCK_MS)).toBeLessThan(BLOCK_MS)
    expect(await list()).toMatchObject([
      { extension_order_ids: [made.order_id], expiration_block: made.new_channel_expiry_blocks },
    ])
    expect(channel.state).toBe('open')
    expect(simulation.violations()).toEqual([])
  })

  it('goes back when the channel is gone [L7-06]', async () => {
    const { simulation, order, look, pay, channel } = await leased()
    const made = await order()
    simulation.world.node.closing.closeByNode(channel, 'cooperative')
    const result = await simulation.outcome(pay(made).result, 'the payment to end')
    expect(result.status).toBe('failed')
    await simulation.advance(10_000)
    expect(await look(made.order_id)).toMatchObject({
      order_state: 'FAILED',
      payment: { bolt11: { state: 'REFUNDED' } },
    })
  })

  it('of a just-in-time channel whose promise was over counts from now on [L7-03]', async () => {
    const { simulation, order, pay, until } = await leased()
    simulation.world.mine(MIN_LIFETIME + 100)
    await simulation.advance(30_000)
    const { height } = simulation.world.node.chain
    const made = await order()
    expect(made.new_channel_expiry_blocks).toBe(height + BLOCKS)
    await simulation.outcome(pay(made).result, 'the payment to end')
    expect((until()?.fromHeight ?? 0) + (until()?.blocks ?? 0)).toBe(height + BLOCKS)
  })
})

describe('two extensions of one channel at once [L7-08]', () => {
  it('the second replaces the first that nobody paid', async () => {
    const { simulation, order, look, pay, until } = await leased()
    const first = await order()
    const second = await order(144)
    expect(await look(first.order_id)).toMatchObject({
      order_state: 'FAILED',
      payment: { bolt11: { state: 'REFUNDED' } },
      message: REPLACED,
    })
    await simulation.advance(10_000)
    expect((await simulation.outcome(pay(first).result, 'the first to end')).status).toBe('failed')
    expect((await simulation.outcome(pay(second).result, 'the second to end')).status).toBe('settled')
    expect(until()?.blocks).toBe(MIN_LIFETIME + 144)
  })

  it('what is paid already counts, and only so much more can be bought', async () => {
    const { simulation, order, pay, list } = await leased()
    const [before] = await list()
    await simulation.outcome(pay(await order()).result, 'the payment to end')
    const [after] = await list()
    const left = (before?.max_channel_extension_expiry_blocks ?? 0) - BLOCKS
    expect(after?.max_channel_extension_expiry_blocks).toBe(left)
    await expect(order(left + 1)).rejects.toMatchObject({
      code: 100,
      data: { property: 'max_channel_extension_expiry_blocks' },
    })
    expect(await order(left)).toMatchObject({ order_state: 'CREATED' })
  })
})

describe('whenever the sidecar dies', () => {
  it('an extension that is paid for is written down once, and its payment taken once', async () => {
    const story = async (prepare: (simulation: Simulation) => void) => {
      const { simulation, order, look, pay, until } = await leased({}, () => undefined)
      const made = await order()
      prepare(simulation)
      const result = await simulation.outcome(pay(made).result, 'the payment to end')
      await simulation.advance(60_000)
      expect(result.status).toBe('settled')
      expect(until()?.blocks).toBe(MIN_LIFETIME + BLOCKS)
      expect(await look(made.order_id)).toMatchObject({ order_state: 'COMPLETED' })
      expect(simulation.violations()).toEqual([])
      const fees = [...(simulation.bytes.get('journal')?.values() ?? [])].filter((row) => row.includes('order-fee'))
      expect(fees).toHaveLength(1)
      return simulation
    }
    const recorded = await story((simulation) => simulation.world.record())
    const points = recorded.world.points.length
    expect(points).toBeGreaterThan(10)
    for (let point = 0; point < points; point += 1) await story((simulation) => simulation.killAtEach([point]))
  })
})

describe('an operator', () => {
  it('sees orders with their price and payment, and gives up what nobody has paid', async () => {
    const { simulation, order, look, pay } = await leased()
    const { admin } = simulation.sidecar
    const first = await order()
    const { order_id: id } = first
    const show = (of: string) => simulation.outcome(admin.orderShow(of), 'the order')
    expect(await show(id)).toMatchObject({
      state: 'created',
      purpose: 'extension',
      price: { blocks: BLOCKS, sat_per_vbyte: 0 },
      bolt11: { state: 'EXPECT_PAYMENT' },
    })
    const act = (of: string, action: 'cancel' | 'refund', confirmed: boolean) =>
      simulation.outcome(admin.orderAct(of, { action, confirmed }), 'the answer')
    expect(await act(id, 'cancel', false)).toMatchObject({ done: false })
    expect(await look(id)).toMatchObject({ order_state: 'CREATED' })
    expect(await act(id, 'cancel', true)).toMatchObject({ done: true, order: { state: 'failed' } })
    expect(await look(id)).toMatchObject({ order_state: 'FAILED', message: 'cancelled by the operator' })
    await simulation.advance(10_000)
    expect((await simulation.outcome(pay(first).result, 'the payment to end')).status).toBe('failed')

    const second = await order()
    await simulation.outcome(pay(second).result, 'the payment to end')
    await simulation.advance(10_000)
    expect(await act(second.order_id, 'refund', true)).toMatchObject({ refused: expect.stringContaining('completed') })
    const list = await simulation.outcome(admin.orderList({ limit: 10 }, new AbortController().signal), 'the orders')
    expect(list?.map((one) => one.id)).toEqual([second.order_id, id])
    const decisions = await simulation.outcome(
      admin.decisions({ since: 0, limit: 100 }, new AbortController().signal),
      'the decisions',
    )
    const told = decisions?.map(({ what }) => what)
    expect(told).toContain('ordered')
    expect(told).toContain('order cancelled')
    expect(simulation.violations()).toEqual([])
  })
})
