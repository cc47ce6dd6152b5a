import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Channel, PendingHtlc } from '../lnd/port.ts'

/** Pure: whose channels are to be closed soon for an HTLC that runs out (bLIP-55, `lsps5.expiry_soon`). */

/** So near its client is told (bLIP-55). */
export const SOON_BLOCKS = 24
/** lnd closes a channel so many blocks before an HTLC of the peer runs out whose preimage it knows; earlier ones, fewer. */
export const CLAIM_BLOCKS = 16

export type Expiring = {
  readonly client: NodeId
  /** The first height at which one of its channels is closed. */
  readonly timeout: number
}

/**
 * The height at which lnd closes the channel for this HTLC, if the peer does not come: when one of ours has run out, or
 * in time to claim one of the peer's on chain. lnd does not say whether it can; if not, the peer closes when it runs out.
 */
function closesAt({ incoming, expiryHeight }: PendingHtlc, height: number): number {
  const claimed = expiryHeight - CLAIM_BLOCKS
  return incoming && claimed > height ? claimed : expiryHeight
}

/** Clients that are wanted and have such a channel, each once. What has run out already is closed without them. */
export function expiringSoon(
  channels: Iterable<Channel>,
  { height, isWanted }: { readonly height: number; readonly isWanted: (client: NodeId) => boolean },
): readonly Expiring[] {
  const first = new Map<NodeId, number>()
  for (const { peer, pendingHtlcs } of channels) {
    if (pendingHtlcs.length === 0 || !isWanted(peer)) continue
    for (const htlc of pendingHtlcs) {
      const timeout = closesAt(htlc, height)
      if (timeout <= height || timeout - height > SOON_BLOCKS) continue
      first.set(peer, Math.min(timeout, first.get(peer) ?? timeout))
    }
  }
  return [...first].map(([client, timeout]) => ({ client, timeout }))
}
