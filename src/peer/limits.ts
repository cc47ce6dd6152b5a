import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'

/** Peers whose rate is remembered; the one that was quiet longest is forgotten first, with a full bucket again. */
export const MAX_TRACKED_PEERS = 100_000

export type LimitsConfig = {
  /** Sustained requests of one peer per second. */
  readonly requestsPerSecond: number
  /** Requests that one peer may send at once; as many more are refused, and further ones are not even read. */
  readonly burst: number
  /** Requests of one peer that may wait for their answer. */
  readonly maxPendingPerPeer: number
  /** Requests of all peers that may wait for their answer. */
  readonly maxPending: number
}

export type Refusal = 'rate' | 'pending-per-peer' | 'pending'

type Usage = { tokens: number; refusals: number; at: Timestamp; pending: number }

/**
 * Who may ask now: a token bucket and a count of unanswered requests per peer, and one count over all. A second bucket
 * bounds how often a peer is told no: a flood costs neither answers nor the reading of what is refused anyway.
 */
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

  /** False: the peer was told no so often that what it says now is not read. */
  listens(peer: NodeId, now: Timestamp): boolean {
    const { tokens, refusals } = this.#refill(peer, now)
    return tokens >= 1 || refusals >= 1
  }

  /** Whether the rate allows a request of this peer now. */
  allows(peer: NodeId, now: Timestamp): boolean {
    return this.#refill(peer, now).tokens >= 1
  }

  /** Takes one request in; undefined when it is admitted, and `done` must follow then. */
  admit(peer: NodeId, now: Timestamp): Refusal | undefined {
    const { maxPending, maxPendingPerPeer } = this.#config
    const usage = this.#refill(peer, now)
    if (usage.tokens < 1) {
      usage.refusals = Math.max(usage.refusals - 1, 0)
      return 'rate'
    }
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

  #refill(peer: NodeId, now: Timestamp): Usage {
    const { burst, requestsPerSecond } = this.#config
    const usage = this.#touch(peer, now)
    const more = (Math.max(now - usage.at, 0) / 1000) * requestsPerSecond
    usage.tokens = Math.min(burst, usage.tokens + more)
    usage.refusals = Math.min(burst, usage.refusals + more)
    usage.at = now
    return usage
  }

  #touch(peer: NodeId, now: Timestamp): Usage {
    const known = this.#usage.get(peer)
    if (known !== undefined) {
      this.#usage.delete(peer)
      this.#usage.set(peer, known)
      return known
    }
    if (this.#usage.size >= MAX_TRACKED_PEERS) this.#forgetOne()
    const { burst } = this.#config
    const usage = { tokens: burst, refusals: burst, at: now, pending: 0 }
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
