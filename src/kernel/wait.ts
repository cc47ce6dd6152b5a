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
  const over = childOf(signal)
  const late = clock.sleep(ms, over.signal).then(() => {
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
    const rung = childOf(signal)
    const wake = () => rung.abort()
    this.#waiting.add(wake)
    try {
      await clock.sleep(ms, rung.signal)
    } catch (error) {
      if (signal.aborted || !rung.signal.aborted) throw error
    } finally {
      this.#waiting.delete(wake)
      rung.abort()
    }
  }
}

/**
 * A controller that also aborts when `parent` does. Abort it when it is not needed any more: that lets go of the parent.
 * (`AbortSignal.any` never does on Node 20: a signal that lives as long as the daemon would collect dependants.)
 */
export function childOf(parent: AbortSignal): AbortController {
  const child = new AbortController()
  const follow = () => child.abort(parent.reason)
  if (parent.aborted) follow()
  else parent.addEventListener('abort', follow, { once: true, signal: child.signal })
  return child
}
