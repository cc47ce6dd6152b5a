import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { BUDGET_WINDOW_MS, Budget } from '../../../src/inventory/budget.ts'
import { transactionFee, unearnedCost } from '../../../src/inventory/coins.ts'
import type { Opening } from '../../../src/inventory/opening.ts'
import type { Coin } from '../../../src/lnd/port.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { coinOf, placed, Shop, signal, wantedOf } from './samples.ts'

const RESERVE = sat(50_000n)
const FEERATE = 2

type Act = { readonly do: 'reserve' | 'refuse' | 'lock' | 'confirm' | 'look' | 'die'; readonly which: number }

const act: fc.Arbitrary<Act> = fc.record({
  do: fc.constantFrom('reserve', 'reserve', 'reserve', 'refuse', 'lock', 'confirm', 'look', 'die'),
  which: fc.nat(30),
})

/** A wallet as lnd has it: what is locked or spent is not in its list. */
class Wallet {
  readonly coins: Map<string, Coin>
  readonly locked = new Map<string, readonly string[]>()

  constructor(coins: readonly Coin[]) {
    this.coins = new Map(coins.map((coin) => [coin.outpoint, coin]))
  }

  free(): Coin[] {
    const taken = new Set([...this.locked.values()].flat())
    return [...this.coins.values()].filter(({ outpoint }) => !taken.has(outpoint))
  }
}

describe('whatever is claimed, refused, locked, confirmed and read, in any order', () => {
  it('no coin is promised twice, the reserve stays, and a restart counts the same', async () => {
    const coins = fc
      .array(fc.bigInt({ min: 60_000n, max: 2_000_000n }), { minLength: 1, maxLength: 8 })
      .map((amounts) => amounts.map((amount, index) => coinOf(index + 1, amount)))
    await fc.assert(
      fc.asyncProperty(coins, fc.array(act, { maxLength: 40 }), async (all, acts) => {
        const wallet = new Wallet(all)
        let shop = new Shop(wallet.free(), { reserve: RESERVE })
        await shop.opened()
        const openings = new Map<string, Opening>()
        const look = async () => {
          shop.coins = wallet.free()
          await shop.inventory.refresh(signal)
        }
        const move = async (opening: Opening, stage: Opening['stage']) => {
          const after = await shop.move(opening, stage)
          if (stage === 'nothing') openings.delete(opening.id)
          else openings.set(opening.id, after)
        }
        let named = 0
        for (const { do: what, which } of acts) {
          const decided = [...openings.values()].filter(({ stage }) => stage === 'decided')
          const locked = [...openings.values()].filter(({ stage }) => stage === 'locked')
          const one = decided[which % Math.max(decided.length, 1)]
          if (what === 'reserve') {
            named += 1
            const wanted = wantedOf(named, { capacity: sat(20_000n + BigInt(which) * 20_000n) })
            if (shop.inventory.reserve(wanted).ok) openings.set(wanted.id, await shop.place(wanted))
          } else if (what === 'refuse' && one !== undefined) await move(one, 'nothing')
          else if (what === 'lock' && one !== undefined) {
            wallet.locked.set(one.id, one.coins?.inputs ?? [])
            await move(one, 'locked')
          } else if (what === 'confirm' && locked[0] !== undefined) {
            for (const input of wallet.locked.get(locked[0].id) ?? []) wallet.coins.delete(input)
            wallet.locked.delete(locked[0].id)
            await move(locked[0], 'ended')
          } else if (what === 'look') await look()
          else if (what === 'die') {
            const before = shop.inventory.report()
            const next = new Shop(wallet.free(), { reserve: RESERVE }, shop.bytes)
            await next.inventory.load([...openings.values()].filter(({ stage }) => stage !== 'ended'))
            shop = next
            await look()
            // What is decided and not locked is reserved by the next process too, whatever this one had seen.
            const reserved = [...openings.values()].filter(({ stage }) => stage === 'decided').length
            expect(shop.inventory.report().reservations).toBe(reserved)
            expect(shop.inventory.report().budget.spent).toBe(before.budget.spent)
          }
          check(all, [...openings.values()], wallet)
        }
      }),
      { numRuns: 200 },
    )
  })
})

function check(all: readonly Coin[], openings: readonly Opening[], wallet: Wallet): void {
  const inputs = openings.filter(({ stage }) => stage !== 'ended').flatMap(({ coins }) => coins?.inputs ?? [])
  expect(new Set(inputs).size).toBe(inputs.length)
  for (const { coins, capacity } of openings) {
    const held = (coins?.inputs ?? []).map((input) => all.find(({ outpoint }) => outpoint === input)?.amount ?? 0n)
    const fee = transactionFee(FEERATE, { inputs: held.length, outputs: 2 })
    expect(held.reduce<bigint>((sum, amount) => sum + amount, 0n)).toBeGreaterThanOrEqual(capacity + fee)
  }
  // The reserve is there in coins that no opening has, or in the change of those that have them.
  const free = wallet.free().filter(({ outpoint }) => !inputs.includes(outpoint))
  const untouched = free.reduce((sum, { amount }) => sum + amount, 0n)
  const change = openings.reduce((sum, { coins, capacity }) => {
    const amounts = (coins?.inputs ?? []).map((input) => all.find(({ outpoint }) => outpoint === input)?.amount ?? 0n)
    const fee = transactionFee(FEERATE, { inputs: amounts.length, outputs: 2 })
    return sum + amounts.reduce<bigint>((total, amount) => total + amount, 0n) - capacity - fee
  }, 0n)
  if (openings.length > 0) expect(untouched + change).toBeGreaterThanOrEqual(RESERVE)
}

describe('the claim that reserve() takes', () => {
  it('is what the order of it carries', async () => {
    const shop = await new Shop([coinOf(1, 900_000n)]).opened()
    const claim = shop.inventory.reserve(wantedOf(1))
    expect(placed(wantedOf(1), shop.inventory).coins).toEqual(claim.ok ? claim.coins : undefined)
  })
})

describe('the budget', () => {
  it('is never exceeded within any hour, whatever the clock does', () => {
    const cost = unearnedCost(FEERATE, 1)
    const limit = sat(cost * 3n)
    const minute = 60_000
    // Real minutes that pass, and what the clock then shows beside them.
    const tick = fc.record({ minutes: fc.integer({ min: 1, max: 9 }), jump: fc.integer({ min: -200, max: 200 }) })
    fc.assert(
      fc.property(fc.array(tick, { maxLength: 60 }), (ticks) => {
        const budget = new Budget(limit)
        const clock = new ManualClock()
        let real = 0
        let shown = clock.now() as number
        const spent: number[] = []
        for (const [index, { minutes, jump }] of ticks.entries()) {
          for (let passed = 0; passed < minutes; passed += 1) {
            real += minute
            shown += minute
            budget.observe(shown as never)
          }
          if (jump % 7 === 0) shown += jump * minute
          if (!budget.fits(cost, shown as never)) continue
          budget.add({ id: `${index}`, owner: 'o', amount: cost, at: shown }, shown as never)
          spent.push(real)
          const within = spent.filter((at) => real - at < BUDGET_WINDOW_MS - jumpsSince(ticks, index) * 2 * minute)
          expect(within.length).toBeLessThanOrEqual(3)
        }
      }),
    )
  })
})

/** A jump ahead is worth two minutes at most, each time that the clock is looked at. */
function jumpsSince(ticks: readonly { readonly jump: number }[], index: number): number {
  return ticks.slice(0, index + 1).filter(({ jump }) => jump % 7 === 0 && jump > 0).length
}
