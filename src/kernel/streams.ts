import type { Clock } from '../../lsps/base/clock.ts'
import type { Entropy } from './entropy.ts'
import type { Log } from './log.ts'
import { supervise } from './supervise.ts'

export type StreamState = { readonly name: string; readonly up: boolean; readonly restarts: number }

/** Serves one stream until it ends; calls `up` when it begins to serve. */
export type ServeStream = (up: () => void, signal: AbortSignal) => Promise<void>

export type StreamsDeps = {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  /** Ends all streams. */
  readonly signal: AbortSignal
  /** A stream failed for a reason that is not the node's: a bug, or a database that cannot be written. */
  readonly onFatal: (error: unknown) => void
}

/** All streams to the node, kept open until shutdown, and what the operator is told about them. */
export class Streams {
  readonly #deps: StreamsDeps
  readonly #states: { name: string; up: boolean; restarts: number }[] = []
  readonly #running: Promise<void>[] = []

  constructor(deps: StreamsDeps) {
    this.#deps = deps
  }

  get states(): readonly StreamState[] {
    return this.#states
  }

  open(name: string, serve: ServeStream): void {
    const { clock, entropy, log, signal, onFatal } = this.#deps
    const state = { name, up: false, restarts: 0 }
    this.#states.push(state)
    const running = supervise(
      {
        name,
        clock,
        entropy,
        log,
        run: (streamSignal, attached) => serve(attached, streamSignal),
        onUp: () => {
          state.up = true
        },
        onDown: () => {
          state.up = false
          state.restarts += 1
        },
      },
      signal,
    )
    this.#running.push(running.catch(onFatal))
  }

  /** Resolves when every stream has ended, after the signal aborted. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running)
  }
}
