import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { Recent } from '../kernel/recent.ts'

/** Peers that are remembered; beyond them the one that failed longest ago is forgotten. */
export const MAX_COOLING_PEERS = 10_000

export type CooldownConfig = {
  /** After the first failure; each further one doubles it. 0: no cooldown. */
  readonly firstMs: number
  /** The longest cooldown, and how long a failure is remembered after it. */
  readonly longestMs: number
}

/** How a sale ended that cost us and came to nothing. */
export type FailedSale = 'refused the channel' | 'failed the payment' | 'vanished'

type Failing = { readonly failures: number; readonly at: Timestamp; readonly forMs: number; readonly why: FailedSale }

/**
 * Who failed a sale waits before buying again, longer each time. In memory only: node ids cost nothing, so this keeps
 * clumsy clients from trying for ever and is no defence; what may be lost is bounded by the budget, which is on disk.
 */
export class Cooldowns {
  readonly #config: CooldownConfig
  readonly #failing = new Recent<NodeId, Failing>(MAX_COOLING_PEERS)

  constructor(config: CooldownConfig) {
    this.#config = config
  }

  failed(peer: NodeId, why: FailedSale, now: Timestamp): void {
    const { firstMs, longestMs } = this.#config
    if (firstMs === 0) return
    const before = this.#remembered(peer, now)
    const forMs = before === undefined ? firstMs : Math.min(before.forMs * 2, Math.max(longestMs, firstMs))
    this.#failing.set(peer, { failures: (before?.failures ?? 0) + 1, at: now, forMs, why })
  }

  /** A sale was paid: what was before is forgotten. */
  succeeded(peer: NodeId): void {
    this.#failing.delete(peer)
  }

  /** Ms that the peer still has to wait; 0 when it may buy. Never more than its cooldown, whatever the clock does. */
  remaining(peer: NodeId, now: Timestamp): number {
    const failing = this.#failing.get(peer)
    if (failing === undefined) return 0
    return Math.min(Math.max(failing.at + failing.forMs - now, 0), failing.forMs)
  }

  /** What the peer is told while it has to wait. */
  rejection(peer: NodeId, now: Timestamp): string | undefined {
    const remaining = this.remaining(peer, now)
    if (remaining === 0) return undefined
    const why = this.#failing.get(peer)?.why ?? 'failed'
    return `the last sale to you came to nothing (you ${why}), try again in ${Math.ceil(remaining / 1000)} s`
  }

  /** Peers that have to wait now. */
  cooling(now: Timestamp): number {
    let count = 0
    for (const peer of this.#failing.keys()) if (this.remaining(peer, now) > 0) count += 1
    return count
  }

  #remembered(peer: NodeId, now: Timestamp): Failing | undefined {
    const failing = this.#failing.get(peer)
    if (failing === undefined) return undefined
    return now - failing.at > failing.forMs + this.#config.longestMs ? undefined : failing
  }
}
