import { sat } from '../../lsps/base/amount.ts'
import { type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import { type FundingConfig, FundingService } from '../../src/funding/service.ts'
import type { ChannelOrder, Funding, FundingNews } from '../../src/funding/states.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { SimChannel } from '../../src/sandbox/channels.ts'
import { ManualClock } from '../../src/sandbox/manual-clock.ts'
import type { Payment } from '../../src/sandbox/sending.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { createWorld, MEASURED_LATENCY, type World } from '../../src/sandbox/world.ts'
import { openMemoryStore, type SyncedBytes } from '../../src/store/memory.ts'

const RESTART_PAUSE_MS = 250
const LONGEST_WAIT_MS = 6 * 60 * 60_000
const BLOCK_MS = 60_000
const PENDING_ID = 'cd'.repeat(32)
const NEVER = new AbortController().signal

export const CONFIG: FundingConfig = {
  leaseSeconds: 24 * 3600,
  minConfs: 1,
  confTarget: 6,
  bumpAfterBlocks: 3,
  bumpLimits: { maxSat: sat(5_000n), maxSatPerVbyte: 100 },
  reclaim: { withinBlocks: 10, afterwards: 'keep', maxSatPerVbyte: 100 },
}

/**
 * The funding service alone on the simulated node, with one order; the test is its owner. It may die at any point of
 * `world.points`; the next one starts from the synced bytes only.
 */
export class FundingSimulation {
  readonly clock = new ManualClock()
  readonly world: World
  readonly wallet: SimWallet
  readonly order: ChannelOrder
  readonly config: FundingConfig
  bytes: SyncedBytes = new Map()
  /** What the owner heard, each for the first time. */
  readonly heard: FundingNews['type'][] = []
  lastNews: FundingNews | undefined
  starts = 0
  fatal: unknown
  #service: FundingService | undefined
  #stop = new AbortController()
  #dead = true
  #commits = 0
  #channel: SimChannel | undefined

  constructor(options: { readonly broadcast?: 'at-once' | 'when-due'; readonly config?: Partial<FundingConfig> } = {}) {
    this.world = createWorld({ clock: this.clock, seed: 11, latency: MEASURED_LATENCY, requireInterceptor: false })
    this.world.onClientKilled = () => this.#die()
    this.wallet = this.world.addWallet()
    this.wallet.connect()
    this.config = { ...CONFIG, ...options.config }
    this.order = {
      pendingChannelId: PENDING_ID,
      owner: 'the-owner',
      peer: this.wallet.nodeId,
      capacity: sat(200_000n),
      memo: `sluice1:jit:${PENDING_ID}:the-owner:0`,
      maxLocalCsv: 2016,
      satPerVbyte: 2,
      broadcast: options.broadcast ?? 'at-once',
    }
  }

  get service(): FundingService {
    if (this.#service === undefined) throw new Error('the service is not running')
    return this.#service
  }

  /** The order's channel at the node. */
  get channel(): SimChannel {
    this.#channel ??= [...this.world.node.channels.all.values()].find(({ memo }) => memo === this.order.memo)
    if (this.#channel === undefined) throw new Error('there is no channel')
    return this.#channel
  }

  get txid(): string {
    return this.channel.outpoint.split(':')[0] ?? ''
  }

  get confirmations(): number | undefined {
    return this.world.node.chain.confirmations(this.txid)
  }

  /** As a restart would read it. */
  get state(): Funding {
    const row = this.bytes.get('funding-live')?.get(PENDING_ID) ?? this.bytes.get('funding-done')?.get(PENDING_ID)
    if (row === undefined) throw new Error('there is no order')
    return JSON.parse(row).record
  }

  get reclaim(): string | undefined {
    const row = this.bytes.get('reclaim-live')?.get(PENDING_ID) ?? this.bytes.get('reclaim-done')?.get(PENDING_ID)
    return row === undefined ? undefined : JSON.parse(row).record.tag
  }

  async start(): Promise<void> {
    this.#dead = false
    this.starts += 1
    const incarnation = this.starts
    const isDead = () => this.#dead || incarnation !== this.starts
    const stop = new AbortController()
    this.#stop = stop
    const lnd = this.world.attach()
    const store = openMemoryStore({
      bytes: this.bytes,
      onBatch: async (stage) => {
        if (stage === 'before') this.#commits += 1
        if (!isDead()) this.world.mark(`commit#${this.#commits}:${stage}`)
        if (isDead()) await new Promise(() => undefined)
      },
    })
    const service = new FundingService(
      {
        lnd,
        store,
        clock: this.clock,
        log: silentLog,
        notify: async (_, news) => this.#hear(news),
        watched: () => [PENDING_ID],
        onFatal: (error) => {
          if (!isDead()) this.fatal = error
        },
      },
      this.config,
    )
    await service.load()
    if (isDead()) return
    this.#service = service
    void service.start(stop.signal)
    void lnd.subscribeChannelEvents((event) => service.onChannelEvent(event), stop.signal).catch(() => undefined)
    let following = Promise.resolve()
    const follow = (height: number) => {
      following = following.then(() => (isDead() ? undefined : service.onBlock(height, stop.signal)))
    }
    void lnd.subscribeBlocks(follow, stop.signal).catch(() => undefined)
  }

  #hear(news: FundingNews): void {
    this.lastNews = news
    if (!this.heard.includes(news.type)) this.heard.push(news.type)
  }

  #die(): void {
    this.#dead = true
    this.#stop.abort(new Error('killed'))
    this.#service = undefined
  }

  /** Waits in simulated time; a service that died is started again. */
  async until(condition: () => boolean, what: string, limitMs = LONGEST_WAIT_MS): Promise<void> {
    for (;;) {
      await this.clock.until(() => this.#dead || condition(), what, limitMs)
      if (!this.#dead) return
      await this.clock.advance(RESTART_PAUSE_MS)
      await this.start()
    }
  }

  async advance(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    void this.clock.sleep(ms, NEVER)
    await this.until(() => this.clock.now() >= end, `${ms} ms to pass`)
  }

  /** Blocks, a minute apart. */
  async mine(blocks: number): Promise<void> {
    for (let block = 0; block < blocks; block += 1) {
      this.world.mine(1)
      await this.advance(BLOCK_MS)
    }
  }

  /** What an owner's effect does: asks until it is on disk, however often the service dies meanwhile. */
  async ask(what: (service: FundingService) => Promise<void>): Promise<void> {
    for (let done = false; !done; ) {
      await this.until(() => this.#service !== undefined, 'the service to run')
      const asked = this.starts
      what(this.service).then(
        () => {
          done = true
        },
        () => undefined,
      )
      await this.until(() => done || this.starts !== asked, 'the answer')
    }
  }

  /** The order, up to the news that its channel is active. */
  async open(): Promise<void> {
    await this.ask((service) => service.open(this.order))
    await this.until(() => this.heard.includes('channel-active'), 'the channel to be active')
  }

  /** A payment to the wallet over the channel. */
  pay(amount = 50_000_000n): Payment {
    const { paymentHash } = this.wallet.invoice({ amount })
    const scid: Scid = scidFromNumber(this.channel.chanId)
    return this.world.payer.pay({ hash: paymentHash, scid, amount })
  }

  get leases(): number {
    return this.world.node.coins.leases().filter(({ id }) => id === PENDING_ID).length
  }

  /** What must hold at the end of any story. */
  violations(): readonly string[] {
    const found = this.world.audit({ atRest: true }).map(({ kind, detail }) => `${kind}: ${detail}`)
    const outbox = ['funding-outbox', 'reclaim-outbox'].flatMap((table) => [...(this.bytes.get(table) ?? [])])
    if (outbox.length > 0) found.push(`outbox: ${outbox.map(([key, value]) => `${key} ${value}`).join(', ')}`)
    if (this.fatal !== undefined) found.push(`fatal: ${String(this.fatal)}`)
    const { tag } = this.state
    if (this.leases > 0 && tag !== 'standing') found.push(`${this.leases} coins are still locked, the order is ${tag}`)
    return found
  }
}
