import type { Clock } from '../lsps/base/clock.ts'
import type { NodeId } from '../lsps/base/node-id.ts'
import { lsps5 } from '../lsps/lsps5/methods.ts'
import { type Service, service } from '../lsps/rpc/server.ts'
import type { Config } from './config/schema.ts'
import type { CallClient } from './jit/absent.ts'
import { WakeUps } from './journal/wake-ups.ts'
import type { Entropy } from './kernel/entropy.ts'
import type { Log } from './kernel/log.ts'
import type { LndPort } from './lnd/port.ts'
import type { PeerContext } from './peer/endpoint.ts'
import { deliveryOf, webhooksOf } from './slices.ts'
import type { Store } from './store/port.ts'
import { Delivery, systemDelivery } from './webhooks/delivery/delivery.ts'
import { webhookHandlers } from './webhooks/handlers.ts'
import { type WebhooksDeps, WebhooksService } from './webhooks/service.ts'
import type { Reason } from './webhooks/states.ts'

/** Where webhooks meet the daemon: who is called and how, and what is served to peers. */

/** How calls leave; tests pass another one. */
export type DeliveryPort = Pick<Delivery, 'deliver' | 'close'>

export type WakingDeps = {
  readonly lnd: LndPort
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly delivery: DeliveryPort | undefined
  readonly timestampStyle: NonNullable<WebhooksDeps['timestampStyle']>
  readonly onFatal: (error: unknown) => void
}

export type Waking = {
  /** Without any client while webhooks are off: then nobody is reached. */
  readonly webhooks: WebhooksService
  /** What came of the calls, for people. */
  readonly wakeUps: WakeUps
  /** For a payment that waits for its client. Does nothing when it has no webhook. */
  readonly callForPayment: CallClient
  /** LSPS5, for peers, where it is on. */
  readonly services: readonly Service<PeerContext>[]
  readonly onPeer: (client: NodeId, online: boolean) => void
  readonly loadPeers: (list: () => Promise<readonly NodeId[]>) => Promise<void>
  readonly load: () => Promise<void>
  readonly start: (signal: AbortSignal) => Promise<void>
}

export function createWaking(config: Config, deps: WakingDeps): Waking {
  const { enabled } = config.webhooks
  let made: DeliveryPort | undefined = deps.delivery
  // Made with the first call or at the load, not before the interceptor is attached: it reads a hundred certificates.
  const delivery = (): DeliveryPort => {
    made ??= new Delivery(systemDelivery(deps.clock), deliveryOf(config))
    return made
  }
  const wakeUps = new WakeUps(deps)
  const webhooks = new WebhooksService(
    {
      ...deps,
      delivery: { deliver: (delivering) => delivery().deliver(delivering) },
      onEnded: (client, ended) => wakeUps.ended(client, ended),
    },
    webhooksOf(config),
  )
  const call = (reason: Reason): CallClient => {
    return (client, usefulUntil, subject) => {
      if (!webhooks.reaches(client)) return
      webhooks.notify(client, reason, usefulUntil) // first: somebody waits for it
      wakeUps.called({ client, method: reason.method, subject, usefulUntil })
    }
  }
  return {
    webhooks,
    wakeUps,
    callForPayment: call({ method: 'lsps5.payment_incoming', params: {} }),
    services: enabled ? [service<typeof lsps5, PeerContext>(lsps5, webhookHandlers(webhooks))] : [],
    onPeer: (client, online) => {
      if (online) wakeUps.came(client)
      webhooks.onPeer(client, online)
    },
    loadPeers: async (list) => {
      const came = list().then((clients) => {
        for (const client of clients) wakeUps.came(client)
      })
      await Promise.all([webhooks.loadPeers(list), came])
    },
    load: async () => {
      if (!enabled) return
      delivery()
      await webhooks.load()
    },
    start: async (signal) => {
      if (!enabled) return
      try {
        await webhooks.start(signal)
      } finally {
        delivery().close()
      }
    },
  }
}
