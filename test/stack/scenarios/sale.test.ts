import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { addInvoice, forwardingHistory, payInvoice, waitForwarded } from '../payments.ts'
import { purchase } from '../purchase.ts'
import { Sluiced } from '../sluiced.ts'
import { waitFor } from '../wait.ts'

describe('the first sale', () => {
  let network: Network
  let sluiced: Sluiced
  const wallets: Wallet[] = []

  beforeAll(async () => {
    network = await startNetwork({ foreign: 1, log: (line) => process.stderr.write(`${line}\n`) })
    sluiced = new Sluiced(network)
    await sluiced.start()
  })

  afterAll(async () => {
    for (const wallet of wallets) wallet.close()
    await sluiced?.stop()
    await network?.stop()
  })

  async function newWallet(): Promise<Wallet> {
    const wallet = await Wallet.create({ btcd: network.btcd })
    wallets.push(wallet)
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return wallet
  }

  it('pays a wallet without a channel, and three books agree to the millisatoshi', async () => {
    const wallet = await newWallet()
    const forwards = (await forwardingHistory(network.lsp)).length
    const bought = await purchase(wallet, network)
    const payment = await payInvoice(network.payer, { invoice: bought.invoice })
    expect(payment).toMatchObject({ succeeded: true, amount: bought.amount })

    const received = await wallet.waitForPayment(bought.paymentHash)
    expect(received).toMatchObject({ amount: bought.amount - bought.fee, skimmed: bought.fee })
    const sale = await sluiced.waitForSale(bought.scid, 'paid')
    expect(sale).toMatchObject({ earned_msat: `${bought.fee}`, fee_msat: `${bought.fee}` })
    expect(await network.btcd.mempool()).toContain(sale.funding_txid)
    const rows = await waitForwarded(network.lsp, forwards + 1)
    expect(rows.at(-1)).toMatchObject({ fee_msat: `${bought.fee}` })
    expect((await sluiced.status()).earned_msat).toBe(`${bought.fee}`)
    expect(wallet.owned()).toBe(bought.amount - bought.fee)

    await network.mine(3)
    await wallet.waitSynced()
    const second = wallet.createInvoice({ amountMsat: 5_000_000n })
    expect(await payInvoice(network.payer, { invoice: second.invoice })).toMatchObject({ succeeded: true })
    await waitFor(() => wallet.owned() === bought.amount - bought.fee + 5_000_000n, {
      deadline: 10_000,
      what: 'the second payment to arrive without a fee',
    })
  })

  it('lets foreign forwards pass untouched', async () => {
    const invoice = await addInvoice(network.foreign, { amountMsat: 1_000_000n })
    expect(await payInvoice(network.payer, { invoice: invoice.invoice })).toMatchObject({ succeeded: true })
  })
})
