import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BareSeller, bareSale } from './bare-sale.ts'
import { Wallet } from './ldk/wallet.ts'
import { type Network, startNetwork } from './network.ts'
import { addInvoice, decodeInvoice, forwardingHistory, payInvoice, waitForwarded } from './payments.ts'
import { waitFor } from './wait.ts'

const PAYMENT = 100_000_000n
const FEE = 2_500_123n
const CAPACITY = 500_000n

describe('the real stack', () => {
  let network: Network
  const wallets: Wallet[] = []

  beforeAll(async () => {
    network = await startNetwork({ foreign: 1, log: (line) => process.stderr.write(`${line}\n`) })
  })

  afterAll(async () => {
    for (const wallet of wallets) wallet.close()
    await network?.stop()
  })

  async function newWallet(): Promise<Wallet> {
    const wallet = await Wallet.create({ btcd: network.btcd })
    wallets.push(wallet)
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return wallet
  }

  it('sells a wallet without a channel one by hand, and the amounts agree to the millisatoshi', async () => {
    const wallet = await newWallet()
    const seller = await BareSeller.attach(network.lsp)
    try {
      const forwards = (await forwardingHistory(network.lsp)).length
      const sale = await bareSale({ network, seller, wallet, amountMsat: PAYMENT, feeMsat: FEE, capacitySat: CAPACITY })

      expect(sale.payment).toMatchObject({ succeeded: true, amount: PAYMENT, fee: 0n })
      expect([...wallet.received.values()]).toMatchObject([{ amount: PAYMENT - FEE, skimmed: FEE, state: 'claimed' }])
      expect(wallet.owned()).toBe(PAYMENT - FEE)
      expect(await network.btcd.mempool()).toContain(sale.fundingTxid)
      const events = await waitForwarded(network.lsp, forwards + 1)
      expect(events.at(-1)).toMatchObject({ fee_msat: String(FEE), amt_in_msat: String(PAYMENT) })

      await network.mine(3)
      await wallet.waitSynced()
      const second = wallet.createInvoice({ amountMsat: 5_000_000n })
      expect((await decodeInvoice(network.payer, second.invoice)).route_hints).toHaveLength(1)
      expect(await payInvoice(network.payer, { invoice: second.invoice })).toMatchObject({ succeeded: true })
      await wallet.waitForPayment(second.paymentHash)
      await waitFor(() => wallet.owned() === PAYMENT - FEE + 5_000_000n, {
        deadline: 60_000,
        what: 'the second payment to arrive without a fee',
      })

      const foreign = await addInvoice(network.foreign, { amountMsat: 1_000_000n })
      expect(await wallet.pay(foreign.invoice)).toMatchObject({ fee: expect.any(BigInt) })
    } finally {
      seller.detach()
    }
  })
})
