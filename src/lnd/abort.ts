import { setMaxListeners } from 'node:events'

/** Calls `listener` when the signal aborts, until the returned function takes it back. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  // One signal stands over all calls of the daemon: more than ten of them at once are no leak.
  setMaxListeners(0, signal)
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}
