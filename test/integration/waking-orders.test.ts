import { describe, expect, it } from 'vitest'
import { ORDERS, OrderSimulation } from './order-simulation.ts'
import { testConfig } from './simulation.ts'
import { callsOf, register, WEBHOOKS } from './sleeper.ts'

const config = () => testConfig({ lsps2: { enabled: false }, orders: ORDERS, webhooks: WEBHOOKS })
const MINUTE_MS = 60_000

describe('a paid order whose client is away', () => {
  it('[L5-30] has it called with the height at which it fails, and again some blocks later; it comes, and has its channel', async () => {
    const simulation = new OrderSimulation({ config: config() })
    await simulation.start()
    const wallet = simulation.client()
    await register(simulation, wallet)
    const order = await simulation.order(wallet)
    wallet.disconnect()
    const payment = simulation.payInvoice(order)
    await simulation.until(() => callsOf(simulation, 'expiry_soon').length > 0, 'the webhook to be called')
    const [call] = callsOf(simulation, 'expiry_soon')
    const { timeout } = JSON.parse(call?.body ?? '').params
    expect(timeout).toBeGreaterThan(simulation.world.node.chain.height)
    await simulation.advance(10 * MINUTE_MS)
    expect(callsOf(simulation, 'expiry_soon')).toHaveLength(1)
    simulation.world.mine(6)
    await simulation.until(() => callsOf(simulation, 'expiry_soon').length > 1, 'the webhook to be called again')
    await simulation.advance(2 * MINUTE_MS)
    simulation.kill()
    await simulation.until(() => callsOf(simulation, 'expiry_soon').length > 2, 'the next start to look at it')
    wallet.connect()
    expect((await simulation.outcome(payment.result, 'the payment to be taken')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.steps(order.order_id)).toContain('client away, called by webhook')
    expect(simulation.steps(order.order_id)).toContain('client came after it was called')
    expect(simulation.violations()).toEqual([])
  })
})
