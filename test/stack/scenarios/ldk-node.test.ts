import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Msat, msat, Ppm } from '../../../lsps/base/amount.ts'
import { computeOpeningFee } from '../../../lsps/lsps2/fee.ts'
import { ensureLdkNode } from '../ldk-node-build.ts'
import { LdkNodeWallet } from '../ldk-node-wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { payInvoice, resetMissionControl, waitForwardedOver } from '../payments.ts'
import { PeerMessages } from '../peer-messages.ts'
import { OFFER, Sluiced } from '../sluiced.ts'
import { channelsTo } from '../sold.ts'
import { waitFor } from '../wait.ts'

const AMOUNT = 100_000_000n
const FEE = computeOpeningFee(
  { min_fee_msat: Msat.parse(OFFER.min_fee_msat), proportional: Ppm.parse(OFFER.proportional) },
  msat(AMOUNT),
)
const LATER_AMOUNT = 5_000_000n
const MSAT_PER_SAT = 1000n
const STEP_MS = 60_000
const log = (line: string) => process.stderr.write(`${line}\n`)

const program = await ensureLdkNode({ log })
if (program === undefined) log('skipped: cargo is not installed, so the unmodified ldk-node cannot be built')

describe.skipIf(program === undefined)('ldk-node from crates.io, unmodified', () => {
  let network: Network
  let sluiced: Sluiced
  let heard: PeerMessages
  const wallets: LdkNodeWallet[] = []

  beforeAll(async () => {
    network = await startNetwork({ log })
    // One purchase at a time: a second one is an error with `data`, the one thing that this client cannot read.
    sluiced = new Sluiced(network, { lsps2: { max_live_sales_per_peer: 1 } })
    await sluiced.start()
    heard = new PeerMessages(network.lsp)
  })

  afterAll(async () => {
    for (const wallet of wallets) await wallet.stop()
    heard?.stop()
    await sluiced?.stop()
    await network?.stop()
  })

  async function newWallet(name: string, trustsLsp = true): Promise<LdkNodeWallet> {
    const wallet = await LdkNodeWallet.start({ program: program ?? '', network, name, trustsLsp })
    wallets.push(wallet)
    await resetMissionControl(network.payer)
    return wallet
  }

  const earned = async () => BigInt((await sluiced.status()).earned_msat)

  /** The newest sale to the wallet. */
  async function saleTo(wallet: LdkNodeWallet) {
    const sale = (await sluiced.sales()).find(({ client }) => client === wallet.nodeId)
    if (sale === undefined) throw new Error(`nothing was sold to ${wallet.nodeId}`)
    return sale
  }

  /** Pays the wallet's JIT invoice and compares what the wallet, lnd and our journal say. */
  async function expectPaid(wallet: LdkNodeWallet, bought: { invoice: string; payment_hash: string }) {
    const before = await earned()
    const payment = await payInvoice(network.payer, { invoice: bought.invoice })
    expect(payment).toMatchObject({ succeeded: true, amount: AMOUNT, fee: 0n })

    const received = await wallet.waitForEvent(
      (event) => event.type === 'payment_received' && event.payment_hash === bought.payment_hash,
      'ldk-node to say that it was paid',
    )
    expect(received).toMatchObject({ amount_msat: `${AMOUNT - FEE}` })
    const sale = await sluiced.waitForSale((await saleTo(wallet)).scid, 'paid')
    expect(sale).toMatchObject({
      fee_msat: `${FEE}`,
      earned_msat: `${FEE}`,
      amount_in_msat: `${AMOUNT}`,
      amount_out_msat: `${AMOUNT - FEE}`,
    })
    expect(await earned()).toBe(before + FEE)
    expect(await waitForwardedOver(network.lsp, sale.chan_id ?? '', 1)).toMatchObject([
      { fee_msat: `${FEE}`, amt_in_msat: `${AMOUNT}`, amt_out_msat: `${AMOUNT - FEE}` },
    ])
    return sale
  }

  it('buys a channel, is paid, and is paid again over it without a fee', async () => {
    const wallet = await newWallet('ldk-node-1')
    const sale = await expectPaid(wallet, await wallet.receiveJit(AMOUNT))

    const [channel, ...more] = await channelsTo(network.lsp, wallet.nodeId)
    expect(more).toEqual([])
    expect(channel?.channel_point).toBe(sale.funding_outpoint)
    await waitFor(async () => (await wallet.channels()).some(({ usable }) => usable), {
      deadline: STEP_MS,
      what: 'the channel of ldk-node to be usable',
    })
    expect(await wallet.channels()).toMatchObject([{ node_id: network.lsp.nodeId, outpoint: sale.funding_outpoint }])
    await network.waitInMempool(sale.funding_txid ?? '')
    await network.mine(3)
    await wallet.sync()

    const later = await wallet.receive(LATER_AMOUNT)
    const payment = await payInvoice(network.payer, { invoice: later.invoice })
    expect(payment).toMatchObject({ succeeded: true, amount: LATER_AMOUNT })
    const received = await wallet.waitForEvent(
      (event) => event.type === 'payment_received' && event.payment_hash === later.payment_hash,
      'ldk-node to be paid over its channel',
    )
    expect(received).toMatchObject({ amount_msat: `${LATER_AMOUNT}` })
    const owned = (AMOUNT - FEE + LATER_AMOUNT) / MSAT_PER_SAT
    await waitFor(async () => (await wallet.balances()).lightning_sat === `${owned}`, {
      deadline: STEP_MS,
      what: `the balance of ldk-node to be ${owned} sat`,
    })
    expect(await earned()).toBe(FEE)
  })

  it('can read our errors: it goes on buying on the same connection', async () => {
    const wallet = await newWallet('ldk-node-2')
    const bought = await wallet.receiveJit(AMOUNT)
    // It says so after 5 s, whatever the answer was.
    await expect(wallet.receiveJit(AMOUNT)).rejects.toThrow(/ldk-node receive_jit/)
    const sales = (await sluiced.sales()).filter(({ client }) => client === wallet.nodeId)
    expect(sales).toHaveLength(1)
    await expectPaid(wallet, bought)

    const next = await wallet.receiveJit(AMOUNT)
    expect(next.payment_hash).not.toBe(bought.payment_hash)
    const texts = heard.textsOf(wallet.nodeId)
    expect(texts.filter((text) => text.includes('-32700'))).toEqual([])
    expect(texts.filter((text) => text.includes('"lsps2.buy"'))).toHaveLength(3)
  })

  it('refuses the channel when it trusts nobody and has no coins: unknown_next_peer, and nothing is left', async () => {
    const wallet = await newWallet('ldk-node-3', false)
    const before = await earned()
    const bought = await wallet.receiveJit(AMOUNT)
    const payment = await payInvoice(network.payer, { invoice: bought.invoice })
    expect(payment.succeeded).toBe(false)
    expect(payment.attempts.at(-1)?.failure).toMatchObject({ code: 'UNKNOWN_NEXT_PEER', failure_source_index: 1 })
    await sluiced.waitForSale((await saleTo(wallet)).scid, 'abandoned')
    expect(await channelsTo(network.lsp, wallet.nodeId)).toEqual([])
    expect(await earned()).toBe(before)
  })
})
