import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { crashAt, wasReached } from '../crash-points.ts'
import { copyDatabase, finishedSales } from '../finished-sales.ts'
import { FOREIGN_AMOUNT, foreignRows, keepPaying, nextForwardTo, payForeign } from '../foreign.ts'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { type PaymentResult, payInvoice, resetMissionControl } from '../payments.ts'
import { purchase } from '../purchase.ts'
import { Sluiced } from '../sluiced.ts'
import { Stall } from '../stalled.ts'
import { waitFor } from '../wait.ts'

const RESTARTS = 5
const DEADLINE_MS = 60_000
const DATABASE_MS = 600_000

const log = (line: string) => process.stderr.write(`${line}\n`)

describe('forwards that are not ours', () => {
  let network: Network
  let sluiced: Sluiced
  const wallets: Wallet[] = []
  /** Sales of the tests before: the database put in its place lacks them, and they are found again at lnd. */
  let sold = 0
  let paying: ReturnType<typeof keepPaying> | undefined
  /** Fees that the payer paid for foreign payments that succeeded. */
  const fees: bigint[] = []

  beforeAll(async () => {
    network = await startNetwork({ foreign: 1, log })
    sluiced = new Sluiced(network)
    await sluiced.start()
  })

  afterEach(async () => {
    note((await paying?.stop()) ?? [])
    paying = undefined
  })

  afterAll(async () => {
    for (const wallet of wallets) wallet.close()
    await sluiced?.stop()
    await network?.stop()
  })

  function note(results: readonly PaymentResult[]): void {
    for (const result of results) if (result.succeeded) fees.push(result.fee)
  }

  async function newWallet(): Promise<Wallet> {
    const wallet = await Wallet.create({ btcd: network.btcd })
    wallets.push(wallet)
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return wallet
  }

  it('pass at their first attempt while a channel is sold', async () => {
    const bought = await purchase(await newWallet(), network)
    paying = keepPaying(network)
    expect(await payInvoice(network.payer, { invoice: bought.invoice })).toMatchObject({ succeeded: true })
    sold += 1
    await sluiced.waitForSale(bought.scid, 'paid')
    const results = await paying.stop()

    expect(results.length).toBeGreaterThan(0)
    expect(results.filter(({ succeeded, attempts }) => !succeeded || attempts.length !== 1)).toEqual([])
  })

  it('pass while a sale is recovered', async () => {
    await sluiced.stop()
    const file = join(network.folder, 'reached')
    const point = { when: 'after', table: 'funding-live', record: '"tag":"funded"' } as const
    await sluiced.start(crashAt(point, { file, victims: ['sluiced'] }))
    const bought = await purchase(await newWallet(), network)
    const payment = payInvoice(network.payer, { invoice: bought.invoice })
    await waitFor(() => wasReached({ file }), { deadline: DEADLINE_MS, what: 'sluiced to die' })

    paying = keepPaying(network)
    await sluiced.start()
    await resetMissionControl(network.payer)
    note([await payForeign(network)])
    expect(await payment).toMatchObject({ succeeded: true })
    sold += 1
    await sluiced.waitForSale(bought.scid, 'paid')
    const results = await paying.stop()
    // What was tried while no interceptor was attached failed: that is the price of requireinterceptor.
    const lastFailure = results.findLastIndex(({ succeeded }) => !succeeded)
    expect(results.slice(lastFailure + 1).length).toBeGreaterThan(0)
  })

  /** sluiced is offered a forward and dies over it; `restart` starts it again. When lnd forwarded it, of `performance`. */
  async function dieOverForward(restart: () => Promise<void>): Promise<number> {
    await sluiced.stop()
    await sluiced.start(crashAt({ when: 'offered' }, { file: join(network.folder, 'offered'), victims: ['sluiced'] }))
    const payment = payForeign(network)
    await waitFor(() => !sluiced.process.running, { deadline: DEADLINE_MS, what: 'sluiced to die over an offer' })
    const forwarded = await nextForwardTo(network.lsp, network.foreign)
    await restart()
    const at = await forwarded.at
    const result = await payment
    expect(result).toMatchObject({ succeeded: true, attempts: [{ status: 'SUCCEEDED' }] })
    note([result])
    return at
  }

  /** How long after the start of the process the forward goes on, in ms. */
  async function resumedAfterRestart(): Promise<number> {
    let start = 0
    const at = await dieOverForward(async () => {
      start = performance.now()
      await sluiced.launch()
    })
    await sluiced.waitReady()
    return at - start
  }

  describe.each([10, 1_000_000])('with %i finished sales', (count) => {
    beforeAll(async () => {
      const database = await finishedSales(count, log)
      await sluiced.stop()
      const target = join(sluiced.folder, 'data', 'db')
      await rm(target, { recursive: true })
      await copyDatabase(database, target)
      await sluiced.start()
    }, DATABASE_MS)

    it('go on after a restart before anything of the sales is loaded', async () => {
      expect((await sluiced.sales()).length).toBe(Math.min(count + sold, 1000))
      const stall = new Stall(network.folder, `stall-${count}`)
      await dieOverForward(() => sluiced.launch(stall.env))
      await stall.waitReached()
      await expect(sluiced.status()).rejects.toThrow()
      stall.end()
      await sluiced.waitReady()
      expect((await sluiced.sales()).length).toBe(Math.min(count + sold, 1000))
    })

    it(`go on after each of ${RESTARTS} restarts`, async () => {
      const times: number[] = []
      for (let restart = 0; restart < RESTARTS; restart += 1) times.push(await resumedAfterRestart())
      const [median = Number.NaN] = [...times].sort((a, b) => a - b).slice(Math.floor(RESTARTS / 2))
      log(
        `first forward after a restart with ${count} finished sales: median ${Math.round(median)} ms of ` +
          `${times.map((time) => Math.round(time)).join(', ')} ms from exec`,
      )
    })
  })

  it('are all in the history of lnd as they were paid: nothing taken, nothing changed', async () => {
    await waitFor(async () => (await foreignRows(network)).length >= fees.length, {
      deadline: DEADLINE_MS,
      what: 'lnd to write its history',
    })
    const rows = await foreignRows(network)
    expect(rows).toEqual(fees.map((fee) => [FOREIGN_AMOUNT, fee]))
  })
})
