import * as z from 'zod'
import type { Clock } from '../../lsps/base/clock.ts'
import { formatDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Log } from '../kernel/log.ts'
import type { Stop } from '../kernel/stop.ts'
import type { Store, Write } from '../store/port.ts'
import { Table } from '../store/table.ts'

/** What a client that wants to buy is told (error 1 of LSPS0). */
export const NOT_SELLING = 'no channels are sold at the moment: this provider is being taken out of service'

const Draining = z.object({ since: z.custom<Timestamp>((v) => Number.isSafeInteger(v)) })
const table = new Table('operation', Draining)
const KEY = 'drain'

export type DrainDeps = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** The commit failed: the process must stop now. */
  readonly onFatal: (error: unknown) => void
}

/**
 * The operator's word that nothing more is sold. What was sold goes on as ever: this only closes the shop, and a
 * restart does not open it again.
 */
export class Drain {
  readonly #deps: DrainDeps
  readonly #lock = new KeyedLock()
  #since: Timestamp | undefined

  constructor(deps: DrainDeps) {
    this.#deps = deps
  }

  /** Undefined while the shop is open. */
  get since(): Timestamp | undefined {
    return this.#since
  }

  /** For whoever asks why nothing is sold; undefined while the shop is open. */
  get stop(): Stop | undefined {
    if (this.#since === undefined) return undefined
    return {
      code: 'draining',
      what: `it drains since ${formatDatetime(this.#since)}`,
      fix: '`sluice drain --end` sells again',
    }
  }

  /** Before anything is sold. */
  async load(): Promise<void> {
    const { store, log } = this.#deps
    this.#since = (await table.get(store, KEY))?.since
    if (this.#since !== undefined) log.warn({ since: this.#since }, 'draining: nothing is sold')
  }

  /** On disk when it resolves. Beginning again keeps the time of the first word. */
  begin(): Promise<void> {
    return this.#lock.run(KEY, async () => {
      if (this.#since !== undefined) return
      const { clock, log } = this.#deps
      const since = clock.now()
      await this.#write(table.put(KEY, { since }))
      this.#since = since
      log.info({ since }, 'draining: nothing is sold from now on')
    })
  }

  /** On disk when it resolves; ending what did not begin is fine. */
  end(): Promise<void> {
    return this.#lock.run(KEY, async () => {
      if (this.#since === undefined) return
      await this.#write(table.del(KEY))
      this.#since = undefined
      this.#deps.log.info({}, 'drain ended: channels are sold again')
    })
  }

  async #write(write: Write): Promise<void> {
    try {
      await this.#deps.store.commit([write])
    } catch (error) {
      this.#deps.onFatal(error)
      throw error
    }
  }
}
