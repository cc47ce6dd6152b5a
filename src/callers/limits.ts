import type { Timestamp } from '../../lsps/base/datetime.ts'

/** Callers whose rate is remembered; the one that was quiet longest is forgotten first, with a full bucket again. */
export const MAX_TRACKED_CALLERS = 100_000

export type LimitsConfig = {
  /** Sustained requests of one caller per second. */
  readonly requestsPerSecond: number
  /** Requests that one caller may send at once; as many more are refused, and further ones are not even read. */
  readonly burst: number
  /** Requests of one caller that may wait for their answer. */
  readonly maxPendingPerCaller: number
  /** Requests of all callers that may wait for their answer. */
  readonly maxPending: number
}

export type Refusal = 'rate' | 'pending-per-caller' | 'pending'

type Usage = { tokens: number; refusals: number; at: Timestamp; pending: number }

/**
 * Who may ask now: a token bucket and a count of unanswered requests per caller (a node id, an address), and one count
 * over all. A second bucket bounds how often a caller is told no: a flood costs neither answers nor the reading of what
 * is refused anyway.
 */
export class Limits<Caller extends string> {
  readonly #config: LimitsConfig
  readonly #usage = new Map<Caller, Usage>()
  #pending = 0

  constructor(config: LimitsConfig) {
    this.#config = config
  }

  get pending(): number {
    return this.#pending
  }

  get trackedCallers(): number {
    return this.#usage.size
  }

  /** False: the caller was told no so often that what it says now is not read. */
  listens(caller: Caller, now: Timestamp): boolean {
    const { tokens, refusals } = this.#refill(caller, now)
    return tokens >= 1 || refusals >= 1
  }

  /** Whether the rate allows a request of this caller now. */
  allows(caller: Caller, now: Timestamp): boolean {
    return this.#refill(caller, now).tokens >= 1
  }

  /** Takes one request in; undefined when it is admitted, and `done` must follow then. */
  admit(caller: Caller, now: Timestamp): Refusal | undefined {
    const { maxPending, maxPendingPerCaller } = this.#config
    const usage = this.#refill(caller, now)
    if (usage.tokens < 1) {
      usage.refusals = Math.max(usage.refusals - 1, 0)
      return 'rate'
    }
    usage.tokens -= 1
    if (usage.pending >= maxPendingPerCaller) return 'pending-per-caller'
    if (this.#pending >= maxPending) return 'pending'
    usage.pending += 1
    this.#pending += 1
    return undefined
  }

  done(caller: Caller): void {
    this.#pending -= 1
    const usage = this.#usage.get(caller)
    if (usage !== undefined && usage.pending > 0) usage.pending -= 1
  }

  #refill(caller: Caller, now: Timestamp): Usage {
    const { burst, requestsPerSecond } = this.#config
    const usage = this.#touch(caller, now)
    const more = (Math.max(now - usage.at, 0) / 1000) * requestsPerSecond
    usage.tokens = Math.min(burst, usage.tokens + more)
    usage.refusals = Math.min(burst, usage.refusals + more)
    usage.at = now
    return usage
  }

  #touch(caller: Caller, now: Timestamp): Usage {
    const known = this.#usage.get(caller)
    if (known !== undefined) {
      this.#usage.delete(caller)
      this.#usage.set(caller, known)
      return known
    }
    if (this.#usage.size >= MAX_TRACKED_CALLERS) this.#forgetOne()
    const { burst } = this.#config
    const usage = { tokens: burst, refusals: burst, at: now, pending: 0 }
    this.#usage.set(caller, usage)
    return usage
  }

  #forgetOne(): void {
    for (const [caller, usage] of this.#usage) {
      if (usage.pending > 0) continue // waits for an answer: keep it, try the next
      this.#usage.delete(caller)
      return
    }
  }
}
