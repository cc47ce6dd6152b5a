import { onAbort } from './abort.ts'
import type { Connection } from './connect.ts'
import { toHtlcEvent } from './convert-htlc.ts'
import { createInterceptorSession } from './interceptor.ts'
import { listen } from './listen.ts'
import type { HtlcEvent, LndPort, OnEvent } from './port.ts'

type HtlcCalls = Pick<LndPort, 'interceptHtlcs' | 'subscribeHtlcEvents'>

export function htlcCalls(lnd: Connection): HtlcCalls {
  return {
    interceptHtlcs: async (onOffer, signal) => {
      // Not even opened: an interceptor that comes and goes makes lnd release what it holds (lnd.md 1.3).
      if (signal.aborted) return
      const call = lnd.interceptor()
      const session = createInterceptorSession((answer) => call.write(answer), onOffer)
      const release = onAbort(signal, () => session.end())
      try {
        await listen(call, { name: 'interceptHtlcs', onEvent: session.offer, signal })
      } finally {
        release()
        session.end()
      }
    },

    subscribeHtlcEvents: (onEvent: OnEvent<HtlcEvent>, signal) =>
      listen(lnd.stream('htlcEvents', {}), {
        name: 'subscribeHtlcEvents',
        onEvent: (raw) => {
          const event = toHtlcEvent(raw)
          if (event !== undefined) onEvent(event)
        },
        signal,
      }),
  }
}
