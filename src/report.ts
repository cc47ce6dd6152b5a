import { msat, type Sat } from '../lsps/base/amount.ts'
import type { Clock } from '../lsps/base/clock.ts'
import { formatDatetime, type Timestamp } from '../lsps/base/datetime.ts'
import type { AdminPort, DecisionsQuery, QuoteQuery } from './admin/port.ts'
import type { DrainReport, FlightRecord, Quote, ReconcileReport, SaleSummary, Status } from './admin/schema.ts'
import type { Config } from './config/schema.ts'
import { loopbackWarning } from './config/webhooks.ts'
import type { Feerate } from './funding/feerate.ts'
import { reportFeerate } from './funding/feerate-report.ts'
import type { PayoutService } from './funding/payouts.ts'
import type { FundingService } from './funding/service.ts'
import { usageOf } from './held/usage.ts'
import type { Inventory } from './inventory/inventory.ts'
import type { ReadyCoins } from './inventory/ready-coins.ts'
import { reportInventory } from './inventory/report.ts'
import { soldDecision, soldSince } from './jit/decisions.ts'
import type { PriceBook } from './jit/price-book.ts'
import { reportPrice, reportQuote } from './jit/quote.ts'
import { describeSale, summarize } from './jit/report.ts'
import type { JitService } from './jit/service.ts'
import type { Sale } from './jit/states.ts'
import type { Decisions } from './journal/decisions.ts'
import { flightSteps } from './journal/flight.ts'
import type { Journal } from './journal/journal.ts'
import { SharedLook } from './kernel/shared-look.ts'
import type { Stop } from './kernel/stop.ts'
import type { Streams } from './kernel/streams.ts'
import { VERSION } from './kernel/version.ts'
import { closableReport, countPromises, promiseWarnings } from './lifetimes.ts'
import type { Channel, LndPort, NodeInfo, Peer } from './lnd/port.ts'
import { checkSlots, countSlots, type Slots } from './lnd/slots.ts'
import type { Drain } from './operate/drain.ts'
import { reconcile } from './operate/gather.ts'
import { countBy, reportOpenWork } from './operate/open-work.ts'
import { orderedSince, orderReports } from './order-reports.ts'
import type { OrdersService } from './orders/service.ts'
import type { PeerEndpoint } from './peer/endpoint.ts'
import type { Promises } from './promises/ledger.ts'
import { listPromises } from './promises/report.ts'
import type { Store } from './store/port.ts'
import { boundOf, countWebhooks, type WebhookReportDeps, waitingBounds, webhookReports } from './webhook-reports.ts'

export type ReportDeps = {
  readonly config: Config
  readonly clock: Clock
  readonly startedAt: Timestamp
  readonly lnd: LndPort
  readonly jit: JitService
  readonly funding: FundingService
  readonly inventory: Inventory
  readonly readyCoins: ReadyCoins
  readonly journal: Journal
  readonly drain: Drain
  readonly streams: Streams
  readonly endpoint: PeerEndpoint
  readonly store: Store
  /** As it was at the start; asked anew for each report. */
  readonly info: NodeInfo
  /** Why nothing is sold now. */
  readonly stops: () => readonly Stop[]
  readonly feerate: Feerate
  readonly prices: PriceBook
  readonly decisions: Decisions
  readonly promises: Promises
  readonly orders: OrdersService
  readonly payouts: Pick<PayoutService, 'outboxDepth'>
} & WebhookReportDeps

/** What the admin interface tells, gathered from the services. */
export function createReports(deps: ReportDeps): AdminPort {
  const { jit, store } = deps
  const summaryOf = async (sale: Sale) => summarize(sale, await flightSteps(store, sale.deal.scid))
  const reconciled = new SharedLook((signal) => reconcileReport(deps, signal))
  const closable = new SharedLook((signal) => closableReport(deps, signal))
  return {
    status: (signal) => status(deps, signal),
    quote: (query, signal) => quote(deps, query, signal),
    decisions: (query) => decisionsOf(deps, query),
    reconcile: (signal) => reconciled.ask(signal),
    ...orderReports(deps),
    ...webhookReports(deps),
    promises: (query, signal) => listPromises(deps.promises, query, signal),
    closable: (signal) => closable.ask(signal),
    drain: async () => drainReport(deps),
    beginDrain: async () => {
      await deps.drain.begin()
      return drainReport(deps)
    },
    endDrain: async () => {
      await deps.drain.end()
      return drainReport(deps)
    },

    async jitList({ state, limit, before }, signal) {
      const after = before === undefined ? undefined : await jit.get(before)
      if (before !== undefined && after === undefined) return undefined
      const wanted = (sale: Sale) => state === undefined || sale.tag === state
      const sales: SaleSummary[] = []
      const live = [...jit.live.values()].sort((a, b) => b.deal.createdAt - a.deal.createdAt)
      const from = after === undefined ? 0 : live.indexOf(after) + 1
      const page = after === undefined || from > 0 ? live.slice(from).filter(wanted).slice(0, limit) : []
      for (const sale of page) sales.push(await summaryOf(sale))
      if (sales.length >= limit) return sales
      for await (const sale of jit.ended(from > 0 ? undefined : after)) {
        signal.throwIfAborted() // whoever asked is gone: a rare state may be looked for among all there ever were
        if (wanted(sale)) sales.push(await summaryOf(sale))
        if (sales.length >= limit) break
      }
      return sales
    },

    async jitShow(id): Promise<FlightRecord | undefined> {
      const sale = (await jit.get(id)) ?? (await jit.byPaymentHash(id))
      if (sale === undefined) return undefined
      const pendingId = 'channel' in sale ? sale.channel.pendingChannelId : undefined
      const order = pendingId === undefined ? undefined : (await deps.funding.get(pendingId))?.order
      const price = await reportPrice(store, sale.deal)
      const described = describeSale(sale, await flightSteps(store, sale.deal.scid), order?.capacity)
      return { ...described, ...(price === undefined ? {} : { price }) }
    },
  }
}

/** Differences that are told; more of them have one cause. */
const MAX_DIFFERENCES = 1000

async function reconcileReport(deps: ReportDeps, signal: AbortSignal): Promise<ReconcileReport> {
  const { lnd, store, journal, jit, funding } = deps
  const found = await reconcile({ lnd, store, journal, live: jit.live, fundings: funding.live }, signal)
  const differences = found.differences.slice(0, MAX_DIFFERENCES)
  return { differences, more: found.differences.length - differences.length, compared: found.compared }
}

function drainReport(deps: ReportDeps): DrainReport {
  const { drain, jit, funding, orders } = deps
  const open = reportOpenWork({
    sales: jit.live.values(),
    fundings: funding.live.values(),
    orders: orders.live.values(),
    heldHtlcs: [...jit.held].length,
    outboxDepth: owedEffects(deps),
  })
  return { ...(drain.since === undefined ? {} : { draining_since: formatDatetime(drain.since) }), ...open }
}

/** What was decided and is not done yet, of all that is decided by machines. */
function owedEffects({ jit, funding, orders, payouts, readyCoins }: ReportDeps): number {
  return jit.outboxDepth + funding.outboxDepth + orders.outboxDepth + payouts.outboxDepth + readyCoins.outboxDepth
}

function slotsOf(peers: readonly Peer[], channels: readonly Channel[], limit: number): Slots {
  return countSlots({ peers, withChannel: new Set(channels.map(({ peer }) => peer)) }, limit)
}

function coinWarnings({ lsps2 }: Config, wallet: Sat | undefined): readonly string[] {
  if (!lsps2.enabled || wallet === undefined || wallet >= lsps2.min_channel_sat) return []
  return [`lnd's wallet has ${wallet} sat to open channels with: fund it, or every payment to a new customer fails`]
}

async function decisionsOf({ jit, orders, store, decisions }: ReportDeps, { sale: id, since, limit }: DecisionsQuery) {
  const from = since as Timestamp
  const sale = id === undefined ? undefined : ((await jit.get(id)) ?? (await jit.byPaymentHash(id)))
  if (id !== undefined && sale === undefined) return undefined
  const found =
    sale === undefined
      ? [
          ...(await decisions.since(from, limit)),
          ...(await soldSince({ live: jit.live.values(), ended: jit.ended() }, from)),
          ...(await orderedSince(orders, from)),
        ]
      : [soldDecision(sale), ...(await flightSteps(store, sale.deal.scid))]
  const ordered = found.sort((a, b) => a.at - b.at).slice(-limit)
  return ordered.map(({ at, what, detail }) => ({ at: formatDatetime(at), what, detail }))
}

async function quote(deps: ReportDeps, query: QuoteQuery, signal: AbortSignal): Promise<Quote | undefined> {
  const { config, clock, lnd, prices, feerate } = deps
  const { token, amount } = query
  const rule = config.lsps2.tokens.find(({ name }) => name === token)
  if (token !== undefined && rule === undefined) return undefined
  const now = clock.now()
  const stops = [...deps.stops()]
  if (!config.lsps2.enabled) {
    stops.push({
      code: 'disabled',
      what: 'LSPS2 is off',
      fix: 'write "enabled": true in lsps2 and start sluiced again',
    })
  }
  if (rule?.valid_until !== undefined && now > rule.valid_until) {
    const what = `the token ${rule.name} is stale since ${formatDatetime(rule.valid_until)}: it is answered 200`
    stops.push({ code: 'token-stale', what, fix: 'write a later valid_until, or give out a new token' })
  }
  const wallet = await lnd.walletBalance(signal).catch(() => undefined)
  const worry = feerate.warning()
  return {
    at: formatDatetime(now),
    ...(token === undefined ? {} : { token }),
    ...(amount === undefined ? {} : { amount_msat: `${amount}` }),
    stops,
    warnings: [...coinWarnings(config, wallet), ...(worry === undefined ? [] : [`${worry.what}; ${worry.fix}`])],
    feerate: reportFeerate(feerate.facts(now)),
    ...reportQuote({
      prices: prices.current(token),
      amount: amount === undefined ? undefined : msat(amount),
      now,
      stops,
    }),
  }
}

async function status(deps: ReportDeps, signal: AbortSignal): Promise<Status> {
  const { config, clock, startedAt, lnd, jit, funding, journal, streams, endpoint } = deps
  const warnings: string[] = []
  const facts = await Promise.all([
    lnd.getInfo(signal),
    lnd.listPeers(signal),
    lnd.listChannels(signal),
    lnd.walletBalance(signal),
  ]).catch((error: unknown) => {
    warnings.push(error instanceof Error ? error.message : String(error))
    return undefined
  })
  const info = facts?.[0] ?? deps.info
  const slots = facts === undefined ? undefined : slotsOf(facts[1], facts[2], config.lnd.restricted_slots)
  const finding = slots === undefined ? undefined : checkSlots(slots)
  if (finding !== undefined) warnings.push(`${finding.what}: ${finding.fix}`)
  const wallet = facts?.[3]
  warnings.push(...coinWarnings(config, wallet))
  if (config.lsps2.enabled) {
    for (const { what, fix } of deps.stops()) warnings.push(`nothing is sold: ${what}; ${fix}`)
    const warning = deps.feerate.warning()
    if (warning !== undefined) warnings.push(`${warning.what}; ${warning.fix}`)
  }
  warnings.push(...funding.warnings(), ...promiseWarnings(deps.promises))
  const loopback = loopbackWarning(config)
  if (loopback !== undefined) warnings.push(`${loopback.what}: ${loopback.fix}`)
  const held = usageOf(jit.exposures)
  const inventory = reportInventory(deps.inventory, deps.readyCoins)
  const waiting = waitingBounds(deps)
  const now = clock.now()
  return {
    version: VERSION,
    network: config.network,
    started_at: formatDatetime(startedAt),
    uptime_seconds: Math.max(0, Math.floor((now - startedAt) / 1000)),
    node: {
      node_id: info.nodeId,
      alias: info.alias,
      lnd_version: info.version,
      block_height: info.blockHeight,
      synced_to_chain: info.syncedToChain,
      ...(wallet === undefined ? {} : { wallet_sat: `${wallet}` }),
      require_interceptor: info.requireInterceptor,
    },
    interceptor_up: streams.states.some(({ name, up }) => name === 'htlcs' && up),
    streams: streams.states.map(({ name, up, restarts }) => ({ name, up, restarts })),
    ...(deps.drain.since === undefined ? {} : { draining_since: formatDatetime(deps.drain.since) }),
    sales: {
      ...countBy([...jit.live.values()].map(({ tag }) => tag)),
      ...(journal.totals.sales === 0 ? {} : { paid: journal.totals.sales }),
    },
    ...(deps.orders.live.size === 0 ? {} : { orders: countBy([...deps.orders.live.values()].map(({ tag }) => tag)) }),
    held: { htlcs: held.htlcs, amount_msat: `${held.value}` },
    funding: countBy([...funding.live.values()].map(({ tag }) => tag)),
    outbox_depth: owedEffects(deps),
    earned_msat: `${journal.totals.earned}`,
    ...(journal.totals.orders === 0 ? {} : { orders_earned_msat: `${journal.totals.orderFees}` }),
    promises: countPromises(deps.promises),
    ...countWebhooks(deps),
    limits: [
      { name: 'lsps2.max_live_sales', used: jit.live.size, max: config.lsps2.max_live_sales },
      { name: 'lsps2.max_held_htlcs', used: held.htlcs, max: config.lsps2.max_held_htlcs },
      { name: 'lsps2.max_held_htlcs_per_peer', used: held.mostHtlcs, max: config.lsps2.max_held_htlcs_per_peer },
      {
        name: 'inventory.max_channels_per_peer',
        used: deps.inventory.report().largest.channels,
        max: config.inventory.max_channels_per_peer,
      },
      { name: 'peer.max_pending', used: endpoint.limits.pending, max: config.peer.max_pending },
      ...waiting.limits,
    ],
    inventory: {
      ...inventory,
      bounds: [
        ...inventory.bounds,
        boundOf('lsps2.max_held_msat', held.value, config.lsps2.max_held_msat),
        boundOf('lsps2.max_held_msat_per_peer', held.mostValue, config.lsps2.max_held_msat_per_peer),
        ...waiting.bounds,
      ],
    },
    ...(slots === undefined ? {} : { access_slots: { used: slots.used, max: slots.limit } }),
    warnings,
  }
}
