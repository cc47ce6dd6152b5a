import type { Clock } from '../../lsps/base/clock.ts'
import { refusedWith, SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import type { FundingTemplate, LndPort } from '../lnd/port.ts'
import type { Store } from '../store/port.ts'
import { Table } from '../store/table.ts'
import { gather, isTerminal, MAX_MEMBERS, step } from './batch-machine.ts'
import { Batch, BatchEffect, type BatchEvent, type Placed, type RefusedMember } from './batch-states.ts'
import type { Closes } from './closes.ts'
import { look } from './look.ts'
import { detailOf, type Negotiation } from './negotiation.ts'
import type { PayoutService } from './payouts.ts'
import { coinsOfPsbt, fundingOutpoint, inputsOfPsbt } from './psbt.ts'
import type { ChannelOrder, Funding, FundingEvent, OrderName } from './states.ts'

export type BatchDeps = {
  readonly lnd: LndPort
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly negotiation: Negotiation
  readonly closes: Closes
  /** Spends coins of a transaction that must never be. */
  readonly payouts: Pick<PayoutService, 'pay' | 'get'> | undefined
  readonly place: (order: ChannelOrder) => Promise<void>
  readonly get: (pendingChannelId: string) => Promise<Funding | undefined>
  readonly dispatch: (pendingChannelId: string, event: FundingEvent) => Promise<unknown>
  readonly mayPublish?: (order: OrderName, signal: AbortSignal) => Promise<boolean>
  readonly onFatal: (error: unknown) => void
}

export type BatchConfig = { readonly leaseSeconds: number; readonly minConfs: number }

type In<Tag extends Batch['tag']> = Extract<Batch, { tag: Tag }>
type Verdict = { readonly placed: Placed; readonly is: 'standing' | 'dead' | RefusedMember }

/**
 * Opens several orders with one transaction (funding.md, Batch; D28). Until every channel stands the batch speaks for
 * its orders, which wait; then each of them is signed and published like any other, all with the same transaction.
 */
export class Batches {
  readonly #deps: BatchDeps
  readonly #config: BatchConfig
  readonly #runner: Runner<Batch, BatchEvent, BatchEffect>

  constructor(deps: BatchDeps, config: BatchConfig) {
    this.#deps = deps
    this.#config = config
    this.#runner = new Runner({
      machine: { name: 'batch', step, isTerminal },
      live: new Table('batch-live', Batch),
      done: new Table('batch-done', Batch),
      outbox: new Table('batch-outbox', BatchEffect),
      ...deps,
      execute: (effect, context) => this.#execute(effect, context),
    })
  }

  get live(): ReadonlyMap<string, Batch> {
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

  /**
   * Resolved when it is on disk. The same id again is the same batch.
   * @throws SidecarError LIMIT_REACHED
   */
  async open(id: string, members: readonly ChannelOrder[]): Promise<void> {
    if (this.#deps.payouts === undefined) throw new Error('batches need payouts, which burn what must not be')
    if (members.length > MAX_MEMBERS)
      throw new SidecarError({ code: 'LIMIT_REACHED', limit: 'orders in one batch', value: MAX_MEMBERS })
    await this.#runner.create(id, gather(id, members))
    for (const order of members) await this.#deps.place(order)
  }

  /** An order that a batch has on disk, although its own record may not be there yet. */
  orderOf(pendingChannelId: string): ChannelOrder | undefined {
    for (const batch of this.#runner.live.values()) {
      const found = ordersOf(batch).find((order) => order.pendingChannelId === pendingChannelId)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** A new block: coins of what is to be burnt may be spent in it. Doing it twice is harmless. */
  async onBlock(signal: AbortSignal): Promise<void> {
    for (const [id, batch] of this.#runner.live) {
      if (batch.tag !== 'burning' || batch.stage !== 'burning') continue
      try {
        const event = await this.#judgeBurn(batch, signal)
        if (event !== undefined) await this.#runner.dispatch(id, event)
      } catch (error) {
        if (signal.aborted) return
        this.#deps.log.warn({ batch: id, err: error }, 'batch not followed up, next block tries again')
      }
    }
  }

  async #execute(effect: BatchEffect, { id, replayed, signal }: EffectContext): Promise<BatchEvent | undefined> {
    const batch = await this.#runner.get(id)
    if (batch === undefined) return undefined
    switch (effect.type) {
      case 'gather':
        // Idempotent: no peer was told of a transaction; what an earlier run left behind is removed first.
        return batch.tag === 'gathering' ? this.#gather(batch, replayed, signal) : undefined
      case 'verify':
        // Idempotent: a replay looks first, and adopts each channel or proves that there is none.
        return batch.tag === 'funded' ? this.#verify(batch, replayed, signal) : undefined
      case 'hand-out':
        // Idempotent: an order that has its transaction ignores it.
        if (batch.tag !== 'complete') return undefined
        for (const { order, outpoint } of batch.members) {
          await this.#deps.dispatch(order.pendingChannelId, { type: 'batch-complete', psbt: batch.psbt, outpoint })
        }
        return { type: 'handed-out' }
      case 'discard':
        // Idempotent: a channel that lnd has forgotten is not to be seen.
        if (batch.tag !== 'burning' || batch.stage !== 'discarding') return undefined
        for (const placed of batch.standing) await this.#abandon(placed, signal)
        return { type: 'discarded' }
      case 'burn':
        // Idempotent by the payout's id.
        return batch.tag === 'burning' ? this.#burn(batch, signal) : undefined
      case 'release':
        // Idempotent: coins that are not locked are not in the list.
        await this.#release(id, signal)
        return undefined
      case 'refuse': {
        // Idempotent: an order that ended ignores it.
        const { pendingChannelId, reason, detail } = effect
        await this.#deps.dispatch(pendingChannelId, { type: 'refused', reason, detail })
        return undefined
      }
    }
  }

  /** All peers are asked at once, under one deadline; whoever answered is in the transaction. */
  async #gather(batch: In<'gathering'>, replayed: boolean, signal: AbortSignal): Promise<BatchEvent> {
    const { negotiation, place } = this.#deps
    const { id, members } = batch
    for (const order of members) await place(order)
    if (replayed || batch.again === true) {
      for (const order of members) await negotiation.cleanUp(order, signal)
      await this.#release(id, signal)
    }
    const answers = await Promise.all(
      members.map(async (order) => ({ order, answer: await this.#askPeer(order, signal) })),
    )
    const refused: RefusedMember[] = []
    const ready: { readonly order: ChannelOrder; readonly template: FundingTemplate }[] = []
    for (const { order, answer } of answers) {
      if ('template' in answer) ready.push({ order, template: answer })
      else refused.push(refusalOf(order, answer))
    }
    if (ready.length === 0) return { type: 'gathered', placed: [], psbt: '', refused }
    try {
      const psbt = await this.#fund(id, ready, signal)
      const placed = ready.map(({ order, template }) => ({ order, outpoint: fundingOutpoint(psbt, template) }))
      return { type: 'gathered', placed, psbt, refused }
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      for (const { order } of ready) await negotiation.cleanUp(order, signal)
      const reason = refusedWith(error, /insufficient|not enough/i) ? 'no-coins' : 'failed'
      const all = ready.map(({ order }) => refusalOf(order, { reason, detail: detailOf(error) }))
      return { type: 'gathered', placed: [], psbt: '', refused: [...refused, ...all] }
    }
  }

  async #askPeer(order: ChannelOrder, signal: AbortSignal) {
    const { clock, negotiation } = this.#deps
    const isOver = order.beginBefore !== undefined && clock.now() >= order.beginBefore
    if (isOver || (await this.#isWithdrawn(order)))
      return { reason: 'failed', detail: 'nobody wants it any more' } as const
    return negotiation.begin(order, signal)
  }

  /** The coins that were claimed for its orders; lnd's own choice when one of them was spent or locked meanwhile. */
  async #fund(
    id: string,
    ready: readonly { readonly order: ChannelOrder; readonly template: FundingTemplate }[],
    signal: AbortSignal,
  ): Promise<string> {
    const { lnd, log } = this.#deps
    const satPerVbyte = Math.max(...ready.map(({ order }) => order.satPerVbyte))
    const outputs = ready.map(({ template: { address, amount } }) => ({ address, amount }))
    const lock = { satPerVbyte, lockId: id, lockSeconds: this.#config.leaseSeconds, outputs }
    const claimed = ready.map(({ order }) => order.coins)
    const inputs = [...new Set(claimed.flatMap((coins) => coins?.inputs ?? []))]
    if (claimed.every((coins) => coins !== undefined) && inputs.length > 0) {
      try {
        const minConfs = Math.min(...claimed.map((coins) => coins?.minConfs ?? this.#config.minConfs))
        return await lnd.fundPsbt({ ...lock, inputs, minConfs }, signal)
      } catch (error) {
        if (!refusedWith(error, /./)) throw error
        log.warn({ batch: id, err: error }, 'claimed coins not to be had, lnd selects')
      }
    }
    return lnd.fundPsbt({ ...lock, minConfs: this.#config.minConfs }, signal)
  }

  /** All verifies at once. What is not there afterwards is proven dead before anything is decided. */
  async #verify(batch: In<'funded'>, replayed: boolean, signal: AbortSignal): Promise<BatchEvent> {
    const { negotiation, log } = this.#deps
    const { id, members, psbt } = batch
    if (!replayed) {
      const gone = members.filter(({ order }) => negotiation.hasEnded(order))
      const detail = 'the client went away before its batch was ready'
      const refused = gone.map(({ order }) => refusalOf(order, { reason: 'client-gone', detail }))
      if (refused.length > 0) return { type: 'thinned', refused }
    }
    const verdicts = await Promise.all(
      members.map(async (placed) => ({ placed, is: await this.#verifyOne(placed, psbt, replayed, signal) })),
    )
    const standing = verdicts.filter(({ is }) => is === 'standing').map(({ placed }) => placed.order)
    const refused = verdicts.flatMap(({ is }) => (typeof is === 'string' ? [] : [is]))
    const gone = new Set(refused.map(({ pendingChannelId }) => pendingChannelId))
    const staying = members.map(({ order }) => order).filter(({ pendingChannelId }) => !gone.has(pendingChannelId))
    const out = [...refused, ...(await this.#unwanted(staying, signal))]
    if (standing.length === members.length && out.length === 0) return { type: 'whole' }
    log.warn({ batch: id, standing: standing.length, of: members.length }, 'a batch lost a member')
    if (standing.length === 0) return { type: 'thinned', refused: out }
    return { type: 'broken', standing: standing.map(({ pendingChannelId }) => pendingChannelId), refused: out }
  }

  async #verifyOne(placed: Placed, psbt: string, replayed: boolean, signal: AbortSignal): Promise<Verdict['is']> {
    const { order, outpoint } = placed
    const found = await this.#deps.negotiation.verifyMember(order, { psbt, outpoint }, replayed, signal)
    switch (found.type) {
      case 'channel-found':
      case 'channel-closing':
        return 'standing'
      case 'channel-closed':
        return 'dead'
      case 'dead':
        // After a crash of ours the peer is not to blame: it is asked again.
        if (replayed) return 'dead'
        return refusalOf(order, { reason: 'client-gone', detail: 'the client did not sign for its channel in time' })
      case 'refused':
        return refusalOf(order, found)
    }
  }

  /** Those whose owners do not want them any more: asked when nothing but the signature is missing. */
  async #unwanted(orders: readonly ChannelOrder[], signal: AbortSignal): Promise<readonly RefusedMember[]> {
    const { mayPublish } = this.#deps
    const unwanted: RefusedMember[] = []
    for (const order of orders) {
      const isWanted = !(await this.#isWithdrawn(order)) && ((await mayPublish?.(order, signal)) ?? true)
      if (!isWanted) unwanted.push(refusalOf(order, { reason: 'failed', detail: 'withdrawn by its owner' }))
    }
    return unwanted
  }

  async #isWithdrawn({ pendingChannelId }: ChannelOrder): Promise<boolean> {
    return (await this.#deps.get(pendingChannelId))?.order.withdrawn === true
  }

  /** Its funding was never signed, so nothing can be in it. The peer keeps a ghost of it (D28). */
  async #abandon({ order, outpoint }: Placed, signal: AbortSignal): Promise<void> {
    const { lnd, closes } = this.#deps
    const sighting = await look(lnd, order, outpoint, signal)
    if (sighting.found === 'open') throw new Error(`channel ${outpoint} is open, and nothing was signed for it`)
    if (sighting.found === 'pending' || sighting.found === 'closing') await closes.abandon(outpoint, signal)
  }

  /** A payment to ourselves takes one of its coins: what was never signed then never can be mined. */
  async #burn(batch: In<'burning'>, signal: AbortSignal): Promise<BatchEvent | undefined> {
    const { lnd, payouts } = this.#deps
    const { id, psbt } = batch
    await this.#release(id, signal)
    if ((await lnd.spends(inputsOfPsbt(psbt), signal)).length > 0) return this.#judgeBurn(batch, signal)
    const name = burnOf(batch)
    if ((await payouts?.get(name)) !== undefined) return undefined
    const [coin] = [...coinsOfPsbt(psbt)].sort((a, b) => (a.amount < b.amount ? 1 : -1))
    if (coin === undefined) throw new Error(`batch ${id} spends nothing`)
    const address = await lnd.newAddress(signal)
    await payouts?.pay({ id: name, owner: `batch:${id}`, address, amount: coin.amount, inputs: [coin.outpoint] })
    return undefined
  }

  async #judgeBurn(batch: In<'burning'>, signal: AbortSignal): Promise<BatchEvent | undefined> {
    const { lnd, payouts } = this.#deps
    const spends = await lnd.spends(inputsOfPsbt(batch.psbt), signal)
    if (spends.some(({ confirmations }) => confirmations > 0)) return { type: 'burnt' }
    if (spends.length > 0) return undefined
    return (await payouts?.get(burnOf(batch)))?.tag === 'abandoned' ? { type: 'burn-failed' } : undefined
  }

  async #release(id: string, signal: AbortSignal): Promise<void> {
    for (const lease of await this.#deps.lnd.listLeases(signal)) {
      if (lease.id === id) await this.#deps.lnd.releaseOutput(lease, signal)
    }
  }
}

function burnOf({ id, round, attempt }: In<'burning'>): string {
  return `burn:${id}:${round}:${attempt}`
}

function refusalOf(
  { pendingChannelId }: ChannelOrder,
  { reason, detail }: Pick<RefusedMember, 'reason' | 'detail'>,
): RefusedMember {
  return { pendingChannelId, reason, detail }
}

function ordersOf(batch: Batch): readonly ChannelOrder[] {
  switch (batch.tag) {
    case 'gathering':
    case 'burning':
      return batch.members
    case 'funded':
    case 'complete':
      return batch.members.map(({ order }) => order)
    case 'done':
      return []
  }
}
