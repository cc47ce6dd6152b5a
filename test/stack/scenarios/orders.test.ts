import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import type { OrderResult } from '../../../lsps/lsps1/schema.ts'
import { FINAL_CONFIRMATIONS } from '../../../src/funding/follow.ts'
import { lndInvoice, mempoolWhenSettled } from '../order-books.ts'
import { OrderScene, refusedForGood } from '../order-scene.ts'
import { invoiceOf, type OrderingWallet, openChannelsTo, outpointsTo, payOrder } from '../ordering.ts'
import { decodeInvoice } from '../payments.ts'
import { leases } from '../sold.ts'
import { waitFor } from '../wait.ts'

const STEP_MS = 30_000
const MSAT_PER_SAT = 1000n

describe('channels ordered by LSPS1 on the real stack', () => {
  let scene: OrderScene

  beforeAll(async () => {
    scene = await OrderScene.begin()
  })

  afterEach(() => scene?.closeWallets())

  afterAll(() => scene?.end())

  async function waitHeld(wallet: OrderingWallet, { order_id: id }: OrderResult): Promise<OrderResult> {
    return wallet.waitFor(id, ({ payment }) => payment.bolt11?.state === 'HOLD', 'to be held')
  }

  it('[L1-67] [L1-70] [L1-90] [L1-93] are paid by hold invoice, taken once the funding is published, and usable at once; the typed client tells each state to the end', async () => {
    const { network, sluiced } = scene
    const wallet = await scene.newWallet()
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
    const atSettlement = mempoolWhenSettled(network, order)
    const paid = await payOrder(network, order)
    expect(paid).toMatchObject({ succeeded: true, amount: (price?.order_total_sat ?? 0n) * MSAT_PER_SAT })
    await watching
    expect(told[0]).toBe('CREATED EXPECT_PAYMENT')
    expect(told.at(-1)).toBe('COMPLETED PAID')

    const done = await wallet.waitCompleted(order.order_id)
    const outpoint = await scene.expectOneChannel(wallet, done)
    expect(await atSettlement).toContain(outpoint.split(':')[0])
    await scene.waitUsable(wallet)
    expect(wallet.wallet.owned()).toBe(200_000n * MSAT_PER_SAT)
    const [channel] = await openChannelsTo(network.lsp, wallet.wallet.nodeId)
    expect(channel).toMatchObject({ capacity: '1200000', private: true, zero_conf: true, push_amount_sat: '200000' })

    const record = await sluiced.waitForOrder(order.order_id, ({ booked }) => booked === true, 'to be in the journal')
    expect(record.steps.map(({ what }) => what)).toEqual([
      'ordered',
      'payment held',
      'funding published, order completed',
      'payment taken',
    ])
    expect(await lndInvoice(network, order)).toMatchObject({ state: 'SETTLED', amt_paid_msat: num_msat })
    await scene.mine(FINAL_CONFIRMATIONS)
    const promise = await scene.waitPromise(outpoint, ({ from_height }) => from_height !== undefined, 'to be counted')
    expect(promise).toMatchObject({
      state: 'kept',
      client: wallet.wallet.nodeId,
      sold_by: { type: 'order', id: order.order_id },
      blocks: 4320,
      until_height: (promise.from_height ?? 0) + 4320,
      not_before: record.channel?.expires_at,
    })
    const funded = (await network.btcd.height()) - FINAL_CONFIRMATIONS + 1
    expect(promise.from_height).toBeGreaterThanOrEqual(funded)
    expect(promise.from_height).toBeLessThanOrEqual(funded + 1)
  })

  it('[L1-91] [L1-92] are announced and ordinary when that was ordered, and usable after the blocks that were asked for', async () => {
    const { network } = scene
    const wallet = await scene.newWallet({ trustsZeroConf: false })
    const { order } = await wallet.order({ required_channel_confirmations: 3, announce_channel: true })
    const paid = payOrder(network, order)
    const done = await wallet.waitCompleted(order.order_id)
    expect(await paid).toMatchObject({ succeeded: true })
    await scene.expectOneChannel(wallet, done)
    expect(wallet.wallet.channels().some(({ usable }) => usable)).toBe(false)
    await network.mine(6)
    await scene.waitUsable(wallet)
    const [channel] = await openChannelsTo(network.lsp, wallet.wallet.nodeId)
    expect(channel).toMatchObject({ capacity: '1000000', private: false, zero_conf: false })
  })

  it('[L1-67] [L1-90] wait, held, for a wallet that is away, whoever is killed meanwhile: one channel, one payment', async () => {
    const { network, sluiced } = scene
    const wallet = await scene.newWallet()
    const { order } = await wallet.order()
    wallet.wallet.disconnect()
    const paid = payOrder(network, order)
    const watcher = await scene.newWallet() // another wallet: it is not told, the order is not its own
    await expect(watcher.read(order.order_id)).rejects.toThrow()
    await waitFor(async () => (await lndInvoice(network, order)).state === 'ACCEPTED', {
      deadline: STEP_MS,
      what: 'the LSP to hold the payment',
    })
    await sluiced.kill()
    await sluiced.start()
    expect(await network.btcd.mempool()).toEqual([])
    expect(await lndInvoice(network, order)).toMatchObject({ state: 'ACCEPTED' })
    await wallet.wallet.reconnect()
    const done = await wallet.waitCompleted(order.order_id)
    expect(await paid).toMatchObject({ succeeded: true })
    await scene.expectOneChannel(wallet, done)
    await network.mine(3)
  })

  it('[L1-69] [L1-93] fail when the wallet refuses every channel, and the payment goes back', async () => {
    const { network, sluiced } = scene
    const wallet = await scene.newWallet({ refusesChannels: true })
    const locked = (await leases(network.lsp)).length
    const { order } = await wallet.order()
    const paid = payOrder(network, order)
    expect(await waitHeld(wallet, order)).toMatchObject({ order_state: 'CREATED', channel: null })
    await refusedForGood(sluiced, order.order_id)
    const over = await wallet.read(order.order_id)
    expect(over).toMatchObject({ order_state: 'FAILED', payment: { bolt11: { state: 'REFUNDED' } }, channel: null })
    expect(over.message).toContain('the client refused the channel')
    const back = await paid
    expect(back).toMatchObject({ succeeded: false })
    expect(back.attempts.map(({ status }) => status)).toEqual(['FAILED'])
    expect(await lndInvoice(network, order)).toMatchObject({ state: 'CANCELED' })
    expect(await outpointsTo(network, wallet.wallet.nodeId)).toEqual([])
    await waitFor(async () => (await leases(network.lsp)).length <= locked, {
      deadline: STEP_MS,
      what: 'no coin to stay locked for it',
    })
  })

  it('leave in the journal what lnd and the chain say, to the satoshi', async () => {
    const entries = await scene.expectBooks()
    expect(entries.map(({ type }) => type)).toEqual(['order-fee', 'order-fee', 'order-fee'])
  })
})
