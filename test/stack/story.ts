import { expect } from 'vitest'
import type { FlightRecord } from '../../src/admin/schema.ts'
import { Wallet, type WalletOptions } from './ldk/wallet.ts'
import type { Network } from './network.ts'
import { type PaymentResult, payInvoice, resetMissionControl } from './payments.ts'
import { type Purchase, type PurchaseOptions, purchase } from './purchase.ts'
import type { Sluiced } from './sluiced.ts'
import { channelsTo, confirmFundings, waitNoLease } from './sold.ts'
import { waitFor } from './wait.ts'

const STEP_MS = 60_000

export type StoryOptions = Partial<WalletOptions> & Pick<PurchaseOptions, 'onPayment' | 'wanted'>

/** The end of a payment, whoever made it and however. */
export type Paid = Pick<PaymentResult, 'succeeded' | 'amount' | 'paymentHash'>

/** One sale to a wallet of its own, up to the payment, and what must be true at its end. */
export class Story {
  readonly network: Network
  readonly sluiced: Sluiced
  readonly wallet: Wallet
  readonly bought: Purchase
  /** What our journal said when it began, millisatoshi. */
  readonly earnedBefore: bigint

  private constructor(scene: Pick<Story, 'network' | 'sluiced' | 'wallet' | 'bought' | 'earnedBefore'>) {
    this.network = scene.network
    this.sluiced = scene.sluiced
    this.wallet = scene.wallet
    this.bought = scene.bought
    this.earnedBefore = scene.earnedBefore
  }

  /** A new wallet has bought; nothing is paid yet. */
  static async begin(network: Network, sluiced: Sluiced, options: StoryOptions = {}): Promise<Story> {
    const { onPayment, wanted, ...walletOptions } = options
    const earnedBefore = BigInt((await sluiced.status()).earned_msat)
    const wallet = await Wallet.create({ btcd: network.btcd, ...walletOptions })
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    const bought = await purchase(wallet, network, {
      ...(onPayment === undefined ? {} : { onPayment }),
      ...(wanted === undefined ? {} : { wanted }),
    })
    return new Story({ network, sluiced, wallet, bought, earnedBefore })
  }

  /** Earlier failures do not keep the payer from trying. */
  async pay(invoice = this.bought.invoice): Promise<PaymentResult> {
    await resetMissionControl(this.network.payer)
    return payInvoice(this.network.payer, { invoice })
  }

  /** A further invoice of the wallet for the sale. */
  invoiceAgain(amountMsat: bigint = this.bought.amount): string {
    return this.buyAgain(amountMsat).invoice
  }

  /** What was bought, with a further invoice. */
  buyAgain(amountMsat: bigint = this.bought.amount): Purchase {
    const { fee, hint } = this.bought
    return { ...this.bought, ...this.wallet.createInvoice({ amountMsat, allowedSkimMsat: fee, hint }) }
  }

  show(): Promise<FlightRecord> {
    return this.sluiced.show(this.bought.scid)
  }

  waitForState(state: string): Promise<FlightRecord> {
    return this.sluiced.waitForSale(this.bought.scid, state)
  }

  /** The wallet goes off the net, and lnd knows. */
  async leave(): Promise<void> {
    this.wallet.disconnect()
    await this.waitForGone()
  }

  async waitForGone(): Promise<void> {
    await this.network.waitGone(this.wallet.nodeId)
  }

  async waitForHeld(count: number): Promise<void> {
    await waitFor(async () => (await this.sluiced.status()).held.htlcs === count, {
      deadline: STEP_MS,
      pollMs: 10,
      what: `${count} payments to be held`,
    })
  }

  /** The wallet has it a little later than the payer knows: its channel agrees on the claim first. */
  async waitForOwned(later = 0n): Promise<void> {
    const { amount, fee } = this.bought
    const due = amount - fee + later
    await waitFor(() => this.wallet.owned() === due, { deadline: STEP_MS, what: `the wallet to own ${due} msat` })
  }

  /** No opening is under way any more. */
  async waitForNoFunding(): Promise<void> {
    await waitFor(async () => Object.keys((await this.sluiced.status()).funding).length === 0, {
      deadline: STEP_MS,
      what: 'sluiced to have ended or confirmed all openings',
    })
  }

  async expectEarned(msat: bigint): Promise<void> {
    expect(BigInt((await this.sluiced.status()).earned_msat) - this.earnedBefore).toBe(msat)
  }

  /** Nothing of the sale is anywhere: no channel, no transaction, no locked coin, no held payment, no fee. */
  async expectNothing(): Promise<void> {
    const { lsp, btcd } = this.network
    await this.waitForNoFunding()
    expect(await channelsTo(lsp, this.wallet.nodeId)).toEqual([])
    expect(await lsp.call('default', 'pendingChannels')).toMatchObject({ pending_open_channels: [] })
    expect(await btcd.mempool()).toEqual([])
    await waitNoLease(lsp)
    await this.sluiced.waitIdle()
    await this.expectEarned(0n)
  }

  /** The sale's channel is the only one to the wallet; its transaction is published, and confirms. */
  async expectOneChannel(sale: FlightRecord): Promise<void> {
    const { network, sluiced } = this
    const channels = await channelsTo(network.lsp, this.wallet.nodeId)
    expect(channels.map(({ channel_point }) => channel_point)).toEqual([sale.funding_outpoint])
    await network.waitInMempool(sale.funding_txid ?? '')
    expect(await network.btcd.mempool()).toEqual([sale.funding_txid])
    await confirmFundings(network, sluiced)
    expect(await network.btcd.mempool()).toEqual([])
    await waitNoLease(network.lsp)
    await sluiced.waitIdle()
  }

  /**
   * One channel, one transaction, one fee, in the wallet's, lnd's and our own books. The sale's record at the end.
   * `later`: what the wallet got beside the payment, without a fee, millisatoshi.
   */
  async expectPaid(result: Paid, { later = 0n } = {}): Promise<FlightRecord> {
    const { amount, fee } = this.bought
    expect(result).toMatchObject({ succeeded: true, amount })
    const received = await this.wallet.waitForPayment(result.paymentHash)
    expect(received).toMatchObject({ amount: amount - fee, skimmed: fee })
    const sale = await this.waitForState('paid')
    expect(sale).toMatchObject({ fee_msat: `${fee}`, earned_msat: `${fee}` })
    await this.expectEarned(fee)
    await this.expectOneChannel(sale)
    await this.waitForOwned(later)
    return sale
  }
}

/** lnd's own words for a channel that carries no more; the second ones while it has no update of it to send along. */
export const NO_ROOM = ['TEMPORARY_CHANNEL_FAILURE', 'TEMPORARY_NODE_FAILURE']

/** One attempt, failed with this code by this node. */
export function expectFailure(
  result: Pick<PaymentResult, 'succeeded' | 'attempts'>,
  code: string,
  source: 'lsp' | 'wallet' = 'lsp',
): void {
  expect(result.succeeded).toBe(false)
  expect(result.attempts.map(({ failure }) => failure)).toMatchObject([
    { code, failure_source_index: source === 'lsp' ? 1 : 2 },
  ])
}
