import type { Clock } from '../../lsps/base/clock.ts'
import type { FetchJson } from '../kernel/fetch-json.ts'
import type { Log } from '../kernel/log.ts'
import { childOf, withDeadline } from '../kernel/wait.ts'
import type { Estimate } from './feerate-verdict.ts'

/** For one answer. */
export const FETCH_TIMEOUT_MS = 5_000
/** No feerate was ever near it: a number above is something else than satoshi per vbyte. */
const MOST_SAT_PER_VBYTE = 100_000

export type SecondSourceConfig = {
  readonly url: string
  /** Where the number stands in the answer, for example `hourFee` or `fees.0.rate`. */
  readonly path: string
}

export type SecondSourceDeps = { readonly fetchJson: FetchJson; readonly clock: Clock; readonly log: Log }

/** Another opinion about the feerate. It is asked in the background; nobody waits for it. */
export class SecondSource {
  readonly #deps: SecondSourceDeps
  readonly #config: SecondSourceConfig
  #latest: Estimate | undefined

  constructor(deps: SecondSourceDeps, config: SecondSourceConfig) {
    this.#deps = deps
    this.#config = config
  }

  get latest(): Estimate | undefined {
    return this.#latest
  }

  /** Keeps the last answer when there is no new one; how old it may be is for others to judge. */
  async refresh(signal: AbortSignal): Promise<void> {
    const { fetchJson, clock, log } = this.#deps
    const { url, path } = this.#config
    const asking = childOf(signal)
    try {
      const promise = fetchJson(url, asking.signal)
      promise.catch(() => undefined) // when it fails after its time nobody listens any more
      const answer = await withDeadline({ promise, ms: FETCH_TIMEOUT_MS, what: url, clock, signal })
      const satPerVbyte = feerateAt(answer, path)
      if (satPerVbyte === undefined) throw new Error(`its answer has no feerate at "${path}"`)
      this.#latest = { satPerVbyte, at: clock.now() }
    } catch (error) {
      if (!signal.aborted) log.warn({ url, path, err: error }, 'no feerate from the second source')
    } finally {
      asking.abort()
    }
  }
}

/** The number at a place in a JSON answer; undefined when there is none that a feerate can be. */
export function feerateAt(answer: unknown, path: string): number | undefined {
  let found = answer
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<string, unknown>)[key]
  }
  if (typeof found !== 'number') return undefined
  return found > 0 && found <= MOST_SAT_PER_VBYTE ? found : undefined
}
