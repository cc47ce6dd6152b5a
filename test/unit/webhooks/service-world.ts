import { setMaxListeners } from 'node:events'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { type NotificationVerdict, verifyNotification } from '../../../lsps/lsps5/verify.ts'
import type { Log } from '../../../src/kernel/log.ts'
import type { Channel, PendingChannel } from '../../../src/lnd/port.ts'
import { drawIdentity } from '../../../src/sandbox/identity.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { SeededRandom } from '../../../src/sandbox/random.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import type { Store } from '../../../src/store/port.ts'
import type { Delivering } from '../../../src/webhooks/delivery/delivery.ts'
import type { Outcome } from '../../../src/webhooks/delivery/outcome.ts'
import type { Message } from '../../../src/webhooks/delivery/sender.ts'
import { type WebhooksConfig, WebhooksService } from '../../../src/webhooks/service.ts'
import type { Ended } from '../../../src/webhooks/states.ts'

export const DAY_MS = 86_400_000
export const CONFIG: WebhooksConfig = {
  mostPerClient: 3,
  mostWithoutChannel: 2,
  cooldownMs: 60_000,
  retentionMs: 7 * DAY_MS,
}
export const OK: Outcome = { kind: 'answered', status: 200 }

/** One call as it left. */
export type Posted = Message & Pick<Delivering, 'url' | 'occasion' | 'lastTime'> & { readonly method: string }
export type Answer = (url: string, signal: AbortSignal) => Outcome | Promise<Outcome>

const random = new SeededRandom(7)
const identity = drawIdentity(random)
export const client = (): NodeId => random.nodeId()

/** A service without a node or a network: who has a channel, what is answered, and what time it is are told. */
export class ServiceWorld {
  readonly clock = new ManualClock()
  store: Store
  readonly points: string[] = []
  killAt: number | undefined
  readonly posted: Posted[] = []
  readonly ended: (readonly [NodeId, Ended])[] = []
  readonly logged: string[] = []
  readonly config: WebhooksConfig
  withChannel: readonly NodeId[] = []
  closing: readonly NodeId[] = []
  online: readonly NodeId[] = []
  recognised: readonly NodeId[] = []
  answer: Answer = () => OK
  lndIsDown = false
  signs = 0
  service!: WebhooksService
  readonly #bytes: SyncedBytes = new Map()
  #incarnation = 0
  #isDead = false
  #running = new AbortController()
  #stopped: Promise<void> = Promise.resolve()

  constructor({ config = {} }: { readonly config?: Partial<WebhooksConfig> } = {}) {
    this.config = { ...CONFIG, ...config }
    this.store = this.#openStore()
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Where it may die: at each commit before and after it is on disk, at each call before and after it is made. */
  #mark(name: string): boolean {
    if (this.#isDead) return true
    this.points.push(name)
    if (this.points.length - 1 === this.killAt) this.die()
    return this.#isDead
  }

  /** As `kill -9`: nothing that is under way goes on. */
  die(): void {
    this.#isDead = true
    this.#running.abort(new Error('killed'))
  }

  /** Of one incarnation: what is dead neither writes nor hears that it was written. */
  #openStore(): Store {
    const incarnation = this.#incarnation
    return openMemoryStore({
      bytes: this.#bytes,
      onBatch: async (stage) => {
        if (incarnation !== this.#incarnation || this.#mark(`commit:${stage}`)) await new Promise(() => undefined)
      },
    })
  }

  async start(): Promise<this> {
    this.#incarnation += 1
    this.#isDead = false
    this.store = this.#openStore()
    const ask = <T>(answer: () => T) => {
      if (this.lndIsDown) return Promise.reject(new Error('lnd is down'))
      return Promise.resolve(answer())
    }
    const note = (fields: object, message: string) => this.logged.push(`${message} ${JSON.stringify(fields)}`)
    const log: Log = { debug: note, info: note, warn: note, error: note }
    this.service = new WebhooksService(
      {
        lnd: {
          signMessage: (text) =>
            ask(() => {
              this.signs += 1
              return identity.sign(text)
            }),
          listChannels: (_signal, peer) =>
            ask(() => {
              const listed = this.withChannel.filter((one) => peer === undefined || one === peer)
              return listed.map((one) => ({ peer: one }) as Channel)
            }),
          pendingChannels: () => ask(() => this.closing.map((peer) => ({ peer, stage: 'closing' }) as PendingChannel)),
        },
        store: this.store,
        clock: this.clock,
        entropy: (length) => random.bytes(length),
        log,
        delivery: { deliver: (delivering) => this.#deliver(delivering) },
        timestampStyle: (who) => (this.recognised.includes(who) ? '+00:00' : undefined),
        onEnded: (who, ended) => this.ended.push([who, ended]),
        onFatal: (error) => {
          throw error
        },
      },
      this.config,
    )
    this.#running = new AbortController()
    setMaxListeners(0, this.#running.signal) // every wait of the service listens to it
    await this.service.load()
    await this.service.loadPeers(async () => this.online)
    this.#stopped = this.service.start(this.#running.signal).catch(() => undefined)
    await this.settle()
    return this
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async stop(): Promise<void> {
    this.#running.abort(new Error('stopped'))
    await this.settle()
    await this.#stopped
  }

  /** Lets everything happen that needs no time. */
  settle(): Promise<void> {
    return this.clock.advance(0)
  }

  set(who: NodeId, appName = 'wallet', url = `https://push.example/${appName}?token=secret`) {
    return this.service.set(who, { app_name: appName, webhook: url }, undefined)
  }

  /** Something waits for so long. */
  async notify(who: NodeId, usefulMs = 90_000): Promise<void> {
    const usefulUntil = (this.clock.now() + usefulMs) as Timestamp
    this.service.notify(who, { method: 'lsps5.payment_incoming', params: {} }, usefulUntil)
    await this.settle()
  }

  methods(): readonly string[] {
    return this.posted.map(({ method }) => method.replace('lsps5.', ''))
  }

  /** What a wallet's server says of a call. */
  verify({ headers, body }: Posted): NotificationVerdict {
    const { 'x-lsps5-timestamp': timestamp, 'x-lsps5-signature': signature } = headers
    return verifyNotification({ timestamp, signature, body }, { lsp: identity.nodeId, now: this.clock.now() })
  }

  async #deliver({ url, occasion, lastTime, compose, signal }: Delivering): Promise<Outcome> {
    const message = await compose(signal)
    if (this.#mark('post:before')) return await new Promise(() => undefined)
    this.posted.push({ ...message, url, occasion, lastTime, method: JSON.parse(message.body).method })
    if (this.#mark('post:made')) return await new Promise(() => undefined)
    return await this.answer(url, signal)
  }
}
