import { expect } from 'vitest'
import { Msat, msat, Ppm } from '../../lsps/base/amount.ts'
import { computeOpeningFee } from '../../lsps/lsps2/fee.ts'
import type { FlightRecord } from '../../src/admin/schema.ts'
import { type Network, startNetwork } from './network.ts'
import { type PaymentResult, payInvoice, resetMissionControl } from './payments.ts'
import { PushRelay, trustingRelays } from './push-relay.ts'
import { SleepingWallet } from './sleeping-wallet.ts'
import { OFFER, Sluiced, type SluicedOptions } from './sluiced.ts'
import { channelsTo, confirmFundings, waitNoLease } from './sold.ts'
import { waitFor } from './wait.ts'

const STEP_MS = 60_000
const log = (line: string) => process.stderr.write(`${line}\n`)

/** What a wallet without a channel bought and went to sleep with. */
export type Bought = {
  readonly sleeper: SleepingWallet
  readonly invoice: string
  readonly hash: string
  readonly scid: string
  /** Millisatoshi. */
  readonly amount: bigint
  readonly fee: bigint
}

/** What the tests' offer costs. Millisatoshi. */
export function feeOf(amount: bigint): bigint {
  const offer = { min_fee_msat: Msat.parse(OFFER.min_fee_msat), proportional: Ppm.parse(OFFER.proportional) }
  return computeOpeningFee(offer, msat(amount)) ?? 0n
}

/** A network whose LSP calls webhooks on this machine, and wallets that sleep. */
export class WakingScene {
  readonly network: Network
  readonly sluiced: Sluiced
  readonly relay: PushRelay
  readonly #program: string
  readonly #sleepers: SleepingWallet[] = []
  readonly #relays: PushRelay[]

  private constructor(program: string, network: Network, sluiced: Sluiced, relay: PushRelay) {
    this.#program = program
    this.network = network
    this.sluiced = sluiced
    this.relay = relay
    this.#relays = [relay]
  }

  /** `program` is what `ensureLdkNode` gave. */
  static async begin(program: string, { lsps2, webhooks = {} }: WakingOptions = {}): Promise<WakingScene> {
    const network = await startNetwork({ log })
    try {
      const config = { webhooks: { enabled: true, delivery: { allow_loopback: true }, ...webhooks } }
      const sluiced = new Sluiced(network, {
        ...(lsps2 === undefined ? {} : { lsps2 }),
        config,
        env: trustingRelays(network),
      })
      await sluiced.start()
      return new WakingScene(program, network, sluiced, await PushRelay.start(network))
    } catch (error) {
      await network.stop()
      throw error
    }
  }

  /** A relay that takes calls and answers none. */
  async hangingRelay(): Promise<PushRelay> {
    const relay = await PushRelay.start(this.network, 'hangs')
    this.#relays.push(relay)
    return relay
  }

  /** A wallet with a webhook, never started yet. */
  async newSleeper(name: string, relay: PushRelay = this.relay): Promise<SleepingWallet> {
    const sleeper = await SleepingWallet.create({ program: this.#program, network: this.network, name, relay })
    this.#sleepers.push(sleeper)
    expect(await sleeper.register()).toMatchObject({ num_webhooks: 1, no_change: false })
    return sleeper
  }

  /** The wallet buys, and its process ends. */
  async buyAndSleep(sleeper: SleepingWallet, amount: bigint): Promise<Bought> {
    const wallet = await sleeper.wake()
    const before = new Set((await this.#salesTo(sleeper)).map(({ scid }) => scid))
    const { invoice, payment_hash: hash } = await wallet.receiveJit(amount)
    const [sale] = (await this.#salesTo(sleeper)).filter(({ scid }) => !before.has(scid))
    await sleeper.sleep()
    return { sleeper, invoice, hash, scid: sale?.scid ?? '', amount, fee: feeOf(amount) }
  }

  async #salesTo({ nodeId }: SleepingWallet) {
    return (await this.sluiced.sales()).filter(({ client }) => client === nodeId)
  }

  /** Earlier failures do not keep the payer from trying. */
  pay(invoice: string): Promise<PaymentResult> {
    const { payer } = this.network
    const payment = resetMissionControl(payer).then(() => payInvoice(payer, { invoice }))
    payment.catch(() => undefined) // of a test that fails before it waits for it
    return payment
  }

  async waitHeld(count: number): Promise<void> {
    await waitFor(async () => (await this.sluiced.status()).held.htlcs === count, {
      deadline: STEP_MS,
      pollMs: 5,
      what: `${count} payments to be held`,
    })
  }

  /** One payment in one attempt, one fee, and one channel for it, in all books. The sale's record. */
  async expectPaid({ sleeper, hash, scid, amount, fee }: Bought, result: PaymentResult): Promise<FlightRecord> {
    expect(result).toMatchObject({ succeeded: true, amount, fee: 0n })
    expect(result.attempts).toHaveLength(1)
    expect(await sleeper.waitPaid(hash)).toMatchObject({ amount_msat: `${amount - fee}` })
    const sale = await this.sluiced.waitForSale(scid, 'paid')
    expect(sale).toMatchObject({ fee_msat: `${fee}`, earned_msat: `${fee}` })
    const channels = await channelsTo(this.network.lsp, sleeper.nodeId)
    expect(channels.filter(({ channel_point }) => channel_point === sale.funding_outpoint)).toHaveLength(1)
    return sale
  }

  /** All fundings confirm, and nothing is left over. */
  async settle(): Promise<void> {
    await confirmFundings(this.network, this.sluiced)
    await waitNoLease(this.network.lsp)
    await this.sluiced.waitIdle()
  }

  async stop(): Promise<void> {
    for (const sleeper of this.#sleepers) await sleeper.stop()
    await this.sluiced.stop()
    for (const relay of this.#relays) await relay.stop()
    await this.network.stop()
  }
}

export type WakingOptions = Pick<SluicedOptions, 'lsps2'> & { readonly webhooks?: object }
