import { describe, expect, it } from 'vitest'
import { NOT_SELLING } from '../../src/operate/drain.ts'
import { Simulation } from './simulation.ts'

const AMOUNT = 100_000_000n
/** A funding counts as final so many blocks later. */
const DEEP = 6

async function sold() {
  const simulation = new Simulation()
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  const menu = async () => (await simulation.ask(wallet, 'lsps2.get_info', {})) as never as Menu
  const pay = () => simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
  const begin = () => simulation.outcome(simulation.sidecar.admin.beginDrain(), 'the drain to begin')
  const look = () => simulation.outcome(simulation.sidecar.admin.drain(), 'what is open')
  return { simulation, wallet, bought, menu, pay, begin, look }
}

type Menu = { readonly opening_fee_params_menu: readonly object[] }

describe('a drain', () => {
  it('answers an empty menu and refuses to sell, with words', async () => {
    const { simulation, wallet, menu, begin } = await sold()
    const [offer] = (await menu()).opening_fee_params_menu
    await begin()
    expect((await menu()).opening_fee_params_menu).toEqual([])
    const buying = simulation.ask(wallet, 'lsps2.buy', { opening_fee_params: offer, payment_size_msat: `${AMOUNT}` })
    await expect(buying).rejects.toMatchObject({ code: 1, data: { message: NOT_SELLING } })
    await simulation.outcome(simulation.sidecar.admin.endDrain(), 'the drain to end')
    expect((await menu()).opening_fee_params_menu).toHaveLength(1)
  })

  it('serves what was sold to its end, over a restart, and says when nothing is left', async () => {
    const { simulation, bought, menu, pay, begin, look } = await sold()
    expect(await begin()).toMatchObject({ done: false, sales: { awaiting: 1 } })
    simulation.kill()
    expect((await menu()).opening_fee_params_menu).toEqual([])
    expect((await simulation.outcome(pay().result, 'the payment to end')).status).toBe('settled')
    expect(await look()).toMatchObject({ done: false, funding: { standing: 1 } })
    simulation.world.mine(DEEP)
    await simulation.rest()
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(await look()).toMatchObject({ done: true, waits_for: [] })
    const status = await simulation.outcome(simulation.sidecar.admin.status(new AbortController().signal), 'the status')
    expect(status.draining_since).toBeDefined()
    expect(simulation.violations()).toEqual([])
  })

  it('takes a fee that is owed: the next payment to the scid pays it', async () => {
    const { simulation, wallet, bought, pay, begin, look } = await sold()
    wallet.setPaymentPolicy('fail')
    await simulation.outcome(pay().result, 'the first payment to fail')
    await begin()
    expect(await look()).toMatchObject({ done: false, sales: { owed: 1 } })
    wallet.setPaymentPolicy('claim')
    expect((await simulation.outcome(pay().result, 'the payment to end')).status).toBe('settled')
    simulation.world.mine(DEEP)
    await simulation.rest()
    expect(simulation.journal()).toMatchObject([{ earned: bought.fee }])
    expect((await look()).done).toBe(true)
    expect(simulation.violations()).toEqual([])
  })

  it('waits no longer for a sale than its offer lasts', async () => {
    const { simulation, bought, begin, look } = await sold()
    await begin()
    for (let quarter = 0; quarter < 4; quarter += 1) await simulation.advance(15 * 60_000)
    await simulation.advance(10_000)
    expect(simulation.state(bought.scid)).toBe('abandoned')
    expect((await look()).done).toBe(true)
  })
})
