import type { Clock } from '../../../lsps/base/clock.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'

type Sleeper = { readonly until: number; readonly wake: () => void }

/** Time that moves only when a test says so. */
export class ManualClock implements Clock {
  #now: number
  #sleepers: Sleeper[] = []

  constructor(now = 0) {
    this.#now = now
  }

  now(): Timestamp {
    return this.#now as Timestamp
  }

  get sleeping(): number {
    return this.#sleepers.length
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper: Sleeper = { until: this.#now + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal.reason)
      }
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    })
  }

  advance(ms: number): void {
    this.#now += ms
    const due = this.#sleepers.filter(({ until }) => until <= this.#now)
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now)
    for (const { wake } of due) wake()
  }
}
