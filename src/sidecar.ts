import { setMaxListeners } from 'node:events'
import type { Clock } from '../lsps/base/clock.ts'
import { lsps0 } from '../lsps/lsps0/methods.ts'
import { service } from '../lsps/rpc/server.ts'
import type { AdminPort } from './admin/port.ts'
import type { Config } from './config/schema.ts'
import { checkConfigured, refuseUnfit, waitForNode } from './fitness.ts'
import { Feerate } from './funding/feerate.ts'
import { describeNews, isTold } from './funding/news.ts'
import { FundingService } from './funding/service.ts'
import type { FundingNews, OrderName } from './funding/states.ts'
import { PriceBook } from './jit/price-book.ts'
import { JitService } from './jit/service.ts'
import { Decisions } from './journal/decisions.ts'
import { flightStep, flightSteps } from './journal/flight.ts'
import { Journal } from './journal/journal.ts'
import type { Entropy } from './kernel/entropy.ts'
import type { FetchJson } from './kernel/fetch-json.ts'
import type { Log } from './kernel/log.ts'
import type { Stop } from './kernel/stop.ts'
import { Streams } from './kernel/streams.ts'
import { childOf } from './kernel/wait.ts'
import { adoptPromises, createPromises } from './lifetimes.ts'
import type { Finding } from './lnd/gate.ts'
import type { ChannelEvent, LndPort, NodeInfo, PeerEvent } from './lnd/port.ts'
import {
  channelsOf,
  countOpenings,
  createInventory,
  createReadyCoins,
  fundingConfig,
  opener,
  openingOf,
  recorder,
  unconfirmedOf,
} from './openings.ts'
import { catchUp } from './operate/catch-up.ts'
import { Drain, NOT_SELLING } from './operate/drain.ts'
import { createOrdering, orderServices, restPort } from './ordering.ts'
import { createPeerEndpoint, type PeerContext } from './peer/endpoint.ts'
import { createReports } from './report.ts'
import { saleService } from './selling.ts'
import { catchUpTermsOf, feerateOf, limitsOf, pricesOf, protocolsOf, salesOf } from './slices.ts'
import { migrate } from './store/migrations.ts'
import type { Store } from './store/port.ts'
import { createWaking, type DeliveryPort } from './waking.ts'

/** Said at a start that changed records by what lnd shows; in an ordinary restart that never happens. */
export const CAUGHT_UP = 'the database was older than what lnd shows: records brought to where lnd is'

/** The world outside: the node, the disk, time and chance. Tests pass simulated ones. */
export type SidecarDeps = {
  readonly lnd: LndPort
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  /** What of the node only its adapter can tell: rights that the macaroon lacks. */
  readonly probe?: (signal: AbortSignal) => Promise<readonly Finding[]>
  /** How a second source of feerates is asked; left out, it is never reached. */
  readonly fetchJson?: FetchJson
  /** How webhooks are called; left out, over HTTPS by way of this machine. */
  readonly delivery?: DeliveryPort
  /** 32 secret bytes from which keys are derived. */
  readonly seed: Uint8Array
  /** Ends the start, if it aborts before that is done. */
  readonly signal: AbortSignal
  /** Nothing can be relied on any more (the disk failed): the process has to stop now. */
  readonly onFatal: (error: unknown) => void
}

export type Sidecar = {
  readonly admin: AdminPort
  readonly rest: ReturnType<typeof restPort>
  /** Stops taking work, lets running effects stop, and closes the store. What is unfinished continues at the next start. */
  readonly stop: () => Promise<void>
}

/**
 * The composition root: the only place that knows everything. Boot order: names of our sales, then the interceptor
 * (foreign forwards flow from here on, ours are held), then facts from lnd, then effects, then messages (style 3.7).
 * @throws SidecarError `NOT_READY` with every finding and its fix, when lnd is not fit for what is enabled
 */
export async function startSidecar(config: Config, deps: SidecarDeps): Promise<Sidecar> {
  const { lnd, store, clock, entropy, log } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  setMaxListeners(0, signal) // every wait of the daemon listens to it
  const startedAt = clock.now()
  const tasks: Promise<void>[] = []
  let closing = false
  // What follows the last commits of an orderly stop finds the database closed; the next start does it again.
  const onFatal = (error: unknown) => {
    if (!closing) deps.onFatal(error)
  }

  await migrate(store)
  const journal = new Journal(store)
  const drain = new Drain({ store, clock, log, onFatal })
  const decisions = new Decisions({ store, clock, keepDays: config.log.decisions_keep_days })
  const prices = new PriceBook(
    { store, clock, log, recordChange: (change) => decisions.entry(change) },
    pricesOf(config),
  )
  const feerate = new Feerate(
    {
      lnd,
      clock,
      log,
      fetchJson: deps.fetchJson,
      onEstimate: (movement) => prices.update(movement).catch(onFatal),
    },
    feerateOf(config),
  )
  /** Why nothing is sold now: whoever has a reason says it here. Asked for each menu, so it must not wait. */
  const stops = (): readonly Stop[] =>
    [feerate.stop(), inventory.stop(), drain.stop].filter((stop) => stop !== undefined)
  const notSelling = () => (drain.since === undefined ? undefined : NOT_SELLING)
  const inventory = createInventory(config, {
    lnd,
    store,
    clock,
    log,
    feerate: () => feerate.current(),
    tokenOf: async (id) => (await funding.get(id))?.order.token ?? '',
    unconfirmed: () => unconfirmedOf(funding.live.values(), readyCoins.live.values(), ordering.payouts.live.values()),
    onLooked: () => readyCoins.plan(),
  })
  const promises = createPromises({ lnd, store, clock, log, decisions })
  const coinDeps = { lnd, store, clock, entropy, log, onFatal, inventory, feerate: () => feerate.current() }
  const readyCoins = createReadyCoins(config, coinDeps)
  const funding: FundingService = new FundingService(
    {
      lnd,
      store,
      clock,
      log,
      onFatal,
      notify: (order, news) => onFundingNews(order, news),
      observer: countOpenings(inventory),
      payouts: { pay: (order) => ordering.payouts.pay(order), get: (id) => ordering.payouts.get(id) },
      mayPublish: (order, callSignal) => ordering.mayPublish(order, callSignal),
      keeps: (outpoint) => promises.keeps(outpoint),
      watched: () => channelsOf(jit.live.values()),
    },
    fundingConfig(config),
  )
  const sales = salesOf(config)
  const jit = new JitService(
    {
      lnd,
      store,
      clock,
      entropy,
      log,
      onFatal,
      openChannel: opener({ inventory, funding, feerate: () => feerate.current(), clock, signal }),
      appendMoney: (money, paid) => journal.append(money, paid),
      recordStep: recorder(inventory, promises),
      rejection: (client) => stops()[0]?.what ?? inventory.rejection(client),
      publishFunding: (pendingChannelId) => funding.publishDue(pendingChannelId),
      reclaimChannel: (pendingChannelId) => funding.reclaim(pendingChannelId),
      callClient: (client, usefulUntil, sale) => waking.callForPayment(client, usefulUntil, sale),
      wasNeverHandedOn: (circuit) => gate?.wasNeverHandedOn(circuit) ?? false,
    },
    sales,
  )

  const ordering = createOrdering(config, {
    ...coinDeps,
    seed: deps.seed,
    funding: () => funding,
    promises,
    journal,
    feerate,
    notSelling,
    stops,
    callClient: (client, call) => waking.callForOrder(client, call),
    signal,
  })
  const { orders } = ordering

  async function onFundingNews(order: OrderName, news: FundingNews): Promise<void> {
    if (await ordering.onFundingNews(order, news)) return
    // A channel whose money will never exist is as good as closed to the sale.
    if (news.type === 'conflicted') await jit.onFunding(order, { type: 'channel-closed', outpoint: news.outpoint })
    else if (news.type !== 'reorganised' && news.type !== 'bumped' && news.type !== 'kept')
      await jit.onFunding(order, news)
    const step = describeNews(news)
    if (step === undefined || isTold(await flightSteps(store, order.owner), step)) return
    await store.commit([flightStep(order.owner, { at: clock.now(), ...step })])
  }

  const waking = createWaking(config, {
    ...{ lnd, store, clock, entropy, log, onFatal, jit },
    delivery: deps.delivery,
    timestampStyle: (client) => endpoint.timestampStyle(client),
  })
  const { webhooks, gate } = waking
  const sellingDeps = { jit, prices, inventory, decisions, clock, seed: deps.seed, stops, notSelling }
  const protocols = protocolsOf(config)
  const endpoint = createPeerEndpoint(
    {
      lnd,
      clock,
      log,
      services: [
        service<typeof lsps0, PeerContext>(lsps0, {
          'lsps0.list_protocols': async () => ({ protocols }),
        }),
        ...(config.orders.enabled ? orderServices(ordering) : []),
        ...(config.lsps2.enabled ? [saleService(config, sellingDeps)] : []),
        ...waking.services,
      ],
    },
    limitsOf(config),
  )

  const streams = new Streams({ clock, entropy, log, signal, onFatal })
  const attachInterceptor = () =>
    streams.open('htlcs', async (up, streamSignal) => {
      up()
      try {
        await lnd.interceptHtlcs((offer, stream) => (gate ?? jit).onOffer(offer, stream), streamSignal)
      } finally {
        gate?.onInterceptorLost()
        jit.onInterceptorLost()
      }
    })

  const openHtlcEvents = () =>
    streams.open('htlc-events', (up, streamSignal) => {
      up()
      return lnd.subscribeHtlcEvents((event) => jit.onHtlcEvent(event), streamSignal)
    })
  const openChannelEvents = () =>
    streams.open('channels', (up, streamSignal) => {
      up()
      onChannelEvent() // whatever was missed: look again
      return lnd.subscribeChannelEvents(onChannelEvent, streamSignal)
    })

  const stop = async (): Promise<void> => {
    stopping.abort(new Error('sluiced is stopping'))
    await Promise.allSettled([...tasks, streams.ended()])
    await following
    closing = true
    await store.close()
  }

  async function boot(): Promise<NodeInfo> {
    await Promise.all([jit.loadNames(), gate?.loadNames()])
    // Without anything to sell or to finish, or to wait for, the node's one interceptor slot is left to others.
    const selling = config.lsps2.enabled || jit.hasNames
    if (selling || gate !== undefined) attachInterceptor()
    const [info] = await Promise.all([
      waitForNode(deps, signal),
      journal.load(),
      drain.load(),
      jit.load(),
      funding.load(),
      waking.load(),
    ])
    await Promise.all([readyCoins.load(), promises.load(), ordering.load()])
    const ordered = config.orders.enabled || orders.live.size > 0 || ordering.payouts.live.size > 0
    refuseUnfit([...checkConfigured(info, config), ...((await deps.probe?.(signal)) ?? [])], log)
    if (selling) await catchUpWithNode()
    await adoptPromises(promises, { lnd, store }, signal)
    promises.setHeight(info.blockHeight)
    await inventory.load([...funding.live.values()].map(openingOf))

    if (selling) openHtlcEvents()
    if (selling || ordered || config.webhooks.enabled) openChannelEvents()
    if (ordered) ordering.openStreams(streams)
    streams.open('peers', async (up, streamSignal) => {
      up()
      const listening = childOf(streamSignal)
      try {
        const events = lnd.subscribePeerEvents(onPeer, listening.signal)
        await Promise.all([events, loadPeers(streamSignal)])
      } finally {
        listening.abort() // the list failed: the next attempt listens anew
      }
    })
    jit.onBlock(info.blockHeight)
    gate?.onBlock(info.blockHeight)
    orders.onBlock(info.blockHeight)
    await loadPeers(signal)
    if (selling || ordered) {
      const aliases = selling ? jit.loadAliases(signal) : undefined
      await Promise.all([aliases, feerate.refresh(signal), inventory.refreshOrWarn(signal)])
      tasks.push(feerate.run(signal), inventory.run(signal))
    }
    tasks.push(jit.start(signal), funding.start(signal), readyCoins.start(signal))
    if (ordered) tasks.push(orders.start(signal), ordering.payouts.start(signal))
    tasks.push(waking.start(signal).catch(onFatal), decisions.run(signal).catch(onFatal))
    streams.open('blocks', (up, streamSignal) => {
      up()
      return lnd.subscribeBlocks((height) => onBlock(height), streamSignal)
    })
    streams.open('messages', (up, streamSignal) => {
      up()
      return lnd.subscribeCustomMessages((message) => endpoint.onMessage(message, signal), streamSignal)
    })
    return info
  }

  /** An older database in place of ours: its sales are brought to where lnd is before anything is judged (D16). */
  async function catchUpWithNode(): Promise<void> {
    const terms = catchUpTermsOf(config)
    const { live } = jit
    const taken = await catchUp({ lnd, store, clock, log, live, fundings: funding.live, journal, terms }, signal)
    if (taken === 0) return
    log.warn({ taken }, CAUGHT_UP)
    await Promise.all([jit.load(), funding.load()])
  }

  function onPeer({ nodeId, online }: PeerEvent): void {
    waking.onPeer(nodeId, online) // first: the others have those called who went
    jit.onPeer(nodeId, online)
    orders.onPeer(nodeId, online)
  }

  function onChannelEvent(event?: ChannelEvent): void {
    funding.onChannelEvent(event)
    webhooks.onChannelEvent()
    gate?.onChannelEvent(event)
  }

  async function loadPeers(callSignal: AbortSignal): Promise<void> {
    const connected = lnd.listPeers(callSignal).then((peers) => peers.map(({ nodeId }) => nodeId))
    await Promise.all([waking, jit, orders].map((feature) => feature.loadPeers(() => connected)))
  }

  let following: Promise<void> | undefined
  let followAgain = false
  let bestHeight = 0
  function onBlock(height: number): void {
    bestHeight = height
    jit.onBlock(height)
    gate?.onBlock(height)
    orders.onBlock(height)
    // A node that catches up sends blocks faster than it answers: however many came meanwhile, one more pass is enough.
    followAgain = true
    following ??= followUp()
  }

  async function followUp(): Promise<void> {
    while (followAgain && !signal.aborted) {
      followAgain = false
      await funding.onBlock(bestHeight, signal)
      await readyCoins.onBlock(signal)
      await ordering.payouts.onBlock(signal)
      await inventory.refreshOrWarn(signal)
      await promises.onBlock(bestHeight, signal)
      await waking.onBlock(bestHeight, signal)
    }
    following = undefined
  }

  const giveUp = () => stopping.abort(deps.signal.reason)
  try {
    deps.signal.throwIfAborted()
    deps.signal.addEventListener('abort', giveUp, { once: true })
    const info = await boot()
    deps.signal.removeEventListener('abort', giveUp)
    log.info({ node: info.nodeId, version: info.version, live: jit.live.size }, 'ready')
    const reports = createReports({
      config,
      clock,
      startedAt,
      lnd,
      jit,
      funding,
      inventory,
      readyCoins,
      payouts: ordering.payouts,
      journal,
      drain,
      streams,
      endpoint,
      store,
      info,
      stops,
      feerate,
      prices,
      decisions,
      promises,
      orders,
      ...waking,
      webhooks: config.webhooks.enabled ? webhooks : undefined,
      hold: config.webhooks.hold,
    })
    return { admin: reports, rest: restPort(ordering, config, info), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
