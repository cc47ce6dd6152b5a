import type { Clock } from '../../lsps/base/clock.ts'
import { SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import { withDeadline } from '../kernel/wait.ts'
import type { CloseRequest, LndPort } from '../lnd/port.ts'
import type { Store } from '../store/port.ts'
import { Table } from '../store/table.ts'
import type { Closes } from './closes.ts'
import { isEmpty } from './closing.ts'
import type { Lists } from './lists.ts'
import { look } from './look.ts'
import { ask, isTerminal, step } from './reclaim-machine.ts'
import { Reclaim, ReclaimEffect, type ReclaimEvent, type ReclaimTerms } from './reclaim-states.ts'
import type { ChannelOrder, FundingNews, OrderName } from './states.ts'

/** How long a peer may take to agree on a close. */
export const AGREE_DEADLINE_MS = 60_000
/** Nobody waits for this money: it may come with the cheapest blocks. */
export const CLOSE_CONF_TARGET = 144

export type ReclaimDeps = {
  readonly lnd: LndPort
  readonly closes: Closes
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly notify: (order: OrderName, news: FundingNews) => Promise<void>
  readonly onFatal: (error: unknown) => void
}

export type ReclaimConfig = ReclaimTerms & { readonly maxSatPerVbyte: number }

/** Takes back channels whose fee was never earned, by closing them. It is told when; it never decides that. */
export class Reclaims {
  readonly #deps: ReclaimDeps
  readonly #config: ReclaimConfig
  readonly #runner: Runner<Reclaim, ReclaimEvent, ReclaimEffect>

  constructor(deps: ReclaimDeps, config: ReclaimConfig) {
    this.#deps = deps
    this.#config = config
    this.#runner = new Runner({
      machine: { name: 'reclaim', step, isTerminal },
      live: new Table('reclaim-live', Reclaim),
      done: new Table('reclaim-done', Reclaim),
      outbox: new Table('reclaim-outbox', ReclaimEffect),
      ...deps,
      execute: (effect, context) => this.#execute(effect, context),
    })
  }

  get live(): ReadonlyMap<string, Reclaim> {
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

  /** Once for each channel; resolved when it is on disk. */
  async ask(order: ChannelOrder, outpoint: string): Promise<void> {
    const { withinBlocks, afterwards } = this.#config
    await this.#runner.create(order.pendingChannelId, ask(order, outpoint, { withinBlocks, afterwards }))
  }

  async onBlock(height: number, lists: Lists): Promise<void> {
    for (const [id, { outpoint, tag }] of this.#runner.live) {
      if (tag === 'closing') {
        if (await lists.isClosed(outpoint)) await this.#runner.dispatch(id, { type: 'closed' })
        continue
      }
      const channel = (await lists.open()).get(outpoint)
      // One that is not open any more needs no peer: the attempt sees what became of it.
      const peer = channel === undefined || channel.active ? 'there' : 'away'
      await this.#runner.dispatch(id, { type: 'block', height, peer })
    }
  }

  async #execute(effect: ReclaimEffect, { id, signal }: EffectContext): Promise<ReclaimEvent | undefined> {
    const reclaim = await this.#runner.get(id)
    if (reclaim === undefined) return undefined
    const { order, outpoint } = reclaim
    switch (effect.type) {
      case 'close':
        // Idempotent: it looks first, and a channel closes once.
        return reclaim.tag === 'asked' ? this.#close(reclaim, signal) : undefined
      case 'notify-closed':
        // Idempotent at the receiver: its machine ignores news that it has.
        await this.#deps.notify(order, { type: 'channel-closed', outpoint })
        return undefined
      case 'notify-kept':
        // Idempotent at the receiver.
        if (reclaim.tag !== 'kept') return undefined
        await this.#deps.notify(order, { type: 'kept', outpoint, reason: reclaim.reason })
        return undefined
    }
  }

  /** One attempt. */
  async #close(reclaim: Extract<Reclaim, { tag: 'asked' }>, signal: AbortSignal): Promise<ReclaimEvent> {
    const { closes, log } = this.#deps
    const { order, outpoint, how } = reclaim
    const before = await this.#look(reclaim, signal)
    if (before.type !== 'open') return before
    const request = await this.#request(reclaim, signal)
    if (request === undefined) return { type: 'not-now' }
    try {
      await this.#within(closes.close(request, signal), outpoint, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof SidecarError)) throw error
      log.info({ order: order.pendingChannelId, outpoint, how, err: error }, 'channel not closed now')
    }
    const after = await this.#look(reclaim, signal)
    return after.type === 'open' ? { type: 'not-now' } : after
  }

  async #look(
    { order, outpoint, how }: Extract<Reclaim, { tag: 'asked' }>,
    signal: AbortSignal,
  ): Promise<ReclaimEvent | { readonly type: 'open' }> {
    const sighting = await look(this.#deps.lnd, order, outpoint, signal)
    switch (sighting.found) {
      case 'closed':
      case 'nothing':
        return { type: 'closed' }
      case 'closing':
        return { type: 'closing' }
      case 'pending':
        return { type: 'not-now' }
      case 'open': {
        const { channel } = sighting
        if (this.#deps.closes.keeps(outpoint) !== undefined) return { type: 'promised' }
        // A payment that is on its way may yet fail; one that settled has earned something.
        if (!isEmpty({ ...channel, pendingHtlcs: [] })) return { type: 'in-use' }
        const closable = isEmpty(channel) && (channel.active || how === 'force')
        return closable ? { type: 'open' } : { type: 'not-now' }
      }
    }
  }

  /** Undefined while chain fees are above the operator's ceiling. */
  async #request(
    { outpoint, how }: Extract<Reclaim, { tag: 'asked' }>,
    signal: AbortSignal,
  ): Promise<CloseRequest | undefined> {
    if (how === 'force') return { outpoint, how }
    const satPerVbyte = await this.#deps.lnd.estimateFeerate(CLOSE_CONF_TARGET, signal)
    return satPerVbyte > this.#config.maxSatPerVbyte ? undefined : { outpoint, how, satPerVbyte }
  }

  #within(promise: Promise<void>, outpoint: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    return withDeadline({ promise, ms: AGREE_DEADLINE_MS, what: `the close of ${outpoint}`, clock, signal })
  }
}
