import type { Clock } from '../../lsps/base/clock.ts'
import { type Backoff, delayAfter, STREAM_BACKOFF } from './backoff.ts'
import type { Entropy } from './entropy.ts'
import { SidecarError } from './errors.ts'
import type { Log } from './log.ts'

/** A stream that lived this long was healthy: what ends it then counts as a first failure. */
export const HEALTHY_AFTER_MS = 10_000

const RANDOM_BYTES = 4
const RANDOM_SPAN = 2 ** (8 * RANDOM_BYTES)

export type Supervised = {
  /** For the log: `lnd peer events`. */
  readonly name: string
  /**
   * Runs the stream until it ends; whoever can tell calls `attached` when the other side has it. Without that call the
   * stream counts as up when it starts.
   */
  readonly run: (signal: AbortSignal, attached: () => void) => Promise<void>
  readonly clock: Clock
  readonly entropy: Entropy
  readonly backoff?: Backoff
  readonly log?: Log
  /** Called once per attempt that attached. */
  readonly onUp?: () => void
  /** Called when an attempt ends, except by the signal. */
  readonly onDown?: (error: unknown) => void
}

/**
 * Keeps a stream alive until the signal aborts, and then resolves. What the node does to the stream is retried without
 * end; anything else (a bug, a database that cannot be written) is not the stream's, and rejects.
 */
export async function supervise(stream: Supervised, signal: AbortSignal): Promise<void> {
  const { name, run, clock, entropy, backoff = STREAM_BACKOFF, log } = stream
  let failures = 0
  while (!signal.aborted) {
    const attempt = watch(clock, stream.onUp)
    const error = await outcome(() => run(signal, attempt.attached))
    if (signal.aborted) return
    if (error !== undefined && !isNodes(error)) throw error
    stream.onDown?.(error)
    failures = attempt.upMs() >= HEALTHY_AFTER_MS ? 1 : failures + 1
    const retryMs = delayAfter(failures, backoff, fraction(entropy))
    log?.warn({ stream: name, failures, retryMs, err: error }, 'stream ended, will be opened again')
    await clock.sleep(retryMs, signal).catch(() => undefined)
  }
}

function watch(clock: Clock, onUp: (() => void) | undefined) {
  let since = clock.now()
  let up = false
  return {
    attached: () => {
      if (up) return
      up = true
      since = clock.now()
      onUp?.()
    },
    upMs: () => clock.now() - since,
  }
}

/** What `run` failed with; undefined when the stream just ended. */
async function outcome(run: () => Promise<void>): Promise<unknown> {
  try {
    await run()
    return undefined
  } catch (error) {
    return error ?? new Error('a stream failed with nothing')
  }
}

function isNodes(error: unknown): boolean {
  if (!(error instanceof SidecarError)) return false
  const { code } = error.failure
  return code === 'LND_UNAVAILABLE' || code === 'LND_REFUSED' || code === 'TIMED_OUT'
}

function fraction(entropy: Entropy): number {
  const bytes = entropy(RANDOM_BYTES)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / RANDOM_SPAN
}
