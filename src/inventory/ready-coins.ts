import type { Clock } from '../../lsps/base/clock.ts'
import type { Entropy } from '../kernel/entropy.ts'
import { refusedWith, SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import type { LndPort } from '../lnd/port.ts'
import type { Store } from '../store/port.ts'
import { Table } from '../store/table.ts'
import type { Inventory } from './inventory.ts'
import { isSplitOver, planned, stepSplit } from './split-machine.ts'
import { isReady, planSplit, type ReadyCoinsConfig } from './split-plan.ts'
import { Split, SplitEffect, type SplitEvent, type SplitPlan } from './split-states.ts'

const ID_BYTES = 32
/** So deep in the chain a transaction that spent one of our inputs is final: the split can never confirm. */
const FINAL_CONFIRMATIONS = 6

export type ReadyCoinsDeps = {
  readonly lnd: Pick<
    LndPort,
    | 'newAddress'
    | 'fundPsbt'
    | 'finalizePsbt'
    | 'publishTransaction'
    | 'confirmations'
    | 'spends'
    | 'listLeases'
    | 'leaseOutput'
    | 'releaseOutput'
  >
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly onFatal: (error: unknown) => void
  readonly inventory: Pick<Inventory, 'followSplit' | 'freeCoins' | 'isSplitting'>
  readonly feerate: () => number | undefined
  /** Of a signed transaction in hex, in block-explorer byte order. */
  readonly transactionId: (raw: string) => string
}

export type ReadyCoinsOptions = ReadyCoinsConfig & {
  /** Seconds that coins of an unconfirmed split stay locked; renewed with each block. */
  readonly leaseSeconds: number
}

/**
 * Keeps coins of one size ready by splitting larger ones ahead, so that openings at once do not wait for each other's
 * change. One split at a time, under a name of its own that is on disk before lnd hears of it: a process that dies goes
 * on with the same one, and never makes a second.
 */
export class ReadyCoins {
  readonly #deps: ReadyCoinsDeps
  readonly #options: ReadyCoinsOptions
  readonly #runner: Runner<Split, SplitEvent, SplitEffect>

  constructor(deps: ReadyCoinsDeps, options: ReadyCoinsOptions) {
    this.#deps = deps
    this.#options = options
    this.#runner = new Runner<Split, SplitEvent, SplitEffect>({
      machine: { name: 'split', step: stepSplit, isTerminal: isSplitOver },
      live: new Table('split-live', Split),
      done: new Table('split-done', Split),
      outbox: new Table('split-outbox', SplitEffect),
      store: deps.store,
      clock: deps.clock,
      log: deps.log,
      onFatal: deps.onFatal,
      execute: (effect, context) => this.#execute(effect, context),
      onCommitted: (_id, _before, split) => this.#follow(split),
    })
  }

  get live(): ReadonlyMap<string, Split> {
    return this.#runner.live
  }

  get outboxDepth(): number {
    return this.#runner.outboxDepth
  }

  async load(): Promise<void> {
    await this.#runner.load()
    for (const split of this.#runner.live.values()) this.#follow(split)
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#runner.start(signal)
  }

  /** What is known of the wallet is new: splits if too few coins are ready. Claims its coins in this very tick. */
  plan(): void {
    const satPerVbyte = this.#deps.feerate()
    const { inventory } = this.#deps
    if (this.#options.count === 0 || satPerVbyte === undefined || inventory.isSplitting) return
    const split = planSplit(inventory.freeCoins(), this.#options, satPerVbyte)
    if (split === undefined) return
    const id = Buffer.from(this.#deps.entropy(ID_BYTES)).toString('hex')
    const { inputs, outputs, fee } = split
    inventory.followSplit(id, { inputs, stage: 'decided' })
    this.#deps.log.info({ split: id, outputs, feeSat: `${fee}` }, 'splitting coins ahead')
    const plan = { id, inputs: [...inputs], outputs, size: this.#options.size, satPerVbyte }
    this.#runner
      .create(id, planned(plan))
      .catch((error: unknown) => this.#deps.log.error({ split: id, err: error }, 'split not begun'))
  }

  /** A new block: publishes again what is in none, keeps its coins locked meanwhile. Doing it twice is harmless. */
  async onBlock(signal: AbortSignal): Promise<void> {
    for (const [id, split] of this.#runner.live) {
      if (split.tag !== 'signed') continue
      try {
        const event = await this.#judge(split, signal)
        if (event !== undefined) await this.#runner.dispatch(id, event)
      } catch (error) {
        if (signal.aborted) return
        this.#deps.log.warn({ split: id, err: error }, 'split not followed up, next block tries again')
      }
    }
  }

  report(): { readonly wanted: number; readonly size: bigint; readonly ready: number; readonly coming: number } {
    const { count, size } = this.#options
    const ready = this.#deps.inventory.freeCoins().filter((coin) => isReady(coin, this.#options)).length
    const coming = [...this.#runner.live.values()].reduce((sum, { plan }) => sum + plan.outputs, 0)
    return { wanted: count, size, ready, coming }
  }

  #follow(split: Split): void {
    const { id, inputs } = split.plan
    const stage = isSplitOver(split) ? 'over' : split.tag === 'planned' ? 'decided' : 'locked'
    this.#deps.inventory.followSplit(id, { inputs, stage })
  }

  async #execute(effect: SplitEffect, { id, replayed, signal }: EffectContext): Promise<SplitEvent | undefined> {
    const split = await this.#runner.get(id)
    if (split === undefined) return undefined
    switch (effect.type) {
      case 'fund':
        // Idempotent: what an earlier run locked is let go first; nothing of it was on disk, so nothing was signed.
        return split.tag === 'planned' ? this.#fund(split.plan, replayed, signal) : undefined
      case 'sign': {
        // Idempotent: signing the same PSBT again gives the same txid.
        if (split.tag !== 'funded') return undefined
        const raw = await this.#deps.lnd.finalizePsbt(split.psbt, signal)
        return { type: 'signed', raw, txid: this.#deps.transactionId(raw) }
      }
      case 'publish':
        // Idempotent by txid. What no mempool takes now is tried again with each block.
        if (split.tag !== 'signed') return undefined
        await this.#publish(split, signal)
        return undefined
      case 'release':
        // Idempotent: coins that are not locked are not in the list.
        await this.#release(id, signal)
        return undefined
    }
  }

  async #fund(plan: SplitPlan, replayed: boolean, signal: AbortSignal): Promise<SplitEvent> {
    const { lnd } = this.#deps
    if (replayed) await this.#release(plan.id, signal)
    const outputs = []
    for (let made = 0; made < plan.outputs; made += 1) {
      outputs.push({ address: await lnd.newAddress(signal), amount: plan.size })
    }
    const { id: lockId, inputs, satPerVbyte } = plan
    const { leaseSeconds: lockSeconds, minConfs } = this.#options
    try {
      const psbt = await lnd.fundPsbt({ outputs, inputs, satPerVbyte, lockId, lockSeconds, minConfs }, signal)
      return { type: 'funded', psbt }
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      return { type: 'refused', why: detailOf(error) }
    }
  }

  /** False when no mempool takes it. */
  async #publish({ plan, raw }: Extract<Split, { tag: 'signed' }>, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#deps.lnd.publishTransaction({ raw, label: `sluice1:split:${plan.id}` }, signal)
      return true
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      this.#deps.log.warn({ split: plan.id, err: error }, 'split not taken by the mempool, next block tries again')
      return false
    }
  }

  async #judge(split: Extract<Split, { tag: 'signed' }>, signal: AbortSignal): Promise<SplitEvent | undefined> {
    const { lnd } = this.#deps
    if (((await lnd.confirmations(split.txid, signal)) ?? 0) > 0) return { type: 'confirmed' }
    for (const lease of await lnd.listLeases(signal)) {
      if (lease.id === split.plan.id) await lnd.leaseOutput({ ...lease, seconds: this.#options.leaseSeconds }, signal)
    }
    if (await this.#publish(split, signal)) return undefined
    const spends = await lnd.spends(split.plan.inputs, signal)
    const rival = spends.find((spend) => spend.txid !== split.txid && spend.confirmations >= FINAL_CONFIRMATIONS)
    return rival && { type: 'conflicted', spentBy: rival.txid }
  }

  async #release(id: string, signal: AbortSignal): Promise<void> {
    for (const lease of await this.#deps.lnd.listLeases(signal)) {
      if (lease.id === id) await this.#deps.lnd.releaseOutput(lease, signal)
    }
  }
}

function detailOf(error: unknown): string {
  if (error instanceof SidecarError && 'detail' in error.failure) return error.failure.detail
  return String(error)
}
