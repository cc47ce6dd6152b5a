import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'

/** The longest delay that a Node timer takes; a longer sleep is made of several. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The machine's clock: the only reader of `Date.now` in the daemon. */
export const systemClock: Clock = {
  now: () => Date.now() as Timestamp,
  sleep: sleepFor,
}

async function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  let left = ms
  try {
    while (left > LONGEST_TIMER_MS) {
      await wait(LONGEST_TIMER_MS, undefined, { signal })
      left -= LONGEST_TIMER_MS
    }
    await wait(left, undefined, { signal })
  } catch (error) {
    // Node rejects with an AbortError of its own; the port promises the reason that the caller gave.
    throw signal.aborted ? signal.reason : error
  }
}
