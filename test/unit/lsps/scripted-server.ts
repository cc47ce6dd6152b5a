import { createRpcClient, type RpcClient, type Transport } from '../../../lsps/rpc/client.ts'
import { ManualClock } from './manual-clock.ts'

/** A request as it came, and its bytes. */
export type Asked = {
  readonly id: string
  readonly method: string
  readonly params: Record<string, unknown>
  readonly text: string
}

/** What the server says: an object becomes the rest of the response, text goes out as it is, undefined is silence. */
export type Script = (asked: Asked, count: number) => object | string | undefined

/** A client of a server that says what a test wants. */
export type ScriptedServer = {
  readonly client: RpcClient
  readonly clock: ManualClock
  readonly asked: readonly Asked[]
}

export function scriptedServer(script: Script, now = 0): ScriptedServer {
  const asked: Asked[] = []
  const clock = new ManualClock(now)
  let deliver: (payload: Uint8Array) => void = () => undefined
  const transport: Transport = {
    async send(payload) {
      const text = new TextDecoder().decode(payload)
      const request = { ...JSON.parse(text), text } as Asked
      asked.push(request)
      const answer = script(request, asked.length)
      if (answer === undefined) return
      const whole = { jsonrpc: '2.0', id: request.id, ...(typeof answer === 'string' ? {} : answer) }
      const raw = typeof answer === 'string' ? answer.replace('ID', request.id) : JSON.stringify(whole)
      deliver(new TextEncoder().encode(raw))
    },
    onMessage(callback) {
      deliver = callback
      return () => undefined
    },
  }
  let ids = 0
  return { client: createRpcClient({ transport, clock, newId: () => `id-${ids++}` }), clock, asked }
}
