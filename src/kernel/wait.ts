import type { Clock } from '../../lsps/base/clock.ts'
import { SidecarError } from './errors.ts'

export type DeadlineOptions<T> = {
  readonly promise: Promise<T>
  readonly ms: number
  /** What is waited for, for the error. */
  readonly what: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Waits for a promise, but not longer than `ms`.
 * @throws SidecarError `TIMED_OUT`, or the signal's reason when that aborts first
 */
export async function withDeadline<T>({ promise, ms, what, clock, signal }: DeadlineOptions<T>): Promise<T> {
  const over = new AbortController()
  const late = clock.sleep(ms, AbortSignal.any([signal, over.signal])).then(() => {
    throw new SidecarError({ code: 'TIMED_OUT', waitedFor: what, ms })
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}

/** Wakes everybody who waits for news; news are hints, so each waiter looks for itself. */
export class Bell {
  #waiting = new Set<() => void>()

  ring(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  /** Resolves at the next ring or after `ms`, whichever is first; rejects when the signal aborts. */
  async next(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const rung = new AbortController()
    const wake = () => rung.abort()
    this.#waiting.add(wake)
    try {
      await clock.sleep(ms, AbortSignal.any([signal, rung.signal]))
    } catch (error) {
      if (!rung.signal.aborted || signal.aborted) throw error
    } finally {
      this.#waiting.delete(wake)
    }
  }
}
