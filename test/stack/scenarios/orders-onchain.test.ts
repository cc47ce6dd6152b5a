import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OnchainAddress } from '../../../lsps/base/address.ts'
import { sat } from '../../../lsps/base/amount.ts'
import type { OrderResult } from '../../../lsps/lsps1/schema.ts'
import { OrderList, OrderOutcome, OrderRecord } from '../../../src/admin/schema-orders.ts'
import { clockAhead } from '../clock.ts'
import { Deposits } from '../deposits.ts'
import { lndInvoice } from '../order-books.ts'
import { OrderScene, refusedForGood } from '../order-scene.ts'
import {
  deposit,
  depositOf,
  type OrderingWallet,
  type OrderOptions,
  openChannelsTo,
  outpointsTo,
  payOrder,
} from '../ordering.ts'
import { type CliResult, sluice } from '../sluice.ts'
import { newAddress } from '../snapshot.ts'

const LSP_BALANCE = 1_000_000n
const CLIENT_BALANCE = 200_000n
const BLOCKS = 4320
const BLOCKS_PER_YEAR = 52_560n
const MILLION = 1_000_000n
const EXPIRY_MS = 600_000
/** More than any order of these tests costs. */
const RISK = 100_000n

type Ordered = { readonly wallet: OrderingWallet; readonly order: OrderResult; readonly refundAddress: string }

describe('channels ordered by LSPS1 and paid on chain, on the real stack', () => {
  let scene: OrderScene

  beforeAll(async () => {
    scene = await OrderScene.begin({
      expiry_seconds: EXPIRY_MS / 1000,
      onchain: {
        confirmations: 1,
        zero_conf_payments: {
          accept_double_spends_up_to_sat: String(RISK),
          accept_double_spends_in_all_sat: String(10n * RISK),
        },
      },
    })
  })

  afterEach(() => scene?.closeWallets())

  afterAll(() => scene?.end())

  /** With a balance for the client a payment counts after a block; without one at once (config). */
  async function order(
    options: OrderOptions = {},
    walletOptions?: Parameters<OrderScene['newWallet']>[0],
  ): Promise<Ordered> {
    const wallet = await scene.newWallet(walletOptions)
    const refundAddress = await newAddress(scene.network.payer)
    const { order } = await wallet.order({ refund_onchain_address: refundAddress as OnchainAddress, ...options })
    return { wallet, order, refundAddress }
  }

  const pushed = (): Partial<OrderOptions> => ({ client_balance_sat: sat(CLIENT_BALANCE) })

  /** Pays so much more, or less, than what was asked. */
  function pay(order: OrderResult, beside = 0n): Promise<string> {
    const { address, amount } = depositOf(order)
    return deposit(scene.network, { address, amount: amount + beside })
  }

  async function waitFailed({ wallet, order }: Ordered): Promise<OrderResult> {
    return wallet.waitFor(order.order_id, ({ order_state }) => order_state === 'FAILED', 'to fail')
  }

  async function expectNoChannel({ wallet }: Ordered): Promise<void> {
    expect(await outpointsTo(scene.network, wallet.wallet.nodeId)).toEqual([])
  }

  function expectGood({ code, stdout, stderr }: CliResult): string {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }

  const cli = (...args: readonly string[]) => sluice(scene.sluiced.configFile, 'orders', ...args)

  it('[L1-71] [L1-74] [L1-75] [L1-76] are opened a block after the payment, with the balance that was paid for; the invoice is given up', async () => {
    const { network, sluiced } = scene
    const ordered = await order(pushed())
    const { wallet, order: made, refundAddress } = ordered
    expect(made.payment.onchain).toMatchObject({
      state: 'EXPECT_PAYMENT',
      min_onchain_payment_confirmations: 1,
      refund_onchain_address: refundAddress,
    })
    expect(made.payment.onchain?.min_fee_for_0conf ?? null).toBeNull()
    expect(made.payment.onchain?.order_total_sat).toBe((made.payment.onchain?.fee_total_sat ?? 0n) + CLIENT_BALANCE)
    const txid = await pay(made)
    await scene.waitSeen(made.order_id)
    expect(await wallet.read(made.order_id)).toMatchObject({
      order_state: 'CREATED',
      payment: { onchain: { state: 'EXPECT_PAYMENT' } },
      channel: null,
    })
    expect(await network.btcd.mempool()).toEqual([txid])

    await network.mine(1)
    const done = await wallet.waitCompleted(made.order_id)
    expect(done).toMatchObject({ payment: { onchain: { state: 'PAID' }, bolt11: { state: 'REFUNDED' } } })
    const outpoint = await scene.expectOneChannel(wallet, done)
    await scene.waitUsable(wallet)
    expect(wallet.wallet.owned()).toBe(CLIENT_BALANCE * 1000n)
    const [channel] = await openChannelsTo(network.lsp, wallet.wallet.nodeId)
    expect(channel).toMatchObject({ capacity: String(LSP_BALANCE + CLIENT_BALANCE), zero_conf: true })
    const record = await sluiced.waitForOrder(made.order_id, ({ booked }) => booked === true, 'to be in the journal')
    expect(record).toMatchObject({ paid_by: 'onchain', outpoint, bolt11: { invoice_state: 'cancelled' } })
    expect(await lndInvoice(network, made)).toMatchObject({ state: 'CANCELED' })
    expect(await payOrder(network, made)).toMatchObject({ succeeded: false })
  })

  it('[L1-75] are opened at once for a payment that cannot be replaced; one that can waits for its block', async () => {
    const { network, sluiced } = scene
    const sure = await order()
    const unsure = await order()
    for (const { order: made } of [sure, unsure]) {
      expect(made.payment.onchain).toMatchObject({ min_onchain_payment_confirmations: 0 })
      expect(made.payment.onchain?.min_fee_for_0conf).toBeGreaterThan(0)
    }
    const height = await network.btcd.height()
    await new Deposits(network).pay(depositOf(unsure.order))
    await scene.waitSeen(unsure.order.order_id)
    await pay(sure.order)
    const done = await sure.wallet.waitCompleted(sure.order.order_id)
    expect(done).toMatchObject({ payment: { onchain: { state: 'PAID' } } })
    await scene.expectOneChannel(sure.wallet, done)
    await scene.waitUsable(sure.wallet)
    expect(await network.btcd.height()).toBe(height)
    expect(await sluiced.showOrder(sure.order.order_id)).toMatchObject({ booked: false })
    expect(await unsure.wallet.read(unsure.order.order_id)).toMatchObject({
      order_state: 'CREATED',
      payment: { onchain: { state: 'EXPECT_PAYMENT' } },
    })

    await network.mine(1)
    await scene.expectOneChannel(unsure.wallet, await unsure.wallet.waitCompleted(unsure.order.order_id))
    for (const { order: made } of [sure, unsure])
      await sluiced.waitForOrder(made.order_id, ({ booked }) => booked === true, 'to be in the journal')
  })

  it('[L1-77] [L1-78] give back what was paid too much, and a second payment, less what miners take', async () => {
    const ordered = await order()
    const { wallet, order: made, refundAddress } = ordered
    await pay(made, 50_000n)
    await scene.expectOneChannel(wallet, await wallet.waitCompleted(made.order_id))
    await pay(made, 7n)
    await scene.waitSeen(made.order_id, 2)
    const { address, amount } = depositOf(made)
    await deposit(scene.network, { address, amount: 500n })
    await scene.waitSeen(made.order_id, 3)
    await scene.mine()
    const isDust = (record: OrderRecord) =>
      record.onchain?.deposits.some(({ refund }) => refund?.stage === 'dust' && refund.amount_sat === '500') === true
    await scene.sluiced.waitForOrder(made.order_id, isDust, 'to keep what is too little to be sent')
    await scene.expectRefunds(made.order_id, refundAddress, [50_000n, amount + 7n])
    await scene.expectOneChannel(wallet, await wallet.read(made.order_id))
  })

  it('are shown to an operator with the formula of their price, who gives up an unpaid one and gives back a paid one', async () => {
    const unpaid = await order()
    const paid = await order(pushed())
    const id = paid.order.order_id
    const record = OrderRecord.parse(JSON.parse(expectGood(await cli('show', id, '--json'))))
    expectFormula(record, paid.order)
    const text = expectGood(await cli('show', id))
    const { base_sat, capital_sat, open_sat, close_sat, margin_sat, fee_sat, sat_per_vbyte: rate } = record.price
    for (const sats of [base_sat, capital_sat, open_sat, close_sat, margin_sat, fee_sat])
      expect(text).toContain(`  ${thousands(sats)} sat`)
    expect(text).toContain('1,000,000 sat x 4,320 blocks')
    expect(text).toContain(`165 vB x ${rate} sat/vB to open`)

    expect(
      OrderOutcome.parse(JSON.parse(expectGood(await cli('cancel', unpaid.order.order_id, '--json')))),
    ).toMatchObject({
      done: false,
    })
    expect(await unpaid.wallet.read(unpaid.order.order_id)).toMatchObject({ order_state: 'CREATED' })
    expectGood(await cli('cancel', unpaid.order.order_id, '--yes'))
    expect(await waitFailed(unpaid)).toMatchObject({
      message: 'cancelled by the operator',
      payment: { bolt11: { state: 'REFUNDED' } },
    })
    expect(await payOrder(scene.network, unpaid.order)).toMatchObject({ succeeded: false })

    // Its client is away, so no channel is opened when it is paid.
    paid.wallet.wallet.disconnect()
    await scene.waitGone(paid.wallet)
    await pay(paid.order)
    await pay(unpaid.order)
    await scene.mine()
    await scene.sluiced.waitForOrder(id, ({ state }) => state === 'paid', 'to be paid')
    const refused = await cli('cancel', id, '--yes')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('sluice orders refund')
    expect(expectGood(await cli('refund', id))).toContain('nothing was done yet')
    expect(expectGood(await cli('list', '--state', 'paid'))).toContain(id)
    expectGood(await cli('refund', id, '--yes'))
    await paid.wallet.wallet.reconnect()
    expect(await waitFailed(paid)).toMatchObject({ message: 'given back by the operator' })
    await expectNoChannel(paid)
    await scene.expectRefunds(id, paid.refundAddress, [depositOf(paid.order).amount])
    // What comes after the end is sent back as well.
    await scene.expectRefunds(unpaid.order.order_id, unpaid.refundAddress, [depositOf(unpaid.order).amount])
    expect(await paid.wallet.read(id)).toMatchObject({ payment: { onchain: { state: 'REFUNDED' } } })
    const { orders } = OrderList.parse(JSON.parse(expectGood(await cli('list', '--state', 'failed', '--json'))))
    expect(orders.map((one) => one.id).toSorted()).toEqual([id, unpaid.order.order_id].toSorted())
  })

  it('[L1-77] [L1-93] fail when the wallet refuses every channel, and the payment goes back to the refund address', async () => {
    const refusing = await order(pushed(), { refusesChannels: true })
    const id = refusing.order.order_id
    await pay(refusing.order)
    await scene.mine()
    await refusedForGood(scene.sluiced, id)
    const over = await waitFailed(refusing)
    expect(over.channel).toBeNull()
    expect(over.message).toContain('the client refused the channel')
    await expectNoChannel(refusing)
    await scene.expectRefunds(id, refusing.refundAddress, [depositOf(refusing.order).amount])
    expect(await refusing.wallet.read(id)).toMatchObject({ payment: { onchain: { state: 'REFUNDED' } } })
  })

  it('[L1-77] [L1-78] that are paid too little, or too late, fail at their end, and what came goes back', async () => {
    const short = await order()
    const late = await order()
    await pay(short.order, -1n)
    await scene.mine()
    await scene.waitSeen(short.order.order_id)
    expect(await short.wallet.read(short.order.order_id)).toMatchObject({
      order_state: 'CREATED',
      payment: { onchain: { state: 'EXPECT_PAYMENT' } },
    })
    await scene.restart(clockAhead(2 * EXPIRY_MS))
    for (const one of [short, late]) expect(await waitFailed(one)).toMatchObject({ message: 'it was not paid in time' })
    await pay(late.order)
    await scene.waitSeen(late.order.order_id)
    await scene.mine()
    await scene.expectRefunds(short.order.order_id, short.refundAddress, [depositOf(short.order).amount - 1n])
    await scene.expectRefunds(late.order.order_id, late.refundAddress, [depositOf(late.order).amount])
    for (const one of [short, late]) await expectNoChannel(one)
  })

  it('leave in the journal what lnd and the chain say, to the satoshi', async () => {
    const entries = await scene.expectBooks()
    const count = (type: string) => entries.filter((entry) => entry.type === type).length
    expect(['order-fee', 'order-deposit', 'order-refund', 'order-dust'].map(count)).toEqual([4, 11, 7, 1])
  })
})

function thousands(number: string | number): string {
  return Number(number).toLocaleString('en-US')
}

/** By hand, from what was ordered: each share is rounded up. */
function expectFormula({ price }: OrderRecord, { payment }: OrderResult): void {
  const up = (numerator: bigint, denominator: bigint) => (numerator + denominator - 1n) / denominator
  const rate = BigInt(price.sat_per_vbyte)
  const open = BigInt(price.open_vbytes) * rate
  const close = BigInt(price.close_vbytes) * BigInt(price.close_sat_per_vbyte)
  const parts = {
    base_sat: 1000n,
    capital_sat: up(LSP_BALANCE * BigInt(BLOCKS) * 50_000n, BLOCKS_PER_YEAR * MILLION),
    client_sat: 0n,
    open_sat: open,
    close_sat: close,
    margin_sat: up((open + close) * 100_000n, MILLION),
  }
  expect(price).toMatchObject(Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, `${value}`])))
  expect(rate).toBeGreaterThan(0n)
  const fee = Object.values(parts).reduce((sum, part) => sum + part, 0n)
  expect(payment.bolt11?.fee_total_sat).toBe(fee)
  expect(payment.onchain?.fee_total_sat).toBe(fee)
}
