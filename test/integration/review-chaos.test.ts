import { describe, expect, it } from 'vitest'
import { scidFromNumber } from '../../lsps/base/scid.ts'
import { SeededRandom } from '../../src/sandbox/random.ts'
import type { StageAction, StageHook } from '../../src/sandbox/stages.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import type { World } from '../../src/sandbox/world.ts'
import { type Bought, Simulation } from './simulation.ts'

/** Schedules that are played; `REVIEW_SEEDS=2000 REVIEW_FIRST=1` plays more, or others. */
const { REVIEW_SEEDS = '40', REVIEW_FIRST = '1' } = process.env
const STEPS = 45
const WALLETS = 3
const MAX_SALES_PER_WALLET = 4
/** Simulated time that a story gets to come to rest in: longer than any offer lives. */
const REST_MINUTES = 75
const SMALLEST_MSAT = 10_000_000n
const LARGEST_SAT = 2_000_000
/** Passages of calls that are disturbed, per thousand. */
const DISTURBED_PER_MILLE = 12

type Sold = Bought & { readonly wallet: SimWallet }

/** One reproducible story of several wallets, sales and payers with everything going wrong at random. */
class Chaos {
  readonly simulation: Simulation
  readonly random: SeededRandom
  readonly sold: Sold[] = []
  readonly log: string[] = []
  /** Fees that lnd itself has no record of, and that we missed too. */
  forgotten = 0

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.simulation = new Simulation({ seed: seed + 1 })
  }

  get world(): World {
    return this.simulation.world
  }

  async play(): Promise<readonly string[]> {
    const { simulation, world } = this
    await simulation.start()
    for (let wallet = 0; wallet < WALLETS; wallet += 1) world.addWallet().connect()
    world.addPayer()
    world.onStage = this.#disturb
    for (let step = 0; step < STEPS; step += 1) {
      await this.#act()
      await simulation.advance(this.random.below(3) === 0 ? this.random.below(30_000) : this.random.below(900))
    }
    await this.#rest()
    return this.#wrong()
  }

  readonly #disturb: StageHook = ({ call, stage, n }) => {
    if (this.random.below(1000) >= DISTURBED_PER_MILLE) return undefined
    const action = this.#disturbance(call)
    if (action !== undefined) this.log.push(`${call}#${n}:${stage} ${action.type}`)
    return action
  }

  #disturbance(call: string): StageAction | undefined {
    const which = this.random.below(20)
    // lnd lists a channel before it forgets its reservation; recovery relies on that.
    if (call === 'node.channelPending') return undefined
    // Blocks come here in milliseconds: a daemon that hears of a hundred at once answers too late, and may.
    if (which < 10 && call === 'subscribeBlocks') return undefined
    if (which < 10) return { type: 'delay', ms: this.random.below(which < 8 ? 300 : 20_000) }
    // What lnd tells by itself is not lost while the connection lives; calls and their answers are.
    if (which < 16) return call.startsWith('subscribe') || call.includes('.') ? undefined : { type: 'lose' }
    return { type: which < 19 ? 'kill-client' : 'kill-node' }
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.random.below(Math.max(1, from.length))]
  }

  #note(what: string): void {
    this.log.push(what)
  }

  async #act(): Promise<void> {
    const { simulation, world, random } = this
    const wallet = this.#pick(world.wallets) as SimWallet
    const name = `wallet ${world.wallets.indexOf(wallet)}`
    const act = random.below(100)
    if (act < 14) await this.#buy(wallet)
    else if (act < 45) this.#pay()
    else if (act < 50) this.#payOrdinarily(wallet)
    else if (act < 56) {
      this.#note(`${name} leaves`)
      wallet.disconnect()
    } else if (act < 64) {
      this.#note(`${name} comes`)
      wallet.connect()
    } else if (act < 69) {
      const policy = this.#pick(['hang', 'hang-sign', { refuse: 'no, thanks' }, 'accept', 'accept', 'accept'] as const)
      this.#note(`${name} opens: ${JSON.stringify(policy)}`)
      wallet.setOpenPolicy(policy ?? 'accept')
    } else if (act < 77) {
      const policy = this.#pick(['claim', 'claim', 'fail', 'sit'] as const) ?? 'claim'
      this.#note(`${name} payments: ${policy}`)
      wallet.setPaymentPolicy(policy)
    } else if (act < 80) {
      const payer = this.#pick(world.payers)
      this.#note('a payer flaps')
      payer?.disconnect()
      await simulation.advance(random.below(2000))
      payer?.connect()
    } else if (act < 86) await this.#mine(1 + random.below(4))
    else if (act < 88) await this.#mine(30 + random.below(150))
    else if (act < 91) {
      this.#note('the sidecar dies')
      simulation.kill()
    } else if (act < 93) {
      this.#note('lnd dies')
      world.killNode()
    } else if (act < 95) {
      world.node.feerate = random.below(2) === 0 ? 2 : 5000
      this.#note(`feerate ${world.node.feerate}`)
    } else if (act < 97) this.#close(wallet, name)
    else if (act < 98) {
      world.node.opens.claimReserveViolation = random.below(2) === 0
      this.#note(`reserve violation ${world.node.opens.claimReserveViolation}`)
    } else world.node.hub.breakStream('a broken connection')
  }

  async #mine(blocks: number): Promise<void> {
    this.#note(`${blocks} blocks`)
    for (let block = 0; block < blocks; block += 1) {
      this.world.mine(1)
      await this.simulation.clock.settle(1)
    }
  }

  async #buy(wallet: SimWallet): Promise<void> {
    const bought = this.sold.filter((sale) => sale.wallet === wallet).length
    if (!wallet.online || bought >= MAX_SALES_PER_WALLET) return
    const amount = SMALLEST_MSAT + BigInt(this.random.below(LARGEST_SAT)) * 1000n + BigInt(this.random.below(1000))
    try {
      const sale = await this.simulation.buy(wallet, amount)
      this.sold.push({ ...sale, wallet })
      this.#note(`wallet ${this.world.wallets.indexOf(wallet)} buys ${sale.scid} for ${amount}`)
    } catch (error) {
      this.#note(`not bought: ${String(error)}`)
    }
  }

  /** Mostly an honest payment; sometimes too little or too much, a lie, a probe, a short delta, or leftover routing fee. */
  #pay(): void {
    const sale = this.#pick(this.sold)
    const payer = this.#pick(this.world.payers)
    if (sale === undefined || payer === undefined) return
    const { wallet, scid, fee, amount, delta } = sale
    const kind = this.random.below(12)
    const sent = kind === 0 ? amount - 1n : kind === 1 ? amount + amount / 3n : amount
    const invoice = wallet.invoice({ amount: sent, maxFee: fee })
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

  /** Over the channel's own alias: none of the sale's business. */
  #payOrdinarily(wallet: SimWallet): void {
    const channel = this.#pick([...wallet.channels])
    const payer = this.#pick(this.world.payers)
    if (channel === undefined || payer === undefined) return
    const amount = 1_000_000n + BigInt(this.random.below(40_000_000))
    payer.pay({ hash: wallet.invoice({ amount }).paymentHash, scid: scidFromNumber(channel.chanId), amount })
    this.#note(`pays ${scidFromNumber(channel.chanId)} ordinarily`)
  }

  #close(wallet: SimWallet, name: string): void {
    const channel = this.#pick([...wallet.channels])
    if (channel === undefined || channel.state !== 'open') return
    const busy = channel.incoming.size + channel.outgoing.size > 0
    this.#note(`${name} closes ${channel.outpoint}`)
    wallet.closeChannel(channel, { force: busy || this.random.below(2) === 0 })
  }

  /** Everybody comes back and behaves; every offer ends. */
  async #rest(): Promise<void> {
    const { simulation, world } = this
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
    for (let minute = 0; minute < REST_MINUTES; minute += 1) await simulation.advance(60_000)
    // Forced closes with payments in them need their expiries to pass.
    for (let round = 0; round < 4; round += 1) {
      await this.#mine(20)
      await simulation.advance(30_000)
    }
    await simulation.rest()
  }

  #wrong(): readonly string[] {
    const { simulation, world } = this
    // Leftover routing fee of ordinary forwards is lnd's own: only what carried an extra fee is in the journal.
    const wrong = simulation.violations().filter((violation) => !violation.startsWith('books:'))
    const booked = new Map(simulation.journal().map(({ paymentHash, earned }) => [paymentHash, earned]))
    const rows = new Set(world.node.log.list(0).map(({ circuit }) => circuit))
    for (const { hash, circuit, amountIn, amountOut, extraFee } of world.node.log.settled) {
      if (extraFee === undefined) continue
      const earned = amountIn - amountOut
      const inBooks = booked.get(hash)
      booked.delete(hash)
      // What lnd forgot, when it was killed before it wrote it down, cannot always be found again.
      if (inBooks === undefined && !rows.has(circuit)) this.forgotten += 1
      else if (inBooks !== earned) wrong.push(`books: ${circuit} earned ${earned}, the journal says ${inBooks}`)
    }
    for (const [hash, earned] of booked) wrong.push(`books: ${hash} earned nothing, the journal says ${earned}`)
    for (const { scid } of this.sold) {
      const state = simulation.state(scid)
      if (!['paid', 'abandoned', 'unearned'].includes(state ?? '')) wrong.push(`sale ${scid} rests as ${state}`)
    }
    for (const { payments } of world.payers) {
      for (const { circuit, outcome } of payments)
        if (outcome === undefined) wrong.push(`${circuit} was never resolved`)
    }
    const funding = [...(simulation.bytes.get('funding-live') ?? [])].map(([, row]) => JSON.parse(row).record)
    for (const { tag, order } of funding) wrong.push(`funding for ${order.owner} rests as ${tag}`)
    return wrong
  }
}

async function play(seed: number): Promise<readonly string[]> {
  const chaos = new Chaos(seed)
  const wrong = await chaos.play().catch((error: unknown) => [`threw ${error instanceof Error ? error.stack : error}`])
  if (wrong.length === 0) return []
  return [`seed ${seed}: ${wrong.join('; ')}`, ...(REVIEW_SEEDS === '1' ? chaos.log : [])]
}

describe('sales of several wallets at once with everything going wrong at random', () => {
  it(
    'end with the books right, nothing stuck and nothing lost',
    async () => {
      const broken: string[] = []
      const first = Number(REVIEW_FIRST)
      for (let seed = first; seed < first + Number(REVIEW_SEEDS); seed += 1) broken.push(...(await play(seed)))
      expect(broken).toEqual([])
    },
    // The default takes seconds; more seeds take as long as they take.
    24 * 3_600_000,
  )
})
