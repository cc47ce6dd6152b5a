import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureLdkNode } from '../ldk-node-build.ts'
import { type LdkNodeOrder, LdkNodeWallet } from '../ldk-node-wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { refusedForGood } from '../order-scene.ts'
import { outpointsTo } from '../ordering.ts'
import { payInvoice, resetMissionControl } from '../payments.ts'
import { PeerMessages } from '../peer-messages.ts'
import { Sluiced } from '../sluiced.ts'
import { waitFor } from '../wait.ts'

const LSP_BALANCE = 1_000_000n
const BLOCKS = 4320
const STEP_MS = 30_000
const TOKEN = 'a token of the tests'
const log = (line: string) => process.stderr.write(`${line}\n`)

const program = await ensureLdkNode({ log })
if (program === undefined) log('skipped: cargo is not installed, so the unmodified ldk-node cannot be built')

describe.skipIf(program === undefined)('ldk-node from crates.io, unmodified, ordering channels by LSPS1', () => {
  let network: Network
  let sluiced: Sluiced
  let heard: PeerMessages
  const wallets: LdkNodeWallet[] = []

  beforeAll(async () => {
    network = await startNetwork({ log })
    const token = {
      name: 'tests',
      token_sha256: createHash('sha256').update(TOKEN).digest('hex'),
      discount_ppm: 500_000,
    }
    sluiced = new Sluiced(network, { config: { orders: { enabled: true, tokens: [token] } } })
    await sluiced.start()
    heard = new PeerMessages(network.lsp)
  })

  afterAll(async () => {
    for (const wallet of wallets) await wallet.stop()
    heard?.stop()
    await sluiced?.stop()
    await network?.stop()
  })

  async function newWallet(
    name: string,
    options: { trustsLsp?: boolean; token?: string } = {},
  ): Promise<LdkNodeWallet> {
    const wallet = await LdkNodeWallet.start({ program: program ?? '', network, name, ...options })
    wallets.push(wallet)
    await resetMissionControl(network.payer)
    return wallet
  }

  const order = (wallet: LdkNodeWallet) => wallet.requestChannel({ lspBalance: LSP_BALANCE, expiryBlocks: BLOCKS })

  function pay({ payment }: LdkNodeOrder) {
    if (payment.bolt11 === null) throw new Error('the order cannot be paid by Lightning')
    return payInvoice(network.payer, { invoice: payment.bolt11.invoice })
  }

  /** Nothing that we said was unreadable to it. */
  function expectUnderstood(wallet: LdkNodeWallet): void {
    expect(heard.textsOf(wallet.nodeId).filter((text) => text.includes('-32700'))).toEqual([])
  }

  it('[L1-42] [L1-67] [L1-74] buys a channel by hold invoice and reads its order to the end, also after a restart of sluiced', async () => {
    const wallet = await newWallet('ldk-node-order')
    const ordered = await order(wallet)
    expect(ordered).toMatchObject({
      order_params: {
        lsp_balance_sat: `${LSP_BALANCE}`,
        client_balance_sat: '0',
        token: null,
        announce_channel: false,
      },
      // Its refund address makes an on-chain option, which counts after a block: it could not read that one (D8).
      payment: { bolt11: { state: 'EXPECT_PAYMENT' }, onchain: null },
      channel: null,
    })

    const paid = await pay(ordered)
    expect(paid).toMatchObject({
      succeeded: true,
      amount: BigInt(ordered.payment.bolt11?.order_total_sat ?? 0) * 1000n,
    })
    const done = await waitFor(
      async () => {
        const now = await wallet.order(ordered.order_id)
        return now.channel !== null && now.payment.bolt11?.state === 'PAID' ? now : undefined
      },
      { deadline: STEP_MS, what: 'ldk-node to read that its order is completed' },
    )
    expect(done.order_params).toEqual(ordered.order_params)
    expect(await outpointsTo(network, wallet.nodeId)).toEqual([done.channel?.funding_outpoint])
    await waitFor(async () => (await wallet.channels()).some(({ usable }) => usable), {
      deadline: STEP_MS,
      what: 'the channel of ldk-node to be usable',
    })
    expect(await wallet.channels()).toMatchObject([{ outpoint: done.channel?.funding_outpoint, sat: `${LSP_BALANCE}` }])

    await sluiced.kill()
    await sluiced.start()
    expect(await wallet.order(ordered.order_id)).toEqual(done)
    expectUnderstood(wallet)
  })

  it('[L1-67] reads EXPECT_PAYMENT while its payment is held, before and after a restart of ours, and REFUNDED once it is back', async () => {
    const wallet = await newWallet('ldk-node-refuses', { trustsLsp: false })
    const ordered = await order(wallet)
    const payment = pay(ordered)
    await waitFor(
      async () => {
        const { htlcs } = await network.lsp.call<{ htlcs: { state: string }[] }>('default', 'lookupInvoice', {
          r_hash_str: (
            await network.payer.call<{ payment_hash: string }>('default', 'decodePayReq', {
              pay_req: ordered.payment.bolt11?.invoice,
            })
          ).payment_hash,
        })
        return htlcs.some(({ state }) => state === 'ACCEPTED')
      },
      { deadline: STEP_MS, what: 'the LSP to hold the payment' },
    )
    expect(await wallet.order(ordered.order_id)).toMatchObject({ payment: { bolt11: { state: 'EXPECT_PAYMENT' } } })
    await sluiced.kill()
    await sluiced.start()
    expect(await wallet.order(ordered.order_id)).toMatchObject({ payment: { bolt11: { state: 'EXPECT_PAYMENT' } } })

    await refusedForGood(sluiced, ordered.order_id)
    const over = await wallet.order(ordered.order_id)
    expect(over).toMatchObject({ payment: { bolt11: { state: 'REFUNDED' } }, channel: null })
    expect(await payment).toMatchObject({ succeeded: false })
    expect(await outpointsTo(network, wallet.nodeId)).toEqual([])
    expectUnderstood(wallet)
  })

  it('[L1-34] [L1-41] is known by its order when it has a token, and reads our errors', async () => {
    const wallet = await newWallet('ldk-node-token', { token: TOKEN })
    const ordered = await order(wallet)
    expect(ordered).toMatchObject({ order_params: { token: TOKEN }, payment: { onchain: null } })
    const stranger = await newWallet('ldk-node-wrong-token', { token: 'another' })
    await expect(order(stranger)).rejects.toThrow(/ldk-node lsps1_request/)
    await expect(stranger.order('no order')).rejects.toThrow(/ldk-node lsps1_status/)
    expectUnderstood(wallet)
    expectUnderstood(stranger)
    // Half the price is the token's: whoever has none pays it all.
    const other = await order(await newWallet('ldk-node-no-token'))
    const price = ({ payment }: LdkNodeOrder) => BigInt(payment.bolt11?.order_total_sat ?? 0)
    expect(price(ordered)).toBeGreaterThan(0n)
    expect(price(ordered) * 2n - price(other)).toBeLessThanOrEqual(1n)
  })
})
