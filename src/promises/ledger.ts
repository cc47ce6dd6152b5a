import type { Clock } from '../../lsps/base/clock.ts'
import { formatDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Log } from '../kernel/log.ts'
import type { LndPort, Outpoint } from '../lnd/port.ts'
import type { Store, Write } from '../store/port.ts'
import { brokenPromises, endedKey, endedPromises, livePromises } from './records.ts'
import { type EndedPromise, isOver, type LifetimePromise, type Moment, type Source, untilHeight } from './states.ts'
import { lookFor, observe } from './watch.ts'

/** From so many confirmations on the block of a funding is not looked for again. */
export const DEEP_CONFIRMATIONS = 6
/** Fundings whose block is looked for at one block; others wait for the next one. Until it is found nothing is over. */
export const MAX_LOOKED_UP = 200
/** Changes of one look that are committed together. */
const MAX_WRITTEN_AT_ONCE = 500
/** Broken promises that are kept in memory for the status, the newest ones. */
export const MAX_BROKEN_KEPT = 100

export type PromisesDeps = {
  readonly lnd: Pick<LndPort, 'listChannels' | 'pendingChannels' | 'closedChannels' | 'confirmations'>
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Writes that tell people of a close that came before its time: flight record and decisions. */
  readonly recordEarly: (early: EarlyClose) => readonly Write[]
}

/** A channel closes, or was closed, before its promise was over. `by` is known at its end. */
export type EarlyClose = { readonly promise: LifetimePromise; readonly at: Timestamp; readonly ended?: EndedPromise }

/** What is promised of a channel that was sold and paid for. */
export type NewPromise = {
  readonly outpoint: Outpoint
  readonly peer: NodeId
  readonly source: Source
  /** After the confirmation of its funding. */
  readonly blocks: number
  readonly notBefore?: Timestamp
  /** When it was paid for; left out: now. */
  readonly madeAt?: Timestamp
}

/** A longer life, paid for by this order: the height until which the channel stays, and a time where one was told. */
export type NewExtension = {
  readonly outpoint: Outpoint
  readonly order: string
  readonly blocks: number
  readonly untilHeight: number
  readonly notBefore?: Timestamp
}

/**
 * The ledger of what we owe: how long each channel that was sold and paid for stays open. A channel whose fee was never
 * earned has no promise, and so no row: it may be taken back. Writes are values for the commit of what they follow from;
 * they count from the call on, since a failed commit ends the process, and must be committed in the same tick.
 */
export class Promises {
  readonly #deps: PromisesDeps
  readonly #live = new Map<Outpoint, LifetimePromise>()
  /** Broken by our side, the oldest first. */
  #broken: EndedPromise[] = []
  #height = 0
  /** How many of those that are not deep were looked up in this round. */
  #lookedUp = 0

  constructor(deps: PromisesDeps) {
    this.#deps = deps
  }

  get live(): ReadonlyMap<Outpoint, LifetimePromise> {
    return this.#live
  }

  /** Promises that our side broke, the newest `MAX_BROKEN_KEPT` of them, oldest first. */
  get broken(): readonly EndedPromise[] {
    return this.#broken
  }

  async load(): Promise<void> {
    const { store } = this.#deps
    this.#live.clear()
    for await (const [outpoint, promise] of livePromises.entries(store)) this.#live.set(outpoint, promise)
    this.#broken = []
    for await (const [, ended] of brokenPromises.entries(store, { reverse: true, limit: MAX_BROKEN_KEPT })) {
      this.#broken.unshift(ended)
    }
  }

  /** Ended ones, the newest first. */
  async *ended(): AsyncIterable<EndedPromise> {
    for await (const [, ended] of endedPromises.entries(this.#deps.store, { reverse: true })) yield ended
  }

  /** The chain has come so far. Before it is known nothing is over. */
  setHeight(height: number): void {
    this.#height = Math.max(this.#height, height)
  }

  get moment(): Moment {
    return { height: this.#height, now: this.#deps.clock.now() }
  }

  /** Of the same channel again: nothing, it has its promise. */
  entry({ madeAt = this.#deps.clock.now(), ...made }: NewPromise): readonly Write[] {
    if (this.#live.has(made.outpoint)) return []
    return this.#put({ ...made, extensions: [], madeAt })
  }

  /** The same order again, or a channel without a row: nothing. A promise never becomes shorter. */
  extend({ outpoint, order, blocks, untilHeight: wanted, notBefore }: NewExtension): readonly Write[] {
    const promise = this.#live.get(outpoint)
    if (promise === undefined || promise.extensions.some((extension) => extension.order === order)) return []
    const now = untilHeight(promise)
    // All the blocks that were paid for, also when another extension of it was paid meanwhile.
    const more = now === undefined ? blocks : Math.max(blocks, wanted - now)
    const later = Math.max(promise.notBefore ?? 0, notBefore ?? 0) as Timestamp
    return this.#put({
      ...promise,
      blocks: promise.blocks + more,
      ...(later === 0 ? {} : { notBefore: later }),
      extensions: [...promise.extensions, { order, blocks, at: this.#deps.clock.now() }],
    })
  }

  /**
   * The guard that each close of ours has to pass: why the channel must stay; undefined when we may close it. A channel
   * without a row was never paid for, or is none that was sold here.
   */
  keeps(outpoint: Outpoint): string | undefined {
    const promise = this.#live.get(outpoint)
    if (promise === undefined || isOver(promise, this.moment)) return undefined
    return describePromise(promise)
  }

  /** A new block: where fundings stand, and which channels closed. Doing it twice is harmless. */
  async onBlock(height: number, signal: AbortSignal): Promise<void> {
    this.setHeight(height)
    if (this.#live.size === 0) return
    try {
      await this.#confirm(height, signal)
      await this.#watch(signal)
    } catch (error) {
      if (!signal.aborted) this.#deps.log.warn({ err: error }, 'promises not looked at, next block tries again')
    }
  }

  /** The highest block that a funding was seen in counts: after a reorganisation the promise lasts longer, never shorter. */
  async #confirm(height: number, signal: AbortSignal): Promise<void> {
    const found = new Map<Outpoint, number>()
    for (const outpoint of this.#notDeep()) {
      const confirmations = await this.#deps.lnd.confirmations(outpoint.split(':')[0] ?? '', signal)
      if (confirmations !== undefined && confirmations > 0) found.set(outpoint, confirmations)
    }
    await this.#change([...found.keys()], (promise) => {
      const confirmations = found.get(promise.outpoint) ?? 0
      const fromHeight = Math.max(promise.fromHeight ?? 0, height - confirmations + 1)
      const isDeep = confirmations >= DEEP_CONFIRMATIONS
      if (fromHeight === promise.fromHeight && !isDeep) return []
      return this.#put({ ...promise, fromHeight, ...(isDeep ? { deep: true } : {}) })
    })
  }

  /** Those whose block may still change, in turns. */
  #notDeep(): readonly Outpoint[] {
    const all = [...this.#live.values()].filter(({ deep }) => deep === undefined).map(({ outpoint }) => outpoint)
    const first = this.#lookedUp < all.length ? this.#lookedUp : 0
    const some = all.slice(first, first + MAX_LOOKED_UP)
    this.#lookedUp = first + some.length
    return some
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const wanted = [...this.#live.keys()]
    const look = await lookFor(this.#deps.lnd, wanted, signal)
    await this.#change(wanted, (promise) => {
      const outcome = observe(promise, look, this.moment)
      switch (outcome.type) {
        case 'same':
          return []
        case 'noted':
          return this.#put(outcome.promise)
        case 'closing':
          return [...this.#put(outcome.promise), ...this.#tellClosing(outcome.promise, outcome.early)]
        case 'ended':
          return this.#end(outcome.ended)
      }
    })
  }

  /** Each change is decided by the row as it is now, and handed to the store in the same tick: some hundreds at a time. */
  async #change(outpoints: readonly Outpoint[], change: (promise: LifetimePromise) => readonly Write[]): Promise<void> {
    for (let first = 0; first < outpoints.length; first += MAX_WRITTEN_AT_ONCE) {
      const writes = outpoints.slice(first, first + MAX_WRITTEN_AT_ONCE).flatMap((outpoint) => {
        const promise = this.#live.get(outpoint)
        return promise === undefined ? [] : change(promise)
      })
      if (writes.length > 0) await this.#deps.store.commit(writes)
    }
  }

  #put(promise: LifetimePromise): readonly Write[] {
    this.#live.set(promise.outpoint, promise)
    return [livePromises.put(promise.outpoint, promise)]
  }

  #tellClosing(promise: LifetimePromise, early: boolean): readonly Write[] {
    if (!early) return []
    const { log, clock, recordEarly } = this.#deps
    const { outpoint, peer } = promise
    log.warn({ outpoint, peer, promised: describePromise(promise) }, 'a channel closes before its promise is over')
    return recordEarly({ promise, at: clock.now() })
  }

  #end(ended: EndedPromise): readonly Write[] {
    const { promise, at, by, early, closeType } = ended
    const { outpoint, peer } = promise
    this.#live.delete(outpoint)
    const key = endedKey(at, outpoint)
    const moved = [livePromises.del(outpoint), endedPromises.put(key, ended)]
    const fields = { outpoint, peer, by, closeType, promised: describePromise(promise) }
    if (!early) {
      this.#deps.log.info(fields, 'a channel whose promise was over is closed')
      return moved
    }
    const told = [...moved, ...this.#deps.recordEarly({ promise, at, ended })]
    if (by === 'peer') {
      this.#deps.log.info(fields, 'a peer closed its channel before our promise was over')
      return told
    }
    this.#broken = [...this.#broken, ended].slice(-MAX_BROKEN_KEPT)
    this.#deps.log.error(fields, 'a promise is broken: a channel was closed before its time, and not by its peer')
    return [...told, brokenPromises.put(key, ended)]
  }
}

/** For example `promised by sale 16123456x7x8 until block 904320`. */
export function describePromise(promise: LifetimePromise): string {
  const { source, blocks, notBefore } = promise
  const until = untilHeight(promise)
  const end = until === undefined ? `${blocks} blocks after its confirmation` : `block ${until}`
  const time = notBefore === undefined ? '' : `, and until ${formatDatetime(notBefore)}`
  return `promised by ${source.type === 'jit' ? 'sale' : 'order'} ${source.id} until ${end}${time}`
}
