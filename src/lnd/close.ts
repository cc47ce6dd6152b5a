import { onAbort } from './abort.ts'
import type { Connection } from './connect.ts'
import { toRawChannelPoint } from './convert.ts'
import { fromGrpc, unavailable } from './errors.ts'
import type { CloseRequest } from './port.ts'

const CALL = 'closeChannel'

/** Waits for the first update: there is a closing transaction then. lnd goes on with the close when we stop listening. */
export async function closeChannel(lnd: Connection, request: CloseRequest, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw unavailable(CALL, 'it was not called: the caller had given up', signal.reason)
  const call = lnd.stream('closeChannel', toRawRequest(request))
  let release = () => {}
  try {
    await new Promise<void>((resolve, reject) => {
      call.on('error', (error) => reject(fromGrpc(CALL, error)))
      call.on('end', () => reject(unavailable(CALL, 'the stream ended')))
      call.on('data', () => resolve())
      release = onAbort(signal, () => reject(unavailable(CALL, 'the caller gave up', signal.reason)))
    })
  } finally {
    release()
    call.cancel()
  }
}

/** lnd takes the fee of a forced close from the commitment, and refuses another one. */
function toRawRequest(request: CloseRequest): object {
  const channel_point = toRawChannelPoint(request.outpoint)
  if (request.how === 'force') return { channel_point, force: true }
  return { channel_point, sat_per_vbyte: `${request.satPerVbyte}` }
}
