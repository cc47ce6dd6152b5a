import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { Recent } from '../kernel/recent.ts'

/** Clients that are remembered for not coming; beyond them the one that missed longest ago is forgotten. */
export const MAX_MISSING_CLIENTS = 10_000
/** However often a client did not come: after this it is waited for again. */
export const LONGEST_PAUSE_MS = 3_600_000

type Missed = { readonly until: Timestamp; readonly at: Timestamp; readonly pauseMs: number }

/**
 * Whoever sends payments to a wallet that never comes holds slots of our channels, and of all others on the way, for
 * nothing. So after a wait in vain the client is not waited for, for twice as long as it was waited for, and for twice as
 * long again each time, until it comes: what is held for it is a third of the time at first, and less and less. In
 * memory only: a restart waits once more.
 */
export class Patience {
  readonly #holdMs: number
  readonly #missed = new Recent<NodeId, Missed>(MAX_MISSING_CLIENTS)

  constructor(holdMs: number) {
    this.#holdMs = holdMs
  }

  /** The client did not come. `until` names the wait: one in which several HTLCs ended counts once. */
  missed(client: NodeId, until: Timestamp, now: Timestamp): void {
    const before = this.#missed.get(client)
    if (before?.until === until) return
    const pauseMs = Math.min((before?.pauseMs ?? this.#holdMs) * 2, LONGEST_PAUSE_MS)
    this.#missed.set(client, { until, at: now, pauseMs })
  }

  came(client: NodeId): void {
    this.#missed.delete(client)
  }

  /** Whether the client is not waited for now. Never longer than its pause, whatever the clock does. */
  isPaused(client: NodeId, now: Timestamp): boolean {
    const missed = this.#missed.get(client)
    return missed !== undefined && now >= missed.at && now < missed.at + missed.pauseMs
  }
}
