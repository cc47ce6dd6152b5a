import type { Timestamp } from '../base/datetime.ts'

/** A notification that was accepted: what was signed, by its digest, and when the LSP signed it. */
export type Seen = { readonly digest: string; readonly at: Timestamp }

/**
 * The notifications that one webhook has accepted, oldest first. Plain data: a wallet that is started anew by each
 * notification has to keep it between two of them. One for each webhook, since an LSP that calls two of them in the same
 * millisecond signs the same text twice.
 */
export type ReplayMemory = readonly Seen[]

/** How many an LSP may send within twice the window, by far; beyond, the oldest is forgotten and could be repeated. */
export const MAX_REMEMBERED = 256

/** Whether it was accepted before, and what is remembered now: nothing that is stale by itself, never more than `most`. */
export function remember(
  memory: ReplayMemory,
  seen: Seen,
  {
    now,
    windowMs,
    most = MAX_REMEMBERED,
  }: { readonly now: Timestamp; readonly windowMs: number; readonly most?: number },
): { readonly replayed: boolean; readonly memory: ReplayMemory } {
  const fresh = memory.filter(({ at }) => at >= now - windowMs)
  if (fresh.some(({ digest }) => digest === seen.digest)) return { replayed: true, memory: fresh }
  return { replayed: false, memory: [...fresh, seen].slice(-most) }
}
