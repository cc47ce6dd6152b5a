import { describe, expect, it } from 'vitest'
import { RELINK_AFTER_MS } from '../../src/jit/relink.ts'
import { Simulation, type SimulationOptions } from './simulation.ts'

const AMOUNT = 100_000_000n
const HOLD_MS = 90_000

async function prepare(options: SimulationOptions = {}) {
  const simulation = new Simulation(options)
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  const pay = (lie: { amountOut?: bigint } = {}, amount = AMOUNT) =>
    simulation.pay({ ...bought, amount }, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }), lie)
  return { simulation, wallet, bought, pay }
}

async function expectPaid({ simulation, wallet, bought, pay }: Awaited<ReturnType<typeof prepare>>): Promise<void> {
  const before = wallet.balance()
  const result = await simulation.outcome(pay().result, 'the payment to end')
  expect(result.status).toBe('settled')
  await simulation.rest()
  expect(wallet.balance() - before).toBe(AMOUNT - bought.fee)
  expect(simulation.state(bought.scid)).toBe('paid')
  expect(simulation.violations()).toEqual([])
}

describe('a sale whose payment cannot be delivered', () => {
  it('holds the payment for an absent client and delivers it when the client comes back', async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    wallet.disconnect()
    const payment = pay()
    await simulation.advance(HOLD_MS / 3)
    expect(payment.outcome).toBeUndefined()
    expect(simulation.state(bought.scid)).toBe('awaiting')
    wallet.connect()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('[L2-61] [L2-62] fails it with temporary_channel_failure after 90 s without the client, and sells on', async () => {
    const story = await prepare()
    const { simulation, wallet, bought, pay } = story
    wallet.disconnect()
    const payment = pay()
    await simulation.advance(HOLD_MS - 5_000)
    expect(payment.outcome).toBeUndefined()
    await simulation.advance(10_000)
    expect(payment.outcome).toEqual({ status: 'failed', reason: 'temporary_channel_failure', by: 'lsp' })
    expect(simulation.state(bought.scid)).toBe('awaiting')
    wallet.connect()
    await expectPaid(story)
  })

  it('[L2-82] answers unknown_next_peer when the client refuses the channel', async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    wallet.trustsNode = false
    const result = await simulation.outcome(pay().result, 'the payment to end')
    expect(result).toEqual({ status: 'failed', reason: 'unknown_next_peer', by: 'lsp' })
    expect(simulation.state(bought.scid)).toBe('abandoned')
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
    expect([...simulation.world.node.chain.transactions()]).toEqual([])
  })

  it('[L2-83] answers temporary_channel_failure when the client leaves before funding_signed, and sells on', async () => {
    const story = await prepare()
    const { simulation, wallet, pay } = story
    wallet.setOpenPolicy('hang-sign')
    const payment = pay()
    await simulation.advance(1_000)
    wallet.disconnect()
    const result = await simulation.outcome(payment.result, 'the payment to end')
    expect(result).toEqual({ status: 'failed', reason: 'temporary_channel_failure', by: 'lsp' })
    wallet.setOpenPolicy('accept')
    wallet.connect()
    await expectPaid(story)
  })

  it('ends an open that the client never answers, and sells on', async () => {
    const story = await prepare()
    const { simulation, wallet, pay } = story
    wallet.setOpenPolicy('hang')
    const result = await simulation.outcome(pay().result, 'the payment to end')
    expect(result).toEqual({ status: 'failed', reason: 'temporary_channel_failure', by: 'lsp' })
    wallet.setOpenPolicy('accept')
    wallet.connect()
    await expectPaid(story)
  })

  it('[L2-100] keeps the channel and the fee owed when the wallet fails the payment; the next one pays', async () => {
    const story = await prepare()
    const { simulation, wallet, bought, pay } = story
    wallet.setPaymentPolicy('fail')
    expect((await simulation.outcome(pay().result, 'the payment to end')).status).toBe('failed')
    expect(simulation.state(bought.scid)).toBe('owed')
    expect(simulation.journal()).toEqual([])
    wallet.setPaymentPolicy('claim')
    await expectPaid(story)
    expect(wallet.channels.size).toBe(1)
  })

  it('survives a probe with an unknown hash and is paid afterwards', async () => {
    const story = await prepare()
    const { simulation, wallet, bought } = story
    const probe = simulation.pay(bought, { paymentHash: 'ab'.repeat(32) })
    expect((await simulation.outcome(probe.result, 'the probe to end')).status).toBe('failed')
    await expectPaid(story)
    expect(wallet.channels.size).toBe(1)
  })

  it('[L2-60] [L2-63] holds a payment that is too small for 90 s, then temporary_channel_failure; no channel', async () => {
    const story = await prepare()
    const { simulation, wallet, pay } = story
    const payment = pay({}, AMOUNT - 1n)
    await simulation.advance(HOLD_MS - 5_000)
    expect(payment.outcome).toBeUndefined()
    await simulation.advance(10_000)
    expect(payment.outcome).toEqual({ status: 'failed', reason: 'temporary_channel_failure', by: 'lsp' })
    expect(wallet.channels.size).toBe(0)
    await expectPaid(story)
  })

  it('[L2-70] answers unknown_next_peer after valid_until', async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    for (let minutes = 0; minutes < 61; minutes += 1) await simulation.advance(60_000)
    const result = await simulation.outcome(pay().result, 'the payment to end')
    expect(result).toEqual({ status: 'failed', reason: 'unknown_next_peer', by: 'lsp' })
    expect(simulation.state(bought.scid)).toBe('abandoned')
    expect(wallet.channels.size).toBe(0)
  })

  it('opens no channel for a payer who asks to forward more than came in', async () => {
    const story = await prepare()
    const { simulation, wallet, bought, pay } = story
    // The onion says the whole amount, the HTLC carries less: payer and client collude.
    const payment = simulation.world.payer.pay({
      hash: wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }).paymentHash,
      scid: bought.scid,
      amount: AMOUNT,
      amountOut: AMOUNT,
      amountIn: AMOUNT - 1n,
      hintDelta: bought.delta,
    })
    const result = await simulation.outcome(payment.result, 'the payment to end')
    expect(result).toEqual({ status: 'failed', reason: 'unknown_next_peer', by: 'lsp' })
    expect(wallet.channels.size).toBe(0)
    await expectPaid({ ...story, pay })
  })

  it('opens no channel for an HTLC with too small an expiry delta', async () => {
    const story = await prepare()
    const { simulation, wallet, bought } = story
    const payment = simulation.pay(
      { ...bought, delta: bought.delta - 1 },
      wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }),
    )
    const result = await simulation.outcome(payment.result, 'the payment to end')
    expect(result.status).toBe('failed')
    expect(wallet.channels.size).toBe(0)
    await expectPaid(story)
  })

  it('says no coins with temporary_channel_failure, and sells once there are some', async () => {
    const story = await prepare({ coins: [10_000_000n] })
    const { simulation, pay } = story
    // Sold while there was a coin; its operator takes it before the payment comes.
    const { coins } = simulation.world.node
    const lease = { id: 'ee'.repeat(32), outpoint: coins.unspent(1)[0]?.outpoint ?? '' }
    coins.lease({ ...lease, seconds: 3600 })
    const result = await simulation.outcome(pay().result, 'the payment to end')
    expect(result).toEqual({ status: 'failed', reason: 'temporary_channel_failure', by: 'lsp' })
    coins.release(lease)
    await expectPaid(story)
  })

  it('adopts the channel when psbt_verify says an error and opens all the same', async () => {
    const story = await prepare()
    story.simulation.world.node.opens.claimReserveViolation = true
    await expectPaid(story)
  })

  it('fails a held payment before lnd does when blocks run out', async () => {
    const story = await prepare()
    const { simulation, wallet, pay } = story
    wallet.disconnect()
    const payment = pay()
    await simulation.advance(1_000)
    for (let block = 0; payment.outcome === undefined && block < 200; block += 1) {
      simulation.world.mine(1)
      await simulation.clock.settle()
    }
    expect(payment.outcome).toEqual({ status: 'failed', reason: 'temporary_channel_failure', by: 'lsp' })
    wallet.connect()
    await simulation.advance(1_000)
    await expectPaid(story)
  })

  it('holds a second payment beside the first, and forwards it as any other when that is paid [L2-69] [L2-71]', async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    wallet.disconnect()
    const first = pay()
    await simulation.advance(1_000)
    const second = simulation.pay({ ...bought, amount: 5_000_000n }, wallet.invoice({ amount: 5_000_000n }))
    await simulation.advance(1_000)
    expect(second.outcome).toBeUndefined()
    wallet.connect()
    expect((await simulation.outcome(first.result, 'the first payment to end')).status).toBe('settled')
    expect((await simulation.outcome(second.result, 'the second payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(wallet.balance()).toBe(AMOUNT - bought.fee + 5_000_000n)
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.violations()).toEqual([])
  })

  it('has lnd load a link anew that came up with fees of its own, so that the next payment arrives', async () => {
    const { simulation, wallet, bought } = await prepare()
    wallet.setPaymentPolicy('fail')
    const payThirds = () => {
      const invoice = wallet.invoice({ amount: AMOUNT, maxFee: bought.fee })
      return [40_000_000n, 35_000_000n, 25_000_000n].map((amount) => simulation.pay({ ...bought, amount }, invoice))
    }
    for (const { result } of payThirds()) await simulation.outcome(result, 'a part to end')
    await simulation.rest()
    expect(simulation.state(bought.scid)).toBe('owed')
    wallet.setPaymentPolicy('claim')
    for (const link of simulation.world.node.channels.ofPeer(wallet.nodeId)) {
      link.linkPolicy = { baseMsat: 1_000n, ppm: 1n, minHtlcMsat: 1n }
    }
    // The first part carries the fee, and so pays what the link asks.
    const [, second, third] = payThirds()
    const refused = { status: 'failed', reason: 'fee_insufficient', by: 'lsp' }
    expect(await simulation.outcome(second?.result ?? Promise.reject(), 'the second part to end')).toEqual(refused)
    expect(await simulation.outcome(third?.result ?? Promise.reject(), 'the third part to end')).toEqual(refused)
    await simulation.advance(RELINK_AFTER_MS + 100)
    expect(simulation.world.node.isOnline(wallet.nodeId)).toBe(false)
    wallet.connect()
    await simulation.advance(1_000)
    wallet.giveUpParts() // one came alone
    await simulation.rest()
    const before = wallet.balance()
    for (const { result } of payThirds()) {
      expect(await simulation.outcome(result, 'a part to end')).toMatchObject({ status: 'settled' })
    }
    await simulation.rest()
    expect(wallet.balance() - before).toBe(AMOUNT - bought.fee)
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.violations()).toEqual([])
  })

  it('[L2-71] forwards later payments to the scid without a fee', async () => {
    const story = await prepare()
    const { simulation, wallet, bought } = story
    await expectPaid(story)
    const amount = 5_000_000n
    const before = wallet.balance()
    const later = simulation.pay({ ...bought, amount: amount }, wallet.invoice({ amount }))
    expect((await simulation.outcome(later.result, 'the later payment to end')).status).toBe('settled')
    expect(wallet.balance() - before).toBe(amount)
    await simulation.rest()
    expect(simulation.journal()).toHaveLength(1)
  })
})
