import { describe, expect, it } from 'vitest'
import type { SimChannel } from '../../src/sandbox/channels.ts'
import { Simulation, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n
const MIN_LIFETIME = 4320
/** The longest that one wait of the simulation may take. */
const HALF_HOUR_MS = 29 * 60_000
const { signal } = new AbortController()

/** A channel that was paid for, and its funding in a block. */
async function paid(overrides: Parameters<typeof testConfig>[0] = {}) {
  const simulation = new Simulation({ config: testConfig(overrides) })
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
  await simulation.outcome(payment.result, 'the payment to end')
  const [channel] = [...wallet.channels]
  if (channel === undefined) throw new Error('the wallet has no channel')
  const warnings = async () =>
    (await simulation.outcome(simulation.sidecar.admin.status(signal), 'the status')).warnings.filter((warning) =>
      warning.includes(channel.outpoint),
    )
  return { simulation, wallet, bought, channel, warnings }
}

/** As `lncli closechannel` would. */
function closeByHand(simulation: Simulation, channel: SimChannel): void {
  simulation.world.node.closing.closeByNode(channel, 'cooperative')
}

describe('a channel that was paid for', () => {
  it('is promised in the commit that took the fee, from the block of its funding on', async () => {
    const { simulation, channel } = await paid()
    expect(simulation.promise(channel.outpoint)).toMatchObject({ blocks: MIN_LIFETIME })
    expect(simulation.promise(channel.outpoint)?.fromHeight).toBeUndefined()
    await simulation.advance(30_000) // the funding is published
    simulation.world.mine(1)
    const { height } = simulation.world.node.chain
    await simulation.advance(30_000)
    simulation.world.mine(5)
    await simulation.advance(30_000)
    expect(simulation.promise(channel.outpoint)).toMatchObject({ fromHeight: height, deep: true })
    expect(simulation.violations()).toEqual([])
  })

  it('has its promise again when the ledger of an older release, or an older database, lacks it', async () => {
    const { simulation, channel } = await paid()
    const before = simulation.promise(channel.outpoint)
    simulation.kill()
    simulation.bytes.delete('promises-live')
    await simulation.start()
    expect(simulation.promise(channel.outpoint)).toMatchObject({ blocks: MIN_LIFETIME })
    expect(simulation.promise(channel.outpoint)).toMatchObject({
      source: (before as never as { source: object }).source,
    })
    expect(simulation.violations()).toEqual([])
  })

  it('that is closed by hand before its time is told of in status, decisions and the record of its sale', async () => {
    const { simulation, channel, bought, warnings } = await paid()
    await simulation.rest()
    expect(await warnings()).toEqual([])
    closeByHand(simulation, channel)
    await simulation.advance(30_000)
    simulation.world.mine(1)
    await simulation.advance(30_000)
    expect(await warnings()).toMatchObject([expect.stringMatching(/although it was promised by sale .* until block /)])
    expect(simulation.steps(bought.scid).at(-1)).toBe('channel closed before its promised end')
    const since = 0
    const decisions = await simulation.outcome(
      simulation.sidecar.admin.decisions({ since, limit: 100 }, signal),
      'the decisions',
    )
    expect(decisions?.map(({ what }) => what)).toContain('channel closed before its promised end')
    simulation.kill()
    await simulation.start()
    expect(await warnings()).toHaveLength(1)
  })

  it('is no broken promise when its customer closes it', async () => {
    const { simulation, wallet, channel, warnings, bought } = await paid()
    await simulation.rest()
    wallet.closeChannel(channel)
    await simulation.advance(30_000)
    simulation.world.mine(1)
    await simulation.advance(30_000)
    expect(await warnings()).toEqual([])
    expect(simulation.steps(bought.scid).at(-1)).toBe('channel closed before its promised end')
  })
})

describe('a channel that nobody paid for', () => {
  it('has no promise, and is taken back', async () => {
    const simulation = new Simulation()
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    wallet.setPaymentPolicy('fail')
    const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    await simulation.outcome(payment.result, 'the payment to fail')
    expect(simulation.bytes.get('promises-live')?.size ?? 0).toBe(0)
    expect(simulation.violations()).toEqual([])
  })
})

describe('what may be closed', () => {
  it('is named once its promise is over and something speaks against it; nothing is closed', async () => {
    const { simulation, channel } = await paid({ promises: { idle_days: 1 } })
    await simulation.rest()
    const look = () => simulation.outcome(simulation.sidecar.admin.closable(signal), 'what may be closed')
    for (let passed = 0; passed < 50; passed += 1) await simulation.advance(HALF_HOUR_MS)
    simulation.world.mine(1)
    await simulation.advance(30_000)
    expect(await look()).toMatchObject({ channels: [], over: 0, promised: 1 })
    simulation.world.mine(MIN_LIFETIME)
    await simulation.advance(30_000)
    expect(await look()).toMatchObject({
      over: 1,
      channels: [{ outpoint: channel.outpoint, state: 'over', grounds: [{ ground: 'idle', days: 1 }] }],
    })
    expect(channel.state).toBe('open')
    expect(simulation.violations()).toEqual([])
  })
})
