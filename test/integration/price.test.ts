import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { OFFER, Simulation, type SimulationOptions, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n
const CHECK = { url: 'http://localhost/fees', path: 'hourFee', max_ratio: 3 }
/** Longer than the feerate is asked for again. */
const REFRESHED_MS = 61_000

async function prepare(options: SimulationOptions = {}) {
  const simulation = new Simulation(options)
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const feerate = async (satPerVbyte: number) => {
    simulation.world.node.feerate = satPerVbyte
    await simulation.advance(REFRESHED_MS)
  }
  return { simulation, wallet, feerate }
}

type Menu = readonly { readonly min_fee_msat: string; readonly valid_until: string; readonly promise: string }[]

async function menuOf(simulation: Simulation, wallet: SimWallet, token?: string): Promise<Menu> {
  const answer = await simulation.ask(wallet, 'lsps2.get_info', token === undefined ? {} : { token })
  return (answer as never as { opening_fee_params_menu: Menu }).opening_fee_params_menu
}

async function pay(simulation: Simulation, wallet: SimWallet, bought: Awaited<ReturnType<Simulation['buy']>>) {
  const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
  return simulation.outcome(payment.result, 'the payment to end')
}

describe('the price on the simulated node', () => {
  it('rises with the feerate, and is kept for who was promised another', async () => {
    const { simulation, wallet, feerate } = await prepare()
    expect(await menuOf(simulation, wallet)).toMatchObject([{ min_fee_msat: OFFER.min_fee_msat }])
    const bought = await simulation.buy(wallet, AMOUNT)
    await feerate(40)
    // (165 + 235) vbytes x 40 sat x 1.1
    expect(await menuOf(simulation, wallet)).toMatchObject([{ min_fee_msat: '17600000' }])

    expect(await pay(simulation, wallet, bought)).toMatchObject({ status: 'settled' })
    await simulation.rest()
    expect(simulation.journal()).toMatchObject([{ earned: 1_000_000n }])
    expect(simulation.violations()).toEqual([])
  })

  it('that was promised is not served above the ceiling, and served again below it', async () => {
    const { simulation, wallet, feerate } = await prepare()
    const bought = await simulation.buy(wallet, AMOUNT)
    await feerate(101)
    expect(await menuOf(simulation, wallet)).toEqual([])
    expect(await pay(simulation, wallet, bought)).toEqual({
      status: 'failed',
      reason: 'temporary_channel_failure',
      by: 'lsp',
    })
    await feerate(100)
    expect(await pay(simulation, wallet, bought)).toMatchObject({ status: 'settled' })
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('is none while the estimate is stale', async () => {
    const { simulation, wallet } = await prepare()
    simulation.world.faults.push({
      call: 'estimateFeerate',
      stage: 'received',
      action: { type: 'reject', detail: 'no estimate' },
    })
    await simulation.advance(29 * 60_000)
    expect(await menuOf(simulation, wallet)).toHaveLength(1)
    await simulation.advance(2 * 60_000)
    expect(await menuOf(simulation, wallet)).toEqual([])
  })

  it('is promised for a shorter time while the feerate moves', async () => {
    const { simulation, wallet, feerate } = await prepare()
    const seconds = async () => {
      const [offer] = await menuOf(simulation, wallet)
      return Math.round((Date.parse(offer?.valid_until ?? '') - simulation.clock.now()) / 1000)
    }
    expect(await seconds()).toBe(3600)
    await feerate(12)
    expect(await seconds()).toBe(600)
    for (let third = 0; third < 3; third += 1) await simulation.advance(1_200_000)
    expect(await seconds()).toBe(3600)
  })

  it('is none while a second source says something else, and what was promised is served', async () => {
    let hourFee = 2
    const config = testConfig({ funding: { feerate_check: CHECK } })
    const { simulation, wallet } = await prepare({ config, fetchJson: async () => ({ hourFee }) })
    const bought = await simulation.buy(wallet, AMOUNT)
    hourFee = 50
    await simulation.advance(REFRESHED_MS)
    expect(await menuOf(simulation, wallet)).toEqual([])
    const { warnings } = await simulation.outcome(
      simulation.sidecar.admin.status(new AbortController().signal),
      'the status',
    )
    expect(warnings.join()).toContain('lnd says 2 sat/vB, http://localhost/fees says 50 sat/vB')
    expect(await pay(simulation, wallet, bought)).toMatchObject({ status: 'settled' })
    hourFee = 2
    await simulation.advance(REFRESHED_MS)
    expect(await menuOf(simulation, wallet)).toHaveLength(1)
  })

  it('depends on the token, and the sale keeps the name of it', async () => {
    const token_sha256 = createHash('sha256').update('SUMMER').digest('hex')
    const cheap = { ...OFFER, min_fee_msat: '500000', proportional: 0 }
    const config = testConfig({ lsps2: { tokens: [{ name: 'summer', token_sha256, offers: [cheap], margin_ppm: 0 }] } })
    const { simulation, wallet } = await prepare({ config })
    // 400 vbytes x 2 sat: above the floor of the token, below that of everybody
    const [offer] = await menuOf(simulation, wallet, 'SUMMER')
    expect(offer).toMatchObject({ min_fee_msat: '800000', proportional: 0 })
    const { jit_channel_scid: scid } = (await simulation.ask(wallet, 'lsps2.buy', {
      opening_fee_params: offer,
      payment_size_msat: `${AMOUNT}`,
    })) as never as { jit_channel_scid: string }
    const { deal } = JSON.parse(simulation.bytes.get('jit-live')?.get(scid) ?? '').record
    expect(deal).toMatchObject({ token: 'summer', fee: '800000', priceList: expect.any(String) })
    expect(simulation.bytes.get('jit-prices')?.has(deal.priceList)).toBe(true)
    await expect(menuOf(simulation, wallet, 'WINTER')).rejects.toMatchObject({ code: 200 })
  })

  it('is explained to the operator: the quote, and the record of a sale after the price has changed', async () => {
    const { simulation, wallet, feerate } = await prepare()
    const { signal } = new AbortController()
    const { admin } = simulation.sidecar
    await feerate(10)
    const bought = await simulation.buy(wallet, AMOUNT)
    const quoted = await simulation.outcome(admin.quote({ amount: AMOUNT }, signal), 'the quote')
    expect(quoted).toMatchObject({
      stops: [],
      feerate: { sat_per_vbyte: 10, ceiling_sat_per_vbyte: 100 },
      price: { breakdown: { open_msat: '1650000', close_msat: '2350000', margin_msat: '400000' } },
      menu: [{ floor_msat: '1000000', min_fee_msat: '4400000', fee_msat: `${bought.fee}` }],
    })
    await feerate(101)
    const stopped = await simulation.outcome(admin.quote({ amount: AMOUNT }, signal), 'the quote')
    expect(stopped).toMatchObject({ stops: [{ code: 'feerate-above-ceiling' }], menu: [] })
    await simulation.outcome(admin.beginDrain(), 'the drain')
    const drained = await simulation.outcome(admin.quote({}, signal), 'the quote')
    expect(drained?.stops.map(({ code }) => code)).toEqual(['feerate-above-ceiling', 'draining'])
    expect(await simulation.outcome(admin.quote({ token: 'none' }, signal), 'the quote')).toBeUndefined()

    const record = await simulation.outcome(admin.jitShow(bought.scid, signal), 'the record')
    expect(record?.price).toEqual({ ...quoted?.price, floor_msat: '1000000' })
  })

  it('and every refusal is on record: who, why and how often, in one row a minute', async () => {
    const { simulation, wallet, feerate } = await prepare()
    const { admin } = simulation.sidecar
    await feerate(10)
    const bought = await simulation.buy(wallet, AMOUNT)
    for (let n = 0; n < 5; n += 1) {
      await expect(menuOf(simulation, wallet, 'SECRET-WORD')).rejects.toMatchObject({ code: 200 })
    }
    await simulation.advance(REFRESHED_MS)
    const { signal } = new AbortController()
    const all = await simulation.outcome(admin.decisions({ since: 0, limit: 100 }, signal), 'the decisions')
    expect(all?.map(({ what }) => what)).toEqual(['prices', 'prices', 'sold', 'refused'])
    expect(all?.at(-1)?.detail).toMatchObject({ code: '200', times: '5', peer: wallet.nodeId })
    expect(JSON.stringify([...simulation.bytes.values()].map((rows) => [...rows]))).not.toContain('SECRET-WORD')

    await pay(simulation, wallet, bought)
    const one = await simulation.outcome(admin.decisions({ since: 0, limit: 100, sale: bought.scid }, signal), 'those')
    expect(one?.map(({ what }) => what).slice(0, 2)).toEqual(['sold', 'payment held'])
    expect(one?.[1]?.detail).toHaveProperty('expiries')
  })

  it('of a sale is on record as it came about, also after the sidecar died at any commit', async () => {
    for (let point = 1; point < 40; point += 1) {
      const simulation = new Simulation()
      simulation.killAtEach([point])
      await simulation.start().catch(() => undefined)
      const wallet = simulation.world.addWallet()
      wallet.connect()
      await simulation.until(() => true, 'the sidecar')
      const { scid } = await simulation.buy(wallet, AMOUNT)
      const { deal } = JSON.parse(simulation.bytes.get('jit-live')?.get(scid) ?? '').record
      const list = simulation.bytes.get('jit-prices')?.get(deal.priceList)
      expect(JSON.parse(list ?? '').record.breakdown.leastFee).toBe('880000')
    }
  })
})
