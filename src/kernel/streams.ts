import type { Clock } from '../../lsps/base/clock.ts'
import type { Entropy } from './entropy.ts'
import type { Log } from './log.ts'

/** A stream that just broke is opened again after this; each further failure doubles the pause up to the longest. */
export const FIRST_PAUSE_MS = 20
export const LONGEST_PAUSE_MS = 10_000
/** A stream that lived this long starts again with the first pause. */
export const SETTLED_AFTER_MS = 5_000

export type StreamState = { readonly name: string; readonly up: boolean; readonly restarts: number }

/** Serves one stream until it ends; calls `up` when it begins to serve. */
export type ServeStream = (up: () => void, signal: AbortSignal) => Promise<void>

type Entry = { name: string; up: boolean; restarts: number }

/** Keeps streams to the node open: whenever one ends, for whatever reason, it is opened again, until shutdown. */
export class Streams {
  readonly #deps: { readonly clock: Clock; readonly entropy: Entropy; readonly log: Log; readonly signal: AbortSignal }
  readonly #entries: Entry[] = []
  readonly #running: Promise<void>[] = []

  constructor(deps: { clock: Clock; entropy: Entropy; log: Log; signal: AbortSignal }) {
    this.#deps = deps
  }

  get states(): readonly StreamState[] {
    return this.#entries
  }

  open(name: string, serve: ServeStream): void {
    const entry = { name, up: false, restarts: 0 }
    this.#entries.push(entry)
    this.#running.push(this.#keep(entry, serve))
  }

  /** Resolves when every stream has ended, after the signal aborted. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  async #keep(entry: Entry, serve: ServeStream): Promise<void> {
    const { clock, log, signal } = this.#deps
    let failures = 0
    while (!signal.aborted) {
      const openedAt = clock.now()
      let reason: unknown
      try {
        await serve(() => {
          entry.up = true
        }, signal)
      } catch (error) {
        reason = error
      }
      entry.up = false
      if (signal.aborted) return
      failures = clock.now() - openedAt >= SETTLED_AFTER_MS ? 0 : failures + 1
      const pauseMs = this.#pause(failures)
      entry.restarts += 1
      log.warn({ stream: entry.name, pauseMs, err: reason }, 'stream to lnd ended, opening it again')
      await clock.sleep(pauseMs, signal).catch(() => undefined)
    }
  }

  /** Between half and all of the doubled pause: streams that broke together do not come back together. */
  #pause(failures: number): number {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures, 20), LONGEST_PAUSE_MS)
    const chance = (this.#deps.entropy(1)[0] ?? 0) / 255
    return Math.round(longest / 2 + (longest / 2) * chance)
  }
}
