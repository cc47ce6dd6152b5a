import type { Clock } from '../../lsps/base/clock.ts'
import type { Store, Write } from '../store/port.ts'
import { prunable } from './records.ts'

/** Between two times at which old orders are forgotten. */
export const PRUNE_MS = 3_600_000

export type PruneDeps = {
  readonly store: Store
  readonly clock: Clock
  /** How long an order is kept after its end (L1-53). */
  readonly keepMs: number
  /** Deletes a finished order together with what finds it; one that came back to life meanwhile stays. */
  readonly forget: (id: string, writes: readonly Write[]) => Promise<boolean>
}

/** Forgets finished orders that are old, page by page, until the signal aborts. */
export async function pruneFinished({ store, clock, keepMs, forget }: PruneDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let after: string | undefined
    do {
      const { orders, next } = await prunable(store, Math.max(0, clock.now() - keepMs), after)
      try {
        await Promise.all(orders.map(({ id, writes }) => forget(id, writes)))
      } catch {
        return // a failed commit ends the process, and whoever commits has said so
      }
      after = next
    } while (after !== undefined && !signal.aborted)
    await clock.sleep(PRUNE_MS, signal).catch(() => undefined)
  }
}
