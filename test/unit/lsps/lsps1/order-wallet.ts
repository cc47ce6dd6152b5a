import type { NodeId } from '../../../../lsps/base/node-id.ts'
import { createRpcClient, type RpcClient, type Transport } from '../../../../lsps/rpc/client.ts'
import { ALICE } from '../../../conformance/lsp.ts'
import type { OrderLsp } from '../../../conformance/order-lsp.ts'
import { ManualClock } from '../manual-clock.ts'
import { NOW } from './orders.ts'

/** What becomes of one request on its way. */
export type Fate =
  | 'answered'
  | 'request-lost'
  | 'reply-lost'
  /** The same answer comes twice. */
  | 'reply-repeated'
  /** The answer comes only with the next request. */
  | 'reply-late'
  /** The transport has no connection. */
  | 'not-sent'
  /** Not decodable: the client says nothing more until it reconnects (L0-13). */
  | 'garbage'
  /** The LSP is in trouble of its own. */
  | 'internal-error'
  | 'rejected'

export const FATES: readonly Fate[] = [
  'answered',
  'request-lost',
  'reply-lost',
  'reply-repeated',
  'reply-late',
  'not-sent',
  'garbage',
  'internal-error',
  'rejected',
]

export type OrderWallet = {
  readonly client: RpcClient
  readonly clock: ManualClock
  /** What was sent and left the wallet. */
  readonly sent: readonly { readonly method: string; readonly params: unknown }[]
}

const encoded = (message: unknown) => new TextEncoder().encode(JSON.stringify(message))

/** A client of the LSP, each of whose requests meets the fate that `nextFate` says. A break heals at once. */
export function orderWallet(
  lsp: OrderLsp,
  {
    clock = new ManualClock(NOW),
    peer = ALICE,
    nextFate = () => 'answered',
  }: { readonly clock?: ManualClock; readonly peer?: NodeId; readonly nextFate?: () => Fate } = {},
): OrderWallet {
  const sent: { method: string; params: unknown }[] = []
  const late: unknown[] = []
  let deliver: (payload: Uint8Array) => void = () => undefined
  let ids = 0

  const transport: Transport = {
    async send(payload) {
      const fate = nextFate()
      if (fate === 'not-sent') throw new Error('no connection')
      const text = new TextDecoder().decode(payload)
      const { id, method, params } = JSON.parse(text)
      sent.push({ method, params })
      if (fate === 'request-lost') return
      const error =
        fate === 'rejected' ? { code: 1, message: 'busy', data: { message: 'busy' } } : { code: -32603, message: '' }
      const failed = fate === 'rejected' || fate === 'internal-error'
      const answer = failed ? { jsonrpc: '2.0', id, error } : await lsp.send(text, peer)
      for (const one of late.splice(0)) deliver(encoded(one))
      if (fate === 'reply-late') late.push(answer)
      if (fate === 'reply-lost' || fate === 'reply-late') return
      if (fate === 'garbage') {
        deliver(new TextEncoder().encode('{'))
        client.reconnected()
        return
      }
      deliver(encoded(answer))
      if (fate === 'reply-repeated') deliver(encoded(answer))
    },
    onMessage(callback) {
      deliver = callback
      return () => undefined
    },
  }
  const client = createRpcClient({ transport, clock, newId: () => `0123456789abcdef-${peer}-${ids++}` })
  return { client, clock, sent }
}

/** Lets everything run that does not wait for time. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

const MAX_STEPS = 5000
const STEP_MS = 1000

/** Lets time pass until the promise ends; `meanwhile` runs before each second. */
export async function whileTimePasses<T>(clock: ManualClock, promise: Promise<T>, meanwhile = () => {}): Promise<T> {
  let ended = false
  const end = () => {
    ended = true
  }
  promise.then(end, end)
  for (let step = 0; step < MAX_STEPS; step++) {
    await settle()
    if (ended) return promise
    meanwhile()
    clock.advance(STEP_MS)
  }
  throw new Error(`it did not end within ${MAX_STEPS} seconds`)
}
