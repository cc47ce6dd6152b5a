import type { Passage, Session, Stages } from './stages.ts'

/** lnd queues events without a bound; here a reader that is so far behind is a bug of the test. */
const MAX_QUEUED = 1_000_000
const NEVER_ABORTED = new AbortController().signal

/**
 * Carries things in order from one side of the connection to the other, in a later promise job (so that nobody's
 * callback runs inside somebody else's call), through a stage when stages are watched.
 */
export class Lane<T> {
  readonly #deliver: (item: T) => void
  readonly #stages: Stages
  readonly #session: Session
  readonly #name: string
  readonly #onError: (error: unknown) => void
  readonly #stage: Passage['stage']
  #items: T[] = []
  #running = false
  #closed = false

  constructor(options: {
    readonly name: string
    readonly stage: Passage['stage']
    readonly stages: Stages
    readonly session: Session
    readonly deliver: (item: T) => void
    /** `deliver` threw. */
    readonly onError: (error: unknown) => void
  }) {
    this.#name = options.name
    this.#stage = options.stage
    this.#stages = options.stages
    this.#session = options.session
    this.#deliver = options.deliver
    this.#onError = options.onError
  }

  push(item: T): void {
    if (this.#closed) return
    if (this.#items.length >= MAX_QUEUED) throw new RangeError(`${this.#name}: more than ${MAX_QUEUED} queued`)
    this.#items.push(item)
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => void this.#drain())
  }

  close(): void {
    this.#closed = true
    this.#items = []
  }

  async #drain(): Promise<void> {
    while (this.#items.length > 0) {
      const batch = this.#items
      this.#items = []
      for (const item of batch) {
        if (this.#stages.active) await this.#watch()
        if (this.#closed || !this.#session.alive) break
        this.#hand(item)
      }
    }
    this.#running = false
  }

  #hand(item: T): void {
    try {
      this.#deliver(item)
    } catch (error) {
      this.#onError(error)
    }
  }

  /** A stage of an event may be delayed or kill the client; an event cannot be refused, so a loss is a delay of 0. */
  async #watch(): Promise<void> {
    const n = this.#stages.use(this.#name)
    const passage = { call: this.#name, stage: this.#stage, n }
    await this.#stages.pass(this.#session, passage, NEVER_ABORTED).catch(() => undefined)
  }
}
