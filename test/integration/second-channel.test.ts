import { describe, expect, it } from 'vitest'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { type Bought, OFFER, Simulation, type SimulationOptions, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n
/** Fits beside the headroom of a first channel. */
const SMALL = 20_000_000n
const FEE = 1_000_000n
const AGREED = { lsps2: { second_channel: 'agreed-terms' } }
/** At once: before any channel could have been opened. */
const AT_ONCE_MS = 1_500

/** A customer whose first channel was paid for, so that another payment of this size does not fit. */
async function begin(options: SimulationOptions = {}) {
  const simulation = new Simulation({ config: testConfig(AGREED), ...options })
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  await settle(simulation, wallet, bought, AMOUNT)
  return { simulation, wallet, bought }
}

function pay(simulation: Simulation, wallet: SimWallet, bought: Bought, amount: bigint) {
  return simulation.pay({ ...bought, amount }, wallet.invoice({ amount, maxFee: FEE }))
}

async function settle(simulation: Simulation, wallet: SimWallet, bought: Bought, amount: bigint) {
  const payment = pay(simulation, wallet, bought, amount)
  expect(await simulation.outcome(payment.result, 'the payment to end')).toHaveProperty('status', 'settled')
  await simulation.advance(2_000)
  return payment
}

async function failsAtOnce(simulation: Simulation, wallet: SimWallet, bought: Bought, amount = AMOUNT) {
  const begun = simulation.clock.now()
  const payment = pay(simulation, wallet, bought, amount)
  const result = await simulation.outcome(payment.result, 'the payment to end')
  expect(result).toMatchObject({ status: 'failed', reason: 'temporary_channel_failure' })
  expect(simulation.clock.now() - begun).toBeLessThan(AT_ONCE_MS)
}

/** Sales under the name, the first one included, as a restart would see them. */
function salesUnder(simulation: Simulation, { scid }: Bought): readonly { tag: string; deal: { scid: string } }[] {
  const rows = ['jit-done', 'jit-live'].flatMap((table) => [...(simulation.bytes.get(table)?.values() ?? [])])
  return rows.map((row) => JSON.parse(row).record).filter(({ deal }) => deal.scid === scid || deal.via === scid)
}

const channels = (wallet: SimWallet) => wallet.openChannels().length

describe('a payment that outgrows the channels of a customer', () => {
  it('[L2-71] is failed at once where the fee is taken once, which is the default', async () => {
    const { simulation, wallet, bought } = await begin({ config: testConfig() })
    await failsAtOnce(simulation, wallet, bought)
    await settle(simulation, wallet, bought, SMALL)
    await simulation.rest()
    expect(channels(wallet)).toBe(1)
    expect(wallet.balance()).toBe(AMOUNT - FEE + SMALL)
    expect(simulation.violations()).toEqual([])
  })

  it('gets another channel at the agreed terms, its fee deducted', async () => {
    const { simulation, wallet, bought } = await begin()
    const second = await settle(simulation, wallet, bought, AMOUNT)
    await simulation.rest()
    expect(channels(wallet)).toBe(2)
    expect(wallet.received.at(-1)).toEqual({ paymentHash: second.hash, amount: AMOUNT - FEE, extraFee: FEE })
    expect(simulation.journal()).toMatchObject([{ earned: FEE }, { earned: FEE, paymentHash: second.hash }])
    expect(salesUnder(simulation, bought).map(({ tag }) => tag)).toEqual(['paid', 'paid'])
    expect(simulation.violations()).toEqual([])
  })

  it('is an ordinary forward without a deduction as long as it fits, and is not held up', async () => {
    const { simulation, wallet, bought } = await begin()
    const begun = simulation.clock.now()
    const payment = pay(simulation, wallet, bought, SMALL)
    await simulation.outcome(payment.result, 'the payment to end')
    expect(simulation.clock.now() - begun).toBeLessThan(AT_ONCE_MS)
    expect(wallet.received.at(-1)).toEqual({ paymentHash: payment.hash, amount: SMALL, extraFee: 0n })
    expect(channels(wallet)).toBe(1)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('goes on being served, each at the agreed terms', async () => {
    const { simulation, wallet, bought } = await begin()
    await settle(simulation, wallet, bought, AMOUNT)
    await settle(simulation, wallet, bought, AMOUNT)
    await simulation.rest()
    expect(channels(wallet)).toBe(3)
    expect(simulation.journal().map(({ earned }) => earned)).toEqual([FEE, FEE, FEE])
    expect(simulation.violations()).toEqual([])
  })

  it('is served beside another one that comes at the same time: each pays for its own channel', async () => {
    const { simulation, wallet, bought } = await begin()
    const payments = [AMOUNT, AMOUNT].map((amount) => pay(simulation, wallet, bought, amount))
    const small = pay(simulation, wallet, bought, SMALL)
    for (const { result } of [...payments, small]) {
      expect(await simulation.outcome(result, 'a payment to end')).toHaveProperty('status', 'settled')
    }
    await simulation.rest()
    expect(channels(wallet)).toBe(3)
    expect(wallet.balance()).toBe(3n * (AMOUNT - FEE) + SMALL)
    expect(simulation.violations()).toEqual([])
  })

  it('is served when it waited for the first channel to be paid for', async () => {
    const simulation = new Simulation({ config: testConfig(AGREED) })
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    const payments = [AMOUNT, AMOUNT].map((amount) => pay(simulation, wallet, bought, amount))
    for (const { result } of payments) {
      expect(await simulation.outcome(result, 'a payment to end')).toHaveProperty('status', 'settled')
    }
    await simulation.rest()
    expect(channels(wallet)).toBe(2)
    expect(simulation.violations()).toEqual([])
  })

  it('comes in parts: what fits goes on in full, the others pay for one channel together', async () => {
    const { simulation, wallet, bought } = await begin()
    const whole = 2n * SMALL + 2n * AMOUNT
    const invoice = wallet.invoice({ amount: whole, maxFee: FEE })
    const parts = [SMALL, AMOUNT, SMALL, AMOUNT].map((amount) => simulation.pay({ ...bought, amount }, invoice))
    for (const { result } of parts) {
      expect(await simulation.outcome(result, 'a part to end')).toHaveProperty('status', 'settled')
    }
    await simulation.rest()
    expect(channels(wallet)).toBe(2)
    expect(wallet.balance()).toBe(AMOUNT - FEE + whole - FEE)
    expect(simulation.violations()).toEqual([])
  })

  it('comes in parts that fit one by one and not together: the last ones pay for a channel', async () => {
    const { simulation, wallet, bought } = await begin()
    const invoice = wallet.invoice({ amount: 3n * SMALL, maxFee: FEE })
    const parts = [SMALL, SMALL, SMALL].map((amount) => simulation.pay({ ...bought, amount }, invoice))
    for (const { result } of parts) {
      expect(await simulation.outcome(result, 'a part to end')).toHaveProperty('status', 'settled')
    }
    await simulation.rest()
    expect(channels(wallet)).toBe(2)
    expect(wallet.balance()).toBe(AMOUNT - FEE + 3n * SMALL - FEE)
    expect(simulation.violations()).toEqual([])
  })

  it('fails at once when the offer is over, its client is away, or it is outside of the offer', async () => {
    const { simulation, wallet, bought } = await begin()
    await failsAtOnce(simulation, wallet, bought, 10_000_000_001n)
    wallet.disconnect()
    await simulation.advance(1_000)
    const away = pay(simulation, wallet, bought, AMOUNT)
    expect(await simulation.outcome(away.result, 'the payment to end')).toHaveProperty('status', 'failed')
    wallet.connect()
    await simulation.advance(OFFER.valid_for_seconds * 1000)
    await failsAtOnce(simulation, wallet, bought)
    expect(salesUnder(simulation, bought)).toHaveLength(1)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('fails at once when its client has as many unpaid purchases as it may have', async () => {
    const config = testConfig({ lsps2: { second_channel: 'agreed-terms', max_live_sales_per_peer: 1 } })
    const { simulation, wallet, bought } = await begin({ config })
    await simulation.buy(wallet, AMOUNT)
    await failsAtOnce(simulation, wallet, bought)
    await simulation.rest()
    expect(channels(wallet)).toBe(1)
    expect(simulation.violations()).toEqual([])
  })

  it('[L2-90] opens nothing more while a channel of the purchase is unpaid: the next payment pays for that', async () => {
    const { simulation, wallet, bought } = await begin()
    wallet.setPaymentPolicy('fail')
    const failed = pay(simulation, wallet, bought, AMOUNT)
    expect(await simulation.outcome(failed.result, 'the payment to end')).toHaveProperty('status', 'failed')
    wallet.setPaymentPolicy('claim')
    await simulation.advance(2_000)
    await failsAtOnce(simulation, wallet, bought, 5n * AMOUNT)
    expect(channels(wallet)).toBe(2)
    await settle(simulation, wallet, bought, AMOUNT)
    await simulation.rest()
    expect(channels(wallet)).toBe(2)
    expect(simulation.journal().map(({ earned }) => earned)).toEqual([FEE, FEE])
    expect(simulation.violations()).toEqual([])
  })

  it('[L2-90] is failed at once by a purchase whose only channel is unpaid and too small, under both policies', async () => {
    for (const config of [testConfig(), testConfig(AGREED)]) {
      const simulation = new Simulation({ config })
      await simulation.start()
      const wallet = simulation.world.addWallet()
      wallet.connect()
      const { scid, delta } = await simulation.purchase(wallet)
      const bought = { scid, delta, fee: FEE, amount: AMOUNT }
      wallet.setPaymentPolicy('fail')
      const failed = pay(simulation, wallet, bought, AMOUNT)
      await simulation.outcome(failed.result, 'the payment to end')
      wallet.setPaymentPolicy('claim')
      await simulation.advance(2_000)
      await failsAtOnce(simulation, wallet, bought, 3n * AMOUNT)
      expect(channels(wallet)).toBe(1)
      await simulation.rest()
      expect(simulation.violations()).toEqual([])
    }
  })

  it('gets no third channel for a client that refused the second: that would never end', async () => {
    const { simulation, wallet, bought } = await begin()
    wallet.trustsNode = false
    const refused = pay(simulation, wallet, bought, AMOUNT)
    expect(await simulation.outcome(refused.result, 'the payment to end')).toHaveProperty('status', 'failed')
    wallet.trustsNode = true
    const opened = wallet.openErrors.length
    await failsAtOnce(simulation, wallet, bought)
    expect(wallet.openErrors).toHaveLength(opened)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('gets its channel also after a restart, and what was forwarded before is not sold another one', async () => {
    const { simulation, wallet, bought } = await begin()
    wallet.setPaymentPolicy('sit')
    const ordinary = pay(simulation, wallet, bought, SMALL)
    await simulation.advance(2_000)
    simulation.kill()
    await simulation.advance(5_000)
    simulation.world.payer.disconnect()
    await simulation.advance(500)
    simulation.world.payer.connect() // lnd offers it again, and it does not fit any more beside itself
    const second = pay(simulation, wallet, bought, AMOUNT)
    await simulation.advance(10_000)
    wallet.setPaymentPolicy('claim')
    for (const { result } of [ordinary, second]) {
      expect(await simulation.outcome(result, 'a payment to end')).toHaveProperty('status', 'settled')
    }
    await simulation.rest()
    expect(channels(wallet)).toBe(2)
    expect(wallet.balance()).toBe(2n * (AMOUNT - FEE) + SMALL)
    expect(simulation.violations()).toEqual([])
  })

  it('is not sold to what the process before may have let go: that fails at most, and its payer tries again', async () => {
    const { simulation, wallet, bought } = await begin()
    const waits = pay(simulation, wallet, bought, AMOUNT)
    await simulation.until(() => [...simulation.world.payer.pending()].length > 0, 'lnd to hold the payment')
    simulation.kill()
    expect(await simulation.outcome(waits.result, 'the payment to end')).toHaveProperty('status', 'failed')
    expect(channels(wallet)).toBe(1)
    await settle(simulation, wallet, bought, AMOUNT)
    await simulation.rest()
    expect(channels(wallet)).toBe(2)
    expect(simulation.violations()).toEqual([])
  })

  it('keeps what waited on record for the first channel over a restart, and is served then', async () => {
    const { simulation, wallet, bought } = await begin()
    wallet.setPaymentPolicy('sit')
    const first = pay(simulation, wallet, bought, AMOUNT)
    await simulation.advance(20_000)
    const second = pay(simulation, wallet, bought, AMOUNT)
    await simulation.advance(5_000)
    simulation.kill()
    await simulation.advance(5_000)
    wallet.setPaymentPolicy('claim')
    for (const { result } of [first, second]) {
      expect(await simulation.outcome(result, 'a payment to end')).toHaveProperty('status', 'settled')
    }
    await simulation.rest()
    expect(channels(wallet)).toBe(3)
    expect(simulation.violations()).toEqual([])
  })

  it('is let go by an older database that never heard of its channel, which is then taken up or given back', async () => {
    const { simulation, wallet, bought } = await begin()
    const older = new Map([...simulation.bytes].map(([table, rows]) => [table, new Map(rows)]))
    await settle(simulation, wallet, bought, AMOUNT)
    await simulation.advance(30_000)
    simulation.kill()
    simulation.bytes = older
    await simulation.advance(60_000)
    expect(channels(wallet)).toBe(2)
    await settle(simulation, wallet, bought, AMOUNT)
    await simulation.rest()
    expect(simulation.journal().map(({ earned }) => earned)).toEqual([FEE, FEE, FEE])
    expect(simulation.violations()).toEqual([])
  })

  it('is failed where only a channel that its client did not pay for would carry it, instead of going on for free', async () => {
    const config = testConfig({ lsps2: { second_channel: 'agreed-terms', max_live_sales_per_peer: 1 } })
    const { simulation, wallet, bought } = await begin({ config })
    const other = await simulation.buy(wallet, 5n * AMOUNT)
    wallet.setPaymentPolicy('fail')
    const failed = simulation.pay(other, wallet.invoice({ amount: 5n * AMOUNT, maxFee: other.fee }))
    await simulation.outcome(failed.result, 'the payment to end')
    wallet.setPaymentPolicy('claim')
    await simulation.advance(2_000)
    expect(channels(wallet)).toBe(2)
    await failsAtOnce(simulation, wallet, bought)
    expect(wallet.balance()).toBe(AMOUNT - FEE)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('goes on as an ordinary forward when more is held than the operator wants, and fails at once', async () => {
    const config = testConfig({ lsps2: { second_channel: 'agreed-terms', max_held_htlcs_per_peer: 1 } })
    const { simulation, wallet, bought } = await begin({ config })
    wallet.setOpenPolicy('hang-sign')
    const first = pay(simulation, wallet, bought, AMOUNT)
    await simulation.advance(5_000)
    await failsAtOnce(simulation, wallet, bought)
    expect(first.outcome).toBeUndefined()
    await simulation.outcome(first.result, 'the first payment to end')
    wallet.setOpenPolicy('accept')
    await simulation.rest()
    expect(channels(wallet)).toBe(1)
  })
})
