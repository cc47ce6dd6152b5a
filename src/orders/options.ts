import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Lsps1Options } from '../../lsps/lsps1/schema.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/port.ts'
import { publishedOptions } from './records.ts'

/** bLIP-51: what is offered should not change more than once a day (L1-02). */
export const LEAST_BETWEEN_CHANGES_MS = 24 * 3_600_000
const KEY = 'current'

export type OptionsDeps = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly onFatal: (error: unknown) => void
}

export type OptionsConfig = {
  /** What the config says. */
  readonly wanted: Lsps1Options
  /** `at-once`: clients that rely on the last answer for a day may be refused. */
  readonly change: 'daily' | 'at-once'
}

/** What is offered: the config of the moment, but no more than one change of it a day, restarts or not. */
export class PublishedOptions {
  readonly #deps: OptionsDeps
  readonly #config: OptionsConfig
  #current: { readonly options: Lsps1Options; readonly changedAt: Timestamp } | undefined

  constructor(deps: OptionsDeps, config: OptionsConfig) {
    this.#deps = deps
    this.#config = config
  }

  /** Before anything is sold. */
  async load(): Promise<void> {
    this.#current = await publishedOptions.get(this.#deps.store, KEY)
    this.current()
  }

  /** What is offered now, and what orders are held against. */
  current(): Lsps1Options {
    const { clock, store, log, onFatal } = this.#deps
    const { wanted, change } = this.#config
    const now = clock.now()
    const last = this.#current
    if (last !== undefined) {
      if (isEqual(last.options, wanted)) return last.options
      if (change === 'daily' && now < last.changedAt + LEAST_BETWEEN_CHANGES_MS) return last.options
    }
    this.#current = { options: wanted, changedAt: now }
    log.info({ first: last === undefined }, 'what can be ordered has changed')
    store.commit([publishedOptions.put(KEY, this.#current)]).catch(onFatal)
    return wanted
  }

  /** When the config takes effect; undefined when it has. */
  get dueAt(): Timestamp | undefined {
    const last = this.#current
    if (last === undefined || isEqual(last.options, this.#config.wanted)) return undefined
    return (last.changedAt + LEAST_BETWEEN_CHANGES_MS) as Timestamp
  }
}

function isEqual(a: Lsps1Options, b: Lsps1Options): boolean {
  return (Object.keys(b) as (keyof Lsps1Options)[]).every((name) => a[name] === b[name])
}
