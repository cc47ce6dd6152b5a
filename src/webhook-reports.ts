import { type Msat, msatToSatCeil, msatToSatFloor } from '../lsps/base/amount.ts'
import { type NodeId, parseNodeId } from '../lsps/base/node-id.ts'
import type { AdminPort } from './admin/port.ts'
import type { Status } from './admin/schema.ts'
import { usageOf } from './held/usage.ts'
import {
  describeSubscriber,
  describeTest,
  lastActive,
  summarizeSubscriber,
  type TestedWebhook,
} from './webhooks/report.ts'
import type { Registered, Subscriber } from './webhooks/states.ts'

/** What the admin interface tells of webhooks, and the calls that an operator may make to them. */

/** What is asked of the service of webhooks. */
export type WebhookSource = {
  readonly live: ReadonlyMap<string, Subscriber>
  isOnline(client: NodeId): boolean
  /** Of one webhook, or of all that the client has; empty when there is no such webhook. */
  test(client: NodeId, appName: string | undefined, signal: AbortSignal): Promise<readonly TestedWebhook[]>
}

/** What is asked of the waiting room in front of the sales. */
export type WaitingSource = { readonly waiting: readonly { readonly client: NodeId; readonly amount: Msat }[] }

/** As the config has them. */
export type HoldBounds = {
  readonly max_htlcs: number
  readonly max_htlcs_per_peer: number
  readonly max_msat: Msat
  readonly max_msat_per_peer: Msat
}

export type WebhookReportDeps = {
  /** Left out when webhooks are off. */
  readonly webhooks?: WebhookSource | undefined
  /** What came of calls since the start. */
  readonly wakeUps?: { readonly report: NonNullable<Status['woken']> } | undefined
  readonly requestLiquidity?: (client: NodeId) => 'called' | 'here' | 'no-webhook'
  /** Left out when nothing may wait. */
  readonly gate?: WaitingSource | undefined
  /** The bounds of that. */
  readonly hold?: HoldBounds
}

/** For the status. */
export function countWebhooks({
  webhooks,
  wakeUps,
  gate,
}: WebhookReportDeps): Pick<Status, 'webhooks' | 'woken' | 'waiting'> {
  if (webhooks === undefined) return {}
  const clients = registered(webhooks)
  return {
    webhooks: {
      clients: clients.length,
      webhooks: clients.reduce((sum, client) => sum + client.webhooks.length, 0),
      notifications: clients.reduce((sum, client) => sum + client.notices.length, 0),
    },
    ...(wakeUps === undefined ? {} : { woken: wakeUps.report }),
    ...(gate === undefined ? {} : { waiting: countWaiting(gate) }),
  }
}

function countWaiting({ waiting }: WaitingSource): NonNullable<Status['waiting']> {
  const clients = new Set(waiting.map(({ client }) => client)).size
  return { htlcs: waiting.length, clients, amount_msat: `${usageOf(waiting).value}` }
}

/** How much of what may wait does, of HTLCs and of value: in all, and for the client of whom most waits. */
export function waitingBounds({ gate, hold }: WebhookReportDeps) {
  if (gate === undefined || hold === undefined) return { limits: [], bounds: [] }
  const used = usageOf(gate.waiting)
  return {
    limits: [
      { name: 'webhooks.hold.max_htlcs', used: used.htlcs, max: hold.max_htlcs },
      { name: 'webhooks.hold.max_htlcs_per_peer', used: used.mostHtlcs, max: hold.max_htlcs_per_peer },
    ],
    bounds: [
      boundOf('webhooks.hold.max_msat', used.value, hold.max_msat),
      boundOf('webhooks.hold.max_msat_per_peer', used.mostValue, hold.max_msat_per_peer),
    ],
  }
}

/** A bound in msat, shown beside others in sat. */
export function boundOf(name: string, used: Msat, max: Msat) {
  return { name, used_sat: `${msatToSatCeil(used)}`, max_sat: `${msatToSatFloor(max)}` }
}

function registered(webhooks: WebhookSource): Registered[] {
  return [...webhooks.live.values()].filter((one) => one.tag === 'registered')
}

export function webhookReports({
  webhooks,
  requestLiquidity,
}: WebhookReportDeps): Pick<AdminPort, 'webhookList' | 'webhookShow' | 'webhookTest' | 'requestLiquidity'> {
  const presenceOf = (client: NodeId) => ({ online: webhooks?.isOnline(client) === true })
  const find = (client: NodeId): Registered | undefined => {
    const found = webhooks?.live.get(client)
    return found?.tag === 'registered' ? found : undefined
  }
  return {
    async webhookList({ limit }) {
      const clients = webhooks === undefined ? [] : registered(webhooks)
      const newest = clients.sort((a, b) => lastActive(b) - lastActive(a)).slice(0, limit)
      return {
        enabled: webhooks !== undefined,
        clients: newest.map((one) => summarizeSubscriber(one, presenceOf(one.client))),
        more: clients.length - newest.length,
      }
    },

    async webhookShow(id) {
      const client = parseNodeId(id)
      const found = client === undefined ? undefined : find(client)
      return found === undefined ? undefined : describeSubscriber(found, presenceOf(found.client))
    },

    async webhookTest(id, { app_name: appName }, signal) {
      const client = parseNodeId(id)
      if (webhooks === undefined || client === undefined || find(client) === undefined) return undefined
      const tested = await webhooks.test(client, appName, signal)
      return { client, webhooks: tested.map(describeTest) }
    },

    async requestLiquidity(id) {
      const client = parseNodeId(id)
      if (webhooks === undefined || client === undefined) return undefined
      const outcome = requestLiquidity?.(client) ?? 'no-webhook'
      return outcome === 'no-webhook' ? undefined : { client, outcome }
    },
  }
}
