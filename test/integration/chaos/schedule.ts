import { scidFromNumber } from '../../../lsps/base/scid.ts'
import { SeededRandom } from '../../../src/sandbox/random.ts'
import type { SimWallet } from '../../../src/sandbox/wallet.ts'
import type { World } from '../../../src/sandbox/world.ts'
import { type Purchased, Simulation, testConfig } from '../simulation.ts'
import { type Ending, endingOf } from './books.ts'
import { disturbance, repeating } from './disturbances.ts'

const STEPS = 45
const WALLETS = 3
const MAX_SALES_PER_WALLET = 4
/** Simulated time that a schedule gets to come to rest in: longer than any offer lives, and its channel after it. */
const REST_MINUTES = 100
const RECLAIM_SECONDS = 1200
const BLOCK_MS = 500
const SMALLEST_MSAT = 10_000_000n
const LARGEST_SAT = 2_000_000

/** Without an amount the payer decides. */
type Sold = Purchased & { readonly wallet: SimWallet; readonly amount: bigint | undefined }
/** A part of a payment that its payer has not sent yet. */
type Missing = { readonly sale: Sold; readonly hash: string; readonly amount: bigint }
type Act = () => void | Promise<void>

/** What one schedule came to; with its seed it can be played again, step by step the same. */
export type Played = Ending & {
  readonly seed: number
  readonly sales: number
  readonly payments: number
  readonly settled: number
  /** How often the sidecar and the node were started. */
  readonly starts: number
  readonly nodeStarts: number
  /** Each thing that was done or disturbed, in order. */
  readonly log: readonly string[]
}

/** One reproducible story of several wallets, sales and payers with everything going wrong at random. */
export class Schedule {
  readonly #seed: number
  readonly #simulation: Simulation
  readonly #random: SeededRandom
  readonly #sold: Sold[] = []
  readonly #log: string[] = []
  #missing: Missing[] = []
  /** What each wallet was paid with in parts last. */
  readonly #hashes = new Map<SimWallet, string>()
  /** Acts and how often each comes, relative to the others. */
  readonly #acts: readonly (readonly [weight: number, act: Act])[]

  constructor(seed: number) {
    this.#seed = seed
    const random = new SeededRandom(seed)
    this.#random = random
    const events = new SeededRandom(seed + 2)
    const trusting = random.below(3) === 0
    const config = testConfig({
      lsps2: { client_trusts_lsp: trusting, reclaim_unpaid_after_seconds: RECLAIM_SECONDS },
    })
    this.#simulation = new Simulation({ seed: seed + 1, config, wrapPort: (port) => repeating(port, events) })
    const { world } = this
    this.#acts = [
      [14, () => this.#buy(this.#wallet())],
      [31, () => this.#pay()],
      [6, () => this.#sendMissing()],
      [5, () => this.#payOrdinarily(this.#wallet())],
      [6, () => this.#onWallet('leaves', (wallet) => wallet.disconnect())],
      [8, () => this.#onWallet('comes', (wallet) => wallet.connect())],
      [5, () => this.#setOpenPolicy()],
      [8, () => this.#setPaymentPolicy()],
      [3, () => this.#flapPayer()],
      [6, () => this.#mine(1 + random.below(4))],
      [2, () => this.#mine(30 + random.below(150))],
      [3, () => this.#note('the sidecar dies', () => this.#simulation.kill())],
      [2, () => this.#note('lnd dies', () => world.killNode())],
      [2, () => this.#setFeerate()],
      [2, () => this.#close(this.#wallet())],
      [1, () => this.#claimReserveViolation()],
      [2, () => this.#note('the interceptor stream breaks', () => world.node.hub.breakStream('a broken connection'))],
    ]
  }

  get world(): World {
    return this.#simulation.world
  }

  async play(): Promise<Played> {
    const ending = await this.#playOut().catch((error: unknown) => ({
      wrong: [`threw ${error instanceof Error ? error.stack : String(error)}`],
      forgotten: 0,
      guessed: 0,
    }))
    // What still waits would keep the whole world in memory, and there are thousands of them in one run.
    this.#simulation.kill()
    const payments = this.world.payers.flatMap((payer) => payer.payments)
    return {
      ...ending,
      seed: this.#seed,
      sales: this.#sold.length,
      payments: payments.length,
      settled: payments.filter(({ outcome }) => outcome?.status === 'settled').length,
      starts: this.#simulation.starts,
      nodeStarts: this.#simulation.nodeStarts,
      log: this.#log,
    }
  }

  async #playOut(): Promise<Ending> {
    const simulation = this.#simulation
    const { world } = this
    await simulation.start()
    for (let wallet = 0; wallet < WALLETS; wallet += 1) world.addWallet().connect()
    world.addPayer()
    world.onStage = (passage) => {
      const action = disturbance(this.#random, passage)
      if (action !== undefined) this.#note(`${passage.call}#${passage.n}:${passage.stage} ${action.type}`)
      return action
    }
    for (let step = 0; step < STEPS; step += 1) {
      await this.#act()
      await simulation.advance(this.#random.below(3) === 0 ? this.#random.below(30_000) : this.#random.below(900))
    }
    await this.#rest()
    return endingOf(
      simulation,
      this.#sold.map(({ scid }) => scid),
    )
  }

  async #act(): Promise<void> {
    const total = this.#acts.reduce((sum, [weight]) => sum + weight, 0)
    let drawn = this.#random.below(total)
    for (const [weight, act] of this.#acts) {
      if (drawn < weight) return await act()
      drawn -= weight
    }
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#random.below(Math.max(1, from.length))]
  }

  #note(what: string, act: () => void = () => undefined): void {
    this.#log.push(what)
    act()
  }

  #wallet(): SimWallet {
    return this.#pick(this.world.wallets) as SimWallet
  }

  #nameOf(wallet: SimWallet): string {
    return `wallet ${this.world.wallets.indexOf(wallet)}`
  }

  #onWallet(what: string, act: (wallet: SimWallet) => void): void {
    const wallet = this.#wallet()
    this.#note(`${this.#nameOf(wallet)} ${what}`, () => act(wallet))
  }

  #setOpenPolicy(): void {
    const refuse = { refuse: 'no, thanks' }
    const policy = this.#pick(['hang', 'hang-sign', refuse, 'accept', 'accept', 'accept'] as const) ?? 'accept'
    this.#onWallet(`opens: ${JSON.stringify(policy)}`, (wallet) => wallet.setOpenPolicy(policy))
  }

  #setPaymentPolicy(): void {
    const policy = this.#pick(['claim', 'claim', 'fail', 'sit', 'dodge'] as const) ?? 'claim'
    this.#onWallet(`payments: ${policy}`, (wallet) => wallet.setPaymentPolicy(policy))
  }

  async #flapPayer(): Promise<void> {
    const payer = this.#pick(this.world.payers)
    this.#note('a payer flaps')
    payer?.disconnect()
    await this.#simulation.advance(this.#random.below(2000))
    payer?.connect()
  }

  #setFeerate(): void {
    const { node } = this.world
    node.feerate = this.#random.below(2) === 0 ? 2 : 5000
    this.#note(`feerate ${node.feerate}`)
  }

  #claimReserveViolation(): void {
    const { opens } = this.world.node
    opens.claimReserveViolation = this.#random.below(2) === 0
    this.#note(`reserve violation ${opens.claimReserveViolation}`)
  }

  async #mine(blocks: number): Promise<void> {
    this.#note(`${blocks} blocks`)
    for (let block = 0; block < blocks; block += 1) {
      this.world.mine(1)
      // Short for a block, but who died comes back within a few of them, and not after the payments have expired.
      await this.#simulation.advance(BLOCK_MS)
    }
  }

  async #buy(wallet: SimWallet): Promise<void> {
    const bought = this.#sold.filter((sale) => sale.wallet === wallet).length
    if (!wallet.online || bought >= MAX_SALES_PER_WALLET) return
    const amount = SMALLEST_MSAT + BigInt(this.#random.below(LARGEST_SAT)) * 1000n + BigInt(this.#random.below(1000))
    const wanted = this.#random.below(5) === 0 ? undefined : amount
    try {
      const sale = await this.#simulation.purchase(wallet, wanted)
      this.#sold.push({ ...sale, wallet, amount: wanted })
      this.#note(`${this.#nameOf(wallet)} buys ${sale.scid} for ${wanted ?? 'any amount'}`)
    } catch (error) {
      this.#note(`not bought: ${String(error)}`)
    }
  }

  #pay(): void {
    const sale = this.#pick(this.#sold)
    if (sale === undefined) return
    if (this.#random.below(3) === 0) this.#payInParts(sale)
    else this.#payWhole(sale)
  }

  /** Of an invoice without an amount mostly one that the offer allows. */
  #amountFor({ amount }: Sold): bigint {
    if (amount !== undefined) return amount
    const any = SMALLEST_MSAT + BigInt(this.#random.below(LARGEST_SAT)) * 1000n
    return this.#random.below(8) === 0 ? SMALLEST_MSAT - 1n : any
  }

  /** Mostly an honest payment; sometimes too little or too much, a lie, a probe, a short delta, or leftover routing fee. */
  #payWhole(sale: Sold): void {
    const payer = this.#pick(this.world.payers)
    if (payer === undefined) return
    const { wallet, scid, delta } = sale
    const amount = this.#amountFor(sale)
    const kind = this.#random.below(12)
    const sent = kind === 0 ? amount - 1n : kind === 1 ? amount + amount / 3n : amount
    const invoice = wallet.invoice({ amount: sent, maxFee: sale.feeOf(sent) })
    const hash = kind === 2 ? 'ab'.repeat(32) : invoice.paymentHash
    const payment = payer.pay({
      hash,
      scid,
      amount: sent,
      amountIn: kind === 3 ? sent - 1n : kind === 4 ? sent + 1234n : sent,
      hintDelta: kind === 5 ? delta - 1 : delta,
      ...(kind === 6 ? { finalDelta: 13 } : {}),
    })
    this.#note(`pays ${scid}, kind ${kind}, ${payment.circuit}`)
  }

  /** Two to five parts of one hash, some of them later, never, twice, or with leftover routing fee. */
  #payInParts(sale: Sold): void {
    const amount = this.#amountFor(sale)
    const count = 2 + this.#random.below(4)
    const invoice = sale.wallet.invoice({ amount, maxFee: sale.feeOf(amount) })
    // Sometimes the hash of another sale to the same client: lnd has both, and forwards either over any channel.
    const other = this.#random.below(6) === 0 ? this.#hashes.get(sale.wallet) : undefined
    const hash = other ?? invoice.paymentHash
    this.#hashes.set(sale.wallet, hash)
    let left = amount
    for (let part = 1; part <= count; part += 1) {
      const share = part === count ? left : 1n + (left * BigInt(1 + this.#random.below(800))) / 1000n
      left -= share
      const late = this.#random.below(8) === 0
      if (late) this.#missing.push({ sale, hash, amount: share })
      else this.#payPart({ sale, hash, amount: share })
      if (this.#random.below(15) === 0) this.#payPart({ sale, hash, amount: share })
    }
  }

  #payPart({ sale, hash, amount }: Missing): void {
    const payer = this.#pick(this.world.payers)
    if (payer === undefined || amount <= 0n) return
    const extra = this.#random.below(10) === 0 ? BigInt(this.#random.below(2000)) : 0n
    const { scid, delta } = sale
    const payment = payer.pay({ hash, scid, amount, amountIn: amount + extra, hintDelta: delta })
    this.#note(`pays a part of ${amount} of ${hash.slice(0, 8)} to ${scid}, ${payment.circuit}`)
  }

  #sendMissing(): void {
    const [missing, ...others] = this.#missing
    if (missing === undefined) return
    this.#missing = others
    this.#payPart(missing)
  }

  /** Over the channel's own alias: none of the sale's business. */
  #payOrdinarily(wallet: SimWallet): void {
    const channel = this.#pick([...wallet.channels])
    const payer = this.#pick(this.world.payers)
    if (channel === undefined || payer === undefined) return
    const amount = 1_000_000n + BigInt(this.#random.below(40_000_000))
    payer.pay({ hash: wallet.invoice({ amount }).paymentHash, scid: scidFromNumber(channel.chanId), amount })
    this.#note(`pays ${scidFromNumber(channel.chanId)} ordinarily`)
  }

  #close(wallet: SimWallet): void {
    const channel = this.#pick([...wallet.channels])
    if (channel === undefined || channel.state !== 'open') return
    const busy = channel.incoming.size + channel.outgoing.size > 0
    this.#note(`${this.#nameOf(wallet)} closes ${channel.outpoint}`)
    wallet.closeChannel(channel, { force: busy || this.#random.below(2) === 0 })
  }

  /** Everybody comes back and behaves; every offer ends. */
  async #rest(): Promise<void> {
    const simulation = this.#simulation
    const { world } = this
    this.#note('rest')
    world.onStage = undefined
    world.node.feerate = 2
    await simulation.advance(5_000)
    for (const payer of world.payers) payer.connect()
    for (const wallet of world.wallets) {
      wallet.connect()
      wallet.setOpenPolicy('accept')
      wallet.setPaymentPolicy('claim')
    }
    await simulation.advance(60_000)
    await this.#mine(2)
    for (let minute = 0; minute < REST_MINUTES; minute += 1) {
      await simulation.advance(60_000)
      for (const wallet of world.wallets) wallet.connect() // the node may have dropped it
    }
    // Forced closes with payments in them need their expiries to pass.
    for (let round = 0; round < 4; round += 1) {
      await this.#mine(20)
      await simulation.advance(30_000)
    }
    await simulation.rest()
  }
}
