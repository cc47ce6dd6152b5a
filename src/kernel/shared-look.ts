/**
 * One question to lnd at a time, for any number of askers. Whoever asks while it is under way shares the next one: an
 * answer is never older than the question it is given to.
 */
export class SharedLook<T> {
  readonly #ask: (signal: AbortSignal) => Promise<T>
  #running: Promise<T> | undefined
  #next: Promise<T> | undefined

  constructor(ask: (signal: AbortSignal) => Promise<T>) {
    this.#ask = ask
  }

  ask(signal: AbortSignal): Promise<T> {
    if (this.#running === undefined) return this.#start(signal)
    this.#next ??= this.#running.then(
      () => this.#start(signal),
      () => this.#start(signal),
    )
    return this.#next
  }

  #start(signal: AbortSignal): Promise<T> {
    this.#next = undefined
    const running = this.#ask(signal).finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }
}
