import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'

/** The budget is spent and given back within a window of this length that slides. */
export const BUDGET_WINDOW_MS = 3_600_000
/** Most that time may pass at once: a clock that jumps ahead does not free what was spent a minute ago. */
export const LONGEST_STEP_MS = 120_000

/** Chain fees for one channel whose fee is not earned. */
export type Spending = { readonly id: string; readonly owner: string; readonly amount: Sat; readonly at: number }

type Entry = Spending & { readonly since: number }

/**
 * What was spent within the last hour on channels that earned nothing yet (decisions D22): in memory, filled from disk
 * at the start. It counts time by itself, in steps of at most two minutes, from a clock that may jump: looked at once a
 * minute (`observe`), it is never ahead of the clock, and a clock that is put back gives an hour from then at most.
 */
export class Budget {
  readonly #limit: Sat
  /** In the order in which they leave the window. */
  readonly #entries = new Map<string, Entry>()
  readonly #expired: string[] = []
  #spent = 0n
  #elapsed = 0
  #seen: Timestamp | undefined

  constructor(limit: Sat) {
    this.#limit = limit
  }

  get limit(): Sat {
    return this.#limit
  }

  observe(now: Timestamp): void {
    const passed = this.#seen === undefined ? 0 : now - this.#seen
    this.#elapsed += Math.min(Math.max(passed, 0), LONGEST_STEP_MS)
    this.#seen = now
    for (const [id, { since }] of this.#entries) {
      if (since + BUDGET_WINDOW_MS > this.#elapsed) break
      this.remove(id)
      this.#expired.push(id)
    }
  }

  /** Those that left the window since the last call: their records need not be kept. */
  takeExpired(): readonly string[] {
    return this.#expired.splice(0)
  }

  /** What was on disk at the start; returns those that left the window meanwhile. */
  load(spendings: readonly Spending[], now: Timestamp): readonly Spending[] {
    this.observe(now)
    const aged = spendings.map((spending) => ({ spending, age: Math.max(now - spending.at, 0) }))
    for (const { spending, age } of aged.filter((each) => each.age < BUDGET_WINDOW_MS).sort((a, b) => b.age - a.age)) {
      this.#put({ ...spending, since: this.#elapsed - age })
    }
    return aged.filter(({ age }) => age >= BUDGET_WINDOW_MS).map(({ spending }) => spending)
  }

  spent(now: Timestamp): Sat {
    this.observe(now)
    return sat(this.#spent)
  }

  fits(amount: Sat, now: Timestamp): boolean {
    return this.spent(now) + amount <= this.#limit
  }

  /** The same id again changes nothing: what is spent stays spent since it was. */
  add(spending: Spending, now: Timestamp): void {
    this.observe(now)
    if (!this.#entries.has(spending.id)) this.#put({ ...spending, since: this.#elapsed })
  }

  get(id: string): Spending | undefined {
    return this.#entries.get(id)
  }

  ofOwner(owner: string): readonly Spending[] {
    return [...this.#entries.values()].filter((entry) => entry.owner === owner)
  }

  /** Given back: earned, or not spent after all. */
  remove(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    this.#spent -= entry.amount
  }

  /** Ms until the oldest spending leaves the window; undefined when nothing is spent. */
  nextRelease(now: Timestamp): number | undefined {
    this.observe(now)
    const [oldest] = this.#entries.values()
    return oldest === undefined ? undefined : oldest.since + BUDGET_WINDOW_MS - this.#elapsed
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.id, entry)
    this.#spent += entry.amount
  }
}
