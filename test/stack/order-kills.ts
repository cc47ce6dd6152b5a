import { join } from 'node:path'
import { expect } from 'vitest'
import { formatOutpoint } from '../../lsps/base/outpoint.ts'
import type { OrderResult } from '../../lsps/lsps1/schema.ts'
import type { OrderRecord } from '../../src/admin/schema-orders.ts'
import { clockAhead } from './clock.ts'
import { type AtCall, type CrashPoint, crashAt, wasReached } from './crash-points.ts'
import type { WalletOptions } from './ldk/wallet.ts'
import { type Network, startNetwork } from './network.ts'
import { expectBooksAgree, lndInvoice, paidTo, walletSat } from './order-books.ts'
import { OrderingWallet, openChannelsTo, outpointsTo, type Payable, payOrder } from './ordering.ts'
import type { PaymentResult } from './payments.ts'
import { Sluiced } from './sluiced.ts'
import { confirmFundings, waitNoLease } from './sold.ts'
import { waitFor } from './wait.ts'

const STEP_MS = 60_000
/** Blocks after which nothing of a refund may change any more, and one for what is missed of them. */
const FINAL_BLOCKS = 7
const MSAT_PER_SAT = 1000n
/** Later than any order may be paid, or opened after its payment. */
export const LATE_MS = 7 * 3_600_000

export type Point = CrashPoint | AtCall

/** A moment on the path of an order. */
export type KillMoment = { readonly what: string; readonly point: Point }

/** Right before and right after a record is on disk. */
export function aroundWrite(what: string, table: string, record: string): readonly KillMoment[] {
  return [
    { what: `right before it is on disk that ${what}`, point: { when: 'before', table, record } },
    { what: `right after it is on disk that ${what}`, point: { when: 'after', table, record } },
  ]
}

/** Right before lnd is asked, and when it has answered and sluiced has not read that. */
export function aroundCall(what: string, call: AtCall['call']): readonly KillMoment[] {
  return [
    { what: `right before lnd is asked to ${what}`, point: { when: 'calling', call } },
    { what: `right after lnd was asked to ${what}`, point: { when: 'answered', call } },
  ]
}

type Refund = NonNullable<NonNullable<OrderRecord['onchain']>['deposits'][number]['refund']>
/** What is to arrive where, with what miners take of it, in sat. */
type Back = { readonly to: string; readonly amount: bigint }

type Victim = 'sluiced' | 'lnd' | 'both'

/** Orders on the real stack whose sluiced, or lnd, is killed on the way; and what is true at the end all the same. */
export class OrderKills {
  #network: Network | undefined
  #sluiced: Sluiced | undefined
  #walletBefore = 0n
  #points = 0
  #leasing: OrderingWallet | undefined
  readonly #wallets: OrderingWallet[] = []
  /** Orders that came to an end, and at which outpoint their channel stands. */
  readonly #ended = new Map<string, string | undefined>()

  get network(): Network {
    if (this.#network === undefined) throw new Error('there is no network yet')
    return this.#network
  }

  get sluiced(): Sluiced {
    if (this.#sluiced === undefined) throw new Error('there is no sluiced yet')
    return this.#sluiced
  }

  async begin(): Promise<void> {
    this.#network = await startNetwork({ log: (line) => process.stderr.write(`${line}\n`) })
    this.#sluiced = new Sluiced(this.#network, { config: { orders: { enabled: true } } })
    this.#walletBefore = await walletSat(this.#network.lsp)
    this.#ended.clear()
  }

  async end(): Promise<void> {
    this.#leasing?.close()
    this.#leasing = undefined
    await this.#sluiced?.stop()
    await this.#network?.stop()
  }

  /** After each test: nothing runs that another one could meet. */
  async rest(): Promise<void> {
    for (const wallet of this.#wallets.splice(0)) wallet.close()
    await this.#sluiced?.stop()
  }

  /** A wallet for one test. */
  async newWallet(options: Partial<WalletOptions> = {}): Promise<OrderingWallet> {
    const wallet = await OrderingWallet.connect(this.network, options)
    this.#wallets.push(wallet)
    return wallet
  }

  /** Pays by Lightning. A test that fails before it looks at the end leaves it behind. */
  pay(order: Payable): Promise<PaymentResult> {
    const paid = payOrder(this.network, order)
    paid.catch(() => undefined)
    return paid
  }

  /** Starts sluiced so that it, or lnd, or both die at the point. What is returned resolves when that has happened. */
  async startToDie(
    point: Point,
    { victim = 'sluiced', aheadMs }: { readonly victim?: Victim; readonly aheadMs?: number } = {},
  ): Promise<() => Promise<void>> {
    this.#points += 1
    const file = join(this.network.folder, `reached-${this.#points}`)
    const lnd = victim === 'sluiced' ? [] : [this.network.lsp.daemon]
    const victims = [...lnd.map(({ pid }) => pid), ...(victim === 'lnd' ? [] : ['sluiced' as const])]
    const env = crashAt(point, { file, victims })
    // With a clock that is ahead it may come to the point before it serves.
    if (aheadMs === undefined) await this.sluiced.start(env)
    else await this.sluiced.launch(clockAhead(aheadMs, env))
    const dying = [...lnd, ...(victim === 'lnd' ? [] : [this.sluiced.process])]
    return async () => {
      await waitFor(() => wasReached({ file }), { deadline: STEP_MS, what: 'the point of the kill to be reached' })
      await waitFor(() => dying.every(({ running }) => !running), { deadline: STEP_MS, what: `${victim} to be dead` })
      for (const { ended } of dying) expect(ended).toBe('SIGKILL')
    }
  }

  /** Resolves when the wallet has refused the channel of an order for the first time. */
  async waitRefusedOnce(wallet: OrderingWallet, { order_id: id }: OrderResult): Promise<void> {
    const isRefused = ({ message }: OrderResult) => message?.startsWith('the channel could not be opened yet') === true
    await wallet.waitFor(id, isRefused, 'to be refused once')
  }

  /** A wallet with a channel that was ordered, stands and can be extended, for several tests. sluiced has to run. */
  async leasing(): Promise<OrderingWallet> {
    this.#leasing ??= await this.#newLease()
    return this.#leasing
  }

  async #newLease(): Promise<OrderingWallet> {
    const wallet = await OrderingWallet.connect(this.network)
    const { order } = await wallet.order()
    const paid = this.pay(order)
    await this.expectOpened(wallet, order, 'bolt11')
    await paid
    const isListed = async () => (await wallet.extendable()).length > 0
    await waitFor(isListed, { deadline: STEP_MS, what: 'the channel to be one that can be extended' })
    return wallet
  }

  /** lnd again, with everybody connected; a sluiced that runs goes on. */
  async restartLnd(wallet: OrderingWallet): Promise<void> {
    await this.network.lsp.restart()
    await Promise.all([this.network.waitReady(), wallet.wallet.reconnect()])
  }

  /**
   * The end of an order that was paid for: one channel from one transaction, the payment taken once, whatever else came
   * given back, nothing locked, nothing owed. Mines the blocks that make all of it final.
   */
  async expectOpened(wallet: OrderingWallet, order: OrderResult, by: 'bolt11' | 'onchain'): Promise<OrderResult> {
    const { network, sluiced } = this
    const { lsp } = network
    const done = await wallet.waitCompleted(order.order_id)
    if (done.channel === null) throw new Error(`order ${order.order_id} is completed and has no channel`)
    const outpoint = formatOutpoint(done.channel.funding_outpoint)
    await network.waitInMempool(done.channel.funding_outpoint.txid)
    await this.#expectMempool(order, [done.channel.funding_outpoint.txid])
    await this.#expectInvoice(order, by === 'bolt11' ? 'SETTLED' : 'CANCELED')
    expect(done.payment.bolt11?.state).toBe(by === 'bolt11' ? 'PAID' : 'REFUNDED')
    if (by === 'onchain') expect(done.payment.onchain?.state).toBe('PAID')

    await confirmFundings(network, sluiced)
    await this.#expectRest()
    expect(await outpointsTo(network, wallet.wallet.nodeId)).toEqual([outpoint])
    await waitFor(() => wallet.wallet.channels().some(({ usable }) => usable), {
      deadline: STEP_MS,
      what: 'the ordered channel to be usable',
    })
    const [channel] = await openChannelsTo(lsp, wallet.wallet.nodeId)
    expect(channel).toMatchObject({ capacity: `${order.lsp_balance_sat}`, active: true })
    expect(await sluiced.showOrder(order.order_id)).toMatchObject({ state: 'completed', booked: true, outpoint })
    expect(await wallet.read(order.order_id)).toEqual(done)
    this.#ended.set(order.order_id, outpoint)
    return done
  }

  /** The end of an order whose payment by Lightning went back: no channel, no transaction, nothing locked. */
  async expectGivenBack(wallet: OrderingWallet, order: OrderResult): Promise<OrderResult> {
    const failed = await this.#waitFailed(wallet, order)
    await this.#expectInvoice(order, 'CANCELED')
    expect(failed.payment.bolt11?.state).toBe('REFUNDED')
    expect(await this.network.btcd.mempool()).toEqual([])
    await this.#expectRest()
    expect(await wallet.read(order.order_id)).toEqual(failed)
    this.#ended.set(order.order_id, undefined)
    return failed
  }

  /** The end of an order whose payment on chain went back. Mines until that is final. */
  async expectRefunded(wallet: OrderingWallet, order: OrderResult, back: Back): Promise<void> {
    await this.#waitFailed(wallet, order)
    await this.waitSent(wallet, order)
    await this.#expectMempool(order, [])
    await this.mineFinal()
    await this.#expectRest()
    await this.#expectInvoice(order, 'CANCELED')
    await this.expectSentBack(order, back)
    this.#ended.set(order.order_id, undefined)
  }

  /** Beside the refunds of an order, of which it may hear a moment later than the mempool, there is only this. */
  async #expectMempool(order: OrderResult, expected: readonly string[]): Promise<void> {
    const { btcd } = this.network
    const isIt = async () => {
      const refunds = (await this.refundsOf(order)).map(({ txid }) => txid)
      const others = (await btcd.mempool()).filter((txid) => !refunds.includes(txid))
      return others.join() === expected.join()
    }
    await waitFor(isIt, { deadline: STEP_MS, what: `nothing but ${expected.join()} and refunds to be in the mempool` })
  }

  /** Resolves when the client is told that everything is on its way back. */
  async waitSent(wallet: OrderingWallet, { order_id: id }: OrderResult): Promise<void> {
    const isSent = ({ payment }: OrderResult) => payment.onchain?.state === 'REFUNDED'
    await wallet.waitFor(id, isSent, 'to be sent back')
  }

  /** Makes final what is in the mempool. */
  mineFinal(): Promise<void> {
    return this.network.mine(FINAL_BLOCKS)
  }

  /** So much of what came on chain for an order that is over went back, by one transaction, to the satoshi. */
  async expectSentBack(order: OrderResult, { to, amount }: Back): Promise<void> {
    const [refund, ...more] = await this.refundsOf(order)
    expect(more).toEqual([])
    expect(refund).toMatchObject({ stage: 'done', amount_sat: `${amount}` })
    const { txid = '', chain_fee_sat = '0' } = refund ?? {}
    expect(await paidTo(this.network.btcd, txid, to)).toEqual([amount - BigInt(chain_fee_sat)])
    expect(await this.#allPaidTo(to)).toEqual([txid])
  }

  /** What goes back, or went, of what came on chain. */
  async refundsOf({ order_id: id }: OrderResult): Promise<readonly Refund[]> {
    const { onchain } = await this.sluiced.showOrder(id)
    return (onchain?.deposits ?? []).flatMap(({ refund }) => (refund === undefined ? [] : [refund]))
  }

  /** Waits until a payment by Lightning that an order counts as taken is taken. */
  async expectTaken(order: Payable): Promise<void> {
    await this.#expectInvoice(order, 'SETTLED')
    await this.#expectRest()
  }

  /**
   * Over all tests of the network: what the journal says is what lnd and the chain say, and lnd's wallet made one
   * transaction for each channel, and none for anything else than the refunds that the journal has.
   */
  async expectBooks(): Promise<void> {
    const { lsp } = this.network
    await this.sluiced.stop()
    const entries = await expectBooksAgree(this.network, this.sluiced, this.#walletBefore)
    const { transactions } = await lsp.call<{ transactions: { tx_hash: string; label: string }[] }>(
      'default',
      'getTransactions',
      {},
    )
    const ours = transactions.filter(({ label }) => label.startsWith('sluice1:')).map(({ tx_hash }) => tx_hash)
    const fundings = [...this.#ended.values()].flatMap((outpoint) => outpoint?.split(':')[0] ?? [])
    const refunds = entries.flatMap((entry) => (entry.type === 'order-refund' ? [entry.txid] : []))
    expect(ours.toSorted()).toEqual([...fundings, ...refunds].toSorted())
  }

  async #waitFailed(wallet: OrderingWallet, order: OrderResult): Promise<OrderResult> {
    const failed = await wallet.waitFor(order.order_id, ({ order_state }) => order_state === 'FAILED', 'to fail')
    expect(failed.channel).toBeNull()
    expect(failed.message).toMatch(/^the channel could not be opened in time/)
    expect(await outpointsTo(this.network, wallet.wallet.nodeId)).toEqual([])
    return failed
  }

  async #expectInvoice(order: Payable, state: 'SETTLED' | 'CANCELED'): Promise<void> {
    const invoice = await waitFor(
      async () => {
        const now = await lndInvoice(this.network, order)
        return now.state === 'OPEN' || now.state === 'ACCEPTED' ? undefined : now
      },
      { deadline: STEP_MS, what: `lnd to have the invoice ${state}` },
    )
    expect(invoice.state).toBe(state)
    const total = (order.payment.bolt11?.order_total_sat ?? 0n) * MSAT_PER_SAT
    if (state === 'SETTLED') expect(BigInt(invoice.amt_paid_msat)).toBe(total)
  }

  /** No order is unfinished. */
  async expectNoOrder(): Promise<void> {
    const isOver = async () => (await this.sluiced.status()).orders === undefined
    await waitFor(isOver, { deadline: STEP_MS, what: 'every order to be over' })
  }

  /** No order that was paid is unfinished, no effect owed, no coin locked. */
  async #expectRest(): Promise<void> {
    const states = async () => Object.keys((await this.sluiced.status()).orders ?? {})
    const isOver = async () => (await states()).every((state) => state === 'created')
    await waitFor(isOver, { deadline: STEP_MS, what: 'every order to be over' })
    await this.sluiced.waitIdle()
    await waitNoLease(this.network.lsp)
  }

  /** Transactions of the LSP's wallet that pay to an address. */
  async #allPaidTo(to: string): Promise<readonly string[]> {
    type Raw = { readonly tx_hash: string; readonly output_details: readonly { readonly address: string }[] }
    const { transactions } = await this.network.lsp.call<{ transactions: Raw[] }>('default', 'getTransactions', {})
    return transactions
      .filter(({ output_details }) => output_details.some(({ address }) => address === to))
      .map(({ tx_hash }) => tx_hash)
  }
}
