import { describe, expect, it } from 'vitest'
import { Simulation } from './simulation.ts'

const AMOUNT = 100_000_000n

describe('a sale on the simulated node', () => {
  it('opens a channel for the first payment, keeps the fee and forwards the rest', async () => {
    const simulation = new Simulation()
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    const result = await simulation.outcome(payment.result, 'the payment to end')

    expect(result.status).toBe('settled')
    await simulation.rest()
    expect(wallet.balance()).toBe(AMOUNT - bought.fee)
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.journal()).toMatchObject([{ paymentHash: payment.hash, earned: bought.fee }])
    expect(simulation.violations()).toEqual([])
  })

  it('has the order of its channel on disk in the same batch as the decision to open it', async () => {
    const simulation = new Simulation()
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    const orders: number[] = []
    simulation.onCommit = (bytes) => {
      if (simulation.state(bought.scid) === 'opening') orders.push(bytes.get('funding-live')?.size ?? 0)
    }
    const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    await simulation.outcome(payment.result, 'the payment to end')
    expect(orders[0]).toBe(1)
  })

  it('counts as one when it was paid in three parts, also after a restart', async () => {
    const simulation = new Simulation()
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    const invoice = wallet.invoice({ amount: AMOUNT, maxFee: bought.fee })
    const parts = [40_000_000n, 35_000_000n, 25_000_000n].map((amount) =>
      simulation.pay({ ...bought, amount }, invoice),
    )
    for (const { result } of parts) await simulation.outcome(result, 'a part to end')
    await simulation.rest()
    expect(simulation.journal()).toHaveLength(parts.length)
    const sold = async () => {
      const { admin } = simulation.sidecar
      return (await simulation.outcome(admin.status(new AbortController().signal), 'the status')).sales
    }
    expect(await sold()).toEqual({ paid: 1 })
    simulation.kill()
    await simulation.start()
    expect(await sold()).toEqual({ paid: 1 })
    expect(simulation.violations()).toEqual([])
  })
})
