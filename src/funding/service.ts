import type { Clock } from '../../lsps/base/clock.ts'
import { EarlyOutcomes } from '../kernel/early-outcomes.ts'
import { refusedWith, SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import { Bell } from '../kernel/wait.ts'
import type { ChannelEvent, LndPort, Outpoint } from '../lnd/port.ts'
import type { Store, Write } from '../store/port.ts'
import { Batches } from './batches.ts'
import { Closes } from './closes.ts'
import { Discard } from './discard.ts'
import { type FollowConfig, FollowUp } from './follow.ts'
import { listsOf } from './lists.ts'
import { look } from './look.ts'
import { isTerminal, place, step } from './machine.ts'
import { Negotiation } from './negotiation.ts'
import type { PayoutService } from './payouts.ts'
import { transactionId } from './psbt.ts'
import { type ReclaimConfig, Reclaims } from './reclaim.ts'
import type { Reclaim } from './reclaim-states.ts'
import { doneFundings, fundingOutbox, liveFundings } from './records.ts'
import type { ChannelOrder, Funding, FundingEffect, FundingEvent, FundingNews, OrderName } from './states.ts'
import { warningOf } from './warnings.ts'
import { ClosedWatch } from './watch.ts'

/** Between looks at a channel that is not active yet, when lnd's events say nothing. */
export const CHANNEL_LOOK_MS = 1_000
/** The same for a channel that has not become active for long: its peer may never come back. */
export const LONGEST_CHANNEL_LOOK_MS = 60_000
/** What share of the time waited so far the next pause is: a tenth. */
const PATIENCE = 10

type Standing = Extract<Funding, { tag: 'standing' }>

export type FundingConfig = FollowConfig & {
  readonly minConfs: number
  readonly reclaim: ReclaimConfig
}

export type FundingDeps = {
  readonly lnd: LndPort
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Tells the owner of an order what became of it; at least once, resolved when the owner has it on disk. */
  readonly notify: (order: OrderName, news: FundingNews) => Promise<void>
  /**
   * Asked right before the funding of an ordered channel is signed: whether its owner still wants to pay for it. Left
   * out: always. Not asked again once that was said of the whole of a batch.
   * @throws SidecarError when that cannot be told now
   */
  readonly mayPublish?: (order: OrderName, signal: AbortSignal) => Promise<boolean>
  /** Who counts what is opened: writes that become true with a step of an order, and the step once it is on disk. */
  readonly observer?: {
    readonly writesFor: (before: Funding | undefined, after: Funding) => readonly Write[]
    readonly onCommitted: (after: Funding) => void
  }
  /** Why a channel must not be closed: its lifetime is promised. Undefined: it may be. */
  readonly keeps?: (outpoint: Outpoint) => string | undefined
  /** Orders whose owner still hopes to earn the fee, and so has to hear of a close: their pending channel ids. */
  readonly watched?: () => Iterable<string>
  /** Needed for batches only: spends coins of a transaction that must never be. */
  readonly payouts?: Pick<PayoutService, 'pay' | 'get'>
  readonly onFatal: (error: unknown) => void
}

/** Every channel of ours is opened here, by one path, exactly once (D20). */
export class FundingService {
  readonly #deps: FundingDeps
  readonly #negotiation: Negotiation
  readonly #runner: Runner<Funding, FundingEvent, FundingEffect>
  readonly #discard: Discard
  readonly #followUp: FollowUp
  readonly #reclaims: Reclaims
  readonly #batches: Batches
  readonly #watch: ClosedWatch
  /** Rings for every channel. */
  readonly #channelBell = new Bell()
  /** Of channels that are to become active: rings for that one only. */
  readonly #activeBells = new Map<Outpoint, Bell>()
  /** Looks for a channel, by pending_chan_id. */
  readonly #earlyLooks = new EarlyOutcomes<FundingEvent | undefined>()
  #height = 0
  #signal = AbortSignal.abort()

  constructor(deps: FundingDeps, config: FundingConfig) {
    this.#deps = deps
    this.#negotiation = new Negotiation({ ...deps, ...config })
    const closes = new Closes({ lnd: deps.lnd, keeps: deps.keeps })
    this.#discard = new Discard({ ...deps, closes, bell: this.#channelBell })
    this.#followUp = new FollowUp({ ...deps, dispatch: (id, event) => this.#runner.dispatch(id, event) }, config)
    this.#reclaims = new Reclaims({ ...deps, closes }, config.reclaim)
    this.#batches = new Batches(
      {
        ...deps,
        closes,
        payouts: deps.payouts,
        negotiation: this.#negotiation,
        place: (order) => this.#place(order),
        get: (id) => this.#runner.get(id),
        dispatch: (id, event) => this.#runner.dispatch(id, event),
      },
      config,
    )
    this.#watch = new ClosedWatch({ ...deps, get: (id) => this.get(id) })
    this.#runner = new Runner({
      machine: { name: 'funding', step, isTerminal },
      live: liveFundings,
      done: doneFundings,
      outbox: fundingOutbox,
      ...deps,
      execute: (effect, context) => this.#execute(effect, context),
      alongside: (_id, before, after) => deps.observer?.writesFor(before, after) ?? [],
      onCommitted: (_id, _before, after) => deps.observer?.onCommitted(after),
      onWriting: (before, after) => this.#beginEarly(before, after),
    })
  }

  get live(): ReadonlyMap<string, Funding> {
    return this.#runner.live
  }

  /** Channels that are being taken back. */
  get reclaims(): ReadonlyMap<string, Reclaim> {
    return this.#reclaims.live
  }

  get outboxDepth(): number {
    return this.#runner.outboxDepth + this.#reclaims.outboxDepth + this.#batches.outboxDepth
  }

  async load(): Promise<void> {
    await Promise.all([this.#runner.load(), this.#reclaims.load(), this.#batches.load()])
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    await Promise.all([this.#runner.start(signal), this.#reclaims.start(signal), this.#batches.start(signal)])
  }

  /** What a person has to know of, for the status. */
  warnings(): readonly string[] {
    return [...this.#runner.live.values()].flatMap((funding) => warningOf(funding, this.#height))
  }

  /** Orders a channel; the same pending_chan_id again is the same order. Resolved when it is on disk. */
  async open(order: ChannelOrder): Promise<void> {
    await this.#place(this.#batches.orderOf(order.pendingChannelId) ?? order)
  }

  /**
   * Orders several channels with one transaction; the same id (32 bytes in hex) again is the same batch. Whoever does not
   * answer, or refuses, is left out and refused alone; the others go on. Those that may be used before they are in a
   * block are opened one by one: nothing is to move in a channel whose transaction may never be. Resolved when all of it
   * is on disk.
   * @throws SidecarError LIMIT_REACHED
   */
  async openBatch(id: string, orders: readonly ChannelOrder[]): Promise<void> {
    const isOrdinary = ({ confirmation }: ChannelOrder) => confirmation === 'ordinary'
    const together = orders
      .filter(isOrdinary)
      .map((order) => ({ ...order, broadcast: 'when-pending' as const, batch: id }))
    if (together.length > 0) await this.#batches.open(id, together)
    for (const order of orders) if (!isOrdinary(order)) await this.open(order)
  }

  async #place(order: ChannelOrder): Promise<void> {
    await this.#runner.create(order.pendingChannelId, place(order))
  }

  /** As `open`, for an id that was never ordered before: spares looking among the finished, and begins in this tick. */
  async openNew(order: ChannelOrder): Promise<void> {
    await this.#runner.createNew(order.pendingChannelId, place(order))
  }

  async get(pendingChannelId: string): Promise<Funding | undefined> {
    const funding = await this.#runner.get(pendingChannelId)
    if (funding !== undefined) return funding
    const order = this.#batches.orderOf(pendingChannelId)
    return order && place(order).state
  }

  /** lnd says that a channel changed; without an event, any may have. */
  onChannelEvent(event?: ChannelEvent): void {
    this.#channelBell.ring()
    // What is pending, open or inactive is no more active than before: a look would only delay the one that counts.
    if (event !== undefined && event.type !== 'active' && event.type !== 'closed') return
    for (const [outpoint, bell] of this.#activeBells) {
      if (event?.outpoint === undefined || event.outpoint === outpoint) bell.ring()
    }
  }

  /** A new block. Doing it twice is harmless. */
  async onBlock(height: number, signal: AbortSignal): Promise<void> {
    this.#height = height
    const block = { height, lists: listsOf(this.#deps.lnd, signal), signal }
    await this.#followUp.run(this.#runner.live, block)
    try {
      await this.#reclaims.onBlock(height, block.lists)
      await this.#watch.run(this.#deps.watched?.() ?? [], block.lists)
      await this.#batches.onBlock(signal)
    } catch (error) {
      if (!signal.aborted) this.#deps.log.warn({ err: error }, 'channels not looked at, next block tries again')
    }
  }

  /**
   * Money depends on a withheld channel: its funding is signed and published as soon as the channel stands. Resolved
   * when that is on disk; again, or for an order that ended, changes nothing.
   */
  async publishDue(pendingChannelId: string): Promise<void> {
    await this.#runner.dispatch(pendingChannelId, { type: 'publish-due' })
  }

  /**
   * The owner does not want a channel any more that it ordered. Resolved when that is on disk; it hears `refused` or
   * `channel-closed` if it was in time, else `published`. Said twice it changes nothing.
   */
  async withdraw(pendingChannelId: string): Promise<void> {
    const order = this.#batches.orderOf(pendingChannelId)
    if (order !== undefined) await this.#place(order)
    await this.#runner.dispatch(pendingChannelId, { type: 'withdraw' })
  }

  /**
   * Gives up a withheld channel that is empty; its owner must not let anything into it any more. Resolved when the
   * decision is on disk; the owner hears `channel-closed` at the end, or `published` if something was in the channel
   * all the same. Changes nothing once the funding is due or signed, and before there is a channel.
   */
  async discard(pendingChannelId: string): Promise<void> {
    await this.#runner.dispatch(pendingChannelId, { type: 'discard' })
  }

  /**
   * Takes back a channel whose fee was never earned: an agreed close, tried again at each block while the peer is away,
   * within the configured bound. Resolved when the decision is on disk; asked again it changes nothing. The owner, who
   * must not let anything into the channel any more, hears `channel-closed` at the end, or `kept`. A channel whose
   * funding is withheld is discarded instead; before there is a channel nothing is done.
   */
  async reclaim(pendingChannelId: string): Promise<void> {
    const funding = await this.get(pendingChannelId)
    if (funding?.tag === 'standing' && funding.tx.stage === 'unsigned') return this.discard(pendingChannelId)
    if (funding?.tag === 'standing' || funding?.tag === 'confirmed') {
      await this.#reclaims.ask(funding.order, funding.outpoint)
    }
  }

  async #execute(effect: FundingEffect, { id, replayed, signal }: EffectContext): Promise<FundingEvent | undefined> {
    const funding = await this.#runner.get(id)
    if (funding === undefined) return undefined
    switch (effect.type) {
      case 'negotiate':
        // Idempotent by pending_chan_id: a replay removes what an earlier run left before it opens.
        return funding.tag === 'opening' ? this.#negotiation.negotiate(funding.order, replayed, signal) : undefined
      case 'verify':
        // Idempotent: a replay looks first, and adopts the channel or proves that there is none.
        return funding.tag === 'funded' ? this.#negotiation.verify(funding.order, funding, replayed, signal) : undefined
      case 'watch-active':
        // Idempotent: it only looks.
        return this.#earlyLooks.take(id) ?? this.#watchActive(funding, signal)
      case 'sign':
        // Idempotent: signing the same PSBT again gives the same txid.
        return this.#sign(funding, signal)
      case 'publish':
        // Idempotent by txid: lnd answers success for what is in the mempool or confirmed.
        if (funding.tag !== 'standing' || funding.tx.stage !== 'signed') return undefined
        await this.#deps.lnd.publishTransaction({ raw: funding.tx.raw, label: funding.order.memo }, signal)
        return { type: 'published' }
      case 'bump':
        // Idempotent: lnd keeps one child for an output, and replaces it.
        return this.#bump(funding, signal)
      case 'cancel':
        // Idempotent: what lnd has forgotten it refuses to cancel, and coins that are not locked are not in the list.
        await this.#negotiation.cleanUp(funding.order, signal)
        return undefined
      case 'close':
        // Idempotent: it looks before each attempt.
        return funding.tag === 'discarding' ? this.#discard.close(funding, signal) : undefined
      case 'abandon':
        // Idempotent: a channel that lnd has forgotten is not to be seen.
        return funding.tag === 'discarding' ? this.#discard.abandon(funding, signal) : undefined
      case 'release':
        // Idempotent: coins that are not locked are not in the list. Those of a batch are others' as well.
        if (funding.order.batch === undefined || funding.tag === 'conflicted')
          await this.#negotiation.releaseCoins(funding.order, signal)
        return undefined
      case 'notify':
        // Idempotent at the receiver: its machine ignores news that it has.
        await this.#deps.notify(funding.order, effect.news)
        return undefined
    }
  }

  /**
   * A held payment waits for the channel, and so two things begin beside the commit that decides them instead of after
   * it; their effects come all the same, in case we die before.
   *
   * - The look whether the channel is active: it changes nothing.
   * - The owner hears of the active channel beside the commit in which signing the funding is decided, and writes one
   *   moment later: what it writes is never on disk without that decision. It ignores what it knows.
   */
  #beginEarly(before: Funding | undefined, after: Funding): void {
    if (before === undefined || after.tag !== 'standing') return
    const { order, outpoint, chanId } = after
    if (chanId === undefined && before.tag === 'funded') {
      this.#earlyLooks.begin(order.pendingChannelId, this.#watchActive(after, this.#signal))
    } else if (chanId !== undefined && before.tag === 'standing' && before.chanId === undefined) {
      this.#deps.notify(order, { type: 'channel-active', outpoint, chanId }).catch(() => undefined)
    }
  }

  async #watchActive(funding: Funding, signal: AbortSignal): Promise<FundingEvent | undefined> {
    if (funding.tag !== 'standing') return undefined
    const { outpoint } = funding
    const bell = new Bell()
    this.#activeBells.set(outpoint, bell)
    try {
      return await this.#waitActive(funding, bell, signal)
    } finally {
      this.#activeBells.delete(outpoint)
    }
  }

  async #waitActive(
    { order, outpoint }: Standing,
    bell: Bell,
    signal: AbortSignal,
  ): Promise<Extract<FundingEvent, { type: 'channel-active' | 'channel-closing' | 'channel-closed' }>> {
    const { lnd, clock } = this.#deps
    const since = clock.now()
    for (let looks = 0; ; looks += 1) {
      const patience = Math.min((clock.now() - since) / PATIENCE, LONGEST_CHANNEL_LOOK_MS)
      const pauseMs = Math.max(patience, CHANNEL_LOOK_MS)
      const rung = bell.next(pauseMs, clock, signal) // before the look: no event is missed between
      rung.catch(() => undefined)
      const channels = await lnd.listChannels(signal, order.peer)
      const ours = channels.find((channel) => channel.outpoint === outpoint)
      if (ours?.active === true) return { type: 'channel-active', chanId: ours.chanId }
      // Right after the peer signed it may not be listed yet: the events tell sooner than lnd's longest list.
      if (ours === undefined && looks > 0) {
        const sighting = await look(lnd, order, outpoint, signal)
        if (sighting.found === 'closing') return { type: 'channel-closing' }
        if (sighting.found === 'closed') return { type: 'channel-closed' }
      }
      await rung
    }
  }

  /**
   * Never signs without having seen the channel: coins in a 2-of-2 that nobody knows would be lost. A channel that is
   * closing is signed for: the client may have been paid in it, and only the funding lets either side claim.
   */
  async #sign(funding: Funding, signal: AbortSignal): Promise<FundingEvent | undefined> {
    if (funding.tag !== 'standing' || funding.tx.stage !== 'signing') return undefined
    const { lnd } = this.#deps
    const sighting = await look(lnd, funding.order, funding.outpoint, signal)
    if (sighting.found === 'closed') return { type: 'channel-closed' }
    if (sighting.found === 'nothing' || sighting.outpoint !== funding.outpoint) {
      const detail = `channel ${funding.outpoint} is not to be seen, so its funding is not signed`
      throw new SidecarError({ code: 'LND_REFUSED', call: 'look', detail })
    }
    if (!(await this.#isWanted(funding.order, signal))) return { type: 'withdraw' }
    const raw = await lnd.finalizePsbt(funding.tx.psbt, signal)
    if (transactionId(raw) !== funding.outpoint.split(':')[0])
      throw new Error(`signing changed the txid of ${funding.outpoint}`)
    return { type: 'signed', raw }
  }

  async #isWanted(order: ChannelOrder, signal: AbortSignal): Promise<boolean> {
    if (order.broadcast !== 'when-pending' || order.batch !== undefined) return true
    return (await this.#deps.mayPublish?.(order, signal)) ?? true
  }

  /** A refusal is final for this bump: the transaction is in a block by now, or lnd does not know the change. */
  async #bump(funding: Funding, signal: AbortSignal): Promise<FundingEvent | undefined> {
    if (funding.tag !== 'standing' || funding.tx.stage !== 'published' || funding.tx.bump === undefined)
      return undefined
    const { change, satPerVbyte, budget } = funding.tx.bump
    const outpoint = `${funding.outpoint.split(':')[0]}:${change}`
    try {
      await this.#deps.lnd.bumpFee({ outpoint, satPerVbyte, budget }, signal)
      return { type: 'bumped' }
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      this.#deps.log.warn(
        { funding: funding.order.pendingChannelId, outpoint, err: error },
        'funding not hurried along',
      )
      return undefined
    }
  }
}
