/** Tasks that may wait for their turn; beyond them the oldest runs at once: late is better than lost. */
export const MAX_WAITING_TASKS = 10_000

/**
 * Shares the event loop with those who may not wait: so many tasks run in one turn of it, the others in the turns that
 * follow, in the order in which they came. A task that comes alone runs at once.
 */
export class Turns {
  readonly #perTurn: number
  readonly #waiting: (() => void)[] = []
  #left: number
  #scheduled = false

  /** Tasks must not throw. */
  constructor(perTurn: number) {
    this.#perTurn = perTurn
    this.#left = perTurn
  }

  get waiting(): number {
    return this.#waiting.length
  }

  run(task: () => void): void {
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => this.#turn())
    }
    if (this.#left > 0 && this.#waiting.length === 0) {
      this.#left -= 1
      task()
      return
    }
    this.#waiting.push(task)
    if (this.#waiting.length > MAX_WAITING_TASKS) this.#waiting.shift()?.()
  }

  #turn(): void {
    const due = this.#waiting.splice(0, this.#perTurn)
    this.#left = this.#perTurn - due.length
    this.#scheduled = due.length > 0
    if (this.#scheduled) setImmediate(() => this.#turn())
    for (const task of due) task()
  }
}
