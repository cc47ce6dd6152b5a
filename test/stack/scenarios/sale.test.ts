import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { addInvoice, payInvoice, waitForwardedOver } from '../payments.ts'
import { purchase } from '../purchase.ts'
import { payOverRoute } from '../routes.ts'
import { Sluiced } from '../sluiced.ts'
import { channelsTo } from '../sold.ts'
import { Story } from '../story.ts'
import { waitFor } from '../wait.ts'

const LATER = 5_000_000n
const TIP = 4_321n
const STEP_MS = 60_000
const utf8 = new TextDecoder()

type Answer = {
  readonly id: string
  readonly result: { readonly opening_fee_params_menu?: readonly object[]; readonly jit_channel_scid?: string }
}

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

  const earned = async () => BigInt((await sluiced.status()).earned_msat)

  it('pays a wallet without a channel, and three books agree to the millisatoshi', async () => {
    const wallet = await newWallet()
    const bought = await purchase(wallet, network)
    const payment = await payInvoice(network.payer, { invoice: bought.invoice })
    expect(payment).toMatchObject({ succeeded: true, amount: bought.amount })

    const received = await wallet.waitForPayment(bought.paymentHash)
    expect(received).toMatchObject({ amount: bought.amount - bought.fee, skimmed: bought.fee })
    const sale = await sluiced.waitForSale(bought.scid, 'paid')
    expect(sale).toMatchObject({ earned_msat: `${bought.fee}`, fee_msat: `${bought.fee}` })
    await network.waitInMempool(sale.funding_txid ?? '')
    expect(await waitForwardedOver(network.lsp, sale.chan_id ?? '', 1)).toMatchObject([{ fee_msat: `${bought.fee}` }])
    expect((await sluiced.status()).earned_msat).toBe(`${bought.fee}`)
    await waitFor(() => wallet.owned() === bought.amount - bought.fee, {
      deadline: STEP_MS,
      what: 'the wallet to own what it was paid',
    })

    await network.mine(3)
    await wallet.waitSynced()
    const second = wallet.createInvoice({ amountMsat: LATER })
    expect(await payInvoice(network.payer, { invoice: second.invoice })).toMatchObject({ succeeded: true })
    await waitFor(() => wallet.owned() === bought.amount - bought.fee + LATER, {
      deadline: STEP_MS,
      what: 'the second payment to arrive without a fee',
    })
  })

  it('[L2-71] forwards later payments to the sold scid without a fee', async () => {
    const wallet = await newWallet()
    const before = await earned()
    const bought = await purchase(wallet, network)
    expect(await payInvoice(network.payer, { invoice: bought.invoice })).toMatchObject({ succeeded: true })
    await sluiced.waitForSale(bought.scid, 'paid')
    const later = wallet.createInvoice({ amountMsat: LATER, hint: bought.hint })
    expect(await payInvoice(network.payer, { invoice: later.invoice })).toMatchObject({
      succeeded: true,
      amount: LATER,
    })
    expect(await wallet.waitForPayment(later.paymentHash)).toMatchObject({ amount: LATER, skimmed: 0n })
    expect(await earned()).toBe(before + bought.fee)
    expect(await channelsTo(network.lsp, wallet.nodeId)).toHaveLength(1)
  })

  it('books what a payer leaves beyond the price, to the millisatoshi of lnd', async () => {
    const story = await Story.begin(network, sluiced)
    const { amount, fee } = story.bought
    const attempt = await payOverRoute({ ...story, amountIn: amount + TIP })
    expect(attempt).toMatchObject({ status: 'SUCCEEDED' })
    const sale = await story.waitForState('paid')
    expect(sale).toMatchObject({ fee_msat: `${fee}`, earned_msat: `${fee + TIP}`, amount_in_msat: `${amount + TIP}` })
    await story.expectEarned(fee + TIP)
    await story.waitForOwned()
    story.wallet.close()
    expect(await waitForwardedOver(network.lsp, sale.chan_id ?? '', 1)).toMatchObject([
      { fee_msat: `${fee + TIP}`, amt_out_msat: `${amount - fee}` },
    ])
  })

  it('sells to eight wallets that are paid at the same time, each from coins of its own', async () => {
    const before = await earned()
    const wallets = await Promise.all(Array.from({ length: 8 }, newWallet))
    const sales = await Promise.all(
      wallets.map(async (wallet) => {
        const bought = await purchase(wallet, network)
        const payment = await payInvoice(network.payer, { invoice: bought.invoice })
        expect(payment).toMatchObject({ succeeded: true, amount: bought.amount })
        await wallet.waitForPayment(bought.paymentHash)
        await waitFor(() => wallet.owned() === bought.amount - bought.fee, {
          deadline: STEP_MS,
          what: 'the wallet to own what it was paid',
        })
        const sale = await sluiced.waitForSale(bought.scid, 'paid')
        expect((await channelsTo(network.lsp, wallet.nodeId)).map(({ channel_point }) => channel_point)).toEqual([
          sale.funding_outpoint,
        ])
        return sale
      }),
    )
    expect(await earned()).toBe(before + sales.reduce((sum, { fee_msat }) => sum + BigInt(fee_msat ?? 0), 0n))
    expect(new Set(sales.map(({ funding_txid }) => funding_txid)).size).toBe(wallets.length)
    for (const { funding_txid } of sales) await network.waitInMempool(funding_txid ?? '')
  })

  it('[L0-44] answers requests that come at once, and the same bytes again with the same scid', async () => {
    const wallet = await newWallet()
    const answers = new Map<string, Answer[]>()
    const { send, onMessage } = wallet.transport(network.lsp.nodeId)
    onMessage((payload) => {
      const answer = JSON.parse(utf8.decode(payload)) as Answer
      answers.set(answer.id, [...(answers.get(answer.id) ?? []), answer])
    })
    const request = (id: string, method: string, params: object) =>
      Uint8Array.from(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })))
    const answersTo = (id: string, count: number) =>
      waitFor(() => (answers.get(id)?.length === count ? answers.get(id) : undefined), {
        deadline: STEP_MS,
        what: `${count} answers to ${id}`,
      })

    await send(request('menu', 'lsps2.get_info', {}))
    const [menu] = await answersTo('menu', 1)
    const buy = { opening_fee_params: menu?.result.opening_fee_params_menu?.[0], payment_size_msat: '50000000' }
    const first = request('first', 'lsps2.buy', buy)
    const wire = [request('again', 'lsps2.get_info', {}), first, first, request('second', 'lsps2.buy', buy)]
    await Promise.all(wire.map(send))

    expect((await answersTo('again', 1))[0]?.result.opening_fee_params_menu).toHaveLength(1)
    const [bought, repeated] = (await answersTo('first', 2)).map(({ result }) => result.jit_channel_scid)
    expect(repeated).toBe(bought)
    // The client lost its connection with the answer, and asks again on the next one.
    await wallet.reconnect()
    await send(first)
    expect((await answersTo('first', 3)).map(({ result }) => result.jit_channel_scid)).toEqual([bought, bought, bought])
    const [other] = await answersTo('second', 1)
    expect(other?.result.jit_channel_scid).not.toBe(bought)
    const sold = (await sluiced.sales()).filter(({ client }) => client === wallet.nodeId).map(({ scid }) => scid)
    expect(sold.sort()).toEqual([bought, other?.result.jit_channel_scid].sort())
  })

  it('lets foreign forwards pass untouched', async () => {
    const invoice = await addInvoice(network.foreign, { amountMsat: 1_000_000n })
    expect(await payInvoice(network.payer, { invoice: invoice.invoice })).toMatchObject({ succeeded: true })
  })
})
