import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OnchainAddress } from '../../../lsps/base/address.ts'
import type { Scid } from '../../../lsps/base/scid.ts'
import type { ExtendableChannel, ExtensionResult } from '../../../lsps/lsps7/schema.ts'
import { type LifetimePromise, PromiseList } from '../../../src/admin/schema-promises.ts'
import { FINAL_CONFIRMATIONS } from '../../../src/funding/follow.ts'
import { lndInvoice } from '../order-books.ts'
import { OrderScene } from '../order-scene.ts'
import { deposit, depositOf, type OrderingWallet, payOrder } from '../ordering.ts'
import { payInvoice, resetMissionControl } from '../payments.ts'
import { purchase } from '../purchase.ts'
import { sluice } from '../sluice.ts'
import { newAddress } from '../snapshot.ts'
import { waitFor } from '../wait.ts'

const STEP_MS = 60_000
const BLOCKS = 4320
const MORE = 2016
const MOST_BLOCKS = 10_000
const BLOCK_MS = 600_000

describe('channels that live longer by LSPS7, on the real stack', () => {
  let scene: OrderScene

  beforeAll(async () => {
    scene = await OrderScene.begin({ max_channel_expiry_blocks: MOST_BLOCKS })
  })

  afterEach(() => scene?.closeWallets())

  afterAll(() => scene?.end())

  /**
   * The one channel that the wallet may have for longer, its funding deep in the chain: before, the block from which it
   * is promised may be counted anew.
   */
  async function extendable(wallet: OrderingWallet): Promise<ExtendableChannel> {
    expect(await wallet.extendable()).toEqual([])
    await scene.mine(FINAL_CONFIRMATIONS)
    const [channel, ...others] = await waitFor(
      async () => {
        const channels = await wallet.extendable()
        return channels.length === 0 ? undefined : channels
      },
      { deadline: STEP_MS, what: 'the channel to be listed as extendable' },
    )
    expect(others).toEqual([])
    if (channel === undefined) throw new Error('no channel is listed')
    return channel
  }

  async function extend(
    wallet: OrderingWallet,
    { short_channel_id }: { readonly short_channel_id: Scid },
    { blocks = MORE, refundAddress }: { readonly blocks?: number; readonly refundAddress?: string } = {},
  ): Promise<ExtensionResult> {
    const refund = refundAddress === undefined ? {} : { refund_onchain_address: refundAddress as OnchainAddress }
    const wanted = { short_channel_id, channel_extension_expiry_blocks: blocks, ...refund }
    return (await wallet.extend({ ...wanted, token: undefined })).order
  }

  /** As `sluice promises` tells it. */
  async function promiseOf(outpoint: string): Promise<LifetimePromise> {
    const { code, stdout, stderr } = await sluice(scene.sluiced.configFile, 'promises', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { promises } = PromiseList.parse(JSON.parse(stdout))
    const found = promises.find((promise) => promise.outpoint === outpoint)
    if (found === undefined) throw new Error(`no promise of ${outpoint} is listed`)
    return found
  }

  /** Closed together with the wallet, deep in the chain. */
  async function closeChannel({ wallet }: OrderingWallet, outpoint: string): Promise<void> {
    await wallet.waitSynced()
    wallet.closeChannels('cooperatively')
    const isListed = async () => {
      const { waiting_close_channels: waiting } = await scene.network.lsp.call<{
        waiting_close_channels: { channel: { channel_point: string }; closing_txid: string }[]
      }>('default', 'pendingChannels')
      const [txid] = waiting.flatMap(({ channel, closing_txid }) =>
        channel.channel_point === outpoint ? [closing_txid] : [],
      )
      return txid !== undefined && (await scene.network.btcd.transaction(txid)) !== undefined
    }
    await waitFor(isListed, { deadline: STEP_MS, what: `channel ${outpoint} to be closing` })
  }

  it('[L7-01] [L7-03] [L7-06] [L7-07] ordered ones, paid by hold invoice and then on chain; not once they are closed', async () => {
    const { network, sluiced } = scene
    const wallet = await scene.newWallet()
    const { order } = await wallet.order()
    expect(await payOrder(network, order)).toMatchObject({ succeeded: true })
    const outpoint = await scene.expectOneChannel(wallet, await wallet.waitCompleted(order.order_id))
    await scene.waitUsable(wallet)
    const listed = await extendable(wallet)
    const height = await network.btcd.height()
    const { expiration_block: end } = listed
    expect(end).toBeGreaterThanOrEqual(height - FINAL_CONFIRMATIONS + 1 + BLOCKS)
    expect(end).toBeLessThanOrEqual(height - FINAL_CONFIRMATIONS + 2 + BLOCKS)
    const most = MOST_BLOCKS - (end - height)
    expect(listed).toMatchObject({
      original_order: { id: order.order_id, service: 'LSPS1' },
      max_channel_extension_expiry_blocks: most,
    })

    const first = await extend(wallet, listed)
    expect(first.new_channel_expiry_blocks).toBe(end + MORE)
    expect(first.payment.bolt11?.order_total_sat).toBe(first.payment.bolt11?.fee_total_sat)
    const paid = await payOrder(network, first)
    expect(paid).toMatchObject({ succeeded: true, amount: (first.payment.bolt11?.order_total_sat ?? 0n) * 1000n })
    const done = await wallet.waitExtension(first.order_id)
    expect(done).toMatchObject({ order_state: 'COMPLETED', payment: { bolt11: { state: 'PAID' } } })
    expect(Number(done.channel.expires_at) - Number(first.channel.expires_at)).toBe(MORE * BLOCK_MS)
    expect(await wallet.extendable()).toMatchObject([
      {
        expiration_block: end + MORE,
        extension_order_ids: [first.order_id],
        max_channel_extension_expiry_blocks: most - MORE,
      },
    ])
    expect(await lndInvoice(network, first)).toMatchObject({ state: 'SETTLED' })

    const refundAddress = await newAddress(network.payer)
    const second = await extend(wallet, listed, { blocks: 144, refundAddress })
    expect(second.payment.onchain).toMatchObject({ min_onchain_payment_confirmations: 1 })
    await deposit(network, depositOf(second))
    await scene.waitSeen(second.order_id)
    expect((await promiseOf(outpoint)).blocks).toBe(BLOCKS + MORE)
    await scene.mine()
    expect(await wallet.waitExtension(second.order_id)).toMatchObject({
      order_state: 'COMPLETED',
      payment: { onchain: { state: 'PAID' }, bolt11: { state: 'REFUNDED' } },
    })
    expect(await promiseOf(outpoint)).toMatchObject({
      state: 'kept',
      sold_by: { type: 'order', id: order.order_id },
      blocks: BLOCKS + MORE + 144,
      until_height: end + MORE + 144,
      extensions: [
        { order: first.order_id, blocks: MORE },
        { order: second.order_id, blocks: 144 },
      ],
    })
    expect(await sluiced.showOrder(second.order_id)).toMatchObject({
      purpose: 'extension',
      wanted: { outpoint, new_expiry_height: end + MORE + 144 },
      price: { sat_per_vbyte: 0, open_sat: '0', close_sat: '0', blocks: 144 },
    })

    const third = await extend(wallet, listed)
    await closeChannel(wallet, outpoint)
    expect(await payOrder(network, third)).toMatchObject({ succeeded: false })
    const failed = await wallet.waitExtension(third.order_id)
    expect(failed).toMatchObject({ order_state: 'FAILED', payment: { bolt11: { state: 'REFUNDED' } } })
    expect(failed.message).toContain('is closed or closes')
    expect(await lndInvoice(network, third)).toMatchObject({ state: 'CANCELED' })
    expect(await wallet.extendable()).toEqual([])
    await scene.mine(6)
    await scene.waitPromise(outpoint, ({ state }) => state === 'ended', 'to be over with its channel')
  })

  it('[L7-01] [L7-06] just-in-time ones too; what was paid on chain goes back when the channel is gone by then', async () => {
    const { network, sluiced } = scene
    const wallet = await scene.newWallet()
    const bought = await purchase(wallet.wallet, network)
    await resetMissionControl(network.payer)
    expect(await payInvoice(network.payer, { invoice: bought.invoice })).toMatchObject({ succeeded: true })
    const { funding_outpoint: outpoint = '' } = await sluiced.waitForSale(bought.scid, 'paid')
    await network.waitInMempool(outpoint.split(':')[0] ?? '')
    const listed = await extendable(wallet)
    expect(listed).toMatchObject({ original_order: { id: bought.scid, service: 'LSPS2' } })

    const refundAddress = await newAddress(network.payer)
    const first = await extend(wallet, listed, { refundAddress })
    expect(first.new_channel_expiry_blocks).toBe(listed.expiration_block + MORE)
    expect(await payOrder(network, first)).toMatchObject({ succeeded: true })
    expect(await wallet.waitExtension(first.order_id)).toMatchObject({ order_state: 'COMPLETED' })
    expect(await promiseOf(outpoint)).toMatchObject({
      sold_by: { type: 'jit', id: bought.scid },
      until_height: listed.expiration_block + MORE,
      extensions: [{ order: first.order_id, blocks: MORE }],
    })

    const second = await extend(wallet, listed, { refundAddress })
    await deposit(network, depositOf(second))
    await scene.waitSeen(second.order_id)
    await closeChannel(wallet, outpoint)
    await scene.mine()
    expect(await wallet.waitExtension(second.order_id)).toMatchObject({ order_state: 'FAILED' })
    await scene.expectRefunds(second.order_id, refundAddress, [depositOf(second).amount])
    expect(await payOrder(network, second)).toMatchObject({ succeeded: false })
    await scene.waitPromise(outpoint, ({ state }) => state === 'ended', 'to be over with its channel')
  })

  it('leave in the journal what lnd and the chain say, to the satoshi', async () => {
    const entries = await scene.expectBooks()
    const fees = entries.filter((entry) => entry.type === 'order-fee')
    expect(fees.map(({ purpose, by }) => `${purpose} ${by}`)).toEqual([
      'channel bolt11',
      'extension bolt11',
      'extension onchain',
      'extension bolt11',
    ])
  })
})
