import { setMaxListeners } from 'node:events'
import { sat } from '../../lsps/base/amount.ts'
import type { Payout, PayoutNews } from '../../src/funding/payout-states.ts'
import { PayoutService } from '../../src/funding/payouts.ts'
import { FundingService } from '../../src/funding/service.ts'
import type { ChannelOrder, Funding, FundingNews } from '../../src/funding/states.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { SimChannel } from '../../src/sandbox/channels.ts'
import { ManualClock } from '../../src/sandbox/manual-clock.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { createWorld, MEASURED_LATENCY, type World } from '../../src/sandbox/world.ts'
import { openMemoryStore, type SyncedBytes } from '../../src/store/memory.ts'
import { CONFIG } from './funding-simulation.ts'

const RESTART_PAUSE_MS = 250
const LONGEST_WAIT_MS = 6 * 60 * 60_000
const BLOCK_MS = 600_000
/** Blocks within which a batch is over. */
const MOST_BLOCKS = 5
const NEVER = new AbortController().signal
export const BATCH_ID = 'ba'.repeat(32)
/** Nobody's address: a witness program of 20 bytes that the simulated wallet does not own. */
export const STRANGER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'

const TABLES = ['funding', 'payout', 'batch', 'reclaim']

export type OrderedOptions = {
  readonly members?: number
  readonly order?: Partial<ChannelOrder>
  readonly coins?: readonly bigint[]
}

type Services = { readonly funding: FundingService; readonly payouts: PayoutService }

/**
 * Ordered channels and payouts alone on the simulated node; the test is their owner. They may die at any point of
 * `world.points`; the next ones start from the synced bytes only.
 */
export class OrderedSimulation {
  readonly clock = new ManualClock()
  readonly world: World
  readonly wallets: readonly SimWallet[]
  readonly orders: readonly ChannelOrder[]
  bytes: SyncedBytes = new Map()
  /** What each owner heard of its order, each for the first time, by pending channel id. */
  readonly heard = new Map<string, FundingNews['type'][]>()
  /** All that was told of payouts, by id. */
  readonly told = new Map<string, PayoutNews[]>()
  /** Owners that do not pay any more: what is asked right before a signature. */
  readonly unwilling = new Set<string>()
  starts = 0
  fatal: unknown
  #services: Services | undefined
  #stop = new AbortController()
  #dead = true
  #commits = 0

  constructor({ members = 1, order = {}, coins }: OrderedOptions = {}) {
    const world = { clock: this.clock, seed: 11, latency: MEASURED_LATENCY, requireInterceptor: false }
    this.world = createWorld({ ...world, ...(coins === undefined ? {} : { coins }) })
    this.world.onClientKilled = () => this.#die()
    this.wallets = Array.from({ length: members }, () => this.world.addWallet())
    for (const wallet of this.wallets) wallet.connect()
    this.orders = this.wallets.map((wallet, index) => {
      const pendingChannelId = (index + 1).toString(16).padStart(2, '0').repeat(32)
      return {
        pendingChannelId,
        owner: `order:${index}`,
        peer: wallet.nodeId,
        capacity: sat(200_000n + BigInt(index) * 1_000n),
        memo: `sluice1:order:${pendingChannelId}:${index}:0`,
        maxLocalCsv: 2016,
        satPerVbyte: 2,
        push: sat(30_000n),
        visibility: 'announced',
        confirmation: 'ordinary',
        broadcast: 'when-pending',
        ...order,
      }
    })
  }

  get services(): Services {
    if (this.#services === undefined) throw new Error('the services are not running')
    return this.#services
  }

  order(index: number): ChannelOrder {
    const order = this.orders[index]
    if (order === undefined) throw new Error(`there is no order ${index}`)
    return order
  }

  wallet(index: number): SimWallet {
    const wallet = this.wallets[index]
    if (wallet === undefined) throw new Error(`there is no wallet ${index}`)
    return wallet
  }

  /** What the owner of an order heard. */
  news(index: number): readonly FundingNews['type'][] {
    return this.heard.get(this.order(index).pendingChannelId) ?? []
  }

  /** As a restart would read it. */
  state(index: number): Funding {
    const id = this.order(index).pendingChannelId
    return this.#row('funding', id) as Funding
  }

  payout(id: string): Payout {
    return this.#row('payout', id) as Payout
  }

  /** Undefined while there is none. */
  get batch(): { readonly tag: string; readonly round: number; readonly stage?: string } | undefined {
    return this.#find('batch', BATCH_ID) as { readonly tag: string; readonly round: number } | undefined
  }

  #find(name: string, id: string): unknown {
    const row = this.bytes.get(`${name}-live`)?.get(id) ?? this.bytes.get(`${name}-done`)?.get(id)
    return row === undefined ? undefined : JSON.parse(row).record
  }

  #row(name: string, id: string): unknown {
    const record = this.#find(name, id)
    if (record === undefined) throw new Error(`there is no ${name} ${id}`)
    return record
  }

  /** Every channel that the node ever had for an order. */
  channels(index: number): readonly SimChannel[] {
    return [...this.world.node.channels.all.values()].filter(({ memo }) => memo === this.order(index).memo)
  }

  /** Its channels whose funding is in the chain or the mempool. */
  funded(index: number): readonly SimChannel[] {
    return this.channels(index).filter(({ outpoint }) => this.world.node.chain.exists(outpoint))
  }

  async start(): Promise<void> {
    this.#dead = false
    this.starts += 1
    const incarnation = this.starts
    const isDead = () => this.#dead || incarnation !== this.starts
    const stop = new AbortController()
    setMaxListeners(0, stop.signal) // every wait listens to it
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
    const onFatal = (error: unknown) => {
      if (!isDead()) this.fatal = error
    }
    const common = { lnd, store, clock: this.clock, log: silentLog, onFatal }
    const payouts = new PayoutService(
      { ...common, notify: async ({ id }, news) => this.#tell(id, news) },
      { ...CONFIG, maxSatPerVbyte: 50 },
    )
    const funding = new FundingService(
      {
        ...common,
        payouts,
        mayPublish: async ({ owner }) => !this.unwilling.has(owner),
        notify: async ({ pendingChannelId }, news) => this.#hear(pendingChannelId, news),
      },
      CONFIG,
    )
    await Promise.all([funding.load(), payouts.load()])
    if (isDead()) return
    this.#services = { funding, payouts }
    void funding.start(stop.signal)
    void payouts.start(stop.signal)
    void lnd.subscribeChannelEvents((event) => funding.onChannelEvent(event), stop.signal).catch(() => undefined)
    let following = Promise.resolve()
    const follow = (height: number) => {
      following = following.then(async () => {
        if (isDead()) return
        await funding.onBlock(height, stop.signal)
        if (!isDead()) await payouts.onBlock(stop.signal)
      })
    }
    void lnd.subscribeBlocks(follow, stop.signal).catch(() => undefined)
  }

  #hear(id: string, news: FundingNews): void {
    const heard = this.heard.get(id) ?? []
    if (!heard.includes(news.type)) this.heard.set(id, [...heard, news.type])
  }

  #tell(id: string, news: PayoutNews): void {
    this.told.set(id, [...(this.told.get(id) ?? []), news])
  }

  #die(): void {
    this.#dead = true
    this.#stop.abort(new Error('killed'))
    this.#services = undefined
  }

  /** Waits in simulated time; services that died are started again. */
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

  /** Blocks, ten minutes apart. */
  async mine(blocks: number): Promise<void> {
    for (let block = 0; block < blocks; block += 1) {
      this.world.mine(1)
      await this.advance(BLOCK_MS)
    }
  }

  /** What an owner's effect does: asks until it is on disk, however often the services die meanwhile. */
  async ask(what: (services: Services) => Promise<void>): Promise<void> {
    for (let done = false; !done; ) {
      await this.until(() => this.#services !== undefined, 'the services to run')
      const asked = this.starts
      what(this.services).then(
        () => {
          done = true
        },
        () => undefined,
      )
      await this.until(() => done || this.starts !== asked, 'the answer')
    }
  }

  /** Until every order of these heard this. */
  async hear(type: FundingNews['type'], ...indexes: readonly number[]): Promise<void> {
    await this.until(() => indexes.every((index) => this.news(index).includes(type)), `${type} for ${indexes}`)
  }

  /** The same, with as many blocks as it takes: a transaction is burnt in one, and after a crash perhaps another. */
  async mineUntilHeard(type: FundingNews['type'], ...indexes: readonly number[]): Promise<void> {
    for (let blocks = 0; !indexes.every((index) => this.news(index).includes(type)); blocks += 1) {
      if (blocks === MOST_BLOCKS) throw new Error(`${type} for ${indexes} not heard within ${blocks} blocks`)
      await this.mine(1)
    }
  }

  get leases(): number {
    return this.world.node.coins.leases().length
  }

  /** What must hold at the end of any story. */
  violations(): readonly string[] {
    const found = this.world.audit({ atRest: true }).map(({ kind, detail }) => `${kind}: ${detail}`)
    const outbox = TABLES.flatMap((table) => [...(this.bytes.get(`${table}-outbox`) ?? [])])
    if (outbox.length > 0) found.push(`outbox: ${outbox.map(([key, value]) => `${key} ${value}`).join(', ')}`)
    if (this.fatal !== undefined) found.push(`fatal: ${String(this.fatal)}`)
    for (const index of this.orders.keys()) {
      if (this.funded(index).length > 1) found.push(`order ${index} has the money of two channels`)
      const paid = this.funded(index).length === 1
      if (this.channels(index).length > 0 && !paid && this.news(index).includes('published'))
        found.push(`order ${index} was told of a funding that is not there`)
    }
    for (const [id, row] of this.bytes.get('payout-done') ?? []) {
      const { tag, txid } = JSON.parse(row).record
      if (tag === 'paid' && this.world.node.chain.transaction(txid) === undefined)
        found.push(`payout ${id} is not paid`)
    }
    return found
  }

  /** What arrived at an address, by transaction that is in a block or the mempool. */
  arrived(script: string): readonly bigint[] {
    return [...this.world.node.chain.transactions()].flatMap(({ outputs }) =>
      outputs.filter((output) => Buffer.from(output.script).toString('hex') === script).map(({ value }) => value),
    )
  }
}

export type Story<Options> = {
  readonly name: string
  readonly options?: Options
  readonly tell: (simulation: OrderedSimulation) => Promise<void>
  /** What is wrong at the end, beside what is wrong in any story. */
  readonly ending: (simulation: OrderedSimulation) => void
}
