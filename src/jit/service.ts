import type { NodeId } from '../../lsps/base/node-id.ts'
import { type Scid, scidToNumber } from '../../lsps/base/scid.ts'
import type { Held } from '../held/held.ts'
import type { Exposure } from '../held/limits.ts'
import { isExpiring } from '../held/refusing.ts'
import { Presence } from '../kernel/presence.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import type { HtlcEvent, HtlcOffer, Interceptor } from '../lnd/port.ts'
import { Absent } from './absent.ts'
import { bindMissing } from './aliases.ts'
import { Answers } from './answers.ts'
import { Circuits } from './circuits.ts'
import type { JitConfig, JitDeps } from './deps.ts'
import { EarlyOrders } from './early-orders.ts'
import { executeEffect } from './effects.ts'
import { Findings } from './findings.ts'
import { deadline, isTerminal, isUnpaid, sell, step } from './machine.ts'
import { isKnown, nameOf, openParts } from './parts.ts'
import { doneSales, endedSales, indexWrites, liveSales, outboxTable, saleByHash } from './records.ts'
import { Relink } from './relink.ts'
import { isMinted, mintScid } from './scid.ts'
import { partHeld, SecondChannels } from './second-channels.ts'
import { StandingNames } from './standing-names.ts'
import type { Deal, FundingReport, FundingSource, JitEffect, JitEvent, JitMoney, Sale } from './states.ts'
import { UnpaidSales } from './unpaid-sales.ts'

/** Between looks at parts whose end nobody told us, and at answers that could not be given. */
export const FINDINGS_INTERVAL_MS = 5_000
/** Names drawn for one sale until one is free; a second draw is already absurdly rare. */
export const MAX_SCID_DRAWS = 8
const PENDING_ID_BYTES = 32

/** Just-in-time sales: holds their payments, has their channels opened, forwards what is due (bLIP-52). */
export class JitService {
  readonly #deps: JitDeps
  readonly #config: JitConfig
  readonly #runner: Runner<Sale, JitEvent, JitEffect, JitMoney>
  readonly #answers: Answers
  readonly #seconds: SecondChannels
  readonly #names: StandingNames
  readonly #findings: Findings
  readonly #earlyOrders: EarlyOrders
  readonly #circuits = new Circuits()
  readonly #relink: Relink
  readonly #unpaid = new UnpaidSales()
  readonly #foreignAliases = new Set<bigint>()
  readonly #presence = new Presence<NodeId>(
    (client) => this.#onClient(client),
    (client) => this.#onGone(client),
  )
  readonly #absent: Absent
  #ours: ReadonlySet<string> = new Set()
  #ready = false
  #signal = AbortSignal.abort()
  #height = 0

  constructor(deps: JitDeps, config: JitConfig) {
    this.#deps = deps
    this.#config = config
    this.#relink = new Relink(deps)
    this.#absent = new Absent({ ...deps, isOnline: (client) => this.#presence.has(client) })
    this.#earlyOrders = new EarlyOrders({ ...deps, ...config })
    this.#findings = new Findings(deps.lnd, deps.clock, config.lndResumes)
    this.#names = new StandingNames(deps.clock, config.secondChannel)
    this.#seconds = new SecondChannels({
      ...deps,
      ...config,
      height: () => this.#height,
      names: this.#names,
      sale: (scid) => this.#runner.get(scid),
      unpaidChannels: (client) => this.#unpaid.channels(client, this.#runner.live),
      refusal: (client) => this.#refusal(client),
      isOnRecord: (circuit) =>
        this.#circuits.saleOf(circuit) !== undefined || deps.wasNeverHandedOn?.(circuit) === true,
      isHeld: (held) => this.#answers.held.has(held),
      resume: (held) => this.#answers.resume(held, this.#signal),
      fail: (held) => this.#answers.fail(held, this.#signal),
      drop: (held) => void this.#answers.held.take(held),
      sell: (terms) => this.sell(terms),
      hear: async (scid, payment) => {
        const sale = await this.#hear(scid, payment)
        if (sale !== undefined) this.#answers.settle(nameOf(sale.deal), this.#signal)
      },
    })
    this.#answers = new Answers(
      {
        lnd: deps.lnd,
        log: deps.log,
        sale: (name) => this.#names.underWay(name),
        clientOf: (name) => this.#names.clientOf(name),
        seconds: this.#seconds,
        height: () => this.#height,
        hear: (held, sale) => this.#hear(sale.deal.scid, [held]),
      },
      config.held,
    )
    this.#runner = new Runner<Sale, JitEvent, JitEffect, JitMoney>({
      machine: { name: 'jit', step, isTerminal, time: { dueAt: deadline, event: (at) => ({ type: 'deadline', at }) } },
      live: liveSales,
      done: doneSales,
      outbox: outboxTable,
      store: deps.store,
      clock: deps.clock,
      log: deps.log,
      execute: (effect, context) => this.#execute(effect, context),
      alongside: (id, before, after, event, { money }) => [
        ...deps.appendMoney(money, after.tag === 'paid' && before?.tag !== 'paid' ? 1 : 0),
        ...indexWrites(after),
        ...this.#names.writesFor(after),
        ...(before === undefined || event === undefined ? [] : deps.recordStep(id as Scid, before, after, event)),
      ],
      onWriting: (_before, sale, effects) => {
        if (!this.#ready) return // the inventory is not counted yet, and the start looks at all sales
        this.#earlyOrders.begin(sale, effects)
        this.#absent.look(sale)
      },
      onCommitted: (id, before, sale, terminal) => this.#onCommitted(id as Scid, before, sale, terminal),
      onFatal: deps.onFatal,
    })
  }

  get live(): ReadonlyMap<string, Sale> {
    return this.#runner.live
  }

  /** For whom and how much is held, as its limits count it. */
  get exposures(): readonly Exposure[] {
    return [...this.#answers.held.all()].map((held) => this.#answers.exposureOf(held))
  }

  get held(): Iterable<Held> {
    return this.#answers.held.all()
  }

  get outboxDepth(): number {
    return this.#runner.outboxDepth
  }

  get(scid: string): Promise<Sale | undefined> {
    return this.#runner.get(scid)
  }

  /** Finished sales, the last first. */
  ended(after?: Sale): AsyncIterable<Sale> {
    return endedSales(this.#deps.store, after)
  }

  byPaymentHash(hash: string): Promise<Sale | undefined> {
    return saleByHash(this.#deps.store, this.#runner.live.values(), hash)
  }

  /** First thing at start: just enough to tell our scids from foreign ones (style 3.7, boot). */
  async loadNames(): Promise<void> {
    this.#ours = new Set(await this.#deps.store.keys('jit-live'))
  }

  /** Whether unfinished sales are on disk. */
  get hasNames(): boolean {
    return this.#ours.size > 0
  }

  async load(): Promise<void> {
    await this.#runner.load()
    await this.#names.load(this.#deps.store, this.#runner.live.values())
    this.#unpaid.clear()
    this.#circuits.clear()
    for (const [scid, sale] of this.#runner.live) {
      if (isUnpaid(sale)) this.#unpaid.add(sale.deal.client, scid as Scid)
      this.#circuits.follow(scid as Scid, undefined, sale)
    }
  }

  /** From here on held parts are judged; call once facts about peers and height are there. */
  start(signal: AbortSignal): Promise<void> {
    this.#ready = true
    this.#signal = signal
    this.#seconds.start(signal)
    for (const held of this.#answers.held.all()) this.#answers.judge(held, signal)
    for (const sale of this.#runner.live.values()) this.#absent.look(sale)
    return Promise.all([this.#runner.start(signal), this.#watchFindings(signal)]).then(() => undefined)
  }

  /** Aliases that lnd knows: a new scid must not be one of them (D13), and ours must all be there (D1). */
  async loadAliases(signal: AbortSignal): Promise<void> {
    for (const alias of await bindMissing(this.#deps, this.#runner.live, signal)) this.#foreignAliases.add(alias)
  }

  /** Why this client cannot buy now; undefined when it can. */
  rejection(client: NodeId): string | undefined {
    const { maxLiveSales, maxLiveSalesPerPeer } = this.#config
    if (this.#unpaid.of(client).size >= maxLiveSalesPerPeer) return 'too many unpaid purchases, wait until they end'
    if (this.#runner.live.size >= maxLiveSales) return 'too many purchases at the moment, try again later'
    return undefined
  }

  /** A sale is on disk when this resolves: only then may the client hear its scid. */
  async sell(terms: Omit<Deal, 'scid'>): Promise<Deal> {
    for (let draw = 0; draw < MAX_SCID_DRAWS; draw += 1) {
      const deal = { ...terms, scid: mintScid(this.#deps.entropy) }
      if (this.#runner.live.has(deal.scid) || this.#foreignAliases.has(scidToNumber(deal.scid))) continue
      this.#unpaid.add(deal.client, deal.scid)
      const sale = await this.#runner.createNew(deal.scid, sell(deal))
      if (sale.deal === deal) return deal
      if (sale.deal.client !== deal.client) this.#unpaid.remove(deal.client, deal.scid)
    }
    throw new Error(`no free short channel id in ${MAX_SCID_DRAWS} draws`)
  }

  /** Every HTLC that lnd would forward. Anything that is not ours is resumed in this tick. */
  onOffer(offer: HtlcOffer, stream: Interceptor): void {
    const { requestedScid, circuit } = offer
    // Until the records were compared with lnd, what only we give out may be a sale that an older database lost.
    const ours = this.#ready
      ? this.#names.clientOf(requestedScid) !== undefined
      : this.#ours.has(requestedScid) || isMinted(scidToNumber(requestedScid))
    if (!ours) {
      stream.answer(circuit, { type: 'resume' })
      return
    }
    const held = { offer, stream }
    this.#answers.held.add(held)
    if (this.#ready) this.#answers.judge(held, this.#signal)
  }

  /** Whether a sale has this HTLC on record, or it is being decided whether it pays for one: then we answer it. */
  hasOnRecord({ requestedScid, circuit }: HtlcOffer): boolean {
    const sale = this.#names.underWay(requestedScid)
    return (sale !== undefined && isKnown(sale, circuit)) || this.#seconds.hasInHand(circuit)
  }

  /** What the stream offered cannot be answered through it any more; lnd offers it again to the next one. */
  onInterceptorLost(): void {
    this.#answers.held.clear()
  }

  /** Everybody who is connected: what a stream of events missed while it was down. What it tells meanwhile is newer. */
  loadPeers(list: () => Promise<readonly NodeId[]>): Promise<void> {
    return this.#presence.load(list)
  }

  onHtlcEvent(event: HtlcEvent): void {
    const scid = this.#circuits.saleOf(event.circuit)
    if (scid === undefined) return
    const at = this.#deps.clock.now()
    if (event.type === 'forwarded') {
      this.#circuits.setForwarded(event.circuit, event.amountOut)
      return
    }
    const sale = this.#runner.live.get(scid)
    if (event.type === 'failed') {
      if (sale !== undefined) this.#relink.onFailed(sale.deal.client, event.reason, this.#signal)
      this.#dispatch(scid, { type: 'failed', circuit: event.circuit, reason: event.reason, at })
    } else if (sale?.tag === 'forwarding') {
      const amountOut = this.#circuits.forwardedAs(event.circuit)
      // Forwarded before this process listened, perhaps by lnd itself and in full (D2): the next look finds the amount.
      if (amountOut === undefined) return
      this.#dispatch(scid, { type: 'settled', circuit: event.circuit, amountOut, at })
    }
  }

  onPeer(client: NodeId, online: boolean): void {
    this.#presence.tell(client, online)
  }

  #onClient(client: NodeId): void {
    for (const scid of this.#unpaid.of(client)) {
      const sale = this.#runner.live.get(scid)
      if (sale?.tag === 'awaiting' && sale.parts.length > 0) this.#clientOnline(scid)
    }
  }

  #onGone(client: NodeId): void {
    if (!this.#ready) return
    for (const scid of this.#unpaid.of(client)) this.#absent.look(this.#runner.live.get(scid))
  }

  #clientOnline(scid: Scid): void {
    const at = this.#deps.clock.now()
    this.#dispatch(scid, { type: 'client-online', height: this.#height, pendingChannelId: this.#newPendingId(), at })
  }

  onBlock(height: number): void {
    this.#height = height
    if (!this.#ready) return
    for (const held of this.#answers.held.all()) this.#answers.judge(held, this.#signal)
    for (const [scid, sale] of this.#runner.live) {
      for (const part of openParts(sale)) {
        if (!isExpiring(part, height)) continue
        this.#dispatch(scid, { type: 'part-expiring', circuit: part.circuit, at: this.#deps.clock.now() })
      }
    }
  }

  /** What became of an ordered channel; resolved when it is on disk. Hearing it twice changes nothing. */
  async onFunding({ owner: scid, pendingChannelId }: FundingSource, report: FundingReport): Promise<void> {
    const at = this.#deps.clock.now()
    switch (report.type) {
      case 'channel-active':
      case 'channel-closed':
        await this.#runner.dispatch(scid, { ...report, pendingChannelId, at })
        return
      case 'refused':
        await this.#runner.dispatch(scid, { ...report, type: 'channel-refused', pendingChannelId, at })
        return
      case 'published':
      case 'confirmed':
        return // of interest to the flight record only
    }
  }

  /** Looks for parts that ended unheard; at every stream that comes back, and from time to time. */
  async reconcile(signal: AbortSignal): Promise<void> {
    for (const { scid, event } of await this.#findings.look(this.#liveSales(), signal)) {
      await this.#runner.dispatch(scid, event)
    }
  }

  *#liveSales(): Iterable<readonly [Scid, Sale]> {
    for (const [scid, sale] of this.#runner.live) yield [scid as Scid, sale]
  }

  async #watchFindings(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.reconcile(signal)
      } catch (error) {
        if (!signal.aborted) this.#deps.log.warn({ err: error }, 'parts not reconciled, will be tried again')
      }
      await this.#deps.clock.sleep(FINDINGS_INTERVAL_MS, signal).catch(() => undefined)
      await this.#names.prune(this.#deps.store).catch(this.#deps.onFatal)
      // Answers that could not be given, since lnd did not say what had to be known first.
      for (const held of this.#answers.held.all()) this.#answers.judge(held, signal)
    }
  }

  #refusal(client: NodeId): string | undefined {
    if (!this.#presence.has(client)) return 'its client is away'
    return this.rejection(client) ?? this.#deps.rejection(client)
  }

  async #hear(scid: Scid, payment: readonly [Held, ...Held[]]): Promise<Sale | undefined> {
    const sale = this.#runner.live.get(scid)
    if (sale === undefined) return undefined
    const clientOnline = this.#presence.has(sale.deal.client)
    const facts = {
      height: this.#height,
      clientOnline,
      pendingChannelId: this.#newPendingId(),
      at: this.#deps.clock.now(),
    }
    return this.#runner.dispatch(scid, partHeld(payment, facts))
  }

  #onCommitted(scid: Scid, before: Sale | undefined, sale: Sale, terminal: boolean): void {
    this.#circuits.follow(scid, before, sale)
    this.#names.follow(sale, terminal)
    if (before !== undefined && isUnpaid(before) && !isUnpaid(sale)) this.#unpaid.remove(sale.deal.client, scid)
    if (terminal && sale.tag === 'paid') {
      this.#deps.log.info({ jit: scid, earned: sale.earned.toString() }, 'opening fee earned')
    }
    // Before the start nothing can be answered: that judges all that is held.
    if (this.#ready) this.#answers.settle(nameOf(sale.deal), this.#signal)
    // The client may have come back while the part was being written down.
    const cameBack = sale.tag === 'awaiting' && sale.parts.length > 0 && this.#presence.has(sale.deal.client)
    if (cameBack) this.#clientOnline(scid)
  }

  async #execute(effect: JitEffect, { id, signal }: EffectContext): Promise<JitEvent | undefined> {
    const sale = await this.#runner.get(id)
    if (sale === undefined) return undefined
    // What an ended sale still wanted of lnd (an alias of a channel that is gone) would be tried for ever; what it
    // hands over to the funding service is wanted all the same.
    const handsOver = effect.type === 'publish-funding' || effect.type === 'reclaim-channel'
    const early = effect.type === 'open-channel' ? this.#earlyOrders.take(effect) : undefined
    if (early !== undefined) return early
    if (isTerminal(sale) && !handsOver) return undefined
    return executeEffect({ ...this.#deps, capacity: this.#config.capacity }, effect, sale, signal)
  }

  #dispatch(scid: string, event: JitEvent): void {
    this.#runner.dispatch(scid, event).catch((error: unknown) => {
      this.#deps.log.error({ scid, event: event.type, err: error }, 'event not handled')
    })
  }

  #newPendingId(): string {
    return Buffer.from(this.#deps.entropy(PENDING_ID_BYTES)).toString('hex')
  }
}
