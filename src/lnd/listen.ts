import { onAbort } from './abort.ts'
import { fromGrpc } from './errors.ts'
import type { GrpcReadable } from './grpc.ts'

/**
 * Hands on each event of a stream, synchronously. Resolves when lnd ends the stream or the signal aborts; rejects when
 * it breaks, and with the handler's own error when that throws, which ends the stream too.
 */
export function listen<T>(
  call: GrpcReadable<T>,
  options: { readonly name: string; readonly onEvent: (event: T) => void; readonly signal: AbortSignal },
): Promise<void> {
  const { name, onEvent, signal } = options
  return new Promise((resolve, reject) => {
    let ended = false
    const end = (settle: () => void) => {
      if (ended) return
      ended = true
      release()
      settle()
    }
    const abort = () => {
      end(resolve)
      call.cancel()
    }
    const release = onAbort(signal, abort)
    // Before anything can cancel the call: an error without a listener would end the process.
    call.on('error', (error) => end(() => reject(fromGrpc(name, error))))
    call.on('end', () => end(resolve))
    call.on('data', (event) => {
      if (ended) return
      try {
        onEvent(event)
      } catch (error) {
        end(() => reject(error))
        call.cancel()
      }
    })
    if (signal.aborted) abort()
  })
}
