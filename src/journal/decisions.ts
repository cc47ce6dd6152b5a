import * as z from 'zod'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Store, Write } from '../store/port.ts'
import { Table } from '../store/table.ts'

/** Decisions on record; the oldest go first, whatever their age. About 60 MB. */
export const MAX_DECISIONS = 200_000
/** Refusals are added up for this long before they are written: one row for each peer and reason. */
export const GATHER_MS = 60_000
/** Rows of refusals in that time; further ones are added up as those of `others`. */
export const MAX_REFUSAL_ROWS = 100
/** Between looks for what is too old. */
const PRUNE_MS = 3_600_000
const PRUNED_AT_ONCE = 1_000
const DAY_MS = 86_400_000
const TIME_DIGITS = 15
const COUNTER_DIGITS = 6
const OTHERS = 'others'

/** What was decided, by which numbers; amounts in msat are in names that end so. Never a token or a preimage. */
export const Decision = z.object({
  at: z.custom<Timestamp>((v) => Number.isSafeInteger(v)),
  what: z.string(),
  detail: z.record(z.string(), z.string()),
})
export type Decision = z.output<typeof Decision>

const table = new Table('decisions', Decision)

/** A request that was refused: who asked for what, and the first numbers that were refused so. */
export type RefusedRequest = {
  readonly peer: string
  readonly method: string
  readonly code: number
  readonly why: string
  readonly inputs: Readonly<Record<string, string>>
}

type Gathered = { readonly refused: RefusedRequest; count: number }

/**
 * Append-only record of what was decided for everybody: prices and refusals. What was sold stands in the sales
 * themselves. A hostile peer cannot fill the disk: refusals are counted, in a bounded number of rows for each minute.
 */
export class Decisions {
  readonly #deps: { readonly store: Store; readonly clock: Clock; readonly keepDays: number }
  readonly #refusals = new Map<string, Gathered>()
  #counter = 0

  constructor(deps: { readonly store: Store; readonly clock: Clock; readonly keepDays: number }) {
    this.#deps = deps
  }

  /** The write that adds a decision, for the commit of what it tells. */
  entry(decision: Decision): Write {
    this.#counter += 1
    const counter = (this.#counter % 10 ** COUNTER_DIGITS).toString().padStart(COUNTER_DIGITS, '0')
    return table.put(`${timeKey(decision.at)}/${counter}`, decision)
  }

  /** Counts; on disk within `GATHER_MS`, so a crash forgets a minute of refusals at most. */
  refused(refused: RefusedRequest): void {
    const { peer, method, code, why } = refused
    const known = this.#refusals.get(`${peer}/${method}/${code}/${why}`)
    if (known !== undefined) {
      known.count += 1
      return
    }
    if (this.#refusals.size < MAX_REFUSAL_ROWS) {
      this.#refusals.set(`${peer}/${method}/${code}/${why}`, { refused, count: 1 })
      return
    }
    const key = `${OTHERS}/${method}/${code}`
    const others = this.#refusals.get(key)
    if (others === undefined) this.#refusals.set(key, { refused: { ...refused, peer: OTHERS }, count: 1 })
    else others.count += 1
  }

  /** Writes what was gathered. */
  async flush(): Promise<void> {
    if (this.#refusals.size === 0) return
    const at = this.#deps.clock.now()
    const writes = [...this.#refusals.values()].map(({ refused, count }) => this.entry(describe(refused, count, at)))
    this.#refusals.clear()
    await this.#deps.store.commit(writes)
  }

  /** Writes and prunes until the signal aborts; what is gathered then is still written. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    let pruned = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      if (clock.now() - pruned >= PRUNE_MS) {
        pruned = clock.now()
        await this.prune(signal)
      }
      await clock.sleep(GATHER_MS, signal).catch(() => undefined)
      await this.flush()
    }
  }

  /** Deletes what is older than the config keeps, and the oldest above the bound. */
  async prune(signal: AbortSignal): Promise<void> {
    const { store, clock, keepDays } = this.#deps
    const edge = timeKey(Math.max(0, clock.now() - keepDays * DAY_MS))
    let tooMany = (await this.#count(signal)) - MAX_DECISIONS
    while (!signal.aborted) {
      const oldest = await store.keys(table.name, { limit: PRUNED_AT_ONCE })
      const doomed = oldest.filter((key, index) => key < edge || index < tooMany)
      if (doomed.length === 0) return
      await store.commit(doomed.map((key) => table.del(key)))
      tooMany -= doomed.length
    }
  }

  async #count(signal: AbortSignal): Promise<number> {
    let count = 0
    let after: string | undefined
    while (!signal.aborted) {
      const page: readonly string[] = await this.#deps.store.keys(table.name, {
        limit: PRUNED_AT_ONCE,
        ...(after === undefined ? {} : { after }),
      })
      count += page.length
      after = page.at(-1)
      if (page.length < PRUNED_AT_ONCE) break
    }
    return count
  }

  /** The newest ones since a time, oldest first. */
  async since(since: Timestamp, limit: number): Promise<readonly Decision[]> {
    const found: Decision[] = []
    for await (const [, decision] of table.entries(this.#deps.store, { reverse: true, limit })) {
      if (decision.at < since) break
      found.push(decision)
    }
    return found.reverse()
  }
}

function timeKey(at: number): string {
  return at.toString().padStart(TIME_DIGITS, '0')
}

function describe({ peer, method, code, why, inputs }: RefusedRequest, count: number, at: Timestamp): Decision {
  return { at, what: 'refused', detail: { peer, method, code: `${code}`, why, times: `${count}`, ...inputs } }
}
