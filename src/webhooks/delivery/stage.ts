import type { Clock } from '../../../lsps/base/clock.ts'
import { SidecarError } from '../../kernel/errors.ts'
import { childOf, withDeadline } from '../../kernel/wait.ts'
import type { Undelivered } from './outcome.ts'

export type StageOptions = {
  readonly ms: number
  /** What it is called when its time is over. */
  readonly late: Undelivered
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * One stage of a delivery within its time. The signal that it is given aborts when the stage ends, however it ends.
 * @throws `late`, what the stage throws, or the reason of the signal when that aborts first
 */
export async function stage<T>(run: (signal: AbortSignal) => Promise<T>, options: StageOptions): Promise<T> {
  const { ms, late, clock, signal } = options
  const running = childOf(signal)
  try {
    const promise = run(running.signal)
    promise.catch(() => undefined) // when it fails after its time nobody listens any more
    return await withDeadline({ promise, ms, what: late.message, clock, signal })
  } catch (error) {
    throw isTimeout(error) ? late : error
  } finally {
    running.abort(late)
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof SidecarError && error.failure.code === 'TIMED_OUT'
}
