import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { ManualClock } from '../../src/sandbox/manual-clock.ts'

const TICK_MS = 1

/** Simulated time that runs with the machine's, and can be moved on at once where there is nothing but waiting. */
export class LiveClock implements Clock {
  readonly #clock = new ManualClock(Date.now())
  #ahead = 0
  #stopped = false
  readonly #running: Promise<void>

  constructor() {
    this.#running = this.#run()
  }

  now(): Timestamp {
    return this.#clock.now()
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal)
  }

  /** Moves time on; what is due on the way happens. */
  skip(ms: number): void {
    this.#ahead += ms
  }

  /** Time stands still from then on. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS))
      const behind = Date.now() + this.#ahead - this.#clock.now()
      if (behind > 0) await this.#clock.advance(behind)
    }
  }
}
