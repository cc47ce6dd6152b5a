import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'

/** Peers whose rate is remembered; the one that was quiet longest is forgotten first, with a full bucket again. */
export const MAX_TRACKED_PEERS = 100_000

export type LimitsConfig = {
  /** Sustained requests of one peer per second. */
  readonly requestsPerSecond: number
  /** Requests that one peer may send at once. */
  readonly burst: number
  /** Requests of one peer that may wait for their answer. */
  readonly maxPendingPerPeer: number
  /** Requests of all peers that may wait for their answer. */
  readonly maxPending: number
}

export type Refusal = 'rate' | 'pending-per-peer' | 'pending'

type Usage = { tokens: number; at: Timestamp; pending: number }

/** Who may ask now: a token bucket and a count of unanswered requests per peer, and one count over all. */
export class Limits {
  readonly #config: LimitsConfig
  readonly #usage = new Map<NodeId, Usage>()
  #pending = 0

  constructor(config: LimitsConfig) {
    this.#config = config
  }

  get pending(): number {
    return this.#pending
  }

  get trackedPeers(): number {
    return this.#usage.size
  }

  /** Takes one request in; undefined when it is admitted, and `done` must follow then. */
  admit(peer: NodeId, now: Timestamp): Refusal | undefined {
    const { burst, requestsPerSecond, maxPending, maxPendingPerPeer } = this.#config
    const usage = this.#touch(peer, now)
    usage.tokens = Math.min(burst, usage.tokens + (Math.max(now - usage.at, 0) / 1000) * requestsPerSecond)
    usage.at = now
    if (usage.tokens < 1) return 'rate'
    usage.tokens -= 1
    if (usage.pending >= maxPendingPerPeer) return 'pending-per-peer'
    if (this.#pending >= maxPending) return 'pending'
    usage.pending += 1
    this.#pending += 1
    return undefined
  }

  done(peer: NodeId): void {
    this.#pending -= 1
    const usage = this.#usage.get(peer)
    if (usage !== undefined && usage.pending > 0) usage.pending -= 1
  }

  #touch(peer: NodeId, now: Timestamp): Usage {
    const known = this.#usage.get(peer)
    if (known !== undefined) return known
    if (this.#usage.size >= MAX_TRACKED_PEERS) this.#forgetOne()
    const usage = { tokens: this.#config.burst, at: now, pending: 0 }
    this.#usage.set(peer, usage)
    return usage
  }

  #forgetOne(): void {
    for (const [peer, usage] of this.#usage) {
      if (usage.pending > 0) continue // waits for an answer: keep it, try the next
      this.#usage.delete(peer)
      return
    }
  }
}
