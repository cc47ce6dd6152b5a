import type { Clock } from '../base/clock.ts'
import type { ImpossibleChange } from './changes.ts'
import { isPassing, OrderError } from './order-error.ts'

/** Between two questions, unless the wallet wants another interval. */
export const USUAL_POLL_MS = 5000
/** Nobody asks more often than this. */
export const LEAST_POLL_MS = 1000
/** While the LSP does not answer, the wait doubles up to this. */
export const MAX_RETRY_MS = 60_000
/** After so long without any answer, the watch ends with the last error: orders stay readable for 30 days (L1-53). */
export const GIVE_UP_AFTER_MS = 14 * 86_400_000

/** How an order is watched. */
export type UpdateOptions<Order> = {
  /** Ends the watch, with an error. */
  readonly signal: AbortSignal
  /** Between two questions: 5 s unless said, 1 s at least. */
  readonly everyMs?: number | undefined
  /** What the wallet has seen already: it is not told again, and held against what comes. */
  readonly since?: Order | undefined
  /** The LSP did not answer, and is asked again in so many milliseconds. */
  readonly onTrouble?: ((error: OrderError, retryMs: number) => void) | undefined
  /**
   * The LSP takes back what it said. With this, the update is delivered all the same, after the call; without it, the
   * watch ends with an error.
   */
  readonly onImpossible?: ((change: ImpossibleChange, order: Order) => void) | undefined
}

/** What watching needs to know about a kind of order. */
export type Watched<Order> = {
  /** @throws OrderError when there is no usable answer */
  readonly ask: (signal: AbortSignal) => Promise<Order>
  /** The same text for the same order in the same state. */
  readonly textOf: (order: Order) => string
  readonly isFinal: (order: Order) => boolean
  readonly impossibleChange: (before: Order, after: Order) => ImpossibleChange | undefined
}

/**
 * The order as it is now, and again whenever it changed, until it will not change any more. Each loop over it starts
 * anew. Questions never overlap; an answer that is lost, a connection that breaks and an LSP that restarts only cost
 * time: the order lives at the LSP, and is asked for again by its id.
 */
export function updatesOf<Order>(
  watched: Watched<Order>,
  clock: Clock,
  options: UpdateOptions<Order>,
): AsyncIterable<Order> {
  return { [Symbol.asyncIterator]: () => watch(watched, clock, options) }
}

async function* watch<Order>(
  watched: Watched<Order>,
  clock: Clock,
  { signal, everyMs = USUAL_POLL_MS, since, onTrouble, onImpossible }: UpdateOptions<Order>,
): AsyncGenerator<Order, void, void> {
  const interval = Math.max(LEAST_POLL_MS, everyMs)
  let seen = since
  for (;;) {
    const order = await askUntilAnswered(watched, clock, { signal, interval, onTrouble })
    const change = seen === undefined ? undefined : watched.impossibleChange(seen, order)
    if (change !== undefined) {
      if (onImpossible === undefined) throw new OrderError({ code: 'impossible-change', change })
      onImpossible(change, order)
    }
    if (seen === undefined || watched.textOf(seen) !== watched.textOf(order)) yield order
    if (watched.isFinal(order)) return
    seen = order
    await sleep(clock, interval, signal)
  }
}

type Asking = {
  readonly signal: AbortSignal
  readonly interval: number
  readonly onTrouble: UpdateOptions<never>['onTrouble']
}

/** Retries what may pass, ever slower; ends after `GIVE_UP_AFTER_MS`. */
async function askUntilAnswered<Order>(
  { ask }: Watched<Order>,
  clock: Clock,
  { signal, interval, onTrouble }: Asking,
): Promise<Order> {
  const started = clock.now()
  let retryMs = Math.min(interval, MAX_RETRY_MS)
  for (;;) {
    try {
      return await ask(signal)
    } catch (error) {
      if (!isPassing(error) || clock.now() - started >= GIVE_UP_AFTER_MS) throw error
      onTrouble?.(error as OrderError, retryMs)
    }
    await sleep(clock, retryMs, signal)
    retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)
  }
}

/** With a signal of its own for each wait: a clock that leaves its listener there leaves it on nothing that lasts. */
async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const waiting = new AbortController()
  const stop = () => waiting.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) stop()
    await clock.sleep(ms, waiting.signal)
  } catch (error) {
    throw signal.aborted ? new OrderError({ code: 'aborted' }, signal.reason) : error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
