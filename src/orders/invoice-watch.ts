import type { Clock } from '../../lsps/base/clock.ts'
import { delayAfter, STREAM_BACKOFF } from '../kernel/backoff.ts'
import type { Log } from '../kernel/log.ts'
import type { Invoice, LndPort } from '../lnd/port.ts'

export type InvoiceWatchDeps = {
  readonly lnd: Pick<LndPort, 'subscribeInvoice'>
  readonly clock: Clock
  readonly log: Log
  /** Must not throw. */
  readonly onInvoice: (orderId: string, invoice: Invoice) => void
}

/**
 * What becomes of hold invoices: one stream for each that may still be paid, opened again when lnd ends it. The first
 * thing that a stream tells is the state now, so nothing is missed. Bounded by the orders that are not paid or held.
 */
export class InvoiceWatch {
  readonly #deps: InvoiceWatchDeps
  readonly #watched = new Map<string, AbortController>()
  readonly #running = new Set<Promise<void>>()
  #signal: AbortSignal | undefined

  constructor(deps: InvoiceWatchDeps) {
    this.#deps = deps
  }

  /** Following what is followed changes nothing. Before `run` it only takes note. */
  follow(orderId: string, hash: string): void {
    if (this.#watched.has(orderId) || this.#signal === undefined || this.#signal.aborted) return
    const watching = new AbortController()
    this.#watched.set(orderId, watching)
    const task: Promise<void> = this.#watch(orderId, hash, watching.signal).finally(() => this.#running.delete(task))
    this.#running.add(task)
  }

  forget(orderId: string): void {
    this.#watched.get(orderId)?.abort()
    this.#watched.delete(orderId)
  }

  /** Follows until the signal aborts; resolves when every stream has ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    // From here, and not by a listener of each: Node goes through all listeners of a signal to add one.
    for (const watching of this.#watched.values()) watching.abort(signal.reason)
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  async #watch(orderId: string, hash: string, signal: AbortSignal): Promise<void> {
    const { lnd, clock, log, onInvoice } = this.#deps
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        await lnd.subscribeInvoice(
          hash,
          (invoice) => {
            failures = 0
            if (!signal.aborted) onInvoice(orderId, invoice)
          },
          signal,
        )
      } catch (error) {
        if (!signal.aborted) log.debug({ order: orderId, err: error }, 'invoice stream ended')
      }
      await clock.sleep(delayAfter(Math.max(failures, 1), STREAM_BACKOFF, 0), signal).catch(() => undefined)
    }
  }
}
