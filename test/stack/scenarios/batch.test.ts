import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import type { PayoutNews } from '../../../src/funding/payout-states.ts'
import { PayoutService } from '../../../src/funding/payouts.ts'
import { FundingService } from '../../../src/funding/service.ts'
import type { ChannelOrder, FundingNews } from '../../../src/funding/states.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import type { LndAdapter } from '../../../src/lnd/adapter.ts'
import { permissionsFor } from '../../../src/lnd/permissions.ts'
import { openMemoryStore } from '../../../src/store/memory.ts'
import { RealNode } from '../../compliance/real-node.ts'
import { FUNDING_CONFIG } from '../../unit/funding/samples.ts'
import { newAddress } from '../snapshot.ts'
import { waitFor } from '../wait.ts'

const FINAL = 6
const NEWS_MS = 60_000
const CAPACITY = sat(200_000n)
const PUSH = sat(30_000n)
const AMOUNT = sat(100_000n)
const CASE_MS = 180_000

/** The funding and payout services alone, on a real lnd with the rights that `sluice macaroon` gives. */
class Services {
  readonly funding: FundingService
  readonly payouts: PayoutService
  readonly heard = new Map<string, FundingNews[]>()
  readonly told: PayoutNews[] = []
  /** Owners that do not pay any more. */
  readonly unwilling = new Set<string>()
  readonly #lnd: LndAdapter
  readonly #stop = new AbortController()
  #running: Promise<unknown> = Promise.resolve()

  constructor(lnd: LndAdapter) {
    this.#lnd = lnd
    const onFatal = (error: unknown) => {
      throw error
    }
    const common = { lnd, store: openMemoryStore(), clock: systemClock, log: silentLog, onFatal }
    this.payouts = new PayoutService(
      { ...common, notify: async (_, news) => void this.told.push(news) },
      { ...FUNDING_CONFIG, maxSatPerVbyte: 50 },
    )
    this.funding = new FundingService(
      {
        ...common,
        payouts: this.payouts,
        mayPublish: async ({ owner }) => !this.unwilling.has(owner),
        notify: async ({ owner }, news) => void this.heard.set(owner, [...(this.heard.get(owner) ?? []), news]),
      },
      FUNDING_CONFIG,
    )
  }

  async start(): Promise<void> {
    const { signal } = this.#stop
    await Promise.all([this.funding.load(), this.payouts.load()])
    const onBlock = async (height: number) => {
      await this.funding.onBlock(height, signal)
      await this.payouts.onBlock(signal)
    }
    let following = Promise.resolve()
    const follow = (height: number) => {
      following = following.then(() => onBlock(height))
    }
    this.#running = Promise.allSettled([
      this.funding.start(signal),
      this.payouts.start(signal),
      this.#lnd.subscribeChannelEvents((event) => this.funding.onChannelEvent(event), signal),
      this.#lnd.subscribeBlocks(follow, signal),
    ])
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test ends'))
    await this.#running
  }

  async hear(owners: readonly string[], type: FundingNews['type']): Promise<void> {
    const hasHeard = (owner: string) => this.heard.get(owner)?.some((news) => news.type === type) === true
    await waitFor(() => owners.every(hasHeard), { deadline: NEWS_MS, what: `${type} for ${owners.join(', ')}` })
  }

  outpointsOf(owners: readonly string[]): readonly string[] {
    return owners.flatMap((owner) =>
      (this.heard.get(owner) ?? []).flatMap((news) => (news.type === 'published' ? [news.outpoint] : [])),
    )
  }
}

describe('ordered channels in one transaction, on the real stack', () => {
  let node: RealNode
  let lnd: LndAdapter
  let services: Services
  const { signal } = new AbortController()

  beforeAll(async () => {
    node = await RealNode.start()
    lnd = node.attach(await node.bake(permissionsFor(['node', 'lsps2', 'orders'])))
  })

  beforeEach(async () => {
    services = new Services(lnd)
    await services.start()
  })

  afterEach(() => services?.stop())

  afterAll(() => node?.stop())

  /** Orders of as many new wallets. */
  async function ordersOf(count: number): Promise<readonly ChannelOrder[]> {
    const orders: ChannelOrder[] = []
    for (let index = 0; index < count; index += 1) {
      const wallet = await node.addWallet()
      const pendingChannelId = randomBytes(32).toString('hex')
      orders.push({
        pendingChannelId,
        owner: `order:${index}`,
        peer: wallet.nodeId as NodeId,
        capacity: CAPACITY,
        memo: `sluice1:order:${pendingChannelId}:${index}:0`,
        maxLocalCsv: 2016,
        satPerVbyte: 2,
        push: PUSH,
        visibility: 'announced',
        confirmation: 'ordinary',
      })
    }
    return orders
  }

  it(
    'opens five at once, and each peer has its push when the blocks are there',
    async () => {
      const orders = await ordersOf(5)
      const owners = orders.map(({ owner }) => owner)
      await services.funding.openBatch(randomBytes(32).toString('hex'), orders)
      await services.hear(owners, 'published')
      const txids = new Set(services.outpointsOf(owners).map((outpoint) => outpoint.split(':')[0]))
      expect(txids.size).toBe(1)
      const [txid = ''] = txids
      await node.network.waitInMempool(txid)
      await node.network.mine(FINAL)
      await services.hear(owners, 'channel-active')
      const channels = (await lnd.listChannels(signal)).filter(({ outpoint }) => outpoint.startsWith(txid))
      expect(channels).toHaveLength(5)
      for (const channel of channels)
        expect(channel).toMatchObject({ active: true, private: false, capacity: CAPACITY, remoteBalance: PUSH })
      await services.hear(owners, 'confirmed')
      expect(await lnd.listLeases(signal)).toEqual([])
    },
    CASE_MS,
  )

  it(
    'burns a transaction that lost a member after all had signed, and opens the rest with another one',
    async () => {
      const orders = await ordersOf(3)
      services.unwilling.add('order:1')
      await services.funding.openBatch(randomBytes(32).toString('hex'), orders)
      await services.hear(['order:1'], 'refused')
      await waitFor(async () => services.payouts.live.size > 0, { deadline: NEWS_MS, what: 'a coin to be spent' })
      await waitFor(() => services.told.some(({ type }) => type === 'payout-published'), {
        deadline: NEWS_MS,
        what: 'the burning transaction to be published',
      })
      expect(services.outpointsOf(['order:0', 'order:2'])).toEqual([])
      await node.network.mine(1)
      await services.hear(['order:0', 'order:2'], 'published')
      const outpoints = services.outpointsOf(['order:0', 'order:2'])
      expect(new Set(outpoints.map((outpoint) => outpoint.split(':')[0])).size).toBe(1)
      await node.network.mine(FINAL)
      await services.hear(['order:0', 'order:2'], 'channel-active')
      expect((await lnd.listLeases(signal)).map(({ id }) => id)).toEqual([])
    },
    CASE_MS,
  )

  it(
    'pays a refund once: what arrives and the fee are what was owed, to the satoshi',
    async () => {
      const before = await lnd.walletBalance(signal)
      const address = await newAddress(node.network.payer)
      const order = { id: 'refund', owner: 'order:9', address, amount: AMOUNT, satPerVbyte: 7 }
      await services.payouts.pay(order)
      await services.payouts.pay({ ...order, amount: sat(90_000n) })
      await waitFor(() => services.told.length > 0, { deadline: NEWS_MS, what: 'the payout to be published' })
      const [news] = services.told
      if (news?.type !== 'payout-published') throw new Error(`heard ${news?.type}`)
      expect(news.amount + news.fee).toBe(AMOUNT)
      await node.network.waitInMempool(news.txid)
      await node.network.mine(FINAL)
      await waitFor(() => services.told.some(({ type }) => type === 'payout-confirmed'), {
        deadline: NEWS_MS,
        what: 'the payout to be final',
      })
      expect(before - (await lnd.walletBalance(signal))).toBe(AMOUNT)
      expect(await lnd.listLeases(signal)).toEqual([])
    },
    CASE_MS,
  )
})
