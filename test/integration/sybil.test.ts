import { describe, expect, it } from 'vitest'
import type { ChainTx } from '../../src/sandbox/chain.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { type Bought, Simulation, testConfig } from './simulation.ts'

const WALLETS = 500
const HOURS = 4
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const FEERATE = 10
const BUDGET_SAT = 20_000n
const COINS = 700
const COIN_SAT = 10_000_000n
const AMOUNT = 100_000_000n
const BLOCKS_PER_HOUR = 6
const MINUTES_PER_BLOCK = 10

/** What each wallet does with the channel that it bought and the payment in it; all of them are valid peers. */
const MANNERS: readonly ((wallet: SimWallet) => void)[] = [
  (wallet) => wallet.setPaymentPolicy('fail'),
  (wallet) => wallet.setPaymentPolicy('sit'),
  (wallet) => {
    wallet.setPaymentPolicy('fail')
    wallet.onChannelReady = () => wallet.disconnect() // it has its channel and is never seen again
  },
  (wallet) => wallet.setOpenPolicy('hang-sign'),
]

type Spent = { readonly at: number; readonly sat: bigint; readonly opening: boolean }

/** The chain's own account of what the node pays: nothing of it is asked of the sidecar. */
class Ledger {
  readonly spent: Spent[] = []
  readonly #values = new Map<string, bigint>()

  constructor({ world, clock }: Simulation) {
    for (let coin = 0; coin < COINS; coin += 1) this.#values.set(world.node.coins.grant(COIN_SAT), COIN_SAT)
    world.node.chain.onTransaction((tx) => {
      for (const [index, { value }] of tx.outputs.entries()) this.#values.set(`${tx.txid}:${index}`, value)
      this.spent.push({
        at: clock.now(),
        sat: this.#feeOf(tx),
        opening: !world.node.channels.all.has(tx.inputs[0] ?? ''),
      })
    })
  }

  /** The most that openings cost within any hour. */
  dearestHour(): bigint {
    const openings = this.spent.filter(({ opening }) => opening)
    const from = ({ at }: Spent) =>
      openings.filter((other) => other.at >= at && other.at < at + HOUR_MS).reduce((sum, { sat }) => sum + sat, 0n)
    return openings.reduce((most, opening) => (from(opening) > most ? from(opening) : most), 0n)
  }

  total(): bigint {
    return this.spent.reduce((sum, { sat }) => sum + sat, 0n)
  }

  #feeOf({ inputs, outputs }: ChainTx): bigint {
    const paid = inputs.reduce((sum, outpoint) => sum + (this.#values.get(outpoint) ?? 0n), 0n)
    return outputs.reduce((left, { value }) => left - value, paid)
  }
}

async function prepare(budget: bigint) {
  const config = testConfig({
    inventory: { unearned_budget_sat_per_hour: `${budget}` },
    lsps2: { max_held_htlcs: 1000 },
  })
  const latency = { node: { open: 0, sign: 0, ready: 0, htlc: 0 }, calls: {} }
  const simulation = new Simulation({ config, latency, coins: [] })
  simulation.world.node.feerate = FEERATE
  const ledger = new Ledger(simulation)
  await simulation.start()
  return { simulation, ledger }
}

async function buyIfSold(simulation: Simulation, wallet: SimWallet): Promise<Bought | undefined> {
  wallet.connect()
  if (!wallet.online) return undefined // gone for good, with its channel
  // An empty menu, or a refusal: both are what an attacker has to live with.
  return simulation.buy(wallet, AMOUNT).catch(() => undefined)
}

async function passHour(simulation: Simulation): Promise<void> {
  for (let block = 0; block < BLOCKS_PER_HOUR; block += 1) {
    for (let minute = 0; minute < MINUTES_PER_BLOCK; minute += 1) await simulation.advance(MINUTE_MS)
    simulation.world.mine(1)
  }
}

/** Every hour all wallets buy what is sold; then all that was bought is paid at once. */
async function attack(simulation: Simulation, wallets: readonly SimWallet[]): Promise<void> {
  for (let hour = 0; hour < HOURS; hour += 1) {
    const purchases: { readonly wallet: SimWallet; readonly bought: Bought }[] = []
    for (const wallet of wallets) {
      const bought = await buyIfSold(simulation, wallet)
      if (bought !== undefined) purchases.push({ wallet, bought })
    }
    for (const { wallet, bought } of purchases) {
      simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    }
    await passHour(simulation)
  }
}

describe('five hundred wallets of one attacker, with valid requests', () => {
  it('cannot have more spent on chain for channels that earn nothing than the budget of an hour', async () => {
    const { simulation, ledger } = await prepare(BUDGET_SAT)
    const wallets = Array.from({ length: WALLETS }, (_, n) => {
      const wallet = simulation.world.addWallet()
      MANNERS[n % MANNERS.length]?.(wallet)
      return wallet
    })
    await attack(simulation, wallets)
    expect(ledger.dearestHour()).toBeLessThanOrEqual(BUDGET_SAT)
    expect(ledger.total()).toBeLessThanOrEqual(BUDGET_SAT * BigInt(HOURS))
    // The attack was one: what could be spent was spent, and much more was asked for.
    expect(ledger.spent.filter(({ opening }) => opening).length).toBeGreaterThan(HOURS)
    expect(simulation.journal()).toEqual([])
    expect(simulation.fatal).toBeUndefined()

    // And when the hour is over, somebody honest is served.
    await passHour(simulation)
    const honest = simulation.world.addWallet()
    const bought = await buyIfSold(simulation, honest)
    if (bought === undefined) throw new Error('nothing is sold to an honest wallet')
    const payment = simulation.pay(bought, honest.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    expect((await simulation.outcome(payment.result, 'the honest payment to end')).status).toBe('settled')
  })
})
