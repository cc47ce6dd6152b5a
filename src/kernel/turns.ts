/** Tasks that may wait for their turn; beyond them whoever adds one has its oldest run at once: late is better than lost. */
export const MAX_WAITING_TASKS = 10_000

type Task = () => void

/**
 * Shares the event loop with those who may not wait: so many tasks run in one turn of it, the others in the turns that
 * follow. Those who wait take turns as well: one task of each, in the order in which they came, so that nobody stands
 * behind all that another one wants. A task that comes alone runs at once.
 */
export class Turns<Owner> {
  readonly #perTurn: number
  /** Tasks by their owner; the owner whose turn is next stands first. */
  readonly #waiting = new Map<Owner, Task[]>()
  #size = 0
  #left: number
  #scheduled = false

  /** Tasks must not throw. */
  constructor(perTurn: number) {
    this.#perTurn = perTurn
    this.#left = perTurn
  }

  get waiting(): number {
    return this.#size
  }

  /** Tasks of one owner run in the order in which they came. */
  run(owner: Owner, task: Task): void {
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => this.#turn())
    }
    if (this.#left > 0 && this.#size === 0) {
      this.#left -= 1
      task()
      return
    }
    const own = this.#waiting.get(owner)
    if (own === undefined) this.#waiting.set(owner, [task])
    else own.push(task)
    this.#size += 1
    if (this.#size > MAX_WAITING_TASKS) this.#take(owner)?.()
  }

  #turn(): void {
    const due: Task[] = []
    for (const owner of this.#waiting.keys()) {
      if (due.length === this.#perTurn) break
      const task = this.#take(owner)
      if (task !== undefined) due.push(task)
    }
    this.#left = this.#perTurn - due.length
    this.#scheduled = due.length > 0
    if (this.#scheduled) setImmediate(() => this.#turn())
    for (const task of due) task()
  }

  /** The owner's oldest task; the owner goes to the end of those who wait. */
  #take(owner: Owner): Task | undefined {
    const own = this.#waiting.get(owner)
    const task = own?.shift()
    if (own === undefined || task === undefined) return undefined
    this.#size -= 1
    this.#waiting.delete(owner)
    if (own.length > 0) this.#waiting.set(owner, own)
    return task
  }
}
