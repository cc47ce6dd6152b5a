import type { Clock } from '../../lsps/base/clock.ts'
import type { Store } from '../store/port.ts'
import { SidecarError } from './errors.ts'
import type { Log } from './log.ts'
import type { EffectContext, RecordTable } from './runner.ts'

/** Pauses between attempts of one effect: doubling from the first to the last. An effect is never given up. */
export const FIRST_RETRY_MS = 100
export const LONGEST_RETRY_MS = 10_000
/** Digits of the sequence number in an outbox key, so that keys sort by it. */
const SEQUENCE_DIGITS = 12

export type OutboxEntry<Effect> = {
  readonly key: string
  readonly id: string
  readonly effect: Effect
  /** Loaded from disk: an earlier process may have executed it. */
  readonly loaded: boolean
}

export type OutboxOptions<Effect, Event> = {
  readonly table: RecordTable<Effect>
  readonly clock: Clock
  readonly log: Log
  readonly execute: (effect: Effect, context: EffectContext) => Promise<Event | undefined>
  readonly complete: (entry: OutboxEntry<Effect>, event: Event | undefined) => Promise<void>
  readonly onFatal: (error: unknown) => void
}

/**
 * Effects that are owed. Each was committed together with the state that wants it, runs at least once, and leaves the
 * disk in the commit of its outcome. Effects do not wait for each other: a machine that wants an order asks for the
 * next effect when it hears of the last one. Their number is bounded by the live entities, a few each.
 */
export class Outbox<Effect, Event> {
  readonly #options: OutboxOptions<Effect, Event>
  readonly #waiting: OutboxEntry<Effect>[] = []
  readonly #running = new Set<Promise<void>>()
  #sequence = 0
  #signal: AbortSignal | undefined

  constructor(options: OutboxOptions<Effect, Event>) {
    this.#options = options
  }

  get depth(): number {
    return this.#waiting.length + this.#running.size
  }

  async load(store: Store): Promise<void> {
    this.#waiting.length = 0
    for await (const [key, effect] of this.#options.table.entries(store)) {
      const [id = '', sequence = '0'] = key.split('/')
      this.#sequence = Math.max(this.#sequence, Number(sequence))
      this.#waiting.push({ key, id, effect, loaded: true })
    }
  }

  /** Gives new effects their names; they start to exist when the caller commits them. */
  entriesFor(id: string, effects: readonly Effect[]): readonly OutboxEntry<Effect>[] {
    return effects.map((effect) => {
      this.#sequence += 1
      return { key: `${id}/${this.#sequence.toString().padStart(SEQUENCE_DIGITS, '0')}`, id, effect, loaded: false }
    })
  }

  /** Hands over committed effects. */
  add(entries: readonly OutboxEntry<Effect>[]): void {
    for (const entry of entries) {
      if (this.#signal === undefined) this.#waiting.push(entry)
      else this.#launch(entry, this.#signal)
    }
  }

  /** Executes until the signal aborts; resolves when the last running effect has stopped. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    for (const entry of this.#waiting.splice(0)) this.#launch(entry, signal)
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  #launch(entry: OutboxEntry<Effect>, signal: AbortSignal): void {
    if (signal.aborted) return
    const task: Promise<void> = this.#perform(entry, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) this.#options.onFatal(error)
      })
      .finally(() => this.#running.delete(task))
    this.#running.add(task)
  }

  async #perform(entry: OutboxEntry<Effect>, signal: AbortSignal): Promise<void> {
    const { execute, complete, clock, log } = this.#options
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      let outcome: Event | undefined
      try {
        outcome = await execute(entry.effect, { id: entry.id, replayed: entry.loaded || attempt > 0, signal })
      } catch (error) {
        if (signal.aborted) return
        const retryMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 20), LONGEST_RETRY_MS)
        const expected = error instanceof SidecarError && error.retryable
        const fields = { effect: entry.key, kind: entry.effect, attempt, retryMs, err: error }
        if (expected) log.warn(fields, 'effect will be tried again')
        else log.error(fields, 'effect failed, will be tried again')
        await clock.sleep(retryMs, signal).catch(() => undefined)
        continue
      }
      if (signal.aborted) return
      return complete(entry, outcome)
    }
  }
}
