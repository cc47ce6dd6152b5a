import * as z from 'zod'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { type Backoff, delayAfter } from '../kernel/backoff.ts'

/**
 * How fast a client may have us say that its webhooks were set: it names the hosts, and may set one as often as it is
 * allowed to ask. This many are said at once; those that follow closely wait for longer and longer.
 */
export const FREE_REGISTRATIONS = 3
export const REGISTRATION_BACKOFF: Backoff = { firstMs: 1_000, factor: 2, longestMs: 60_000, jitter: 0 }
/** After this much silence a client begins anew. */
export const QUIET_MS = 5 * 60_000
/** More in a row make no difference. */
const MOST_IN_A_ROW = 100

/** Registrations of one client that follow each other closely. */
export const Pace = z.object({
  inARow: z.number().int().nonnegative(),
  /** When the last of them was, or will be, said. */
  last: z.custom<Timestamp>((v) => Number.isSafeInteger(v)),
})
export type Pace = z.output<typeof Pace>

/** With one more, which is said at `last`: now, or within the longest pause. */
export function withOneMore(pace: Pace | undefined, now: Timestamp): Pace {
  if (pace === undefined || now - pace.last >= QUIET_MS) return { inARow: 1, last: now }
  const { inARow, last } = pace
  const beyond = inARow - FREE_REGISTRATIONS + 1
  const pause = beyond < 1 ? 0 : delayAfter(beyond, REGISTRATION_BACKOFF, 0)
  const next = Math.min(Math.max(now, last + pause), now + REGISTRATION_BACKOFF.longestMs)
  return { inARow: Math.min(inARow + 1, MOST_IN_A_ROW), last: next as Timestamp }
}
