import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Store, Write } from '../../src/store/port.ts'
import type { SafeAddress } from '../../src/webhooks/delivery/addresses.ts'
import type { Delivery } from '../../src/webhooks/delivery/delivery.ts'
import type { WebhooksService } from '../../src/webhooks/service.ts'
import type { Ended, Subscriber } from '../../src/webhooks/states.ts'
import { PUSH } from '../unit/webhooks/delivery/pem.ts'
import { product } from './product.ts'
import { Signer } from './signer.ts'

export const LOOPBACK = '127.0.0.1' as SafeAddress
/** What any name leads to; the connection is to the relay. */
const ADDRESS = '93.184.215.14'
const WRITES_PER_COMMIT = 400
const COOLDOWN_MS = 60_000
const RETENTION_MS = 7 * 86_400_000
const USEFUL_MS = 90_000
const PAYMENT = { method: 'lsps5.payment_incoming', params: {} } as const

type Waking = {
  readonly service: WebhooksService
  readonly delivery: Delivery
  readonly store: Store
  readonly signer: Signer
}

/**
 * The service of webhooks as it is shipped, with its database on disk, and clients that are away, each with one webhook.
 * Names and addresses are those of the internet; the connections behind them are to this machine.
 */
export class WakingClients {
  readonly #waking: Waking
  readonly #running: Promise<void>
  readonly #stopping: AbortController
  readonly #waiting: Map<NodeId, (ended: Ended) => void>

  private constructor(
    waking: Waking,
    {
      stopping,
      waiting,
    }: { readonly stopping: AbortController; readonly waiting: Map<NodeId, (ended: Ended) => void> },
  ) {
    this.#waking = waking
    this.#stopping = stopping
    this.#waiting = waiting
    setMaxListeners(0, stopping.signal) // every attempt listens to it, as in the daemon
    this.#running = waking.service.start(stopping.signal)
  }

  static async start(folder: string, urls: readonly string[]): Promise<WakingClients> {
    const [
      { WebhooksService },
      { Delivery, systemDelivery },
      { dial },
      { systemClock },
      { systemEntropy },
      { silentLog },
    ] = await Promise.all([
      product<typeof import('../../src/webhooks/service.ts')>('src/webhooks/service'),
      product<typeof import('../../src/webhooks/delivery/delivery.ts')>('src/webhooks/delivery/delivery'),
      product<typeof import('../../src/webhooks/delivery/dialer.ts')>('src/webhooks/delivery/dialer'),
      product<typeof import('../../src/kernel/clock.ts')>('src/kernel/clock'),
      product<typeof import('../../src/kernel/entropy.ts')>('src/kernel/entropy'),
      product<typeof import('../../src/kernel/log.ts')>('src/kernel/log'),
    ])
    const store = await filled(join(folder, 'db'), urls)
    const delivery = new Delivery(
      {
        ...systemDelivery(systemClock),
        addresses: () => [],
        resolve: async () => [ADDRESS],
        dial: (to, signal) => dial({ ...to, host: LOOPBACK }, signal),
      },
      { loopback: 'refused', trusted: PUSH.cert },
    )
    const signer = new Signer()
    const waiting = new Map<NodeId, (ended: Ended) => void>()
    const service = new WebhooksService(
      {
        lnd: {
          signMessage: (text) => signer.sign(text),
          listChannels: async () => [],
          pendingChannels: async () => [],
        },
        store,
        clock: systemClock,
        entropy: systemEntropy,
        log: silentLog,
        delivery,
        onEnded: (client, ended) => waiting.get(client)?.(ended),
        onFatal: (error) => {
          throw error
        },
      },
      { mostPerClient: 10, mostWithoutChannel: urls.length, cooldownMs: COOLDOWN_MS, retentionMs: RETENTION_MS },
    )
    await service.load()
    return new WakingClients({ service, delivery, store, signer }, { stopping: new AbortController(), waiting })
  }

  /** Resolves when it is on disk what came of it: whether its host answered. */
  wake(number: number): Promise<boolean> {
    const client = clientOf(number)
    return new Promise((resolve) => {
      this.#waiting.set(client, ({ end }) => {
        this.#waiting.delete(client)
        resolve(end.type === 'answered')
      })
      this.#waking.service.notify(client, PAYMENT, (Date.now() + USEFUL_MS) as Timestamp)
    })
  }

  async stop(): Promise<void> {
    const { delivery, store, signer } = this.#waking
    this.#stopping.abort(new Error('measured'))
    delivery.close()
    await this.#running.catch(() => undefined)
    await store.close()
    await signer.close()
  }
}

function clientOf(number: number): NodeId {
  return `02${number.toString(16).padStart(64, '0')}` as NodeId
}

/** A database in which each URL is the webhook of a client that was told so. */
async function filled(path: string, urls: readonly string[]): Promise<Store> {
  const { openLevelStore } = await product<typeof import('../../src/store/level.ts')>('src/store/level')
  const { migrate } = await product<typeof import('../../src/store/migrations.ts')>('src/store/migrations')
  const { liveSubscribers } = await product<typeof import('../../src/webhooks/records.ts')>('src/webhooks/records')
  const { newcomer, step } = await product<typeof import('../../src/webhooks/machine.ts')>('src/webhooks/machine')
  const store = await openLevelStore(path)
  await migrate(store)
  const at = Date.now() as Timestamp
  const registered = (url: string, number: number): Subscriber => {
    const set = {
      type: 'set',
      appName: 'wallet',
      url,
      most: 1,
      retentionMs: RETENTION_MS,
      hasChannel: false,
      at,
    } as const
    const { state } = step(newcomer(clientOf(number), at), set)
    return step(state, { type: 'attempted', notice: 0, outcome: { type: 'answered', status: 200 }, random: 0, at })
      .state
  }
  const writes: Write[] = urls.map((url, number) => liveSubscribers.put(clientOf(number), registered(url, number)))
  for (let first = 0; first < writes.length; first += WRITES_PER_COMMIT) {
    await store.commit(writes.slice(first, first + WRITES_PER_COMMIT))
  }
  return store
}
