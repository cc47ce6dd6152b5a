import type { Clock } from '../lsps/base/clock.ts'
import type { Timestamp } from '../lsps/base/datetime.ts'
import type { Handlers } from '../lsps/base/method.ts'
import { lsps1 } from '../lsps/lsps1/methods.ts'
import { type Service, service } from '../lsps/rpc/server.ts'
import type { Config } from './config/schema.ts'
import { createExtensions, extensionService } from './extending.ts'
import type { Feerate } from './funding/feerate.ts'
import type { PayoutNews } from './funding/payout-states.ts'
import { type PayoutName, PayoutService } from './funding/payouts.ts'
import { inputsOf, signalsReplacement } from './funding/psbt.ts'
import type { FundingService } from './funding/service.ts'
import type { ChannelOrder, FundingNews, OrderName } from './funding/states.ts'
import type { Inventory } from './inventory/inventory.ts'
import { flightStep } from './journal/flight.ts'
import type { Journal } from './journal/journal.ts'
import type { Entropy } from './kernel/entropy.ts'
import type { Log } from './kernel/log.ts'
import type { Stop } from './kernel/stop.ts'
import type { Streams } from './kernel/streams.ts'
import { Tokens } from './kernel/tokens.ts'
import type { LndPort, NodeInfo } from './lnd/port.ts'
import { claim, payoutConfig } from './openings.ts'
import type { CallForOrder } from './orders/absent.ts'
import { Batcher } from './orders/batcher.ts'
import type { OpenRefusal, OrderedChannel } from './orders/effects.ts'
import { describeStep } from './orders/flight.ts'
import { type Caller, ordersHandlers } from './orders/handlers.ts'
import { PublishedOptions } from './orders/options.ts'
import { OrdersService } from './orders/service.ts'
import type { Order, OrderEvent, OrderMoney, Purpose } from './orders/states.ts'
import type { PeerContext } from './peer/endpoint.ts'
import type { Promises } from './promises/ledger.ts'
import type { HttpCaller, RestPort } from './rest/port.ts'
import { optionsOf, orderPricesOf, ordersOf } from './slices.ts'
import type { Store, Write } from './store/port.ts'

/** Where orders meet funding, inventory, the journal and the ledger of promises. */

/** How orders are named to those who open their channels and pay their refunds. */
const OWNER_PREFIX = 'order:'
/** An estimate of lnd is used for so long. */
const ESTIMATE_MS = 60_000
/** Channels that are to confirm so soon are not batched. */
const HASTY_BLOCKS = 2
/** lnd estimates for no more blocks. */
const MOST_TARGET = 1008

export type OrderingDeps = {
  readonly lnd: LndPort
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly seed: Uint8Array
  readonly inventory: Inventory
  readonly funding: () => FundingService
  readonly promises: Promises
  readonly journal: Journal
  readonly feerate: Feerate
  /** Why nothing is sold now, in words for the client. */
  readonly notSelling: () => string | undefined
  readonly stops: () => readonly Stop[]
  /** For a paid order that waits for its client. */
  readonly callClient: CallForOrder
  readonly onFatal: (error: unknown) => void
  /** Ends every wait. */
  readonly signal: AbortSignal
}

export type Ordering = {
  readonly orders: OrdersService
  readonly payouts: PayoutService
  /** The methods as they are served, for whichever way they are called. */
  readonly handlers: Handlers<typeof lsps1, Caller>
  /** LSPS7, for peers, where it is sold. */
  readonly extensionService: Service<PeerContext> | undefined
  readonly load: () => Promise<void>
  readonly openStreams: (streams: Streams) => void
  /** Asked right before a channel of an order is signed for: whether it is still paid for. */
  readonly mayPublish: (name: OrderName, callSignal: AbortSignal) => Promise<boolean>
  /** True when the news were of an order's channel; resolved when it is on disk. */
  readonly onFundingNews: (name: OrderName, news: FundingNews) => Promise<boolean>
}

export function createOrdering(config: Config, deps: OrderingDeps): Ordering {
  const { lnd, store, clock, log, inventory, promises, journal, feerate, signal, onFatal } = deps
  const feerateFor = targetFeerate({ lnd, clock, log, feerate })
  const payouts: PayoutService = new PayoutService(
    { lnd, store, clock, log, onFatal, notify: (payout, news) => onPayoutNews(payout, news) },
    payoutConfig(config),
  )
  const { wait_seconds: waitSeconds, max_channels: most } = config.orders.batch
  const batcher = new Batcher<ChannelOrder>(
    { clock, entropy: deps.entropy, openBatch: (id, channels) => deps.funding().openBatch(id, channels) },
    { waitMs: waitSeconds * 1000, most },
  )
  const orders: OrdersService = new OrdersService(
    {
      ...deps,
      openChannel: orderedOpener({ ...deps, feerateFor, batcher }),
      withdrawChannel: (pendingChannelId) => deps.funding().withdraw(pendingChannelId),
      extend: (terms) => extensions.extend(terms),
      pay: (payout) => payouts.pay(payout),
      readTransaction: (raw) => ({ inputs: inputsOf(raw), signalsReplacement: signalsReplacement(raw) }),
      appendMoney: (money) => journal.append(money, 0),
      alongside: recordOrder(promises),
    },
    ordersOf(config),
  )
  const options = new PublishedOptions({ store, clock, log, onFatal }, optionsOf(config))
  const terms = orderPricesOf(config)
  const shared = { orders, options, tokens: new Tokens(config.orders.tokens), clock, feerate: feerateFor, signal }
  const handlers = ordersHandlers(
    {
      ...shared,
      notSelling: () => deps.notSelling() ?? (deps.stops().length > 0 ? NOT_NOW : undefined),
      rejection: (client) => inventory.rejection(client),
      largestChannel: () => inventory.largestChannel(),
      featuresOf: async (client, callSignal) =>
        (await lnd.listPeers(callSignal)).find(({ nodeId }) => nodeId === client)?.features,
    },
    terms,
  )
  const extending = { ...shared, lnd, promises, notSelling: deps.notSelling }
  const extensions = createExtensions(extending, terms)

  async function onPayoutNews({ owner, id }: PayoutName, news: PayoutNews): Promise<void> {
    if (owner.startsWith(OWNER_PREFIX)) await orders.onRefund(owner.slice(OWNER_PREFIX.length), { ...news, id })
  }

  return {
    orders,
    payouts,
    handlers,
    extensionService: config.orders.extensions ? extensionService(extensions, extending, terms) : undefined,
    load: async () => {
      await Promise.all([orders.load(), payouts.load(), config.orders.enabled ? options.load() : undefined])
    },
    openStreams: (streams) => {
      streams.open('transactions', (up, streamSignal) => {
        up()
        orders.onTransaction() // whatever was missed: look again
        return lnd.subscribeTransactions(() => orders.onTransaction(), streamSignal)
      })
    },
    mayPublish: async ({ owner, pendingChannelId }, callSignal) => {
      if (!owner.startsWith(OWNER_PREFIX)) return true
      return orders.mayPublish(owner.slice(OWNER_PREFIX.length), pendingChannelId, callSignal)
    },
    onFundingNews: async ({ owner, pendingChannelId }, news) => {
      if (!owner.startsWith(OWNER_PREFIX)) return false
      const id = owner.slice(OWNER_PREFIX.length)
      const isOfInterest =
        news.type === 'published' ||
        news.type === 'refused' ||
        news.type === 'channel-closed' ||
        news.type === 'conflicted'
      if (isOfInterest) await orders.onFunding(id, pendingChannelId, news)
      return true
    },
  }
}

const NOT_NOW = 'no channels can be ordered at the moment, try again later'

/** The methods of LSPS1 and LSPS7 for peers. */
export function orderServices({ handlers, extensionService: lsps7 }: Ordering): readonly Service<PeerContext>[] {
  const of = ({ peer }: PeerContext): Caller => ({ kind: 'peer', nodeId: peer })
  return [
    service<typeof lsps1, PeerContext>(lsps1, {
      'lsps1.get_info': (context, params) => handlers['lsps1.get_info'](of(context), params),
      'lsps1.create_order': (context, params) => handlers['lsps1.create_order'](of(context), params),
      'lsps1.get_order': (context, params) => handlers['lsps1.get_order'](of(context), params),
    }),
    ...(lsps7 === undefined ? [] : [lsps7]),
  ]
}

/** What is committed with each step of an order: its promise, and its line of the flight record. */
function recordOrder(promises: Promises) {
  return (
    before: Order | undefined,
    after: Order,
    event: OrderEvent | undefined,
    money: readonly OrderMoney[],
  ): readonly Write[] => {
    if (before === undefined || event === undefined) return []
    const step = describeStep(before, after, event, money)
    const told = step === undefined ? [] : [flightStep(after.terms.id, step)]
    return [...told, ...promiseOfOrder(promises, before, after)]
  }
}

/** What was ordered is promised in the commit that completes the order (L1-95, L7-06). */
function promiseOfOrder(promises: Promises, before: Order, after: Order): readonly Write[] {
  if (after.tag === before.tag) return []
  const { id, client: peer, purpose } = after.terms
  // Taken by a newer database than this one: what was paid for is promised.
  const isTaken = after.tag === 'failed' && after.payment.invoice === 'settled'
  if (isTaken && purpose.type === 'extension') return promises.extend(extensionOf(id, purpose))
  if (after.tag !== 'completed') return []
  const { outpoint, expiresAt: notBefore } = after.channel
  if (purpose.type === 'channel') {
    return promises.entry({ outpoint, peer, source: { type: 'order', id }, blocks: purpose.expiryBlocks, notBefore })
  }
  return promises.extend({ ...extensionOf(id, purpose), notBefore })
}

function extensionOf(order: string, purpose: Extract<Purpose, { type: 'extension' }>) {
  const { outpoint, blocks, newExpiryHeight: untilHeight } = purpose
  return { outpoint, order, blocks, untilHeight }
}

type OpenerDeps = Pick<OrderingDeps, 'inventory' | 'funding' | 'clock' | 'signal'> & {
  readonly batcher: Batcher<ChannelOrder>
  readonly feerateFor: (blocks: number, signal: AbortSignal) => Promise<number | undefined>
}

/** Orders the channel of an order that is paid: claims coins and caps, then has it on disk. */
function orderedOpener({ inventory, funding, clock, signal, feerateFor, batcher }: OpenerDeps) {
  return async ({ confirmsWithin, ...channel }: OrderedChannel): Promise<OpenRefusal | undefined> => {
    // One that stands since before a crash goes on whatever is left now: refused, it would be made twice.
    if ((await funding().get(channel.pendingChannelId)) !== undefined) return undefined
    if (clock.now() >= channel.beginBefore) return { reason: 'failed', detail: 'its time was over before it was begun' }
    const satPerVbyte = await feerateFor(confirmsWithin, signal)
    if (satPerVbyte === undefined) return { reason: 'no-feerate', detail: 'no usable feerate' }
    const { pendingChannelId: id, owner, peer, capacity, token = '' } = channel
    // It is paid for: the budget for what earned nothing yet has no say.
    const wanted = { id, owner, peer, capacity, token, satPerVbyte, broadcast: 'when-due' as const }
    const claimed = await claim(inventory, wanted, signal)
    if (!claimed.ok) return { reason: claimed.reason, detail: claimed.detail }
    const { push, ...order } = channel
    const placed: ChannelOrder = {
      ...order,
      ...(push > 0n ? { push } : {}),
      broadcast: 'when-pending',
      satPerVbyte,
      placedAt: clock.now(),
      ...(claimed.coins === undefined ? {} : { coins: { ...claimed.coins, inputs: [...claimed.coins.inputs] } }),
    }
    // Who wants to use it at once, or to see it in one of the next blocks, waits for nobody.
    const mayWait = channel.confirmation === 'ordinary' && confirmsWithin > HASTY_BLOCKS
    if (mayWait && batcher.isOn) await batcher.open(placed, signal)
    else await funding().open(placed)
    return undefined
  }
}

type Estimate = { readonly satPerVbyte: number; readonly at: Timestamp }

/**
 * What a transaction pays that is to confirm within so many blocks, in satoshi per virtual byte: lnd's estimate for
 * that, or the last one while it says nothing. Undefined while nothing is opened, or above the operator's ceiling.
 */
function targetFeerate({ lnd, clock, log, feerate }: Pick<OrderingDeps, 'lnd' | 'clock' | 'log' | 'feerate'>) {
  const known = new Map<number, Estimate>() // bounded by MOST_TARGET
  return async (blocks: number, signal: AbortSignal): Promise<number | undefined> => {
    if (feerate.current() === undefined) return undefined
    const target = Math.min(Math.max(blocks, 1), MOST_TARGET)
    const last = known.get(target)
    const fresh = last !== undefined && clock.now() - last.at < ESTIMATE_MS ? last : undefined
    if (fresh === undefined) {
      try {
        known.set(target, { satPerVbyte: await lnd.estimateFeerate(target, signal), at: clock.now() })
      } catch (error) {
        log.warn({ blocks: target, err: error }, 'no feerate estimate for an order')
      }
    }
    const satPerVbyte = known.get(target)?.satPerVbyte ?? feerate.current()
    return satPerVbyte === undefined || satPerVbyte > feerate.ceiling ? undefined : satPerVbyte
  }
}

/** The same methods over HTTP, and where wallets reach the node: as the operator says, else as lnd announces it. */
export function restPort({ handlers }: Ordering, { orders, rest }: Config, { nodeId, uris }: NodeInfo): RestPort {
  const addresses = rest.node_addresses?.map((address) => `${nodeId}@${address}`) ?? uris
  return {
    services: orders.enabled ? [service<typeof lsps1, HttpCaller>(lsps1, handlers)] : [],
    uris: () => addresses,
  }
}
