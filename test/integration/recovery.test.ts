import { describe, expect, it } from 'vitest'
import { scidToNumber } from '../../lsps/base/scid.ts'
import { Simulation, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n

async function held() {
  const simulation = new Simulation()
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  const pay = () => simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
  return { simulation, wallet, bought, pay }
}

describe('recovery of an opening whose peer hung (funding.md, rule c)', () => {
  it('looks again after psbt_fund: the first attempt may have completed between look and open', async () => {
    const { simulation, wallet, bought, pay } = await held()
    wallet.setOpenPolicy('hang-sign')
    const payment = pay()
    await simulation.advance(1_000) // verify was sent, funding_signed hangs
    simulation.kill()
    // The peer wakes after we looked and cancelled: the cancel said ok, and the channel comes all the same.
    simulation.world.onStage = ({ call, stage }) => {
      if (call === 'cancelFunding' && stage === 'answered') wallet.setOpenPolicy('accept')
      return undefined
    }
    const result = await simulation.outcome(payment.result, 'the payment to end')
    expect(result.status).toBe('settled')
    await simulation.rest()
    expect(wallet.channels.size).toBe(1)
    expect(wallet.balance()).toBe(AMOUNT - bought.fee)
    expect(simulation.violations()).toEqual([])
  })

  it('waits while the first attempt is still present, and adopts what comes of it', async () => {
    const { simulation, wallet, pay } = await held()
    wallet.setOpenPolicy('hang-sign')
    const payment = pay()
    await simulation.advance(1_000)
    simulation.kill()
    await simulation.advance(3_000)
    wallet.setOpenPolicy('accept')
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(wallet.channels.size).toBe(1)
    expect(simulation.violations()).toEqual([])
  })
})

describe('a held payment', () => {
  it('is forwarded only once the alias leads to the channel', async () => {
    const { simulation, pay } = await held()
    const answered: string[] = []
    simulation.world.onStage = ({ call, stage }) => {
      if (call === 'interceptHtlcs.answer') answered.push('answer')
      if (call === 'addAlias' && stage === 'answered') answered.push('alias')
      return undefined
    }
    const payment = pay()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    expect(answered).toEqual(['alias', 'answer'])
  })

  it('is not given back when the sidecar dies while its client is away', async () => {
    const { simulation, wallet, bought, pay } = await held()
    wallet.disconnect()
    const payment = pay()
    await simulation.advance(1_000)
    simulation.kill()
    await simulation.advance(5_000)
    expect(payment.outcome).toBeUndefined()
    wallet.connect()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.violations()).toEqual([])
  })

  it('is given back when that was decided just before the sidecar died, and its client is there at the next start', async () => {
    const { simulation, wallet, bought, pay } = await held()
    wallet.disconnect()
    const small = simulation.pay({ ...bought, amount: 20_000_000n }, { paymentHash: 'cd'.repeat(32) })
    await simulation.advance(60_000)
    const whole = pay()
    await simulation.advance(1_000)
    // The first has waited long enough: it is refused on disk, and what must be asked before FAIL kills the sidecar.
    let dies = true
    simulation.world.onStage = ({ call, stage }) => {
      const isRefused = simulation.steps(bought.scid).includes('payment held long enough')
      if (!dies || !isRefused || call !== 'listChannels' || stage !== 'received') return undefined
      dies = false
      wallet.connect()
      return { type: 'kill-client' }
    }
    expect((await simulation.outcome(whole.result, 'the payment to end')).status).toBe('settled')
    expect(dies).toBe(false)
    await simulation.advance(15_000)
    expect(small.outcome).toMatchObject({ status: 'failed' })
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('without requireinterceptor (decisions D2)', () => {
  it('lets lnd resume what is held when the sidecar dies; the books say exactly what lnd earned', async () => {
    const config = { lsps2: { without_require_interceptor: 'accept_lost_fees' } }
    const simulation = new Simulation({ requireInterceptor: false, config: testConfig(config) })
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    simulation.world.onStage = ({ call, stage }) =>
      call === 'interceptHtlcs.answer' && stage === 'received' ? { type: 'kill-client' } : undefined
    const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    const result = await simulation.outcome(payment.result, 'the payment to end')
    simulation.world.onStage = undefined
    await simulation.advance(60_000)
    await simulation.rest()
    // The alias was bound already: lnd forwarded in full, and the fee is lost. Nothing else is.
    expect(result.status).toBe('settled')
    expect(wallet.balance()).toBe(AMOUNT)
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.journal()).toMatchObject([{ paymentHash: payment.hash, earned: 0n }])
    expect(simulation.violations()).toEqual([])
  })

  it('does not start without it unless the operator accepts that', async () => {
    const simulation = new Simulation({ requireInterceptor: false })
    await expect(simulation.start()).rejects.toThrow(/requireinterceptor=true/)
  })
})

describe('an alias that lnd lost', () => {
  it('is added again at the start (decisions D1)', async () => {
    const { simulation, wallet, bought, pay } = await held()
    wallet.setPaymentPolicy('fail')
    await simulation.outcome(pay().result, 'the first payment to fail')
    expect(simulation.state(bought.scid)).toBe('owed')
    simulation.kill()
    simulation.world.node.channels.forgetAlias(scidToNumber(bought.scid))
    await simulation.advance(1_000)
    wallet.setPaymentPolicy('claim')
    expect((await simulation.outcome(pay().result, 'the payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})
