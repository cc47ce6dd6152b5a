import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Channel, LndPort, Outpoint } from '../lnd/port.ts'
import type { ChannelOrder } from './states.ts'

/** What lnd knows of an order's channel. */
export type Sighting =
  | { readonly found: 'pending'; readonly outpoint: Outpoint }
  | { readonly found: 'open'; readonly outpoint: Outpoint; readonly channel: Channel }
  /** Going away, its commitment still needs the funding transaction to mean anything. */
  | { readonly found: 'closing'; readonly outpoint: Outpoint }
  | { readonly found: 'closed'; readonly outpoint: Outpoint }
  | { readonly found: 'nothing' }

export type LookPort = Pick<LndPort, 'pendingChannels' | 'listChannels' | 'closedChannels'>

/**
 * Looks for an order's channel by its outpoint and by its memo, in the one order that cannot miss a channel that
 * moves between the lists: pending, then open, then closed (funding.md, Recover).
 */
export async function look(
  lnd: LookPort,
  order: Pick<ChannelOrder, 'peer' | 'memo'>,
  outpoint: Outpoint | undefined,
  signal: AbortSignal,
): Promise<Sighting> {
  const isOurs = (candidate: { peer: NodeId; outpoint: Outpoint; memo: string }) =>
    candidate.peer === order.peer && (candidate.outpoint === outpoint || candidate.memo === order.memo)

  const pending = (await lnd.pendingChannels(signal)).find(isOurs)
  const open = (await lnd.listChannels(signal, order.peer)).find(isOurs)
  if (open !== undefined) return { found: 'open', outpoint: open.outpoint, channel: open }
  if (pending?.stage === 'opening') return { found: 'pending', outpoint: pending.outpoint }
  if (pending !== undefined) return { found: 'closing', outpoint: pending.outpoint }
  const closed = (await lnd.closedChannels(signal)).find((channel) => channel.outpoint === outpoint)
  return closed === undefined ? { found: 'nothing' } : { found: 'closed', outpoint: closed.outpoint }
}
