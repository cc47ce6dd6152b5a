import { type Sat, sat } from '../../lsps/base/amount.ts'
import { FINAL_CONFIRMATIONS } from './follow.ts'
import type { ChannelOrder, Funding, FundingEffect } from './states.ts'

/** A channel that lnd has and whose order is not on record, or is on record as it was before. */
export type FoundChannel = {
  readonly order: ChannelOrder
  readonly outpoint: string
  /** Known once it was usable. */
  readonly chanId: bigint | undefined
  /** Its funding as lnd's wallet knows it. */
  readonly raw: string
  readonly confirmations: number
}

/** What the record of the order has to be, and what it still owes its owner. */
export function catchUpFunding({ order, outpoint, chanId, raw, confirmations }: FoundChannel): {
  readonly funding: Funding
  readonly effects: readonly FundingEffect[]
} {
  if (confirmations >= FINAL_CONFIRMATIONS) {
    return { funding: { tag: 'confirmed', order, outpoint, chanId }, effects: [] }
  }
  const funding: Funding = { tag: 'standing', order, outpoint, chanId, tx: { stage: 'published', raw } }
  return { funding, effects: chanId === undefined ? [{ type: 'watch-active' }] : [] }
}

/** An order as far as lnd tells it: what it was to cost and to be does not matter any more. */
export function orderOf(
  known: Pick<ChannelOrder, 'pendingChannelId' | 'owner' | 'peer' | 'memo'> & { readonly capacity: Sat | undefined },
): ChannelOrder {
  return { ...known, capacity: known.capacity ?? sat(0n), maxLocalCsv: 0, satPerVbyte: 1 }
}
