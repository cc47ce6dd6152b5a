import { type NodeId, parseNodeId } from '../lsps/base/node-id.ts'
import type { AdminPort } from './admin/port.ts'
import type { Status } from './admin/schema.ts'
import {
  describeSubscriber,
  describeTest,
  lastActive,
  summarizeSubscriber,
  type TestedWebhook,
} from './webhooks/report.ts'
import type { Registered, Subscriber } from './webhooks/states.ts'

/** What the admin interface tells of webhooks, and the one call that an operator may make to them. */

/** What is asked of the service of webhooks. */
export type WebhookSource = {
  readonly live: ReadonlyMap<string, Subscriber>
  isOnline(client: NodeId): boolean
  /** Of one webhook, or of all that the client has; empty when there is no such webhook. */
  test(client: NodeId, appName: string | undefined, signal: AbortSignal): Promise<readonly TestedWebhook[]>
}

export type WebhookReportDeps = {
  /** Left out when webhooks are off. */
  readonly webhooks?: WebhookSource | undefined
}

/** For the status. */
export function countWebhooks({ webhooks }: WebhookReportDeps): Pick<Status, 'webhooks'> {
  if (webhooks === undefined) return {}
  const clients = registered(webhooks)
  return {
    webhooks: {
      clients: clients.length,
      webhooks: clients.reduce((sum, client) => sum + client.webhooks.length, 0),
      notifications: clients.reduce((sum, client) => sum + client.notices.length, 0),
    },
  }
}

function registered(webhooks: WebhookSource): Registered[] {
  return [...webhooks.live.values()].filter((one) => one.tag === 'registered')
}

export function webhookReports({
  webhooks,
}: WebhookReportDeps): Pick<AdminPort, 'webhookList' | 'webhookShow' | 'webhookTest'> {
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
  }
}
