import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Log } from '../kernel/log.ts'
import { Recent } from '../kernel/recent.ts'
import type { LndPort } from '../lnd/port.ts'

/** Before the disconnect: lnd writes the channel's own policy down up to about a second after the channel is active. */
export const RELINK_AFTER_MS = 2_000
/** One client is not disconnected again before this: it has to come back first. */
export const RELINK_PAUSE_MS = 10_000
/** Clients whose last disconnect is remembered; the oldest is forgotten first. */
export const MAX_RELINKED = 1_000

/** How lnd says that a forward did not pay its link's fee: the text of the failure, or the name of its code. */
const FEE_INSUFFICIENT = /fee_?insufficient/i

export type RelinkDeps = {
  readonly lnd: Pick<LndPort, 'disconnectPeer'>
  readonly clock: Clock
  readonly log: Log
}

/**
 * Our channels ask no fee, yet lnd may refuse our forward for want of one: a link that comes up before lnd has the
 * channel's own policy in its graph (the client was gone again in the moment in which the channel became ready) works
 * with the node's default fees, for as long as it lives. The next link is loaded from the graph; so the client is
 * disconnected, and connects again. The payment that failed is sent again by its payer.
 */
export class Relink {
  readonly #deps: RelinkDeps
  readonly #lastAt = new Recent<NodeId, Timestamp>(MAX_RELINKED)

  constructor(deps: RelinkDeps) {
    this.#deps = deps
  }

  /** A forward to this client failed. Does nothing unless it failed for want of a fee. */
  onFailed(client: NodeId, reason: string, signal: AbortSignal): void {
    if (!FEE_INSUFFICIENT.test(reason)) return
    const { clock, log } = this.#deps
    const now = clock.now()
    if (now - (this.#lastAt.get(client) ?? Number.NEGATIVE_INFINITY) < RELINK_PAUSE_MS) return
    this.#lastAt.set(client, now)
    log.warn({ client }, "lnd asks its default fee on the client's channel: disconnecting, so that it is loaded anew")
    this.#disconnect(client, signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn({ client, err: error }, 'client not disconnected, its payments may fail')
    })
  }

  async #disconnect(client: NodeId, signal: AbortSignal): Promise<void> {
    const { lnd, clock } = this.#deps
    await clock.sleep(RELINK_AFTER_MS, signal)
    await lnd.disconnectPeer(client, signal)
  }
}
