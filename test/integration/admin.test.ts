import { describe, expect, it } from 'vitest'
import { Simulation, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n
const SIGNAL = new AbortController().signal

async function withSales(count: number): Promise<{ readonly simulation: Simulation; readonly newestFirst: string[] }> {
  const simulation = new Simulation()
  await simulation.start()
  const newestFirst: string[] = []
  for (let sale = 0; sale < count; sale += 1) {
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    newestFirst.unshift(bought.scid)
    await simulation.advance(10)
  }
  return { simulation, newestFirst }
}

describe('the list of sales', () => {
  it('goes on after a sale, and says when there is none of that id', async () => {
    const { simulation, newestFirst } = await withSales(3)
    const { admin } = simulation.sidecar
    const page = (before?: string) => admin.jitList({ limit: 2, ...(before && { before }) }, SIGNAL)
    const ids = async (before?: string) => (await page(before))?.map(({ id }) => id)

    expect(await ids()).toEqual(newestFirst.slice(0, 2))
    expect(await ids(newestFirst[1])).toEqual(newestFirst.slice(2))
    expect(await ids('1x2x3')).toBeUndefined()
  })
})

describe('the switch that lets webhooks call this machine', () => {
  it.each([
    [true, 1],
    [false, 0],
  ])('%s is in the warnings of the status that often: %i', async (isOn, times) => {
    const config = testConfig()
    const webhooks = { ...config.webhooks, delivery: { ...config.webhooks.delivery, allow_loopback: isOn } }
    const simulation = new Simulation({ config: { ...config, webhooks } })
    await simulation.start()
    const { warnings } = await simulation.outcome(simulation.sidecar.admin.status(SIGNAL), 'the status')
    expect(warnings.filter((warning) => warning.includes('services on this machine'))).toHaveLength(times)
  })
})
