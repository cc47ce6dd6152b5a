import type { Clock } from '../../lsps/base/clock.ts'
import { type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import type { HtlcAnswer, LndPort, Outpoint, Payment } from '../lnd/port.ts'
import { type AuditOptions, audit } from './audit.ts'
import { CLTV_REJECT_DELTA } from './interceptor.ts'
import { type NodeLatency, SimNode } from './node.ts'
import { SimPayer } from './payer.ts'
import { simulatedPort } from './port.ts'
import { outpointOf, scriptOf, spendTx, witnessScript } from './psbt.ts'
import { SeededRandom } from './random.ts'
import { type Fault, type Session, type StageHook, Stages } from './stages.ts'
import { type Violation, Violations } from './violations.ts'
import { SimWallet } from './wallet.ts'

/**
 * The simulated world: one node with lnd's behaviour (as measured: it fails where lnd fails, with lnd's words), its
 * chain and coins, wallets, payers. Everything is in memory and follows from the seed, the clock and what the test does.
 *
 *   const clock = new ManualClock()
 *   const world = createWorld({ clock, seed: 1 })
 *   const wallet = world.addWallet()              // a SimWallet: an LSPS2 client's peer; wallet.connect() first
 *   const port = world.attach()                   // an LndPort for one incarnation of the daemon
 *   const invoice = wallet.invoice({ amount: 50_000_000n, maxFee: 546_000n })
 *   const payment = world.payer.pay({ hash: invoice.paymentHash, scid: jitScid, amount: 50_000_000n })
 *   await payment.result                          // settled | failed with reason
 *   world.payer.payInvoice({ invoice, parts })    // a hold invoice of the node, in one or several parts
 *   wallet.payInvoice(invoice)                    // ... by a wallet, from what it has in its channels
 *   const outpoint = world.deposit({ address, amount }) // somebody pays to an address of the wallet
 *   world.replaceDeposit(outpoint)                // ... and takes it back before it is in a block
 *   world.mine(1)                                 // one block with the whole mempool
 *   world.reorg(2)                                // two blocks are replaced, their transactions are in the mempool again
 *   world.spendElsewhere(outpoint)                // a conflicting spend of one of the wallet's coins
 *   world.node.chain.stuck.add(txid)              // pays too little: in no block without a child
 *   world.audit({ atRest: true })                 // [] or what is wrong
 *
 * Disturbances:
 *   world.onStage = ({ call, stage, n }) => ...   // delay, lose, reject, kill-client, kill-node; see stages.ts
 *   world.faults.push({ call: 'verifyFunding', stage: 'answered', action: { type: 'lose' } })
 *   world.record(); world.points                  // every passage by name, in order; world.mark('...') adds one
 *   world.killAt(17)                              // the client dies at points[17]: its calls never reach the node or
 *                                                 // return, its streams end; the node goes on. Then world.attach().
 *   world.node.killAt = 3                         // the node dies at world.node.points[3]
 *   world.killNode(); world.restartNode()         // memory lost: reservations, held offers, unflushed history
 *   world.node.opens.claimReserveViolation = true // psbt_verify errors and opens all the same
 *   wallet.minimumDepth = 6                       // confirmations before an ordinary channel is ready
 *   wallet.setOpenPolicy('hang'), wallet.setPaymentPolicy('sit'), wallet.disconnect(), payer.disconnect() ...
 *
 * The names of calls are those of `LndPort`; beside them `openChannel.template`, `openChannel.pending`,
 * `interceptHtlcs.offer` and `subscribe...` (deliveries to the client: only `answered`), `interceptHtlcs.answer`
 * (`received`), `node.channelPending` (`effective`, `visible`), `wallet.message` (`answered`).
 *
 * Nothing is slowed down while nothing disturbs: events and offers go in batches, without a promise each.
 */
export type WorldOptions = {
  readonly clock: Clock
  readonly seed?: number
  /** lnd's `--requireinterceptor`; true when left out. */
  readonly requireInterceptor?: boolean
  /** Confirmed coins of the node's wallet, in satoshi. */
  readonly coins?: readonly bigint[]
  readonly height?: number
  /** Size of the payer's channel, in satoshi, all of it the payer's. */
  readonly payerCapacity?: bigint
  /** How long the node's own steps take; `MEASURED_LATENCY` is like a real node, none when left out. */
  readonly latency?: { readonly node: NodeLatency; readonly calls: Readonly<Record<string, number>> }
}

const DEFAULT_SEED = 1
const DEFAULT_HEIGHT = 1000
const DEFAULT_COIN_COUNT = 40
const DEFAULT_COIN_SAT = 10_000_000n
const DEFAULT_PAYER_SAT = 100_000_000_000n
const NO_LATENCY: NodeLatency = { open: 0, sign: 0, ready: 0, htlc: 0 }
/** An offer's expiry in a feed, in blocks from now. */
const FEED_DELTA = 200
/** BIP 125: the transaction says that it may be replaced. */
const REPLACEABLE_SEQUENCE = 0xfffffffd
const FINAL_SEQUENCE = 0xffffffff
const DESTINATION_SAT = 10_000_000_000n

/** Milliseconds, of the order that funding.md measured. */
export const MEASURED_LATENCY = {
  node: { open: 30, sign: 16, ready: 35, htlc: 50, listed: 20 },
  calls: { fundPsbt: 14, verifyFunding: 4, addAlias: 5, finalizePsbt: 8, publishTransaction: 15, listChannels: 2 },
}

export class World {
  readonly clock: Clock
  readonly node: SimNode
  readonly payer: SimPayer
  readonly payers: SimPayer[] = []
  readonly wallets: SimWallet[] = []
  readonly stages: Stages
  readonly #random: SeededRandom
  readonly #violations = new Violations()
  readonly #sessions = new Set<Session>()
  #session = 0
  #killed: () => void = () => undefined
  #fed = 0n

  constructor(options: WorldOptions) {
    const { clock, latency } = options
    this.clock = clock
    this.#random = new SeededRandom(options.seed ?? DEFAULT_SEED)
    this.stages = new Stages({ clock, killClient: () => this.killClient(), killNode: () => this.killNode() })
    this.stages.latencies = latency?.calls ?? {}
    this.node = new SimNode({
      clock,
      random: this.#random,
      stages: this.stages,
      violations: this.#violations,
      requireInterceptor: options.requireInterceptor ?? true,
      height: options.height ?? DEFAULT_HEIGHT,
      latency: latency?.node ?? NO_LATENCY,
    })
    const coins = options.coins ?? Array.from({ length: DEFAULT_COIN_COUNT }, () => DEFAULT_COIN_SAT)
    for (const value of coins) this.node.coins.grant(value)
    this.payer = this.addPayer(options.payerCapacity)
  }

  /** A handle for the next incarnation of the client. Earlier ones stay what they are: kill them first. */
  attach(): LndPort {
    this.#session += 1
    const session: Session = { id: this.#session, alive: true, onEnd: new Set() }
    this.#sessions.add(session)
    return simulatedPort({ node: this.node, stages: this.stages, clock: this.clock }, session)
  }

  addWallet(): SimWallet {
    const wallet = new SimWallet({
      node: this.node,
      random: this.#random,
      stages: this.stages,
      violations: this.#violations,
    })
    this.wallets.push(wallet)
    return wallet
  }

  addPayer(capacity: bigint = DEFAULT_PAYER_SAT): SimPayer {
    const payer = new SimPayer(this.node, this.#random, this.#violations, capacity)
    this.payers.push(payer)
    return payer
  }

  /** Somebody with an old channel from our node: payments to `scid` are forwards that are none of our business. */
  addDestination(
    capacity: bigint = DESTINATION_SAT,
    visibility: 'announced' | 'unannounced' = 'announced',
  ): { readonly wallet: SimWallet; readonly scid: Scid } {
    const wallet = this.addWallet()
    const policy = { baseMsat: 0n, ppm: 0n, minHtlcMsat: 1n }
    const channel = this.node.addOldChannel(wallet.nodeId, capacity, capacity, policy, visibility)
    wallet.connect()
    return { wallet, scid: scidFromNumber(channel.chanId) }
  }

  /** Blocks with all that is in the mempool. */
  mine(blocks = 1): void {
    for (let block = 0; block < blocks; block += 1) this.node.chain.mine()
  }

  /** The last blocks give way to as many and one more, all empty; see `Chain.reorganise`. */
  reorg(depth: number, what: 'keep' | 'forget' = 'keep'): void {
    this.node.chain.reorganise(depth, what)
  }

  /** Somebody with the wallet's keys spends a coin of it; in the next block, whatever else would spend the coin. */
  spendElsewhere(outpoint: Outpoint): string {
    const output = { script: witnessScript(this.#random.bytes(20)), value: 1_000n }
    return this.node.chain.replace(spendTx(outpoint, [output], FINAL_SEQUENCE)).txid
  }

  /** Somebody pays to an address, over a transaction that says whether it may be replaced; mined with the next block. */
  deposit({ address, amount }: Payment, says: 'replaceable' | 'final' = 'replaceable'): Outpoint {
    const coin = outpointOf(this.#random.hex(32), 0)
    this.node.chain.grant(coin)
    const output = { script: scriptOf(address), value: amount }
    const sequence = says === 'final' ? FINAL_SEQUENCE : REPLACEABLE_SEQUENCE
    return outpointOf(this.node.chain.publish(spendTx(coin, [output], sequence)).txid, 0)
  }

  /** Whoever paid replaces the payment while it is in no block: it goes to somebody else now, or as `to` says. */
  replaceDeposit(deposit: Outpoint, to?: Payment): Outpoint {
    const { chain } = this.node
    const [coin] = chain.transaction(deposit.split(':')[0] ?? '')?.inputs ?? []
    if (coin === undefined) throw new Error(`${deposit} is not in the mempool`)
    const script = to === undefined ? witnessScript(this.#random.bytes(20)) : scriptOf(to.address)
    const output = { script, value: to?.amount ?? 1_000n }
    return outpointOf(chain.replace(spendTx(coin, [output], REPLACEABLE_SEQUENCE)).txid, 0)
  }

  /** What the client asks from now on never arrives, what it waits for never comes. The node goes on. */
  killClient(): void {
    const sessions = [...this.#sessions]
    this.#sessions.clear()
    for (const session of sessions) {
      session.alive = false
      for (const end of [...session.onEnd]) end()
    }
    this.#killed()
  }

  /** Called whenever a client was killed. */
  set onClientKilled(callback: () => void) {
    this.#killed = callback
  }

  killNode(): void {
    this.node.kill()
  }

  restartNode(): void {
    this.node.restart()
  }

  get faults(): Fault[] {
    return this.stages.faults
  }

  set onStage(hook: StageHook | undefined) {
    this.stages.hook = hook
  }

  get points(): readonly string[] {
    return this.stages.points
  }

  record(): void {
    this.stages.record()
  }

  killAt(index: number): void {
    this.stages.killAt(index)
  }

  /** Adds a point of somebody else's (a commit, an effect) to the same list; true when the client died at it. */
  mark(name: string): boolean {
    return this.stages.mark(name)
  }

  /** A foreign offer straight into the interceptor, without a channel behind it: for load. */
  feedOffer(scid: Scid, onAnswer: (answer: HtlcAnswer) => void): void {
    const expiryIn = this.node.chain.height + FEED_DELTA
    this.#fed += 1n
    const offer = {
      circuit: `1:${this.#fed}`,
      incomingChannel: 1n,
      paymentHash: this.#fed.toString(16).padStart(64, '0'),
      requestedScid: scid,
      amountIn: 1_001_000n as never,
      amountOut: 1_000_000n as never,
      expiryIn,
      expiryOut: expiryIn - 80,
      autoFailHeight: expiryIn - CLTV_REJECT_DELTA,
    }
    this.node.hub.intercept({ offer, decide: onAnswer }, false)
  }

  audit(options: AuditOptions = {}): readonly Violation[] {
    const { node, payers, wallets } = this
    return audit({ node, payers, wallets, violations: this.#violations }, options)
  }
}

export function createWorld(options: WorldOptions): World {
  return new World(options)
}
