import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Log } from '../kernel/log.ts'
import type { LndPort } from '../lnd/port.ts'

/** An estimate older than this is no estimate: nothing is sold on it. */
export const STALE_AFTER_MS = 30 * 60_000
/** Between estimates when no block comes. */
export const REFRESH_MS = 60_000

export type FeerateConfig = { readonly confTarget: number; readonly maxSatPerVbyte: number }

/** The feerate that channels are opened with, kept ready so that a sale does not wait for it. */
export class Feerate {
  readonly #deps: { readonly lnd: Pick<LndPort, 'estimateFeerate'>; readonly clock: Clock; readonly log: Log }
  readonly #config: FeerateConfig
  #latest: { readonly satPerVbyte: number; readonly at: Timestamp } | undefined

  constructor(deps: { lnd: Pick<LndPort, 'estimateFeerate'>; clock: Clock; log: Log }, config: FeerateConfig) {
    this.#deps = deps
    this.#config = config
  }

  /** Satoshi per virtual byte; undefined while it is unknown, stale or above the operator's ceiling. */
  current(): number | undefined {
    if (this.#latest === undefined) return undefined
    const { satPerVbyte, at } = this.#latest
    const usable = this.#deps.clock.now() - at <= STALE_AFTER_MS && satPerVbyte <= this.#config.maxSatPerVbyte
    return usable ? satPerVbyte : undefined
  }

  async refresh(signal: AbortSignal): Promise<void> {
    try {
      const satPerVbyte = await this.#deps.lnd.estimateFeerate(this.#config.confTarget, signal)
      this.#latest = { satPerVbyte, at: this.#deps.clock.now() }
    } catch (error) {
      if (!signal.aborted) this.#deps.log.warn({ err: error }, 'no feerate estimate')
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refresh(signal)
      await this.#deps.clock.sleep(REFRESH_MS, signal).catch(() => undefined)
    }
  }
}
