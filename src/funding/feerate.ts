import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { FetchJson } from '../kernel/fetch-json.ts'
import type { Log } from '../kernel/log.ts'
import type { Stop } from '../kernel/stop.ts'
import type { LndPort } from '../lnd/port.ts'
import {
  describeFeerateProblem,
  type Estimate,
  type FeerateFacts,
  judgeFeerate,
  ownProblem,
  secondProblem,
} from './feerate-verdict.ts'
import { SecondSource, type SecondSourceConfig } from './second-source.ts'

export { STALE_AFTER_MS } from './feerate-verdict.ts'

/** Between estimates. */
export const REFRESH_MS = 60_000
/** How far back the movement of the feerate is told. */
export const MOVEMENT_MS = 3_600_000
/** Estimates kept for that; more than come in an hour. */
export const MAX_HISTORY = 120

export type FeerateConfig = {
  readonly confTarget: number
  readonly maxSatPerVbyte: number
  readonly check?:
    | (SecondSourceConfig & { readonly max_ratio: number; readonly on_unreachable: 'sell' | 'stop' })
    | undefined
}

export type FeerateDeps = {
  readonly lnd: Pick<LndPort, 'estimateFeerate'>
  readonly clock: Clock
  readonly log: Log
  readonly fetchJson?: FetchJson | undefined
  /** Hears of each estimate that channels can be opened with; the next one is asked for when it is done. */
  readonly onEstimate?: (movement: Movement) => Promise<void>
}

/** The last estimate, and between what estimates moved within the hour that ended with it. */
export type Movement = { readonly satPerVbyte: number; readonly lowest: number; readonly highest: number }

/** The feerate that channels are opened with, kept ready so that a sale does not wait for it. */
export class Feerate {
  readonly #deps: FeerateDeps
  readonly #config: FeerateConfig
  readonly #second: SecondSource | undefined
  #history: readonly Estimate[] = []
  #told: string | undefined

  constructor(deps: FeerateDeps, config: FeerateConfig) {
    this.#deps = deps
    this.#config = config
    const fetchJson: FetchJson = deps.fetchJson ?? (() => Promise.reject(new Error('nothing is fetched here')))
    if (config.check !== undefined) this.#second = new SecondSource({ ...deps, fetchJson }, config.check)
  }

  get #latest(): Estimate | undefined {
    return this.#history.at(-1)
  }

  /** What is known now, for judging and for telling. */
  facts(now: Timestamp = this.#deps.clock.now()): FeerateFacts {
    const { maxSatPerVbyte: ceiling, check } = this.#config
    const facts = { now, own: this.#latest, ceiling }
    if (check === undefined) return facts
    const { url, max_ratio: maxRatio, on_unreachable: onUnreachable } = check
    return { ...facts, second: { url, latest: this.#second?.latest, maxRatio, onUnreachable } }
  }

  /**
   * What a channel is opened with, in satoshi per virtual byte; undefined while it is unknown, stale or above the
   * operator's ceiling. The second source has no say here: a price that was promised is honoured up to the ceiling.
   */
  current(): number | undefined {
    return ownProblem(this.facts()) === undefined ? this.#latest?.satPerVbyte : undefined
  }

  /** Why nothing is sold at this feerate; undefined when it is fine. */
  stop(): Stop | undefined {
    const problem = judgeFeerate(this.facts())
    return problem === undefined ? undefined : describeFeerateProblem(problem)
  }

  /** What the operator should know although it sells: the second source does not answer. */
  warning(): Stop | undefined {
    const facts = this.facts()
    const problem = judgeFeerate(facts) === undefined ? secondProblem(facts) : undefined
    return problem === undefined ? undefined : describeFeerateProblem(problem)
  }

  /** In satoshi per virtual byte; nothing is opened above it. */
  get ceiling(): number {
    return this.#config.maxSatPerVbyte
  }

  async refresh(signal: AbortSignal): Promise<void> {
    const { lnd, clock, log, onEstimate } = this.#deps
    try {
      const satPerVbyte = await lnd.estimateFeerate(this.#config.confTarget, signal)
      this.#history = withEstimate(this.#history, { satPerVbyte, at: clock.now() })
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'no feerate estimate')
      this.#tell()
      return
    }
    this.#tell()
    if (this.current() !== undefined) await onEstimate?.(movementOf(this.#history))
  }

  /** Estimates and the second source, each in its own time, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const second = this.#second
    await Promise.all([
      this.#repeat(() => this.refresh(signal), signal),
      ...(second === undefined ? [] : [this.#repeat(() => second.refresh(signal).then(() => this.#tell()), signal)]),
    ])
  }

  async #repeat(refresh: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await refresh()
      await this.#deps.clock.sleep(REFRESH_MS, signal).catch(() => undefined)
    }
  }

  /** Once for each change: nothing is sold from now, or it is again. */
  #tell(): void {
    const stop = this.stop()
    if (stop?.code === this.#told) return
    this.#told = stop?.code
    if (stop === undefined) this.#deps.log.info({}, 'the feerate is fine, selling again')
    else this.#deps.log.warn({ what: stop.what, fix: stop.fix }, 'nothing is sold at this feerate')
  }
}

/** Adds an estimate; what is older than the hour, or from before the clock was set back, is forgotten. */
export function withEstimate(history: readonly Estimate[], estimate: Estimate): readonly Estimate[] {
  const recent = history.filter(({ at }) => at <= estimate.at && at > estimate.at - MOVEMENT_MS)
  return [...recent, estimate].slice(-MAX_HISTORY)
}

/** @throws RangeError without any estimate */
export function movementOf(history: readonly Estimate[]): Movement {
  const latest = history.at(-1)
  if (latest === undefined) throw new RangeError('no estimate, no movement')
  const rates = history.map(({ satPerVbyte }) => satPerVbyte)
  return { satPerVbyte: latest.satPerVbyte, lowest: Math.min(...rates), highest: Math.max(...rates) }
}
