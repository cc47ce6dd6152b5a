import type { Clock } from '../../lsps/base/clock.ts'
import { refusedWith, SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import { Bell } from '../kernel/wait.ts'
import type { LndPort, PendingChannel } from '../lnd/port.ts'
import type { Store } from '../store/port.ts'
import { Table } from '../store/table.ts'
import { look } from './look.ts'
import { isTerminal, place, step } from './machine.ts'
import { Negotiation } from './negotiation.ts'
import { transactionId } from './psbt.ts'
import {
  type ChannelOrder,
  Funding,
  FundingEffect,
  type FundingEvent,
  type FundingNews,
  type Transaction,
} from './states.ts'

/** Between looks at a channel that is not active yet, when lnd's events say nothing. */
export const CHANNEL_LOOK_MS = 1_000
/** The same for a channel that has not become active for long: its peer may never come back. */
export const LONGEST_CHANNEL_LOOK_MS = 60_000
/** What share of the time waited so far the next pause is: a tenth. */
const PATIENCE = 10

type Standing = Extract<Funding, { tag: 'standing' }>

export type FundingConfig = {
  readonly leaseSeconds: number
  readonly minConfs: number
}

export type FundingDeps = {
  readonly lnd: LndPort
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Tells the owner of an order what became of it; at least once, resolved when the owner has it on disk. */
  readonly notify: (owner: string, news: FundingNews) => Promise<void>
  readonly onFatal: (error: unknown) => void
}

/** Every channel of ours is opened here, by one path, exactly once (D20). */
export class FundingService {
  readonly #deps: FundingDeps
  readonly #config: FundingConfig
  readonly #negotiation: Negotiation
  readonly #runner: Runner<Funding, FundingEvent, FundingEffect>
  readonly #channelBell = new Bell()

  constructor(deps: FundingDeps, config: FundingConfig) {
    this.#deps = deps
    this.#config = config
    this.#negotiation = new Negotiation({ ...deps, ...config })
    this.#runner = new Runner({
      machine: { name: 'funding', step, isTerminal },
      live: new Table('funding-live', Funding),
      done: new Table('funding-done', Funding),
      outbox: new Table('funding-outbox', FundingEffect),
      ...deps,
      execute: (effect, context) => this.#execute(effect, context),
    })
  }

  get live(): ReadonlyMap<string, Funding> {
    return this.#runner.live
  }

  get outboxDepth(): number {
    return this.#runner.outboxDepth
  }

  load(): Promise<void> {
    return this.#runner.load()
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#runner.start(signal)
  }

  /** Orders a channel; the same pending_chan_id again is the same order. Resolved when it is on disk. */
  async open(order: ChannelOrder): Promise<void> {
    await this.#runner.create(order.pendingChannelId, place(order))
  }

  get(pendingChannelId: string): Promise<Funding | undefined> {
    return this.#runner.get(pendingChannelId)
  }

  /** lnd says that some channel changed. */
  onChannelEvent(): void {
    this.#channelBell.ring()
  }

  /**
   * A new block: coins of transactions that are not confirmed stay locked, and what was published is published again.
   * Derived from the state on disk, so nothing needs to remember it; doing it twice is harmless.
   */
  async onBlock(signal: AbortSignal): Promise<void> {
    let asked: Promise<readonly PendingChannel[]> | undefined
    const pending = () => {
      asked ??= this.#deps.lnd.pendingChannels(signal)
      return asked
    }
    for (const [id, funding] of this.#runner.live) {
      if (funding.tag !== 'standing' || funding.tx.stage === 'unsigned') continue
      try {
        await this.#followUp(id, funding, funding.tx, pending, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#deps.log.warn({ funding: id, err: error }, 'funding not followed up, next block tries again')
      }
    }
  }

  async #followUp(
    id: string,
    { order, outpoint }: Standing,
    tx: Transaction,
    pending: () => Promise<readonly PendingChannel[]>,
    signal: AbortSignal,
  ): Promise<void> {
    if (tx.stage !== 'published') return this.#keepCoins(order, signal)
    const { lnd } = this.#deps
    const confirmations = await lnd.confirmations(transactionId(tx.raw), signal)
    if (confirmations === undefined || confirmations === 0) {
      // Neither waits for the other: while no mempool takes the transaction its coins must not be spent by another one.
      const published = lnd.publishTransaction({ raw: tx.raw, label: order.memo }, signal)
      const done = await Promise.allSettled([this.#keepCoins(order, signal), published])
      for (const result of done) if (result.status === 'rejected') throw result.reason
    }
    await this.#publishClosing(order, outpoint, await pending(), signal)
    if (confirmations !== undefined && confirmations > 0) await this.#runner.dispatch(id, { type: 'confirmed' })
  }

  /**
   * A close that was tried before the funding was known could not get into any mempool, and lnd tries again only when
   * it restarts (funding.md): a payment in the channel would outlive its expiry, and the payer's with it (D27).
   */
  async #publishClosing(
    order: ChannelOrder,
    outpoint: string,
    pending: readonly PendingChannel[],
    signal: AbortSignal,
  ): Promise<void> {
    const closingTx = pending.find((channel) => channel.outpoint === outpoint)?.closingTx
    if (closingTx === undefined) return
    try {
      await this.#deps.lnd.publishTransaction({ raw: closingTx, label: order.memo }, signal)
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      this.#deps.log.info({ outpoint, err: error }, 'closing transaction not taken: the channel closes by another one')
    }
  }

  async #keepCoins(order: ChannelOrder, signal: AbortSignal): Promise<void> {
    const { lnd } = this.#deps
    const leases = await lnd.listLeases(signal)
    for (const lease of leases.filter((held) => held.id === order.pendingChannelId)) {
      await lnd.leaseOutput({ ...lease, seconds: this.#config.leaseSeconds }, signal)
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
        return this.#watchActive(funding, signal)
      case 'sign':
        // Idempotent: signing the same PSBT again gives the same txid.
        return this.#sign(funding, signal)
      case 'publish':
        // Idempotent by txid: lnd answers success for what is in the mempool or confirmed.
        if (funding.tag !== 'standing' || funding.tx.stage !== 'signed') return undefined
        await this.#deps.lnd.publishTransaction({ raw: funding.tx.raw, label: funding.order.memo }, signal)
        return { type: 'published' }
      case 'release':
        // Idempotent: coins that are not locked are not in the list.
        await this.#negotiation.releaseCoins(funding.order, signal)
        return undefined
      case 'notify':
        // Idempotent at the receiver: its machine ignores news that it has.
        await this.#deps.notify(funding.order.owner, effect.news)
        return undefined
    }
  }

  async #watchActive(funding: Funding, signal: AbortSignal): Promise<FundingEvent | undefined> {
    if (funding.tag !== 'standing') return undefined
    const { lnd, clock } = this.#deps
    const since = clock.now()
    for (;;) {
      const patience = Math.min((clock.now() - since) / PATIENCE, LONGEST_CHANNEL_LOOK_MS)
      const pauseMs = Math.max(patience, CHANNEL_LOOK_MS)
      const rung = this.#channelBell.next(pauseMs, clock, signal) // before the look: no event is missed between
      rung.catch(() => undefined)
      const channels = await lnd.listChannels(signal, funding.order.peer)
      const ours = channels.find(({ outpoint }) => outpoint === funding.outpoint)
      if (ours?.active === true) return { type: 'channel-active', chanId: ours.chanId }
      if (ours === undefined) {
        const sighting = await look(lnd, funding.order, funding.outpoint, signal)
        if (sighting.found === 'closed' || sighting.found === 'closing') return { type: 'channel-closed' }
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
    const raw = await lnd.finalizePsbt(funding.tx.psbt, signal)
    if (transactionId(raw) !== funding.outpoint.split(':')[0])
      throw new Error(`signing changed the txid of ${funding.outpoint}`)
    return { type: 'signed', raw }
  }
}
