import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { signMessage } from '../../lsps/base/ln-signature.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { lsps5, lsps5Faults } from '../../lsps/lsps5/methods.ts'
import type { WebhookNotification } from '../../lsps/lsps5/notifications.ts'
import { placeWebhook } from '../../lsps/lsps5/rules.ts'
import type { SetWebhookParams } from '../../lsps/lsps5/schema.ts'
import { composeNotification, notificationHeaders, type TimestampStyle } from '../../lsps/lsps5/signed-text.ts'
import { clientRejected } from '../../lsps/rpc/fault.ts'
import { createRpcServer, type ReceiveOptions, service } from '../../lsps/rpc/server.ts'
import { ALICE } from './lsp.ts'

/** An answer as a client reads it. */
export type WebhookAnswer = {
  readonly id: unknown
  readonly result?: {
    readonly num_webhooks?: unknown
    readonly max_webhooks?: unknown
    readonly no_change?: unknown
    readonly app_names?: unknown
  }
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data?: Readonly<Record<string, unknown>>
  }
}

/** A POST as it leaves. */
export type WebhookCall = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type WebhookLspConfig = {
  readonly most?: number
  readonly rejected?: readonly NodeId[]
  readonly style?: TimestampStyle
}

/** SHA-256 of "lsps-conformance-test-key", and its node. */
export const LSP_KEY = hexToBytes('13506806941e135bb28854f4c8b18d67d2099c780393ad0b4fd0be6a7ee6c300')
export const LSP_NODE = '024552074cbe29b756305d156bd7d4e7fe4fba25b01f48304cc93c93cb8ee86f5a' as NodeId
export const NOW = 1_767_225_600_000 as Timestamp

/** Composed, signed and addressed, as a service does it. */
export function callOf({
  url,
  notification,
  at = NOW,
  style = 'Z',
}: {
  readonly url: string
  readonly notification: WebhookNotification
  readonly at?: Timestamp
  readonly style?: TimestampStyle
}): WebhookCall {
  const { timestamp, body, text } = composeNotification({ notification, at, style })
  const signature = signMessage(utf8ToBytes(text), LSP_KEY)
  return { url, headers: notificationHeaders({ timestamp, signature }), body }
}

/** The protocol of a server without a node or a network behind it: what it posts is only written down. */
export function createWebhookLsp({ most = 10, rejected = [], style = 'Z' }: WebhookLspConfig = {}) {
  const webhooks = new Map<NodeId, SetWebhookParams[]>()
  const calls: WebhookCall[] = []
  const unexpected: unknown[] = []
  const of = (peer: NodeId) => webhooks.get(peer) ?? []

  const server = createRpcServer<{ readonly peer: NodeId }>({
    services: [
      service(lsps5, {
        'lsps5.set_webhook': async ({ peer }: { readonly peer: NodeId }, wanted) => {
          if (rejected.includes(peer)) throw clientRejected('not served')
          const placed = placeWebhook(wanted, { registered: of(peer), most })
          if ('fault' in placed) throw placed.fault
          const { placement } = placed
          if (placement === 'added') webhooks.set(peer, [...of(peer), wanted])
          if (placement === 'replaced') {
            const replaced = of(peer).map((one) => (one.app_name === wanted.app_name ? wanted : one))
            webhooks.set(peer, replaced)
          }
          if (placement !== 'unchanged') {
            const notification = { method: 'lsps5.webhook_registered', params: {} } as const
            calls.push(callOf({ url: wanted.webhook, notification, style }))
          }
          return { num_webhooks: of(peer).length, max_webhooks: most, no_change: placement === 'unchanged' }
        },
        'lsps5.list_webhooks': async ({ peer }) => ({
          app_names: of(peer).map(({ app_name }) => app_name),
          max_webhooks: most,
        }),
        'lsps5.remove_webhook': async ({ peer }, { app_name }) => {
          const left = of(peer).filter((one) => one.app_name !== app_name)
          if (left.length === of(peer).length) throw lsps5Faults.appNameNotFound()
          webhooks.set(peer, left)
          return {}
        },
      }),
    ],
    onUnexpected: (error) => unexpected.push(error),
  })

  async function send(message: unknown, peer = ALICE, options?: ReceiveOptions): Promise<WebhookAnswer | undefined> {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    const answer = await server.receive({ peer }, utf8ToBytes(text), options)
    return answer === undefined ? undefined : JSON.parse(new TextDecoder().decode(answer))
  }

  return {
    calls,
    unexpected,
    of,
    send,
    call: (method: keyof typeof lsps5, params: unknown, peer = ALICE) =>
      send({ jsonrpc: '2.0', id: `${method} of ${peer}`, method, params }, peer),
  }
}

export type WebhookLsp = ReturnType<typeof createWebhookLsp>
