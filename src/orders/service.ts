import { type Sat, sat, satToMsat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { clientRejected } from '../../lsps/rpc/fault.ts'
import type { Entropy } from '../kernel/entropy.ts'
import { Presence } from '../kernel/presence.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import type { Invoice, LndPort } from '../lnd/port.ts'
import type { Store, Write } from '../store/port.ts'
import { Absent, type AbsentDeps, CALL_EVERY_BLOCKS } from './absent.ts'
import { AddressWatch, type Looked, type ReadTransaction } from './address-watch.ts'
import { mayBegin, mayPublish } from './bolt11.ts'
import { type EffectDeps, executeEffect } from './effects.ts'
import { isKnown, riskOf } from './exposure.ts'
import { InvoiceWatch } from './invoice-watch.ts'
import { deadline, isTerminal, place, step } from './machine.ts'
import { makePayable } from './make-payable.ts'
import { type ChannelNews, eventOf, newsOfInvoice, type RefundNews } from './news.ts'
import type { Receipt } from './onchain.ts'
import { OpenOrders } from './open-orders.ts'
import { newOrderId, preimageOf, refundId } from './preimage.ts'
import { pruneFinished } from './prune.ts'
import { doneOrders, endedOrders, indexWrites, liveOrders, orderIdBy, orderOutbox, scanned } from './records.ts'
import type { Moment, Order, OrderEffect, OrderEvent, OrderMoney, Terms } from './states.ts'

const PENDING_ID_BYTES = 32
const SCANNED_KEY = 'height'
/** The height up to which addresses were looked through is written down this rarely: what is looked at twice is no harm. */
const SCANNED_STEP = 6
const MS_PER_SECOND = 1000

export type OrdersDeps = EffectDeps &
  Pick<AbsentDeps, 'callClient'> & {
    readonly lnd: Pick<
      LndPort,
      | 'addHoldInvoice'
      | 'lookupInvoice'
      | 'settleInvoice'
      | 'cancelInvoice'
      | 'subscribeInvoice'
      | 'receipts'
      | 'newAddress'
    >
    readonly store: Store
    readonly clock: Clock
    readonly entropy: Entropy
    readonly readTransaction: ReadTransaction
    readonly appendMoney: (money: readonly OrderMoney[]) => readonly Write[]
    /** Further writes that become true with a step: the flight record, the promise of a completed order. */
    readonly alongside: (
      before: Order | undefined,
      after: Order,
      event: OrderEvent | undefined,
      money: readonly OrderMoney[],
    ) => readonly Write[]
    readonly onFatal: (error: unknown) => void
  }

export type OrdersConfig = {
  readonly expiryMs: number
  readonly limits: Terms['limits']
  readonly maxUnpaid: number
  readonly maxUnpaidPerPeer: number
  readonly bolt11: { readonly enabled: boolean; readonly cltvExpiry: number }
  /** Sum of what is taken on chain without a confirmation at any time. */
  readonly zeroConfInAll: Sat
  readonly keepMs: number
}

/** What is ordered, priced and allowed; `onchain` says how deep a payment on chain must be, absent: none is taken. */
export type NewOrder = Omit<
  Terms,
  'id' | 'createdAt' | 'createdHeight' | 'expiresAt' | 'bolt11' | 'onchain' | 'limits' | 'total' | 'fee'
> & { readonly onchain?: { readonly confirmations: number; readonly minFeeFor0conf?: number } }

/** Orders of channels and of longer lives for them: takes their payments, has the channels opened, sends the rest back. */
export class OrdersService {
  readonly #deps: OrdersDeps
  readonly #config: OrdersConfig
  readonly #runner: Runner<Order, OrderEvent, OrderEffect, OrderMoney>
  readonly #invoices: InvoiceWatch
  readonly #addresses: AddressWatch
  readonly #open = new OpenOrders()
  readonly #presence = new Presence<NodeId>(
    (client) => this.#onClient(client),
    (client) => this.#onGone(client),
  )
  readonly #absent: Absent
  #height = 0
  #scanned = 0

  constructor(deps: OrdersDeps, config: OrdersConfig) {
    this.#deps = deps
    this.#config = config
    this.#absent = new Absent({ ...deps, isOnline: (client) => this.#presence.has(client) })
    this.#invoices = new InvoiceWatch({ ...deps, onInvoice: (id, invoice) => this.#onInvoice(id, invoice) })
    this.#addresses = new AddressWatch({
      ...deps,
      orderAt: (address) => orderIdBy(deps.store, 'address', address),
      since: () => this.#since(),
      onLooked: (looked) => this.#onLooked(looked),
    })
    this.#runner = new Runner<Order, OrderEvent, OrderEffect, OrderMoney>({
      machine: {
        name: 'orders',
        step,
        isTerminal,
        time: { dueAt: deadline, event: (at) => ({ ...this.#now(), type: 'deadline', at }) },
      },
      live: liveOrders,
      done: doneOrders,
      outbox: orderOutbox,
      store: deps.store,
      clock: deps.clock,
      log: deps.log,
      execute: (effect, context) => this.#execute(effect, context),
      alongside: (_id, before, after, event, { money }) => [
        ...deps.appendMoney(money),
        ...indexWrites(before, after),
        ...deps.alongside(before, after, event, money),
      ],
      onCommitted: (_id, before, order) => this.#onCommitted(before, order),
      onFatal: deps.onFatal,
    })
  }

  get live(): ReadonlyMap<string, Order> {
    return this.#runner.live
  }

  get outboxDepth(): number {
    return this.#runner.outboxDepth
  }

  /** Orders that nobody has paid for yet. */
  get unpaid(): number {
    return this.#open.unpaid
  }

  get(id: string): Promise<Order | undefined> {
    return this.#runner.get(id)
  }

  /** Ended orders, the last first; some of them may still have refunds under way. */
  ended(after?: Order): AsyncIterable<Order> {
    return endedOrders(this.#deps.store, (id) => this.get(id), after)
  }

  async byPaymentHash(hash: string): Promise<Order | undefined> {
    const id = await orderIdBy(this.#deps.store, 'hash', hash)
    return id === undefined ? undefined : this.get(id)
  }

  async load(): Promise<void> {
    await this.#runner.load()
    this.#scanned = (await scanned.get(this.#deps.store, SCANNED_KEY))?.height ?? 0
    this.#open.clear()
    for (const order of this.#runner.live.values()) this.#open.follow(undefined, order)
  }

  /** Call once facts about peers and height are there. */
  async start(signal: AbortSignal): Promise<void> {
    const running = [this.#runner.start(signal), this.#invoices.run(signal), this.#addresses.run(signal)]
    for (const order of this.#runner.live.values()) this.#watch(order)
    const forget = (id: string, writes: readonly Write[]) => this.#runner.forget(id, writes)
    await Promise.all([...running, pruneFinished({ ...this.#deps, keepMs: this.#config.keepMs, forget }, signal)])
  }

  loadPeers(list: () => Promise<readonly NodeId[]>): Promise<void> {
    return this.#presence.load(list)
  }

  onPeer(client: NodeId, online: boolean): void {
    this.#presence.tell(client, online)
  }

  /** A transaction of the wallet appeared, or got into a block. */
  onTransaction(): void {
    this.#addresses.ask()
  }

  onBlock(height: number): void {
    this.#height = height
    this.#addresses.ask()
    for (const [id, order] of this.#runner.live) {
      if (order.tag !== 'paid' && order.tag !== 'opening') continue
      if (height % CALL_EVERY_BLOCKS === 0) this.#absent.look(order, height)
      const isFine = order.tag === 'paid' ? mayBegin(order, height) : mayPublish(order, height)
      if (order.by === 'bolt11' && !isFine) this.#dispatch(id, { ...this.#now(), type: 'block' })
    }
  }

  /** What became of a channel; resolved when it is on disk. Hearing it twice changes nothing. */
  async onFunding(id: string, pendingChannelId: string, news: ChannelNews): Promise<void> {
    await this.#runner.wake(id, { ...this.#now(), ...eventOf(news), pendingChannelId })
  }

  /** What became of a refund; resolved when it is on disk. Hearing it twice changes nothing. */
  async onRefund(id: string, news: RefundNews): Promise<void> {
    const order = await this.get(id)
    const deposit = order?.payment.deposits.find(({ outpoint }) => refundId(outpoint) === news.id)
    if (deposit === undefined) return
    const { outpoint } = deposit
    const now = this.#now()
    if (news.type === 'payout-abandoned') await this.#runner.wake(id, { ...now, type: 'refund-dust', outpoint })
    else {
      const type = news.type === 'payout-published' ? 'refund-sent' : 'refund-done'
      await this.#runner.wake(id, { ...now, type, outpoint, txid: news.txid, fee: news.fee })
    }
  }

  /**
   * Asked right before a channel of ours is signed for: whether its payment is still there, and will be for long
   * enough. What it was withdrawn for must not be published (L1-70).
   * @throws SidecarError LND_UNAVAILABLE when lnd does not say
   */
  async mayPublish(id: string, pendingChannelId: string, signal: AbortSignal): Promise<boolean> {
    const order = this.#runner.live.get(id)
    if (order?.tag !== 'opening' || order.pendingChannelId !== pendingChannelId) return false
    if (order.withdrawn !== undefined) return false
    const { bolt11 } = order.terms
    if (order.by !== 'bolt11' || bolt11 === undefined) return true
    const invoice = await this.#deps.lnd.lookupInvoice(bolt11.paymentHash, signal)
    return invoice?.state === 'accepted' && mayPublish(order, this.#height)
  }

  /** By the operator; resolved when it is on disk. Undefined: there is no such order that is not over. */
  cancel(id: string, reason: string): Promise<Order | undefined> {
    return this.#runner.dispatch(id, { ...this.#now(), type: 'cancel', reason })
  }

  /**
   * Why this client cannot order now; undefined when it can. Without a client: whoever says over HTTP to be one is
   * bounded there, and takes nothing away from the real one.
   */
  rejection(client: NodeId | undefined): string | undefined {
    const { maxUnpaid, maxUnpaidPerPeer } = this.#config
    if (client !== undefined && this.#open.takenBy(client) >= maxUnpaidPerPeer)
      return 'too many unpaid orders, pay them or wait until they end'
    if (this.#open.taken >= maxUnpaid) return 'too many orders at the moment, try again later'
    return undefined
  }

  /**
   * An order is on disk, and its invoice and address are made, when this resolves: only then may the client hear of it.
   * @throws SidecarError when lnd does not make them, a fault that the client may read when there are too many by now
   */
  async place(wanted: NewOrder, signal: AbortSignal): Promise<Order> {
    const client = wanted.origin === 'peer' ? wanted.client : undefined
    // Asked before, too; but much was waited for since, and others of the same client with it.
    const refusal = this.rejection(client)
    if (refusal !== undefined) throw clientRejected(refusal)
    const made = this.#open.begin(client)
    try {
      const terms = await this.#terms(wanted, signal)
      return await this.#runner.createNew(terms.id, place(terms))
    } finally {
      made()
    }
  }

  async #terms({ onchain, ...wanted }: NewOrder, signal: AbortSignal): Promise<Terms> {
    const { lnd, clock, seed, entropy } = this.#deps
    const { expiryMs, limits, bolt11 } = this.#config
    const id = newOrderId(entropy)
    const { purpose, price } = wanted
    const pushed = purpose.type === 'channel' ? purpose.clientBalance : sat(0n)
    const total = sat(price.fee + pushed)
    const paymentHash = preimageOf(seed, id).hash
    const createdHeight = this.#height
    const asked = {
      paymentHash,
      amount: satToMsat(total),
      memo: purpose.type === 'channel' ? `channel order ${id}` : `channel extension ${id}`,
      expirySeconds: Math.floor(expiryMs / MS_PER_SECOND),
      cltvExpiry: bolt11.cltvExpiry,
    }
    const { invoice, address } = await makePayable(
      lnd,
      { invoice: bolt11.enabled ? asked : undefined, address: onchain === undefined ? 'not-wanted' : 'wanted' },
      signal,
    )
    // Only now: an invoice that was made before never outlives its order (L1-65).
    const createdAt = clock.now()
    return {
      ...wanted,
      id,
      createdAt,
      createdHeight,
      expiresAt: (createdAt + expiryMs) as Terms['expiresAt'],
      fee: price.fee,
      total,
      ...(invoice === undefined ? {} : { bolt11: { paymentHash, invoice } }),
      ...(onchain === undefined || address === undefined ? {} : { onchain: { address, ...onchain } }),
      limits,
    }
  }

  #onCommitted(before: Order | undefined, order: Order): void {
    this.#open.follow(before, order)
    this.#watch(order)
    if (before?.tag !== order.tag && order.tag !== 'created')
      this.#deps.log.info({ order: order.terms.id, state: order.tag }, 'order changed')
    if (order.tag === 'completed' && order.lost !== undefined && !(before?.tag === 'completed' && before.lost))
      this.#deps.log.error({ order: order.terms.id, lost: order.lost }, 'an order was served and its payment is lost')
    // The client may have come while the payment was being written down.
    const cameBack = order.tag === 'paid' && order.retryAt === undefined && this.#presence.has(order.terms.client)
    if (cameBack) this.#dispatch(order.terms.id, { ...this.#now(order), type: 'client-online' })
  }

  #watch(order: Order): void {
    const { terms, payment } = order
    this.#absent.look(order, this.#height)
    const isOpen = payment.invoice === 'open' || payment.invoice === 'held'
    if (isOpen && terms.bolt11 !== undefined) this.#invoices.follow(terms.id, terms.bolt11.paymentHash)
    else this.#invoices.forget(terms.id)
  }

  #onInvoice(id: string, invoice: Invoice): void {
    const order = this.#runner.live.get(id)
    if (order !== undefined) this.#dispatch(id, { ...this.#now(order), ...newsOfInvoice(invoice) })
  }

  #onGone(client: NodeId): void {
    for (const id of this.#open.of(client)) this.#absent.look(this.#runner.live.get(id), this.#height)
  }

  #onClient(client: NodeId): void {
    for (const id of this.#open.of(client)) {
      const order = this.#runner.live.get(id)
      if (order?.tag === 'paid') this.#dispatch(id, { ...this.#now(order), type: 'client-online' })
    }
  }

  /** The oldest block in which something may stand that was not looked at. */
  #since(): number {
    let since = this.#scanned === 0 ? this.#height : this.#scanned
    for (const { terms } of this.#runner.live.values())
      if (terms.onchain !== undefined) since = Math.min(since, terms.createdHeight)
    return since
  }

  /** One order after the other: what may be taken without a confirmation is shared by all of them. */
  async #onLooked({ since, byOrder }: Looked): Promise<void> {
    const height = this.#height
    for (const [id, receipts] of byOrder) {
      const order = await this.get(id)
      if (order === undefined || isKnown(order, receipts)) continue
      await this.#tell(order, receipts)
    }
    for (const order of [...this.#runner.live.values()]) {
      const { onchain, id, createdHeight } = order.terms
      if (onchain === undefined || order.payment.deposits.length === 0 || byOrder.has(id)) continue
      if (createdHeight >= since) await this.#tell(order, []) // all that was there is gone
    }
    if (height < this.#scanned + SCANNED_STEP) return
    this.#scanned = height
    await this.#commit([scanned.put(SCANNED_KEY, { height })])
  }

  async #tell(order: Order, receipts: readonly Receipt[]): Promise<void> {
    const zeroConfLeft = this.#zeroConfLeft()
    await this.#runner.wake(order.terms.id, { ...this.#now(order), type: 'receipts', receipts, zeroConfLeft })
  }

  #zeroConfLeft(): Sat {
    let risked = 0n
    for (const order of this.#runner.live.values()) risked += riskOf(order)
    const left = this.#config.zeroConfInAll - risked
    return sat(left > 0n ? left : 0n)
  }

  async #execute(effect: OrderEffect, { id, signal }: EffectContext): Promise<OrderEvent | undefined> {
    const order = await this.#runner.get(id)
    if (order === undefined) return undefined
    return executeEffect(this.#deps, effect, order, this.#now(order), signal)
  }

  async #commit(writes: readonly Write[]): Promise<void> {
    try {
      await this.#deps.store.commit(writes)
    } catch (error) {
      this.#deps.onFatal(error)
      throw error
    }
  }

  #now(order?: Order): Moment {
    const pendingChannelId = Buffer.from(this.#deps.entropy(PENDING_ID_BYTES)).toString('hex')
    const clientOnline = order !== undefined && this.#presence.has(order.terms.client)
    return { at: this.#deps.clock.now(), height: this.#height, clientOnline, pendingChannelId }
  }

  #dispatch(id: string, event: OrderEvent): void {
    this.#runner.dispatch(id, event).catch((error: unknown) => {
      this.#deps.log.error({ order: id, event: event.type, err: error }, 'event not handled')
    })
  }
}
