import type { Clock } from '../../lsps/base/clock.ts'
import type { Store } from '../store/port.ts'
import { pruneWrites } from './records.ts'

/** Between two times at which old orders are forgotten. */
export const PRUNE_MS = 3_600_000

export type PruneDeps = {
  readonly store: Store
  readonly clock: Clock
  /** How long an order is kept after its end. */
  readonly keepMs: number
  readonly onFatal: (error: unknown) => void
}

/** Forgets finished orders that are old, page by page, until the signal aborts. */
export async function pruneFinished({ store, clock, keepMs, onFatal }: PruneDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let after: string | undefined
    do {
      const { writes, next } = await pruneWrites(store, Math.max(0, clock.now() - keepMs), after)
      if (writes.length > 0) {
        try {
          await store.commit(writes)
        } catch (error) {
          onFatal(error)
          return
        }
      }
      after = next
    } while (after !== undefined && !signal.aborted)
    await clock.sleep(PRUNE_MS, signal).catch(() => undefined)
  }
}
