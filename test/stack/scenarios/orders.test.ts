import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { formatOutpoint } from '../../../lsps/base/outpoint.ts'
import type { OrderResult } from '../../../lsps/lsps1/schema.ts'
import { type Network, startNetwork } from '../network.ts'
import { invoiceOf, OrderingWallet, openChannelsTo, outpointsTo, payOrder } from '../ordering.ts'
import { decodeInvoice } from '../payments.ts'
import { Sluiced } from '../sluiced.ts'
import { leases } from '../sold.ts'
import { waitFor } from '../wait.ts'

const STEP_MS = 30_000
/** Three refusals, with pauses of half a minute and of a minute between them. */
const REFUSED_MS = 150_000
const MSAT_PER_SAT = 1000n

describe('channels ordered by LSPS1 on the real stack', () => {
  let network: Network
  let sluiced: Sluiced
  let wallets: OrderingWallet[] = []

  beforeAll(async () => {
    network = await startNetwork({ log: (line) => process.stderr.write(`${line}\n`) })
    sluiced = new Sluiced(network, { config: { orders: { enabled: true, max_initial_client_balance_sat: '500000' } } })
    await sluiced.start()
  })

  afterEach(() => {
    for (const wallet of wallets) wallet.close()
    wallets = []
  })

  afterAll(async () => {
    await sluiced?.stop()
    await network?.stop()
  })

  async function newWallet(options?: Parameters<typeof OrderingWallet.connect>[1]): Promise<OrderingWallet> {
    const wallet = await OrderingWallet.connect(network, options)
    wallets.push(wallet)
    return wallet
  }

  /** The LSP has one channel with the wallet, the one of the order, and nothing is left of how it was made. */
  async function expectOneChannel(wallet: OrderingWallet, { channel }: OrderResult): Promise<void> {
    if (channel === null) throw new Error('the order has no channel')
    const { funding_outpoint: outpoint } = channel
    expect(await outpointsTo(network, wallet.wallet.nodeId)).toEqual([formatOutpoint(outpoint)])
    await network.waitInMempool(outpoint.txid)
  }

  async function waitUsable(wallet: OrderingWallet): Promise<void> {
    await waitFor(() => wallet.wallet.channels().some(({ usable }) => usable), {
      deadline: STEP_MS,
      what: 'the ordered channel to be usable',
    })
  }

  async function waitHeld(wallet: OrderingWallet, { order_id: id }: OrderResult): Promise<OrderResult> {
    return wallet.waitFor(id, ({ payment }) => payment.bolt11?.state === 'HOLD', 'to be held')
  }

  it('[L1-67] [L1-90] [L1-93] are paid by hold invoice and usable at once; the typed client tells each state to the end', async () => {
    const wallet = await newWallet()
    const { order, options } = await wallet.order({ client_balance_sat: sat(200_000n) })
    expect(options).toMatchObject([{ method: 'bolt11' }])
    const price = order.payment.bolt11
    const { num_msat } = await decodeInvoice(network.payer, invoiceOf(order))
    expect(BigInt(num_msat)).toBe((price?.order_total_sat ?? 0n) * MSAT_PER_SAT)
    expect(price?.order_total_sat).toBe((price?.fee_total_sat ?? 0n) + 200_000n)

    const told: string[] = []
    const watching = (async () => {
      const updates = wallet.orders
        .order(order.order_id)
        .updates({ signal: new AbortController().signal, everyMs: 1000 })
      for await (const { order_state, payment } of updates) told.push(`${order_state} ${payment.bolt11?.state}`)
    })()
    const paid = await payOrder(network, order)
    expect(paid).toMatchObject({ succeeded: true, amount: (price?.order_total_sat ?? 0n) * MSAT_PER_SAT })
    await watching
    expect(told[0]).toBe('CREATED EXPECT_PAYMENT')
    expect(told.at(-1)).toBe('COMPLETED PAID')

    const done = await wallet.waitCompleted(order.order_id)
    await expectOneChannel(wallet, done)
    await waitUsable(wallet)
    const [channel] = await openChannelsTo(network.lsp, wallet.wallet.nodeId)
    expect(channel).toMatchObject({ capacity: '1200000', private: true, zero_conf: true, push_amount_sat: '200000' })
    await network.mine(3)
  })

  it('[L1-91] [L1-92] are announced and ordinary when that was ordered, and usable after the blocks that were asked for', async () => {
    const wallet = await newWallet({ trustsZeroConf: false })
    const { order } = await wallet.order({ required_channel_confirmations: 3, announce_channel: true })
    const paid = payOrder(network, order)
    const done = await wallet.waitCompleted(order.order_id)
    expect(await paid).toMatchObject({ succeeded: true })
    await expectOneChannel(wallet, done)
    expect(wallet.wallet.channels().some(({ usable }) => usable)).toBe(false)
    await network.mine(6)
    await waitUsable(wallet)
    const [channel] = await openChannelsTo(network.lsp, wallet.wallet.nodeId)
    expect(channel).toMatchObject({ capacity: '1000000', private: false, zero_conf: false })
  })

  it('[L1-67] [L1-90] wait, held, for a wallet that is away, whoever is killed meanwhile: one channel, one payment', async () => {
    const wallet = await newWallet()
    const { order } = await wallet.order()
    wallet.wallet.disconnect()
    const paid = payOrder(network, order)
    const watcher = await newWallet() // another wallet: it is not told, the order is not its own
    await expect(watcher.read(order.order_id)).rejects.toThrow()
    await waitFor(
      async () => {
        const { payment_hash } = await decodeInvoice(network.payer, invoiceOf(order))
        const { htlcs } = await network.lsp.call<{ htlcs: { state: string }[] }>('default', 'lookupInvoice', {
          r_hash_str: payment_hash,
        })
        return htlcs.some(({ state }) => state === 'ACCEPTED')
      },
      { deadline: STEP_MS, what: 'the LSP to hold the payment' },
    )
    await sluiced.kill()
    await sluiced.start()
    await wallet.wallet.reconnect()
    const done = await wallet.waitCompleted(order.order_id)
    expect(await paid).toMatchObject({ succeeded: true })
    await expectOneChannel(wallet, done)
    await network.mine(3)
  })

  it('[L1-69] [L1-93] fail when the wallet refuses every channel, and the payment goes back', async () => {
    const wallet = await newWallet({ refusesChannels: true })
    const locked = (await leases(network.lsp)).length
    const { order } = await wallet.order()
    const paid = payOrder(network, order)
    expect(await waitHeld(wallet, order)).toMatchObject({ order_state: 'CREATED', channel: null })
    const over = await wallet.waitFor(
      order.order_id,
      ({ order_state }) => order_state === 'FAILED',
      'to fail: the wallet refuses every channel',
      REFUSED_MS,
    )
    expect(over).toMatchObject({ payment: { bolt11: { state: 'REFUNDED' } }, channel: null })
    expect(await paid).toMatchObject({ succeeded: false })
    expect(await outpointsTo(network, wallet.wallet.nodeId)).toEqual([])
    await waitFor(async () => (await leases(network.lsp)).length <= locked, {
      deadline: STEP_MS,
      what: 'no coin to stay locked for it',
    })
  })
})
