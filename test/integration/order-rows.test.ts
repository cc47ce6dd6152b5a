import { describe, expect, it } from 'vitest'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { OrderSimulation, type OrderState, orderConfig, REFUND_ADDRESS } from './order-simulation.ts'

/** Rows of LSPS1 that only a node can show: what becomes of payments, channels and refunds. */

const EXPIRY_MS = 600_000
const BLOCK_MS = 600_000
const onchain = { refund_onchain_address: REFUND_ADDRESS }

async function started(orders: object = {}): Promise<{ simulation: OrderSimulation; wallet: SimWallet }> {
  const simulation = new OrderSimulation({ config: orderConfig({ expiry_seconds: EXPIRY_MS / 1000, ...orders }) })
  await simulation.start()
  return { simulation, wallet: simulation.client() }
}

const totalOf = ({ payment }: OrderState) =>
  BigInt(payment.onchain?.order_total_sat ?? payment.bolt11?.order_total_sat ?? 0)

/** Blocks until a condition holds. */
async function mineUntil(simulation: OrderSimulation, isSo: () => boolean, what: string): Promise<void> {
  for (let block = 0; block < 60 && !isSo(); block += 1) {
    await simulation.advance(20_000)
    simulation.world.mine(1)
  }
  await simulation.until(isSo, what)
}

const over = (simulation: OrderSimulation, order: OrderState) =>
  mineUntil(simulation, () => !simulation.isLive(order), 'the order to be over')

async function pay(simulation: OrderSimulation, order: OrderState): Promise<string> {
  return (await simulation.outcome(simulation.payInvoice(order).result, 'the payment to end')).status
}

/** The channel that was opened for an order. */
function channelOf(simulation: OrderSimulation, { order_id: id }: OrderState) {
  const found = [...simulation.world.node.channels.all.values()].find(({ memo }) => memo.split(':')[3] === id)
  if (found === undefined) throw new Error(`no channel was opened for ${id}`)
  return found
}

async function isWell(simulation: OrderSimulation, ...orders: readonly OrderState[]): Promise<void> {
  await simulation.rest()
  expect(simulation.violations()).toEqual([])
  for (const order of orders) expect(simulation.wrongWithMoney(order)).toEqual([])
}

describe('the channel of an order', () => {
  it('is as large as both balances, with the balance of the client pushed, and private or announced as ordered [L1-91] [L1-97]', async () => {
    const { simulation, wallet } = await started()
    const ask = { client_balance_sat: '200000', required_channel_confirmations: 3, announce_channel: true }
    const order = await simulation.order(wallet, ask)
    expect(await pay(simulation, order)).toBe('settled')
    const channel = channelOf(simulation, order)
    expect(channel).toMatchObject({ capacity: 1_200_000n, private: false, zeroConf: false, peer: wallet.nodeId })
    expect(channel.remote).toBe(200_000_000n)
    const second = await simulation.order(wallet)
    expect(await pay(simulation, second)).toBe('settled')
    expect(channelOf(simulation, second)).toMatchObject({
      capacity: 1_000_000n,
      private: true,
      zeroConf: true,
      remote: 0n,
    })
    await isWell(simulation, order, second)
  })

  it('is usable when its funding is as deep as the client’s node wants it [L1-92]', async () => {
    const { simulation, wallet } = await started()
    wallet.minimumDepth = 3
    const order = await simulation.order(wallet, { required_channel_confirmations: 3 })
    expect(await pay(simulation, order)).toBe('settled')
    const channel = channelOf(simulation, order)
    simulation.world.mine(2)
    await simulation.advance(10_000)
    expect(channel.linkUp).toBe(false)
    simulation.world.mine(1)
    await simulation.until(() => channel.linkUp, 'the channel to be usable')
  })

  it('is promised in blocks from the block of its funding on, and in time as the client was told [L1-94] [L1-95]', async () => {
    const { simulation, wallet } = await started()
    const order = await simulation.order(wallet)
    expect(await pay(simulation, order)).toBe('settled')
    const { channel } = (await simulation.look(wallet, order)) as never as {
      readonly channel: { readonly funded_at: string; readonly expires_at: string; readonly funding_outpoint: string }
    }
    expect(Date.parse(channel.expires_at) - Date.parse(channel.funded_at)).toBe(4320 * BLOCK_MS)
    simulation.world.mine(1)
    const height = simulation.world.node.chain.height
    await simulation.advance(10_000)
    expect(simulation.promise(channel.funding_outpoint)).toMatchObject({
      blocks: 4320,
      fromHeight: height,
      notBefore: Date.parse(channel.expires_at),
    })
    await isWell(simulation, order)
  })

  it('may share its funding with others, when it is not to be used at once [L1-96] [L1-90]', async () => {
    const { simulation, wallet } = await started({ batch: { wait_seconds: 120, max_channels: 3 } })
    const wallets = [wallet, simulation.client(), simulation.client()]
    const orders: OrderState[] = []
    for (const each of wallets) orders.push(await simulation.order(each, { required_channel_confirmations: 1 }))
    const hasty = await simulation.order(wallet)
    const payments = orders.map((order) => simulation.payInvoice(order))
    expect(await pay(simulation, hasty)).toBe('settled')
    for (const { result } of payments)
      expect((await simulation.outcome(result, 'a payment to end')).status).toBe('settled')
    const transactions = orders.map((order) => channelOf(simulation, order).outpoint.split(':')[0])
    expect(new Set(transactions).size).toBe(1)
    expect(channelOf(simulation, hasty).outpoint.split(':')[0]).not.toBe(transactions[0])
    await isWell(simulation, ...orders, hasty)
  })

  it('waits for its client, and is opened as soon as that comes [L1-90]', async () => {
    const { simulation, wallet } = await started()
    const order = await simulation.order(wallet)
    wallet.disconnect()
    const payment = simulation.payInvoice(order)
    await simulation.advance(3_600_000)
    expect(simulation.tag(order)).toBe('paid')
    wallet.connect()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    expect(simulation.channelsOf(order)).toBe(1)
    await isWell(simulation, order)
  })
})

describe('a payment on chain', () => {
  it.each([1, 6])('counts after %d confirmations, and not before [L1-75] [L1-76]', async (confirmations) => {
    const { simulation, wallet } = await started({ onchain: { confirmations } })
    const order = await simulation.order(wallet, onchain)
    expect(order.payment.onchain?.min_onchain_payment_confirmations).toBe(confirmations)
    simulation.payOnchain(order)
    for (let block = 0; block < confirmations; block += 1) {
      await simulation.advance(20_000)
      expect(simulation.tag(order)).toBe('created')
      simulation.world.mine(1)
    }
    await simulation.until(() => simulation.tag(order) === 'completed', 'the channel to be published')
    expect(await simulation.look(wallet, order)).toMatchObject({
      order_state: 'COMPLETED',
      payment: { onchain: { state: 'PAID' }, bolt11: { state: 'REFUNDED' } },
    })
    await over(simulation, order)
    await isWell(simulation, order)
    expect(simulation.money().map(({ type }) => type)).toEqual(['order-deposit', 'order-fee'])
  })

  it('is not offered without a refund address [L1-20] [L1-71]', async () => {
    const { simulation, wallet } = await started()
    expect(Object.keys((await simulation.order(wallet)).payment)).toEqual(['bolt11'])
    expect(Object.keys((await simulation.order(wallet, onchain)).payment)).toEqual(['bolt11', 'onchain'])
  })

  it('goes back when there is no channel: all of it but the fee of one transaction [L1-77] [L1-93]', async () => {
    const { simulation, wallet } = await started()
    wallet.trustsNode = false
    const order = await simulation.order(wallet, onchain)
    simulation.payOnchain(order)
    await over(simulation, order)
    expect(await simulation.look(wallet, order)).toMatchObject({
      order_state: 'FAILED',
      channel: null,
      payment: { onchain: { state: 'REFUNDED' } },
    })
    const [refund] = simulation.money().filter(({ type }) => type === 'order-refund')
    const { amount = '0', chainFee = '0' }: Partial<Record<string, string>> = refund ?? {}
    expect(BigInt(amount)).toBe(totalOf(order))
    // One input and one or two outputs at 2 sat/vB.
    expect(BigInt(chainFee)).toBeLessThanOrEqual(400n)
    expect(simulation.refunded()).toBe(totalOf(order) - BigInt(chainFee))
    await isWell(simulation, order)
  })

  it('that is too little does not pay, and goes back when the time is over [L1-78]', async () => {
    const { simulation, wallet } = await started()
    const order = await simulation.order(wallet, onchain)
    simulation.payOnchain(order, totalOf(order) - 1n)
    simulation.world.mine(1)
    await simulation.advance(60_000)
    expect(await simulation.look(wallet, order)).toMatchObject({
      order_state: 'CREATED',
      payment: { onchain: { state: 'EXPECT_PAYMENT' } },
    })
    await simulation.advance(EXPIRY_MS)
    await over(simulation, order)
    expect(await simulation.look(wallet, order)).toMatchObject({
      order_state: 'FAILED',
      payment: { onchain: { state: 'REFUNDED' } },
    })
    await isWell(simulation, order)
    expect(simulation.channelsOf(order)).toBe(0)
  })

  it('in several transactions is added up, and what is too much goes back [L1-78]', async () => {
    const { simulation, wallet } = await started()
    const order = await simulation.order(wallet, onchain)
    simulation.payOnchain(order, totalOf(order) / 2n)
    simulation.world.mine(1)
    await simulation.advance(20_000)
    simulation.payOnchain(order, totalOf(order) / 2n + 50_000n)
    await over(simulation, order)
    expect(await simulation.look(wallet, order)).toMatchObject({
      order_state: 'COMPLETED',
      payment: { onchain: { state: 'PAID' } },
    })
    await isWell(simulation, order)
    expect(simulation.refunded()).toBeGreaterThan(49_000n)
  })

  it('that comes when the order is long over goes back [L1-78]', async () => {
    const { simulation, wallet } = await started()
    const order = await simulation.order(wallet, onchain)
    await simulation.advance(EXPIRY_MS)
    await simulation.until(() => !simulation.isLive(order), 'the order to be over')
    simulation.world.mine(30)
    await simulation.advance(60_000)
    simulation.payOnchain(order)
    simulation.world.mine(1)
    await simulation.until(() => simulation.isLive(order), 'the order to live again')
    await over(simulation, order)
    expect(await simulation.look(wallet, order)).toMatchObject({ payment: { onchain: { state: 'REFUNDED' } } })
    await isWell(simulation, order)
    expect(simulation.refunded()).toBeGreaterThan(totalOf(order) - 1_000n)
  })

  it('that nobody would relay back is kept as dust, on record, and is REFUNDED [L1-78]', async () => {
    const { simulation, wallet } = await started()
    const order = await simulation.order(wallet, onchain)
    simulation.payOnchain(order, 400n)
    simulation.world.mine(1)
    await simulation.advance(EXPIRY_MS + 60_000)
    await over(simulation, order)
    expect(await simulation.look(wallet, order)).toMatchObject({
      order_state: 'FAILED',
      payment: { onchain: { state: 'REFUNDED' } },
    })
    expect(simulation.money()).toMatchObject([{ type: 'order-deposit' }, { type: 'order-dust', amount: '400' }])
    await isWell(simulation, order)
  })
})

describe('two payments for one order', () => {
  it('by Lightning and then on chain: the second goes back, and its address was not told any more [L1-80]', async () => {
    const { simulation, wallet } = await started()
    const order = await simulation.order(wallet, onchain)
    expect(await pay(simulation, order)).toBe('settled')
    expect(Object.keys((await simulation.look(wallet, order)).payment)).toEqual(['bolt11'])
    simulation.payOnchain(order)
    simulation.world.mine(1)
    await mineUntil(simulation, () => simulation.refunded() > 0n, 'the refund to arrive')
    await over(simulation, order)
    await isWell(simulation, order)
    expect(simulation.channelsOf(order)).toBe(1)
  })

  it('on chain and then by Lightning: the invoice is cancelled, and its payer has the money back [L1-80]', async () => {
    const { simulation, wallet } = await started()
    wallet.disconnect()
    wallet.connect()
    const order = await simulation.order(wallet, onchain)
    simulation.payOnchain(order)
    simulation.world.mine(1)
    await simulation.until(() => simulation.tag(order) !== 'created', 'the payment to count')
    await simulation.advance(10_000)
    expect(await pay(simulation, order)).toBe('failed')
    await over(simulation, order)
    await isWell(simulation, order)
    expect(simulation.channelsOf(order)).toBe(1)
  })
})

describe('an order', () => {
  it('is another one each time, with an invoice and an address of its own [L1-22] [L1-40] [L1-65]', async () => {
    const { simulation, wallet } = await started()
    const [first, second] = [await simulation.order(wallet, onchain), await simulation.order(wallet, onchain)]
    expect(first.order_id).not.toBe(second.order_id)
    expect(first.payment.bolt11?.invoice).not.toBe(second.payment.bolt11?.invoice)
    expect(first.payment.onchain?.address).not.toBe(second.payment.onchain?.address)
    expect(await pay(simulation, second)).toBe('settled')
    expect(await simulation.look(wallet, first)).toMatchObject({ order_state: 'CREATED' })
  })

  it.each([
    ['announced and usable at once', { announce_channel: true }, -32602],
    [
      'to an address of another network',
      { refund_onchain_address: 'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu' },
      -32602,
    ],
    ['too large', { lsp_balance_sat: '10000001' }, 100],
    ['with a token that nobody gave out', { token: 'x' }, 102],
  ])('that is refused (%s) leaves nothing at the node [L1-16] [L1-23] [L1-34] [L1-35]', async (_, ask, code) => {
    const { simulation, wallet } = await started()
    await expect(simulation.order(wallet, { ...onchain, ...ask })).rejects.toMatchObject({ code })
    expect(simulation.bytes.get('orders-live')?.size ?? 0).toBe(0)
    expect(simulation.bytes.get('orders-by-address')?.size ?? 0).toBe(0)
    expect(simulation.bytes.get('orders-by-hash')?.size ?? 0).toBe(0)
  })

  it('of a large channel is taken from who can have one [L1-21]', async () => {
    const sizes = { max_initial_lsp_balance_sat: '20000000', max_channel_balance_sat: '20000000' }
    const { simulation, wallet } = await started(sizes)
    const ask = { lsp_balance_sat: '16777216' }
    wallet.features = wallet.features.filter((bit) => bit !== 18 && bit !== 19)
    await expect(simulation.order(wallet, ask)).rejects.toMatchObject({
      code: 100,
      data: { property: 'max_channel_balance_sat' },
    })
    expect(await simulation.order(wallet, { lsp_balance_sat: '16777215' })).toMatchObject({ order_state: 'CREATED' })
    wallet.features = [...wallet.features, 19]
    expect(await simulation.order(wallet, ask)).toMatchObject({ order_state: 'CREATED' })
  })
})
