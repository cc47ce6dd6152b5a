import { describe, expect, it } from 'vitest'
import { DELIVERY_MS } from '../../src/held/handed-on.ts'
import { testConfig } from './simulation.ts'
import { HOLD_MS, LATER, WakeSimulation } from './wake-simulation.ts'

const FAILED = { status: 'failed', reason: 'temporary_channel_failure', by: 'lsp' }
const UNKNOWN = { status: 'failed', reason: 'unknown_next_peer', by: 'lsp' }

describe('a payment to a customer whose wallet is not connected', () => {
  it.each(['lnds', 'sold'] as const)(
    'waits while its webhook wakes it, and is paid, over the name: %s',
    async (name) => {
      const { simulation, customer } = await WakeSimulation.begin()
      simulation.wakes(customer, 5_000)
      const at = simulation.clock.now()
      const payment = simulation.payLater(customer, customer[name])
      await simulation.advance(4_000)
      expect(payment.outcome).toBeUndefined()
      expect(simulation.callsOf(customer)[0] ?? Number.NaN).toBeLessThan(at + 1_000)
      const result = await simulation.outcome(payment.result, 'the payment to end')
      expect(result.status).toBe('settled')
      expect(simulation.clock.now() - at).toBeLessThan(7_000)
      await simulation.rest()
      expect(simulation.violations()).toEqual([])
    },
  )

  it('does not wait over a channel that is announced: that is the payment of strangers', async () => {
    const { simulation } = await WakeSimulation.begin()
    const { wallet, scid } = simulation.world.addDestination()
    await simulation.ask(wallet, 'lsps5.set_webhook', { app_name: 'w', webhook: simulation.urlOf(wallet) })
    wallet.disconnect()
    await simulation.advance(3_000)
    const payment = simulation.payLater({ wallet }, scid)
    await simulation.advance(1_000)
    expect(payment.outcome).toEqual(UNKNOWN)
  })

  it('is paid in several parts with one call', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const { wallet, lnds, sold } = customer
    const { paymentHash: hash } = wallet.invoice({ amount: LATER })
    const parts = [lnds, sold, lnds].map((scid, index) => {
      const amount = index === 0 ? LATER - 2_000_000n : 1_000_000n
      return simulation.world.payer.pay({ hash, scid, amount })
    })
    await simulation.advance(20_000)
    expect(parts.map(({ outcome }) => outcome)).toEqual([undefined, undefined, undefined])
    wallet.connect()
    for (const { result } of parts) {
      expect((await simulation.outcome(result, 'a part to end')).status).toBe('settled')
    }
    expect(simulation.callsOf(customer)).toHaveLength(1)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('pays the fee that is owed, when a sale wants one, only once the wallet has come', async () => {
    const { simulation } = await WakeSimulation.begin()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, 100_000_000n)
    wallet.setPaymentPolicy('fail')
    const invoice = () => wallet.invoice({ amount: bought.amount, maxFee: bought.fee })
    await simulation.outcome(simulation.pay(bought, invoice()).result, 'the first payment to end')
    await simulation.ask(wallet, 'lsps5.set_webhook', { app_name: 'w', webhook: simulation.urlOf(wallet) })
    expect(simulation.state(bought.scid)).toBe('owed')
    wallet.setPaymentPolicy('claim')
    wallet.disconnect()
    await simulation.advance(3_000)
    const second = simulation.pay(bought, invoice())
    await simulation.advance(10_000)
    expect(second.outcome).toBeUndefined()
    expect(simulation.state(bought.scid)).toBe('owed')
    wallet.connect()
    expect((await simulation.outcome(second.result, 'the second payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.violations()).toEqual([])
  })

  it('fails with temporary_channel_failure when the wallet does not come in time', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const at = simulation.clock.now()
    const payment = simulation.payLater(customer, customer.lnds)
    await simulation.advance(HOLD_MS - 2_000)
    expect(payment.outcome).toBeUndefined()
    expect(await simulation.outcome(payment.result, 'the payment to end')).toEqual(FAILED)
    expect(simulation.clock.now() - at).toBeLessThan(HOLD_MS + 2_000)
    expect(simulation.violations()).toEqual([])
  })

  it('fails before lnd would fail it by itself, when blocks come', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const payment = simulation.payLater(customer, customer.lnds)
    await simulation.advance(1_000)
    const left = payment.expiryIn - 19 - simulation.world.node.chain.height // lnd's CltvRejectDelta
    simulation.world.mine(left - 4)
    await simulation.advance(1_000)
    expect(payment.outcome).toBeUndefined()
    simulation.world.mine(1)
    await simulation.advance(1_000)
    expect(payment.outcome).toEqual(FAILED)
    expect(simulation.violations()).toEqual([])
  })

  it('fails at once, as without us, when the customer has no webhook', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    customer.wallet.connect()
    await simulation.ask(customer.wallet, 'lsps5.remove_webhook', { app_name: 'wallet' })
    customer.wallet.disconnect()
    await simulation.advance(1_000)
    const payment = simulation.payLater(customer, customer.lnds)
    await simulation.advance(1_000)
    expect(payment.outcome).toEqual(UNKNOWN)
  })
})

describe('what waits for wallets', () => {
  it('is bounded for each customer and in all, by number and by value; what is beyond fails at once', async () => {
    const hold = {
      max_htlcs: 4,
      max_htlcs_per_peer: 3,
      max_msat: `${4n * LATER}`,
      max_msat_per_peer: `${2n * LATER}`,
    }
    const { simulation, customer } = await WakeSimulation.begin({ hold })
    const other = await simulation.customer()
    const third = await simulation.customer()
    const pay = async (who: typeof customer, amount = LATER) => {
      const payment = simulation.payLater(who, who.lnds, amount)
      await simulation.advance(500)
      return payment
    }
    const held = [await pay(customer), await pay(customer, LATER - 1_000n)]
    expect((await pay(customer, 1_001n)).outcome).toEqual(UNKNOWN) // too much for one
    held.push(await pay(customer, 1_000n))
    expect((await pay(customer, 1n)).outcome).toEqual(UNKNOWN) // too many for one
    held.push(await pay(other))
    expect((await pay(third, 1_000n)).outcome).toEqual(UNKNOWN) // too many in all, and none is smaller
    expect(held.map(({ outcome }) => outcome)).toEqual([undefined, undefined, undefined, undefined])
    expect(simulation.callsOf(third)).toEqual([])
  })

  it('cannot be used to jam the node: what is held for a wallet that never comes becomes less and less', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const begin = simulation.clock.now()
    let held = 0
    while (simulation.clock.now() - begin < 3_600_000) {
      const payment = simulation.payLater(customer, customer.lnds)
      await simulation.advance(10_000)
      if (payment.outcome === undefined) held += 10_000
    }
    await simulation.advance(HOLD_MS)
    expect(held / 3_600_000).toBeLessThan(0.15)
    expect(simulation.callsOf(customer).length).toBeLessThan(8)
    expect(simulation.violations()).toEqual([])
    customer.wallet.connect()
    await simulation.advance(1_000)
    customer.wallet.disconnect()
    await simulation.advance(1_000)
    const payment = simulation.payLater(customer, customer.lnds)
    await simulation.advance(10_000)
    expect(payment.outcome).toBeUndefined()
  })

  it('lets forwards of others pass meanwhile', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const { wallet, scid } = simulation.world.addDestination()
    await simulation.advance(1_000)
    simulation.payLater(customer, customer.lnds)
    const foreign = simulation.payLater({ wallet }, scid)
    await simulation.advance(1_000)
    expect(foreign.outcome?.status).toBe('settled')
  })
})

describe('a wait that is interrupted', () => {
  it('goes on after sluiced was killed: held again, the wallet called, paid when it comes', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const payment = simulation.payLater(customer, customer.lnds)
    await simulation.advance(20_000)
    simulation.kill()
    await simulation.advance(10_000)
    expect(simulation.starts).toBe(2)
    expect(payment.outcome).toBeUndefined()
    customer.wallet.connect()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('has not forgotten how long it lasted: after a kill it fails when its time is over', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const at = simulation.clock.now()
    const payment = simulation.payLater(customer, customer.sold)
    await simulation.advance(HOLD_MS - 10_000)
    simulation.kill()
    expect(await simulation.outcome(payment.result, 'the payment to end')).toEqual(FAILED)
    expect(simulation.clock.now() - at).toBeLessThan(HOLD_MS + 3_000)
    expect(simulation.violations()).toEqual([])
  })

  it('is called anew after a kill between hold and wake, when the first call was lost with the process', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    simulation.onCall.set(simulation.urlOf(customer.wallet), () => {
      if (simulation.starts > 1) customer.wallet.connect()
      else simulation.kill()
    })
    const payment = simulation.payLater(customer, customer.lnds)
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    expect(simulation.starts).toBe(2)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('goes on when the stream to the interceptor broke: nothing was answered, lnd offers it again', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const payment = simulation.payLater(customer, customer.lnds)
    await simulation.advance(5_000)
    simulation.world.node.hub.breakStream('connection lost')
    await simulation.advance(15_000)
    expect(payment.outcome).toBeUndefined()
    customer.wallet.connect()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    expect(simulation.violations()).toEqual([])
  })

  it('fails with the right code when lnd comes back too late', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const payment = simulation.payLater(customer, customer.lnds)
    await simulation.advance(5_000)
    simulation.world.killNode()
    await simulation.clock.advance(2 * HOLD_MS)
    expect(await simulation.outcome(payment.result, 'the payment to end')).toEqual(FAILED)
    expect(simulation.violations()).toEqual([])
  })

  it('is never failed when its forward is under way: a payer whose link flaps while the wallet sits on the payment', async () => {
    const { simulation, customer } = await WakeSimulation.begin()
    const { wallet } = customer
    wallet.setPaymentPolicy('sit')
    simulation.wakes(customer, 1_000)
    const payment = simulation.payLater(customer, customer.lnds)
    await simulation.advance(5_000)
    wallet.disconnect()
    simulation.kill()
    await simulation.advance(1_000)
    simulation.world.payer.disconnect()
    simulation.world.payer.connect()
    await simulation.advance(DELIVERY_MS)
    expect(payment.outcome).toBeUndefined()
    wallet.setPaymentPolicy('claim')
    wallet.connect()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('a payment that outgrows the channel of a customer who is away, under agreed terms', () => {
  it('gets another channel, also when sluiced is killed between hold and wake', async () => {
    const config = testConfig({ webhooks: { enabled: true }, lsps2: { second_channel: 'agreed-terms' } })
    for (const isKilled of [false, true]) {
      const { simulation, customer } = await WakeSimulation.begin({ config })
      const { wallet, bought } = customer
      const payment = simulation.pay(bought, wallet.invoice({ amount: bought.amount, maxFee: bought.fee }))
      await simulation.advance(5_000)
      if (isKilled) simulation.kill()
      await simulation.advance(10_000)
      expect(payment.outcome).toBeUndefined()
      wallet.connect()
      expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
      await simulation.rest()
      expect(wallet.openChannels()).toHaveLength(2)
      expect(simulation.violations()).toEqual([])
    }
  })
})
