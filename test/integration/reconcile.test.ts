import { describe, expect, it } from 'vitest'
import { scidToNumber } from '../../lsps/base/scid.ts'
import { Simulation } from './simulation.ts'

const AMOUNT = 100_000_000n

async function sold() {
  const simulation = new Simulation()
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  const pay = () => simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
  const look = async () => {
    const { admin } = simulation.sidecar
    return simulation.outcome(admin.reconcile(new AbortController().signal), 'the comparison')
  }
  const kinds = async () => (await look()).differences.map(({ kind }) => kind)
  return { simulation, wallet, bought, pay, look, kinds }
}

describe('sluice reconcile', () => {
  it('finds nothing while a sale waits, while its payment is under way, and when it is paid', async () => {
    const { simulation, wallet, pay, look, kinds } = await sold()
    expect(await kinds()).toEqual([])
    wallet.setPaymentPolicy('sit')
    const payment = pay()
    await simulation.advance(5_000)
    expect(await look()).toMatchObject({ differences: [], compared: { sales: 1, openings: 1, channels: 1, fees: 0 } })
    wallet.setPaymentPolicy('claim')
    await simulation.outcome(payment.result, 'the payment to end')
    await simulation.rest()
    expect(await look()).toMatchObject({ differences: [], compared: { sales: 0, channels: 1, fees: 1 } })
  })

  it('names an alias that lnd lost, and a restart adds it again', async () => {
    const { simulation, wallet, bought, pay, look, kinds } = await sold()
    wallet.setPaymentPolicy('fail')
    await simulation.outcome(pay().result, 'the payment to fail')
    simulation.world.node.channels.forgetAlias(scidToNumber(bought.scid))
    const { differences } = await look()
    expect(differences).toMatchObject([
      { kind: 'alias-missing', thing: `sale ${bought.scid}`, theirs: 'leads nowhere' },
    ])
    simulation.kill()
    await simulation.advance(5_000)
    expect(await kinds()).toEqual([])
  })

  it('names coins that are locked for nobody', async () => {
    const { simulation, look } = await sold()
    const [coin] = simulation.world.node.coins.unspent(1)
    if (coin === undefined) throw new Error('the wallet has no coins')
    simulation.world.node.coins.lease({ id: 'ab'.repeat(32), outpoint: coin.outpoint, seconds: 600 })
    await simulation.outcome(simulation.sidecar.admin.drain(), 'an answer')
    const { differences } = await look()
    expect(differences).toMatchObject([{ kind: 'lease-unknown', thing: `coin ${coin.outpoint}` }])
  })

  it('shows what lnd did not write to its history before it died', async () => {
    const { simulation, pay, kinds } = await sold()
    expect((await simulation.outcome(pay().result, 'the payment to end')).status).toBe('settled')
    simulation.world.killNode()
    await simulation.advance(60_000)
    await simulation.rest()
    expect(await kinds()).toEqual(['entry-without-row', 'sent-without-row', 'total-differs'])
    expect(simulation.violations()).toEqual([])
  })

  it('is said once to any number of askers', async () => {
    const { simulation } = await sold()
    const { admin } = simulation.sidecar
    const { signal } = new AbortController()
    let asked = 0
    simulation.world.onStage = ({ call, stage }) => {
      if (call === 'forwardingHistory' || (call === 'closedChannels' && stage === 'received')) asked += 1
      return undefined
    }
    const many = Promise.all(Array.from({ length: 10 }, () => admin.reconcile(signal)))
    await simulation.outcome(many, 'ten answers')
    expect(asked).toBeLessThanOrEqual(2)
  })
})
