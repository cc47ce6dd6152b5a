import type { Clock } from '../lsps/base/clock.ts'
import type { Timestamp } from '../lsps/base/datetime.ts'
import type { NodeId } from '../lsps/base/node-id.ts'
import { lsps5 } from '../lsps/lsps5/methods.ts'
import { type Service, service } from '../lsps/rpc/server.ts'
import type { Config } from './config/schema.ts'
import type { CallClient } from './jit/absent.ts'
import type { JitService } from './jit/service.ts'
import { WakeUps } from './journal/wake-ups.ts'
import type { Entropy } from './kernel/entropy.ts'
import type { Log } from './kernel/log.ts'
import type { LndPort } from './lnd/port.ts'
import type { CallForOrder } from './orders/absent.ts'
import type { PeerContext } from './peer/endpoint.ts'
import { deliveryOf, holdOf, webhooksOf } from './slices.ts'
import type { Store } from './store/port.ts'
import { forgetWaiting } from './wake/records.ts'
import { WakeGate } from './wake/service.ts'
import { Delivery, systemDelivery } from './webhooks/delivery/delivery.ts'
import { expiringSoon } from './webhooks/expiring.ts'
import { webhookHandlers } from './webhooks/handlers.ts'
import { type WebhooksDeps, WebhooksService } from './webhooks/service.ts'
import type { Reason } from './webhooks/states.ts'

/** Where webhooks meet the daemon: who is called and how, and what is served to peers. */

/** How calls leave; tests pass another one. */
export type DeliveryPort = Pick<Delivery, 'deliver' | 'close'>

/** So long one call is tried that each block, or an operator, may have made again. */
const USEFUL_MS = 60_000

export type WakingDeps = {
  readonly lnd: LndPort
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly delivery: DeliveryPort | undefined
  readonly timestampStyle: NonNullable<WebhooksDeps['timestampStyle']>
  /** Who takes what does not wait. */
  readonly jit: Pick<JitService, 'onOffer' | 'hasOnRecord'>
  readonly onFatal: (error: unknown) => void
}

export type Waking = {
  /** Without any client while webhooks are off: then nobody is reached. */
  readonly webhooks: WebhooksService
  /** What came of the calls, for people. */
  readonly wakeUps: WakeUps
  /** For a payment that waits for its client. Does nothing when it has no webhook. */
  readonly callForPayment: CallClient
  /** For a paid order that waits for its client. Does nothing when it has no webhook. */
  readonly callForOrder: CallForOrder
  /**
   * By the operator, for one client: some of what is in its channels is wanted back (bLIP-55). Never by itself. A drain
   * only ends the selling, its channels stay; and that a channel may be closed is no reason to have a person act.
   */
  readonly requestLiquidity: (client: NodeId) => 'called' | 'here' | 'no-webhook'
  /** Looks for HTLCs that run out, when somebody is away who can be called: once, and again with each block. */
  readonly onBlock: (height: number, signal: AbortSignal) => Promise<void>
  /** In front of the sales; left out while webhooks are off, or nothing may wait. */
  readonly gate: WakeGate | undefined
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
  const call = (reason: Reason) => {
    return (client: NodeId, usefulUntil: Timestamp, subject: string) => {
      if (!webhooks.reaches(client)) return
      webhooks.notify(client, reason, usefulUntil) // first: somebody waits for it
      wakeUps.called({ client, method: reason.method, subject, usefulUntil })
    }
  }
  const soon = () => (deps.clock.now() + USEFUL_MS) as Timestamp
  const gate = enabled && config.webhooks.hold.max_htlcs > 0 ? createGate(config, webhooks, deps) : undefined
  return {
    webhooks,
    gate,
    wakeUps,
    callForOrder: (client, { order, timeout, usefulUntil }) =>
      call({ method: 'lsps5.expiry_soon', params: { timeout } })(client, usefulUntil, order),
    requestLiquidity: (client) => {
      if (!webhooks.reaches(client)) return 'no-webhook'
      if (webhooks.isOnline(client)) return 'here'
      webhooks.notify(client, { method: 'lsps5.liquidity_management_request', params: {} }, soon())
      return 'called'
    },
    onBlock: async (height, signal) => {
      const isWanted = (client: NodeId) => webhooks.reaches(client) && !webhooks.isOnline(client)
      if (![...webhooks.live.values()].some(({ client }) => isWanted(client))) return
      try {
        for (const { client, timeout } of expiringSoon(await deps.lnd.listChannels(signal), { height, isWanted }))
          webhooks.notify(client, { method: 'lsps5.expiry_soon', params: { timeout } }, soon())
      } catch (error) {
        if (!signal.aborted) deps.log.warn({ err: error }, 'not looked for HTLCs that run out, the next block will')
      }
    },
    callForPayment: call({ method: 'lsps5.payment_incoming', params: {} }),
    services: enabled ? [service<typeof lsps5, PeerContext>(lsps5, webhookHandlers(webhooks))] : [],
    onPeer: (client, online) => {
      if (online) wakeUps.came(client)
      webhooks.onPeer(client, online)
      gate?.onPeer(client, online)
    },
    loadPeers: async (list) => {
      const came = list().then((clients) => {
        for (const client of clients) wakeUps.came(client)
      })
      await Promise.all([webhooks.loadPeers(list), came])
    },
    load: async () => {
      if (gate === undefined) await forgetWaiting(deps.store) // it goes on without us
      if (!enabled) return
      delivery()
      await Promise.all([webhooks.load(), gate?.load()])
    },
    start: async (signal) => {
      if (!enabled) return
      try {
        await Promise.all([webhooks.start(signal), gate?.start(signal)])
      } finally {
        delivery().close()
      }
    },
  }
}

function createGate(config: Config, webhooks: WebhooksService, deps: WakingDeps): WakeGate {
  const { jit } = deps
  return new WakeGate(
    {
      ...deps,
      reaches: (client) => webhooks.reaches(client),
      callClient: (client, until) => webhooks.notify(client, { method: 'lsps5.payment_incoming', params: {} }, until),
      isOfSale: (offer) => jit.hasOnRecord(offer),
      next: (offer, stream) => jit.onOffer(offer, stream),
    },
    holdOf(config),
  )
}
