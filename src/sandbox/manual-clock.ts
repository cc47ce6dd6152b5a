import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { SidecarError } from '../kernel/errors.ts'

/** 2030-01-01T00:00:00Z plus a part below a second, so that formatted times show their milliseconds. */
const DEFAULT_START_MS = 1_893_456_000_123
/** Turns of the event loop in which everything that is ready runs: promise jobs and in-memory stores need few. */
const SETTLE_TURNS = 4
/** Steps that `until` takes before it gives up: a machine that wakes itself for ever must not hang a test. */
const MAX_STEPS = 100_000
const DEFAULT_UNTIL_MS = 3_600_000

type Sleeper = { readonly due: number; readonly order: number; readonly wake: () => void }

/**
 * A clock that stands still until it is told to advance. Sleepers wake in the order of their due times (then of their
 * calls), and whatever they set off runs before the next one wakes: the same program gives the same interleaving.
 */
export class ManualClock implements Clock {
  #now: number
  #order = 0
  readonly #sleepers = new Set<Sleeper>()

  constructor(start: number = DEFAULT_START_MS) {
    this.#now = start
  }

  now(): Timestamp {
    return this.#now as Timestamp
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const onAbort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal.reason)
      }
      const sleeper: Sleeper = {
        due: this.#now + Math.ceil(Math.max(0, ms)), // whole milliseconds, as the clock of a machine tells
        order: this.#order++,
        wake: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.add(sleeper)
    })
  }

  /** How many wait now. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Lets everything run that is ready, without moving time. */
  async settle(turns: number = SETTLE_TURNS): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) await nextTurn()
  }

  /** Moves time by `ms`, waking who is due on the way, and lets what they set off run. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.settle()
    for (let next = this.#next(); next !== undefined && next.due <= end; next = this.#next()) {
      this.#wake(next)
      await this.settle()
    }
    this.#now = Math.max(this.#now, end)
    await this.settle()
  }

  /**
   * Runs until `condition` holds, moving time to the next sleeper whenever nothing else is left to run.
   * @throws SidecarError TIMED_OUT when `limitMs` of simulated time passed, or nobody sleeps and nothing changes
   */
  async until(condition: () => boolean, waitedFor: string, limitMs: number = DEFAULT_UNTIL_MS): Promise<void> {
    const end = this.#now + limitMs
    for (let step = 0; step < MAX_STEPS; step += 1) {
      await this.settle()
      if (condition()) return
      const next = this.#next()
      if (next !== undefined && next.due > end) break
      if (next !== undefined) this.#wake(next)
      else if (step > SETTLE_TURNS * SETTLE_TURNS) break
    }
    throw new SidecarError({ code: 'TIMED_OUT', waitedFor, ms: limitMs })
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper)
    this.#now = Math.max(this.#now, sleeper.due)
    sleeper.wake()
  }

  #next(): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (
        first === undefined ||
        sleeper.due < first.due ||
        (sleeper.due === first.due && sleeper.order < first.order)
      ) {
        first = sleeper
      }
    }
    return first
  }
}
