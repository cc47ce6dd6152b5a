import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keptOf, readJournal, waitKept } from '../books.ts'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { payInvoice } from '../payments.ts'
import { type Purchase, purchase } from '../purchase.ts'
import { Sluiced } from '../sluiced.ts'
import { channelsTo, confirmFundings, waitNoLease } from '../sold.ts'
import { waitFor } from '../wait.ts'

const WALLETS = 20
const READY_SAT = 1_000_000n
const STEP_MS = 60_000
const log = (line: string) => process.stderr.write(`${line}\n`)

type Buyer = { readonly wallet: Wallet; readonly bought: Purchase }

describe('twenty wallets at once, from a pool of ready coins, on the real stack', () => {
  let network: Network
  let sluiced: Sluiced
  const wallets: Wallet[] = []

  beforeAll(async () => {
    network = await startNetwork({ log })
    const ready_coins = { count: WALLETS, size_sat: `${READY_SAT}` }
    sluiced = new Sluiced(network, { config: { inventory: { ready_coins } } })
    await sluiced.start()
    await expectPoolFilled()
  })

  afterAll(async () => {
    for (const wallet of wallets) wallet.close()
    await sluiced?.stop()
    await network?.stop()
  })

  /** The transaction that splits coins is published; once it is in a block, all are ready. */
  async function expectPoolFilled(): Promise<void> {
    const filled = async () => {
      const ready = (await sluiced.status()).inventory.ready_coins?.ready === WALLETS
      if (!ready && (await network.btcd.mempool()).length > 0) await network.mine(1)
      return ready
    }
    await waitFor(filled, { deadline: STEP_MS, what: `${WALLETS} coins to be ready` })
  }

  async function newBuyer(): Promise<Buyer> {
    const wallet = await Wallet.create({ btcd: network.btcd })
    wallets.push(wallet)
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return { wallet, bought: await purchase(wallet, network) }
  }

  it('opens twenty channels by twenty transactions, and all are paid', async () => {
    const buyers = await Promise.all(Array.from({ length: WALLETS }, newBuyer))
    const start = performance.now()
    const seconds = () => ((performance.now() - start) / 1000).toFixed(1)
    const payments = await Promise.all(buyers.map(({ bought }) => payInvoice(network.payer, bought)))
    log(`${WALLETS} payments succeeded within ${seconds()} s`)
    expect(payments.map(({ failureReason }) => failureReason)).toEqual(payments.map(() => 'FAILURE_REASON_NONE'))
    const sales = await Promise.all(buyers.map(({ bought }) => sluiced.waitForSale(bought.scid, 'paid')))
    const txids = sales.map(({ funding_txid = '' }) => funding_txid)
    await Promise.all(txids.map((txid) => network.waitInMempool(txid)))
    log(`${WALLETS} fundings were published within ${seconds()} s`)

    // One channel each, one transaction each, one ready coin each.
    for (const [index, { wallet, bought }] of buyers.entries()) {
      const points = (await channelsTo(network.lsp, wallet.nodeId)).map(({ channel_point }) => channel_point)
      expect(points).toEqual([sales[index]?.funding_outpoint])
      const { amount, fee, paymentHash } = bought
      expect(await wallet.waitForPayment(paymentHash)).toMatchObject({ amount: amount - fee, skimmed: fee })
      await waitFor(() => wallet.owned() === amount - fee, { deadline: STEP_MS, what: 'the wallet to own its money' })
    }
    expect([...(await network.btcd.mempool())].sort()).toEqual([...new Set(txids)].sort())
    expect(new Set(txids).size).toBe(WALLETS)
    const fundings = await Promise.all(txids.map((txid) => network.btcd.transaction(txid)))
    const coins = fundings.flatMap((tx) => tx?.vin ?? [])
    expect(new Set(coins.map(({ txid, vout }) => `${txid}:${vout}`)).size).toBe(WALLETS)
    expect(new Set(coins.map(({ txid }) => txid)).size).toBe(1)
    expect(coins).toHaveLength(WALLETS)

    // The pool is filled again, by one transaction with a coin that none of the sales took.
    await confirmFundings(network, sluiced)
    await expectPoolFilled()
    await waitNoLease(network.lsp)
    await sluiced.waitIdle()
    expect(await sluiced.status()).toMatchObject({ warnings: [] })
    const total = buyers.reduce((sum, { bought }) => sum + bought.fee, 0n)
    expect((await sluiced.status()).earned_msat).toBe(`${total}`)
    const chanIds = sales.map(({ chan_id = '' }) => chan_id)
    const written = await waitKept(network, chanIds, WALLETS)
    await sluiced.stop()
    expect(keptOf(await readJournal(sluiced))).toEqual(written)
  })
})
