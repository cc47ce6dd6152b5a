import type { Sat } from '../../lsps/base/amount.ts'
import type { Invoice } from '../lnd/port.ts'
import type { OpenFailure } from './states.ts'

/** What the funding service tells about a channel of an order. */
export type ChannelNews =
  | { readonly type: 'published'; readonly outpoint: string }
  | { readonly type: 'refused'; readonly reason: OpenFailure; readonly detail: string }
  | { readonly type: 'channel-closed'; readonly outpoint: string }
  | { readonly type: 'conflicted'; readonly outpoint: string; readonly spentBy: string }

/** What the payout service tells about a refund. */
export type RefundNews =
  | {
      readonly type: 'payout-published' | 'payout-confirmed'
      readonly id: string
      readonly txid: string
      readonly fee: Sat
    }
  | { readonly type: 'payout-abandoned'; readonly id: string; readonly reason: string }

/** The event that news of a channel are; its name and the moment come with it. */
export function eventOf(news: ChannelNews) {
  switch (news.type) {
    case 'published':
      return { type: 'channel-published', outpoint: news.outpoint } as const
    case 'refused':
      return { type: 'channel-refused', reason: news.reason, detail: news.detail } as const
    case 'channel-closed':
      return { type: 'channel-refused', reason: 'closed', detail: `channel ${news.outpoint} closed` } as const
    case 'conflicted': {
      const detail = `its coins were spent by ${news.spentBy}`
      return { type: 'channel-refused', reason: 'failed', detail } as const
    }
  }
}

/** What lnd says of an invoice; of parts that are held, the lowest expiry. */
export function newsOfInvoice({ state, paid: received, htlcs }: Invoice) {
  const held = htlcs.filter((htlc) => htlc.state === 'accepted').map(({ expiryHeight }) => expiryHeight)
  return { type: 'invoice', state, received, heldUntil: held.length === 0 ? 0 : Math.min(...held) } as const
}
