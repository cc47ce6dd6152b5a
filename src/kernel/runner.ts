import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Step } from '../../lsps/base/machine.ts'
import type { Store, Write } from '../store/port.ts'
import { Deadlines } from './deadlines.ts'
import { KeyedLock } from './keyed-lock.ts'
import type { Log } from './log.ts'
import { Outbox, type OutboxEntry } from './outbox.ts'

/** A pure machine and what the runner must know about its states. */
export type Machine<State, Event extends { readonly type: string }, Effect, Money> = {
  /** Names the tables: `<name>-live`, `<name>-done`, `<name>-outbox`. */
  readonly name: string
  readonly step: (state: State, event: Event) => Step<State, Effect, Money>
  readonly isTerminal: (state: State) => boolean
  /** For machines that must hear of the passing of time: when the state is due, and the event it then gets. */
  readonly time?: {
    readonly dueAt: (state: State) => Timestamp | undefined
    readonly event: (at: Timestamp) => Event
  }
}

/** Records of one kind: encoding, decoding, deleting. `store/table` is one. */
export type RecordTable<Value> = {
  readonly name: string
  put(key: string, value: Value): Write
  del(key: string): Write
  get(store: Store, key: string): Promise<Value | undefined>
  entries(store: Store): AsyncIterable<readonly [key: string, value: Value]>
}

/** What an effect's executor is told besides the effect. */
export type EffectContext = {
  readonly id: string
  /** It may have been executed before, wholly or partly: look before acting again. */
  readonly replayed: boolean
  readonly signal: AbortSignal
}

export type RunnerOptions<State, Event extends { readonly type: string }, Effect, Money> = {
  readonly machine: Machine<State, Event, Effect, Money>
  readonly live: RecordTable<State>
  readonly done: RecordTable<State>
  readonly outbox: RecordTable<Effect>
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Does one effect; its outcome, if any, is an event that is committed together with the end of the effect. */
  readonly execute: (effect: Effect, context: EffectContext) => Promise<Event | undefined>
  /** Further writes that become true with a step: journal, flight record. */
  readonly alongside?: (
    id: string,
    before: State | undefined,
    after: State,
    event: Event | undefined,
    step: Step<State, Effect, Money>,
  ) => readonly Write[]
  /**
   * Called when the commit of a step is on its way to the disk and not there yet. What others commit from here on is on
   * disk only if this is: the store keeps the order of the calls. Must not throw, and not act on it in any other way.
   */
  readonly onWriting?: (before: State | undefined, after: State, effects: readonly Effect[]) => void
  /** Called after each commit, in commit order per entity. Must not throw. */
  readonly onCommitted?: (id: string, before: State | undefined, state: State, terminal: boolean) => void
  /** A commit failed: the process must stop now. */
  readonly onFatal: (error: unknown) => void
}

/**
 * Holds the live entities of one machine in memory and makes every change durable before anybody acts on it: lock the
 * entity, step, commit state, outbox and journal in one synced batch, then let the effects run.
 */
export class Runner<State, Event extends { readonly type: string }, Effect, Money = never> {
  readonly #options: RunnerOptions<State, Event, Effect, Money>
  readonly #lock = new KeyedLock()
  readonly #live = new Map<string, State>()
  readonly #deadlines: Deadlines
  readonly #outbox: Outbox<Effect, Event>

  constructor(options: RunnerOptions<State, Event, Effect, Money>) {
    this.#options = options
    this.#deadlines = new Deadlines(options.clock, (id) => this.#onDue(id))
    this.#outbox = new Outbox<Effect, Event>({
      table: options.outbox,
      clock: options.clock,
      log: options.log,
      execute: options.execute,
      complete: (entry, event) => this.#complete(entry, event),
      onFatal: options.onFatal,
    })
  }

  /** Live entities by id. */
  get live(): ReadonlyMap<string, State> {
    return this.#live
  }

  get outboxDepth(): number {
    return this.#outbox.depth
  }

  /** Reads all live entities and effects from disk; nothing runs before `start`. Until then it may be read anew. */
  async load(): Promise<void> {
    const { live, store } = this.#options
    this.#live.clear()
    for await (const [id, state] of live.entries(store)) this.#live.set(id, state)
    await this.#outbox.load(store)
  }

  /** Starts effects and deadlines; the promise ends when the signal has aborted and every effect has stopped. */
  start(signal: AbortSignal): Promise<void> {
    for (const [id, state] of this.#live) this.#deadlines.set(id, this.#dueAt(state))
    return Promise.all([this.#outbox.run(signal), this.#deadlines.run(signal)]).then(() => undefined)
  }

  /** The entity's state, live or finished. */
  async get(id: string): Promise<State | undefined> {
    return this.#live.get(id) ?? (await this.#options.done.get(this.#options.store, id))
  }

  /** Creates the entity once; a second call for the same id changes nothing and returns what is there. */
  create(id: string, first: Step<State, Effect, Money>): Promise<State> {
    return this.#lock.run(id, async () => {
      const existing = await this.get(id)
      if (existing !== undefined) return existing
      return this.#commit(id, undefined, first, undefined)
    })
  }

  /** As `create`, for an id that the caller knows to be new: spares looking among the finished. */
  createNew(id: string, first: Step<State, Effect, Money>): Promise<State> {
    return this.#lock.run(id, async () => this.#live.get(id) ?? this.#commit(id, undefined, first, undefined))
  }

  /** Steps a live entity. Undefined when there is none: finished entities get no events. */
  dispatch(id: string, event: Event): Promise<State | undefined> {
    return this.#lock.run(id, () => this.#step(id, event, []))
  }

  /** As `dispatch`, also of a finished entity: an event that makes it unfinished again makes it live. */
  wake(id: string, event: Event): Promise<State | undefined> {
    return this.#lock.run(id, async () => {
      const before = await this.get(id)
      return before === undefined ? undefined : this.#stepFrom(id, before, event, [])
    })
  }

  /**
   * Deletes a finished entity, with `writes` in the same commit. False, and nothing is written, when it lives (again):
   * whoever found it finished may be late.
   */
  forget(id: string, writes: readonly Write[]): Promise<boolean> {
    return this.#lock.run(id, async () => {
      if (this.#live.has(id)) return false
      await this.#write([this.#options.done.del(id), ...writes])
      return true
    })
  }

  #complete(entry: OutboxEntry<Effect>, event: Event | undefined): Promise<void> {
    const ended = this.#options.outbox.del(entry.key)
    return this.#lock.run(entry.id, async () => {
      if (event === undefined || !this.#live.has(entry.id)) await this.#write([ended])
      else await this.#step(entry.id, event, [ended])
    })
  }

  async #step(id: string, event: Event, writes: readonly Write[]): Promise<State | undefined> {
    const before = this.#live.get(id)
    return before === undefined ? undefined : this.#stepFrom(id, before, event, writes)
  }

  async #stepFrom(id: string, before: State, event: Event, writes: readonly Write[]): Promise<State> {
    const { machine, log } = this.#options
    const step = machine.step(before, event)
    if (step.ignored === undefined) return this.#commit(id, before, step, event, writes)
    // Its type only: what peers say may carry what no log shows.
    log.debug({ machine: machine.name, id, event: event.type, ignored: step.ignored }, 'event ignored')
    if (writes.length > 0) await this.#write(writes)
    this.#deadlines.set(id, this.#dueAt(before))
    return before
  }

  async #commit(
    id: string,
    before: State | undefined,
    step: Step<State, Effect, Money>,
    event: Event | undefined,
    writes: readonly Write[] = [],
  ): Promise<State> {
    const { machine, live, done, alongside, onWriting, onCommitted } = this.#options
    const { state } = step
    const terminal = machine.isTerminal(state)
    const entries = this.#outbox.entriesFor(id, step.effects)
    const wasLive = this.#live.has(id)
    const woken = before !== undefined && !wasLive
    const moved = terminal
      ? [done.put(id, state), ...(wasLive ? [live.del(id)] : [])]
      : [live.put(id, state), ...(woken ? [done.del(id)] : [])]
    const written = this.#write([
      ...moved,
      ...entries.map((entry) => this.#options.outbox.put(entry.key, entry.effect)),
      ...writes,
      ...(alongside?.(id, before, state, event, step) ?? []),
    ])
    onWriting?.(before, state, step.effects)
    await written
    if (terminal) this.#live.delete(id)
    else this.#live.set(id, state)
    this.#deadlines.set(id, terminal ? undefined : this.#dueAt(state))
    onCommitted?.(id, before, state, terminal)
    this.#outbox.add(entries)
    return state
  }

  async #write(writes: readonly Write[]): Promise<void> {
    try {
      await this.#options.store.commit(writes)
    } catch (error) {
      this.#options.onFatal(error)
      throw error
    }
  }

  #dueAt(state: State): Timestamp | undefined {
    return this.#options.machine.time?.dueAt(state)
  }

  #onDue(id: string): void {
    const { machine, clock, log } = this.#options
    if (machine.time === undefined) return
    this.dispatch(id, machine.time.event(clock.now())).catch((error: unknown) => {
      log.error({ machine: machine.name, id, err: error }, 'deadline not handled')
    })
  }
}
