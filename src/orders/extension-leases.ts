import { type Sat, U32_MAX } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { ExtendableChannel } from '../../lsps/lsps7/schema.ts'

/** Pure: what LSPS7 says of a channel that was sold here, and how much longer it can be had. */

/** Since when a channel is there, and until when it stays. */
export type LeaseTimes = {
  /** What the client was told, or so many times ten minutes after it was funded (L1-95). */
  readonly until: Timestamp
  readonly fundedAt: Timestamp
}

/** A channel that stands, and until when it was promised to stay. */
export type Lease = LeaseTimes & {
  readonly outpoint: string
  readonly scid: Scid
  readonly client: NodeId
  readonly capacity: Sat
  /** What it was sold by: a just-in-time sale or an order. */
  readonly source: { readonly type: 'jit' | 'order'; readonly id: string }
  /** Orders that made it longer, the oldest first. */
  readonly extensions: readonly string[]
  /** The height until which it stays; below the chain's once the promise is over. */
  readonly untilHeight: number
}

/** `mostBlocks`: how long a channel may be promised from now on, in all. */
export type LeaseLimits = { readonly height: number; readonly mostBlocks: number }

const SERVICES = { jit: 'LSPS2', order: 'LSPS1' } as const

/** How many blocks can still be bought: what is paid for already counts (L7-08). */
export function mostExtension(
  { untilHeight }: Pick<Lease, 'untilHeight'>,
  { height, mostBlocks }: LeaseLimits,
): number {
  return Math.min(Math.max(0, mostBlocks - Math.max(0, untilHeight - height)), U32_MAX)
}

/** The height until which the channel stays with so many blocks more: from its old end on, or from now if that is over. */
export function newExpiryHeight({ untilHeight }: Pick<Lease, 'untilHeight'>, height: number, blocks: number): number {
  return Math.max(untilHeight, height) + blocks
}

/** A channel as `lsps7.get_extendable_channels` lists it (L7-01). */
export function extendableOf(lease: Lease, limits: LeaseLimits): ExtendableChannel {
  const { source, extensions, scid, untilHeight } = lease
  return {
    original_order: { id: source.id, service: SERVICES[source.type] },
    ...(extensions.length === 0 ? {} : { extension_order_ids: [...extensions] }),
    short_channel_id: scid,
    max_channel_extension_expiry_blocks: mostExtension(lease, limits),
    expiration_block: untilHeight,
  }
}
