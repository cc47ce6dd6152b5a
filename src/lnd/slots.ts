import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Finding } from './gate.ts'
import type { Peer } from './port.ts'

/** From this share on the operator is warned: lnd drops whoever comes after the last slot without a word. */
export const SLOTS_WARNING_SHARE = 0.8

export type Slots = { readonly used: number; readonly limit: number }

/**
 * How many of lnd's `num-restricted-slots` are taken (decisions D21): inbound peers that have no channel with us, in
 * any stage. New customers are exactly such peers.
 */
export function countSlots(
  nodes: { readonly peers: readonly Pick<Peer, 'nodeId' | 'inbound'>[]; readonly withChannel: ReadonlySet<NodeId> },
  limit: number,
): Slots {
  const used = nodes.peers.filter((peer) => peer.inbound && !nodes.withChannel.has(peer.nodeId)).length
  return { used, limit }
}

export function checkSlots({ used, limit }: Slots): Finding | undefined {
  if (used < limit * SLOTS_WARNING_SHARE) return undefined
  return {
    id: 'slots',
    severity: 'warning',
    what: `${used} of lnd's ${limit} slots for peers without a channel are taken; new customers beyond them cannot connect`,
    fix: 'raise `num-restricted-slots` in lnd.conf, restart lnd, and write the same number as lnd.restricted_slots in the config',
  }
}
