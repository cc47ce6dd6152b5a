import { sat } from '../../../lsps/base/amount.ts'
import { parseNodeId } from '../../../lsps/base/node-id.ts'
import { lsps1, lsps1Faults } from '../../../lsps/lsps1/methods.ts'
import type { Lsps1Options, OrderResult } from '../../../lsps/lsps1/schema.ts'
import { service } from '../../../lsps/rpc/server.ts'
import { type Log, silentLog } from '../../../src/kernel/log.ts'
import type { HttpCaller, RestConfig, RestPort } from '../../../src/rest/port.ts'
import { startRest } from '../../../src/rest/server.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

export const ALICE = `02${'aa'.repeat(32)}`
export const NODE = `03${'cc'.repeat(32)}`
export const HOUR_MS = 3_600_000

const OPTIONS: Lsps1Options = {
  min_required_channel_confirmations: 0,
  min_funding_confirms_within_blocks: 6,
  supports_zero_channel_reserve: false,
  max_channel_expiry_blocks: 52_560,
  min_initial_client_balance_sat: sat(0n),
  max_initial_client_balance_sat: sat(0n),
  min_initial_lsp_balance_sat: sat(100_000n),
  max_initial_lsp_balance_sat: sat(10_000_000n),
  min_channel_balance_sat: sat(100_000n),
  max_channel_balance_sat: sat(10_000_000n),
}

/** What ZEUS posts: no refund address was typed in, and it says who it is. */
export const ZEUS_ORDER = {
  lsp_balance_sat: '1000000',
  client_balance_sat: '0',
  required_channel_confirmations: 0,
  funding_confirms_within_blocks: 6,
  channel_expiry_blocks: 13_140,
  token: '',
  refund_onchain_address: '',
  announce_channel: false,
  public_key: ALICE,
  client_info: { app: 'ZEUS', app_version: '13.1.0', node: 'LND', node_version: '0.21.3' },
}

export const CONFIG: RestConfig = {
  listen: '127.0.0.1:0',
  trustedProxy: '127.0.0.1',
  requestsPerSecond: 1,
  burst: 1000,
  maxRequestsPerSecond: 1000,
  maxPending: 100,
  maxUnpaidPerAddress: 2,
  maxUnpaidPerPublicKey: 2,
}

export type Shop = {
  readonly url: string
  readonly clock: ManualClock
  readonly orders: Map<string, OrderResult>
  readonly callers: readonly HttpCaller[]
  readonly logged: readonly { readonly message: string; readonly fields: object }[]
  readonly close: () => Promise<void>
  /** Asks as the caller behind the proxy. */
  readonly ask: (path: string, options?: RequestInit & { readonly from?: string }) => Promise<Answered>
  readonly order: (body: unknown, from?: string) => Promise<Answered>
}

export type Answered = { readonly status: number; readonly body: unknown; readonly headers: Headers }

/** The bridge on a real socket, with orders that are kept in memory. */
export async function openShop(
  changes: Partial<RestConfig> = {},
  createOrder: (caller: HttpCaller) => Promise<void> = async () => undefined,
): Promise<Shop> {
  const clock = new ManualClock()
  const orders = new Map<string, OrderResult>()
  const callers: HttpCaller[] = []
  const logged: { message: string; fields: object }[] = []
  const listen = (fields: object, message: string) => void logged.push({ fields, message })
  const log: Log = { ...silentLog, error: listen, warn: listen }
  const port: RestPort = {
    services: [
      service<typeof lsps1, HttpCaller>(lsps1, {
        'lsps1.get_info': async () => OPTIONS,
        'lsps1.create_order': async (caller, { refund_onchain_address: _, ...wanted }) => {
          callers.push(caller)
          await createOrder(caller)
          if (wanted.lsp_balance_sat < OPTIONS.min_initial_lsp_balance_sat)
            throw lsps1Faults.optionMismatch({ property: 'min_initial_lsp_balance_sat', message: 'too small' })
          const order: OrderResult = {
            order_id: `order-${orders.size + 1}`,
            ...wanted,
            token: wanted.token ?? '',
            created_at: clock.now(),
            order_state: 'CREATED',
            payment: {
              bolt11: {
                state: 'EXPECT_PAYMENT',
                expires_at: (clock.now() + HOUR_MS) as typeof order.created_at,
                fee_total_sat: sat(1000n),
                order_total_sat: sat(1000n),
                invoice: 'lnbcrt1',
              },
            },
            channel: null,
          }
          orders.set(order.order_id, order)
          return order
        },
        'lsps1.get_order': async (_, { order_id }) => {
          const order = orders.get(order_id)
          if (order === undefined) throw lsps1Faults.notFound()
          return order
        },
      }),
    ],
    uris: () => [`${parseNodeId(NODE)}@203.0.113.5:9735`],
  }
  const server = await startRest({ port, config: { ...CONFIG, ...changes }, clock, log })
  const url = `http://${server.address}`
  const ask: Shop['ask'] = async (path, { from = '198.51.100.1', headers, ...options } = {}) => {
    const answer = await fetch(url + path, { ...options, headers: { 'x-forwarded-for': from, ...headers } })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), headers: answer.headers }
  }
  const order: Shop['order'] = (body, from) =>
    ask('/api/v1/create_order', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      ...(from === undefined ? {} : { from }),
    })
  return { url, clock, orders, callers, logged, close: server.close, ask, order }
}
