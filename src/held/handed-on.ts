import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { CircuitKey } from '../lnd/port.ts'

/**
 * What was resumed may stand in the memory of lnd for so long before it is sent or fails (the most that
 * `htlcswitch.mailboxdeliverytimeout` can be), and shows in no list meanwhile. What comes so soon after a start may have
 * been resumed by the process before.
 */
export const DELIVERY_MS = 120_000
/** HTLCs that one half of the memory holds: hundreds a second, more than lnd forwards. */
export const MAX_HANDED_ON = 100_000

/**
 * The HTLCs that went on, for `DELIVERY_MS` at least: one of them that is offered again must not wait, as its forward may
 * be under way. Beyond its bound it forgets the oldest half, and says so: then nothing is known to be new for a while.
 */
export class HandedOn {
  readonly #most: number
  #older = new Set<CircuitKey>()
  #newer = new Set<CircuitKey>()
  #turnedAt = Number.NEGATIVE_INFINITY
  #completeFrom: number

  /** Nothing is known of what went on before `since`. */
  constructor(since: Timestamp, most = MAX_HANDED_ON) {
    this.#completeFrom = since + DELIVERY_MS
    this.#most = most
  }

  add(circuit: CircuitKey, now: Timestamp): void {
    const isOld = now - this.#turnedAt >= DELIVERY_MS || now < this.#turnedAt
    if (isOld || this.#newer.size >= this.#most) {
      if (!isOld) this.#completeFrom = now + DELIVERY_MS
      this.#older = this.#newer
      this.#newer = new Set()
      this.#turnedAt = now
    }
    this.#newer.add(circuit)
  }

  has(circuit: CircuitKey): boolean {
    return this.#newer.has(circuit) || this.#older.has(circuit)
  }

  /** Whether it remembers all that lnd may have in its memory. */
  isComplete(now: Timestamp): boolean {
    return now >= this.#completeFrom
  }
}
