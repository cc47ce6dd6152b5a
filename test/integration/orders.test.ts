import { describe, expect, it } from 'vitest'
import { LSP_BALANCE, OrderSimulation, REFUND_ADDRESS } from './order-simulation.ts'

describe('an order that is paid by Lightning', () => {
  it('is opened, and its payment taken once the funding is published [L1-69] [L1-93]', async () => {
    const simulation = new OrderSimulation()
    await simulation.start()
    const wallet = simulation.client()
    const order = await simulation.order(wallet)
    expect(order.order_state).toBe('CREATED')
    expect(order.channel).toBeNull()
    expect(order.payment.bolt11?.state).toBe('EXPECT_PAYMENT')
    const payment = simulation.payInvoice(order)
    const result = await simulation.outcome(payment.result, 'the payment to end')
    expect(result.status).toBe('settled')
    await simulation.until(() => !simulation.isLive(order), 'the order to be over')
    const completed = await simulation.look(wallet, order)
    expect(completed.order_state).toBe('COMPLETED')
    expect(completed.payment.bolt11?.state).toBe('PAID')
    expect(simulation.channelsOf(order)).toBe(1)
    expect(simulation.money()).toMatchObject([{ type: 'order-fee', by: 'bolt11', order: order.order_id }])
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('waits for its client, and goes back when that does not come [L1-69] [L1-90]', async () => {
    const simulation = new OrderSimulation()
    await simulation.start()
    const wallet = simulation.client()
    const order = await simulation.order(wallet)
    wallet.disconnect()
    const payment = simulation.payInvoice(order)
    await simulation.until(() => simulation.tag(order) === 'paid', 'the payment to be held')
    await simulation.advance(6 * 3_600_000)
    const result = await simulation.outcome(payment.result, 'the payment to end')
    expect(result.status).toBe('failed')
    wallet.connect()
    const failed = await simulation.look(wallet, order)
    expect(failed).toMatchObject({ order_state: 'FAILED', payment: { bolt11: { state: 'REFUNDED' } }, channel: null })
    expect(simulation.channelsOf(order)).toBe(0)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('a payment on chain', () => {
  it('is seen at once, although lnd tells of it before it lists it', async () => {
    const simulation = new OrderSimulation()
    await simulation.start()
    const wallet = simulation.client()
    const order = await simulation.order(wallet, { refund_onchain_address: REFUND_ADDRESS })
    await simulation.advance(5_000)
    const outpoint = simulation.payOnchain(order)
    await simulation.advance(2_000)
    expect(simulation.record(order)?.payment.deposits).toMatchObject([{ outpoint, confirmations: 0 }])
  })
})

describe('a client that orders many at the same time', () => {
  it('gets no more than it may leave unpaid, though all were asked for before the first was made [L1-35]', async () => {
    const simulation = new OrderSimulation()
    await simulation.start()
    const wallet = simulation.client()
    const { max_unpaid_per_peer: most } = simulation.config.orders
    const answers: { result?: object; error?: { code: number } }[] = []
    wallet.onCustomMessage((_, data) => answers.push(JSON.parse(Buffer.from(data).toString('utf8'))))
    const params = {
      lsp_balance_sat: `${LSP_BALANCE}`,
      client_balance_sat: '0',
      required_channel_confirmations: 0,
      funding_confirms_within_blocks: 6,
      channel_expiry_blocks: 4320,
      announce_channel: false,
    }
    for (let id = 0; id < most + 5; id += 1) {
      const request = { jsonrpc: '2.0', id: `${id}`, method: 'lsps1.create_order', params }
      wallet.send(37913, new Uint8Array(Buffer.from(JSON.stringify(request))))
    }
    await simulation.until(() => answers.length === most + 5, 'all to be answered')
    expect(answers.filter(({ result }) => result !== undefined)).toHaveLength(most)
    expect(answers.flatMap(({ error }) => (error === undefined ? [] : [error.code]))).toEqual(Array(5).fill(1))
  })
})
