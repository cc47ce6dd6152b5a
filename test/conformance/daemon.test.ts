import { describe, expect, it } from 'vitest'
import { scidToNumber } from '../../lsps/base/scid.ts'
import { MIN_BLOCKS_BEFORE_AUTO_FAIL, MIN_OUTGOING_BLOCKS } from '../../src/jit/part-checks.ts'
import { type Bought, Simulation, testConfig } from '../integration/simulation.ts'

const AMOUNT = 100_000_000n
/** lnd's default `bitcoin.timelockdelta`. */
const LND_TIME_LOCK_DELTA = 80

async function started(...options: ConstructorParameters<typeof Simulation>) {
  const simulation = new Simulation(...options)
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  return { simulation, wallet }
}

describe('the daemon on the simulated node', () => {
  it.each([
    [true, [2]],
    [false, []],
  ])('[L0-52] [L0-54] [L0-55] with LSPS2 enabled: %s lists %j', async (enabled, protocols) => {
    const { simulation, wallet } = await started({ config: testConfig({ lsps2: { enabled } }) })
    expect(await simulation.ask(wallet, 'lsps0.list_protocols', {})).toEqual({ protocols })
  })

  it('[L2-50] sells each buyer a scid of its own, which is on disk when it is answered', async () => {
    const { simulation, wallet } = await started()
    const scids = new Set<Bought['scid']>()
    for (let i = 0; i < 5; i++) {
      const { scid } = await simulation.buy(wallet, AMOUNT)
      expect(simulation.state(scid)).toBe('awaiting')
      scids.add(scid)
    }
    expect(scids.size).toBe(5)
  })

  it('[L2-45] [L2-102] sells a client only so many channels that it has not paid for', async () => {
    const config = testConfig({ lsps2: { max_live_sales_per_peer: 2 } })
    const { simulation, wallet } = await started({ config })
    await simulation.buy(wallet, AMOUNT)
    await simulation.buy(wallet, AMOUNT)
    await expect(simulation.buy(wallet, AMOUNT)).rejects.toMatchObject({ code: 1 })
    const other = simulation.world.addWallet()
    other.connect()
    await expect(simulation.buy(other, AMOUNT)).resolves.toHaveProperty('scid')
  })

  it('[L2-52] sells a delta with room for lnd’s own and for the time that it holds', () => {
    const { lsp_cltv_expiry_delta, part_hold_seconds } = testConfig().lsps2
    const heldBlocks = Math.ceil(part_hold_seconds / 600)
    expect(lsp_cltv_expiry_delta).toBeGreaterThanOrEqual(
      LND_TIME_LOCK_DELTA + heldBlocks + MIN_BLOCKS_BEFORE_AUTO_FAIL + MIN_OUTGOING_BLOCKS,
    )
  })

  it('[L2-80] [L2-87] [L2-112] opens a channel that can carry the payment, publishes it and binds the scid', async () => {
    const { simulation, wallet } = await started()
    const bought = await simulation.buy(wallet, AMOUNT)
    const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    expect(await simulation.outcome(payment.result, 'the payment to end')).toMatchObject({ status: 'settled' })
    await simulation.until(() => simulation.world.node.chain.mempool.length > 0, 'the funding to be published', 10_000)

    const lnd = simulation.world.attach()
    const { signal } = new AbortController()
    const [channel] = await simulation.outcome(lnd.listChannels(signal, wallet.nodeId), 'the channel')
    expect(channel?.capacity).toBeGreaterThan((AMOUNT - bought.fee) / 1000n)
    const aliases = await simulation.outcome(lnd.listAliases(signal), 'the aliases')
    expect(aliases.flatMap((entry) => entry.aliases)).toContain(scidToNumber(bought.scid))
  })
})
