import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BareSeller, bareSale, nextSaleScid } from './bare-sale.ts'
import type { InvoiceOptions } from './ldk/incoming.ts'
import { Wallet, type WalletOptions } from './ldk/wallet.ts'
import { type Network, startNetwork } from './network.ts'
import { payInvoice, resetMissionControl } from './payments.ts'
import { waitFor } from './wait.ts'

const PAYMENT = 50_000_000n
const FEE = 1_000_000n
const CAPACITY = 200_000n

/** What scenarios rely on when they let a wallet misbehave. */
describe('the LDK wallet', () => {
  let network: Network
  let seller: BareSeller
  let wallets: Wallet[] = []

  beforeAll(async () => {
    network = await startNetwork()
  })

  afterAll(() => network?.stop())

  beforeEach(async () => {
    seller = await BareSeller.attach(network.lsp)
    await resetMissionControl(network.payer)
  })

  afterEach(() => {
    for (const wallet of wallets) wallet.close()
    wallets = []
    seller.detach()
  })

  async function newWallet(options: Partial<WalletOptions> = {}): Promise<Wallet> {
    const wallet = await Wallet.create({ btcd: network.btcd, ...options })
    wallets.push(wallet)
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return wallet
  }

  /** The wallet's part of a sale; the seller's and the payer's run beside it. */
  function startSale(wallet: Wallet, options: Partial<InvoiceOptions> = {}) {
    const scid = nextSaleScid()
    const invoice = wallet.createInvoice({
      amountMsat: PAYMENT,
      allowedSkimMsat: FEE,
      hint: { nodeId: network.lsp.nodeId, scid, feeBaseMsat: 0, feePpm: 0, cltvDelta: 144 },
      ...options,
    })
    const sold = seller.sell({ scid, peer: wallet.nodeId, feeMsat: FEE, capacitySat: CAPACITY })
    const paid = payInvoice(network.payer, { invoice: invoice.invoice })
    // A test that awaits only one of them ends the other by taking the network away.
    for (const end of [sold, paid]) end.catch(() => undefined)
    return { ...invoice, sold, paid }
  }

  it('holds a payment until it is told to claim', async () => {
    const wallet = await newWallet()
    const sale = startSale(wallet, { onPayment: 'hold' })
    expect(await wallet.waitForPayment(sale.paymentHash, 'claimable')).toMatchObject({ skimmed: FEE })
    expect(wallet.owned()).toBe(0n)

    wallet.claim(sale.paymentHash)
    expect(await sale.paid).toMatchObject({ succeeded: true, preimage: sale.preimage })
    await sale.sold
    await waitFor(() => wallet.owned() === PAYMENT - FEE, { deadline: 60_000, what: 'the claimed money' })
  })

  it('fails a payment when told to, and one with more kept back than agreed by itself', async () => {
    const wallet = await newWallet()
    const failing = startSale(wallet, { onPayment: 'fail' })
    expect(await failing.paid).toMatchObject({ succeeded: false })
    const other = await newWallet()
    const greedy = startSale(other, { allowedSkimMsat: FEE - 1n })
    expect(await greedy.paid).toMatchObject({ succeeded: false })
    expect(other.received.get(greedy.paymentHash)).toMatchObject({ state: 'failed', skimmed: FEE })
    expect(other.owned()).toBe(0n)
  })

  it('refuses a channel that is not confirmed from an LSP that it does not trust', async () => {
    const wallet = await newWallet({ trustsZeroConf: false })
    const sale = startSale(wallet)
    await expect(sale.sold).rejects.toThrow(/zero confirmation channels/)
    expect(wallet.channels()).toEqual([])
  })

  it('vanishes before it answers a channel open, and can come back', async () => {
    const wallet = await newWallet()
    wallet.vanishAt('open-request')
    const sale = startSale(wallet)
    await expect(sale.sold).rejects.toThrow()
    expect(wallet.connectedTo(network.lsp.nodeId)).toBe(false)

    await wallet.reconnect()
    const second = await bareSale({ network, seller, wallet, amountMsat: PAYMENT, feeMsat: FEE, capacitySat: CAPACITY })
    expect(second.payment.succeeded).toBe(true)
  })

  it('keeps a held payment over a lost connection', async () => {
    const wallet = await newWallet()
    const sale = startSale(wallet, { onPayment: 'hold' })
    await wallet.waitForPayment(sale.paymentHash, 'claimable')
    await wallet.reconnect()
    await wallet.waitForUsableChannel()
    wallet.claim(sale.paymentHash)
    expect(await sale.paid).toMatchObject({ succeeded: true })
    await sale.sold
  })

  it('closes a channel by agreement and by force', async () => {
    for (const how of ['cooperatively', 'by-force'] as const) {
      const wallet = await newWallet()
      await bareSale({ network, seller, wallet, amountMsat: PAYMENT, feeMsat: FEE, capacitySat: CAPACITY })
      await network.mine(3)
      await wallet.waitSynced()
      wallet.closeChannels(how)
      await wallet.waitForEvent((event) => event.type === 'channel-closed', 'the channel to be closed')
      await waitFor(async () => (await network.btcd.mempool()).length > 0, {
        deadline: 60_000,
        what: `the closing transaction (${how}) in the mempool`,
      })
      await network.mine(1)
    }
  })

  it('goes on over a restart of lnd', async () => {
    const wallet = await newWallet()
    const first = await bareSale({ network, seller, wallet, amountMsat: PAYMENT, feeMsat: FEE, capacitySat: CAPACITY })
    expect(first.payment.succeeded).toBe(true)
    await network.waitFeesKept(first.fundingTxid)
    seller.detach()
    await network.lsp.kill()
    await network.lsp.start()
    await network.waitReady()
    seller = await BareSeller.attach(network.lsp)
    await wallet.reconnect()
    await wallet.waitForUsableChannel()
    const { invoice } = wallet.createInvoice({ amountMsat: 1_000_000n })
    await network.waitLspActive(wallet.nodeId)
    expect(await payInvoice(network.payer, { invoice })).toMatchObject({ failureReason: 'FAILURE_REASON_NONE' })
  })
})
