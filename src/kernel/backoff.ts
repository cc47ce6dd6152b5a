/** How the waits between attempts grow. */
export type Backoff = {
  /** Before the first retry. */
  readonly firstMs: number
  readonly factor: number
  /** No wait is longer. */
  readonly longestMs: number
  /** Up to this share of a wait is taken off at random, so that many who lost the same peer do not return together. */
  readonly jitter: number
}

/** For a stream of a node on the same machine: back in a blink after a hiccup, not a burden while it restarts. */
export const STREAM_BACKOFF: Backoff = { firstMs: 40, factor: 2, longestMs: 2_000, jitter: 0.3 }

/** The wait after `failures` failures in a row (1 and up), in whole milliseconds; `random` is from 0 to 1. */
export function delayAfter(failures: number, backoff: Backoff, random: number): number {
  const grown = backoff.firstMs * backoff.factor ** (failures - 1)
  const full = Math.min(grown, backoff.longestMs)
  return Math.round(full * (1 - backoff.jitter * random))
}
