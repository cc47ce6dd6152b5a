/** Runs tasks of the same key one after the other, in the order of the calls; tasks of different keys do not wait. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>()

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const result = before === undefined ? task() : before.then(task, task)
    const tail: Promise<void> = result.then(
      () => this.#release(key, tail),
      () => this.#release(key, tail),
    )
    this.#tails.set(key, tail)
    return result
  }

  /** Keys with a running or waiting task. */
  get size(): number {
    return this.#tails.size
  }

  #release(key: string, tail: Promise<unknown>): void {
    if (this.#tails.get(key) === tail) this.#tails.delete(key)
  }
}
