import type { Clock } from '../../lsps/base/clock.ts'
import { refusedWith } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import type { LndPort } from '../lnd/port.ts'
import type { Store } from '../store/port.ts'
import { Table } from '../store/table.ts'
import type { BumpLimits } from './bump.ts'
import { followPayout } from './payout-follow.ts'
import { isTerminal, plan, step } from './payout-machine.ts'
import { arriving, draftOf, lockIdOf, txidOf, usualFee, versionsOf } from './payout-psbt.ts'
import { Payout, PayoutEffect, type PayoutEvent, type PayoutNews, type PayoutOrder } from './payout-states.ts'
import { transactionId } from './psbt.ts'

export type PayoutConfig = {
  /** Seconds that coins stay locked for what is not published; renewed with each block. */
  readonly leaseSeconds: number
  readonly minConfs: number
  readonly confTarget: number
  /** The most that a payout starts with, whatever is estimated; it is hurried along later. */
  readonly maxSatPerVbyte: number
  readonly bumpLimits: BumpLimits
}

/** Which payout is told of, and whom. */
export type PayoutName = Pick<PayoutOrder, 'id' | 'owner'>

export type PayoutDeps = {
  readonly lnd: LndPort
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Tells the owner of a payout what became of it; at least once, resolved when the owner has it on disk. */
  readonly notify: (payout: PayoutName, news: PayoutNews) => Promise<void>
  readonly onFatal: (error: unknown) => void
}

/** Pays from the wallet what is owed to somebody, such as refunds: each payout once, whatever dies when. */
export class PayoutService {
  readonly #deps: PayoutDeps
  readonly #config: PayoutConfig
  readonly #runner: Runner<Payout, PayoutEvent, PayoutEffect>

  constructor(deps: PayoutDeps, config: PayoutConfig) {
    this.#deps = deps
    this.#config = config
    this.#runner = new Runner({
      machine: { name: 'payout', step, isTerminal },
      live: new Table('payout-live', Payout),
      done: new Table('payout-done', Payout),
      outbox: new Table('payout-outbox', PayoutEffect),
      ...deps,
      execute: (effect, context) => this.#execute(effect, context),
    })
  }

  get live(): ReadonlyMap<string, Payout> {
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

  get(id: string): Promise<Payout | undefined> {
    return this.#runner.get(id)
  }

  /** Orders a payout; the same id again is the same payout, whatever else differs. Resolved when it is on disk. */
  async pay(order: PayoutOrder): Promise<void> {
    await this.#runner.create(order.id, plan(order))
  }

  /** A new block. Doing it twice is harmless. */
  async onBlock(signal: AbortSignal): Promise<void> {
    const dispatch = (id: string, event: PayoutEvent) => this.#runner.dispatch(id, event)
    for (const [id, payout] of this.#runner.live) {
      if (payout.tag !== 'signed') continue
      try {
        await followPayout({ ...this.#deps, dispatch }, this.#config, payout, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#deps.log.warn({ payout: id, err: error }, 'payout not followed up, next block tries again')
      }
    }
  }

  async #execute(effect: PayoutEffect, { id, signal }: EffectContext): Promise<PayoutEvent | undefined> {
    const payout = await this.#runner.get(id)
    if (payout === undefined) return undefined
    const { lnd, log } = this.#deps
    switch (effect.type) {
      case 'fund':
        // Idempotent: what an earlier run locked is let go first; nothing of it was on disk, so nothing was signed. What
        // a newer database had signed is found at lnd by its label.
        return payout.tag === 'planned' ? this.#begin(payout, signal) : undefined
      case 'sign':
        // Idempotent: signing the same PSBT again gives the same txid.
        return payout.tag === 'funded' ? this.#sign(payout.draft.psbt, signal) : undefined
      case 'sign-next':
        // Idempotent as above.
        return payout.tag === 'signed' && payout.next !== undefined ? this.#sign(payout.next.psbt, signal) : undefined
      case 'publish': {
        // Idempotent by txid: lnd answers success for what is in the mempool or confirmed.
        if (payout.tag !== 'signed') return undefined
        const raw = payout.versions.at(-1)?.raw ?? ''
        if (payout.versions.length === 1) {
          await lnd.publishTransaction({ raw, label: labelOf(payout.order) }, signal)
          return { type: 'published' }
        }
        // A mempool may keep the version that it has: then that one goes on.
        await lnd.publishTransaction({ raw, label: labelOf(payout.order) }, signal).catch((error: unknown) => {
          if (!refusedWith(error, /./)) throw error
          log.warn({ payout: id, err: error }, 'a dearer transaction of a payout was not taken')
        })
        return undefined
      }
      case 'bump': {
        // Idempotent: lnd keeps one child for an output, and replaces it.
        if (payout.tag !== 'signed') return undefined
        const { change, satPerVbyte, budget } = effect
        const outpoint = `${payout.versions.at(-1)?.txid}:${change}`
        // A refusal is final for this one: the transaction is in a block by now, or lnd does not know the change.
        await lnd.bumpFee({ outpoint, satPerVbyte, budget }, signal).catch((error: unknown) => {
          if (!refusedWith(error, /./)) throw error
          log.warn({ payout: id, outpoint, err: error }, 'payout not hurried along')
        })
        return undefined
      }
      case 'release':
        // Idempotent: coins that are not locked are not in the list.
        await this.#release(id, signal)
        return undefined
      case 'notify':
        // Idempotent at the receiver: its machine ignores news that it has.
        await this.#deps.notify(payout.order, effect.news)
        return undefined
    }
  }

  /** A database that was put back may ask for what was paid already (D16). */
  async #begin({ order, again }: Extract<Payout, { tag: 'planned' }>, signal: AbortSignal): Promise<PayoutEvent> {
    const { lnd, clock, log } = this.#deps
    const earlier = again === true ? [] : await lnd.labelled(labelOf(order), signal)
    const versions = versionsOf(earlier, order)
    if (versions === undefined) return this.#fund(order, signal)
    const txids = versions.map(({ txid }) => txid)
    log.warn({ payout: order.id, txids }, 'a payout was paid by a newer database: nothing is sent again')
    return { type: 'found', versions, at: clock.now() }
  }

  /** What the wallet cannot pay now is owed all the same: it is tried again for ever. */
  async #fund(order: PayoutOrder, signal: AbortSignal): Promise<PayoutEvent> {
    const { lnd } = this.#deps
    const { leaseSeconds, minConfs, maxSatPerVbyte, confTarget } = this.#config
    await this.#release(order.id, signal)
    const estimated = order.satPerVbyte ?? (await lnd.estimateFeerate(confTarget, signal))
    const satPerVbyte = Math.min(Math.max(estimated, 1), maxSatPerVbyte)
    const amount = arriving(order, usualFee(order.address, satPerVbyte))
    if (amount === undefined) return { type: 'abandoned', reason: 'dust' }
    const outputs = [{ address: order.address, amount }]
    const lock = { lockId: lockIdOf(order.id), lockSeconds: leaseSeconds }
    const { inputs } = order
    try {
      const named = inputs === undefined ? { minConfs } : { inputs, minConfs: 0 }
      const psbt = await lnd.fundPsbt({ ...lock, ...named, outputs, satPerVbyte }, signal)
      return { type: 'funded', draft: draftOf(psbt, order, satPerVbyte) }
    } catch (error) {
      const isGone = inputs !== undefined && refusedWith(error, /not found in list of non-locked UTXO/)
      if (!isGone) throw error
      return { type: 'abandoned', reason: 'inputs-gone' }
    }
  }

  async #sign(psbt: string, signal: AbortSignal): Promise<PayoutEvent> {
    const raw = await this.#deps.lnd.finalizePsbt(psbt, signal)
    const txid = transactionId(raw)
    if (txid !== txidOf(psbt)) throw new Error(`signing changed the txid of ${txidOf(psbt)}`)
    return { type: 'signed', txid, raw, at: this.#deps.clock.now() }
  }

  async #release(id: string, signal: AbortSignal): Promise<void> {
    const lockId = lockIdOf(id)
    for (const lease of await this.#deps.lnd.listLeases(signal)) {
      if (lease.id === lockId) await this.#deps.lnd.releaseOutput(lease, signal)
    }
  }
}

/** How it stands in the wallet's list of transactions. */
export function labelOf({ id }: Pick<PayoutOrder, 'id'>): string {
  return `sluice1:payout:${id}`
}
