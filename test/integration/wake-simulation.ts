import { type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import { DELIVERY_MS } from '../../src/held/handed-on.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { MEASURED_LATENCY } from '../../src/sandbox/world.ts'
import { type Bought, Simulation, type SimulationOptions, testConfig } from './simulation.ts'

/** What the first payment, over the JIT channel's purchase, and each later one carries, in msat. */
const FIRST = 100_000_000n
export const LATER = 5_000_000n
export const HOLD_MS = 60_000
/** From a connection until lnd forwards over the channels of the peer. */
const REESTABLISH_MS = 400

export type Customer = {
  readonly wallet: SimWallet
  readonly bought: Bought
  /** The names that its channel has: the one that was sold, and lnd's. */
  readonly sold: Scid
  readonly lnds: Scid
}

/** Wallets that bought a channel and registered a webhook; what is posted there is written down, and may wake them. */
export class WakeSimulation extends Simulation {
  /** What a call starts, by webhook. */
  readonly onCall = new Map<string, () => void>()

  constructor({ hold = {}, ...options }: SimulationOptions & { readonly hold?: object } = {}) {
    const node = { ...MEASURED_LATENCY.node, reestablish: REESTABLISH_MS }
    super({
      config: testConfig({ webhooks: { enabled: true, hold } }),
      latency: { ...MEASURED_LATENCY, node },
      ...options,
    })
    this.relay.onCall = ({ url, method }) => {
      if (method === 'lsps5.payment_incoming') this.onCall.get(url)?.()
    }
  }

  /** A process that is up for so long that it knows what it handed on, with a customer that is away. */
  static async begin(options: SimulationOptions & { readonly hold?: object } = {}) {
    const simulation = new WakeSimulation(options)
    await simulation.start()
    await simulation.advance(DELIVERY_MS)
    return { simulation, customer: await simulation.customer() }
  }

  urlOf(wallet: SimWallet): string {
    return `https://push.example/${wallet.nodeId}`
  }

  /** When its webhook was called to wake it, in ms. */
  callsOf({ wallet }: Pick<Customer, 'wallet'>): readonly number[] {
    const calls = this.relay.calls.filter(({ url }) => url === this.urlOf(wallet))
    return calls.filter(({ method }) => method === 'lsps5.payment_incoming').map(({ at }) => at)
  }

  /** Its wallet is connected with the call, after so long. */
  wakes({ wallet }: Pick<Customer, 'wallet'>, ms: number): void {
    this.onCall.set(this.urlOf(wallet), () => {
      void this.clock.sleep(ms, new AbortController().signal).then(() => wallet.connect())
    })
  }

  /** It has paid for its channel, and went away. */
  async customer(): Promise<Customer> {
    const wallet = this.world.addWallet()
    wallet.connect()
    const bought = await this.buy(wallet, FIRST)
    const first = this.pay(bought, wallet.invoice({ amount: FIRST, maxFee: bought.fee }))
    await this.outcome(first.result, 'the first payment to end')
    await this.ask(wallet, 'lsps5.set_webhook', { app_name: 'wallet', webhook: this.urlOf(wallet) })
    await this.advance(1_000)
    wallet.disconnect()
    await this.advance(3_000)
    const [channel] = wallet.openChannels()
    if (channel === undefined) throw new Error('the customer has no channel')
    return { wallet, bought, sold: bought.scid, lnds: scidFromNumber(channel.chanId) }
  }

  /** An ordinary payment over a name of the customer's channel. */
  payLater({ wallet }: Pick<Customer, 'wallet'>, scid: Scid, amount = LATER) {
    const { paymentHash } = wallet.invoice({ amount })
    return this.world.payer.pay({ hash: paymentHash, scid, amount })
  }

  /** Circuits that wait, as a restart would see them. */
  get waitingOnDisk(): readonly string[] {
    return [...(this.bytes.get('wake-waiting')?.keys() ?? [])]
  }

  override violations(): readonly string[] {
    const waiting = this.waitingOnDisk.map((circuit) => `waiting: ${circuit} is on disk`)
    return [...super.violations(), ...waiting]
  }
}
