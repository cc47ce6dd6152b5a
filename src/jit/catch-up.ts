import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { ChannelRef, JitMoney, Part, Sale } from './states.ts'

/** An HTLC over a sale's channel that nothing on record explains, as lnd counts it. */
export type StrangeHtlc = {
  readonly circuit: string
  readonly amountIn: Msat
  readonly amountOut: Msat
}

/** Where lnd is with a sale, when that is further than the record. */
export type Ahead = {
  /** Undefined when it is closed. */
  readonly channel: ChannelRef | undefined
  readonly outpoint: string
  /** The scid leads to the channel. */
  readonly bound: boolean
  /** Settled, the first one first. */
  readonly settled: readonly StrangeHtlc[]
  readonly inFlight: readonly (StrangeHtlc & {
    readonly paymentHash: string
    readonly expiryIn: number
    readonly expiryOut: number
  })[]
  readonly at: Timestamp
}

export type CaughtUp = { readonly sale: Sale; readonly money: readonly JitMoney[] }

/**
 * The sale as it must have become, after an older database took its place: with the channel that lnd has for it, and
 * the fee booked that lnd earned. Undefined when the record is not behind.
 */
export function catchUpSale(sale: Sale, ahead: Ahead): CaughtUp | undefined {
  if (sale.tag === 'paid') return undefined
  const settled = ahead.settled.filter(({ amountIn, amountOut }) => amountIn > amountOut)
  const first = settled[0]
  if (first !== undefined) return paidBy(sale, ahead, first)
  const [htlc] = ahead.inFlight
  const { channel, bound, outpoint, at } = ahead
  const { deal } = sale
  if (channel === undefined) return { sale: { tag: 'unearned', deal, outpoint, at }, money: [] }
  const refused = 'refused' in sale ? sale.refused : []
  if (htlc !== undefined && !(sale.tag === 'forwarding' && sale.part.circuit === htlc.circuit)) {
    // What was forwarded of it and the fee are what it must have carried: the onion is not to be seen any more.
    const amountOut = msat(htlc.amountOut + deal.fee)
    const { circuit, paymentHash, amountIn, expiryIn, expiryOut } = htlc
    const part: Part = {
      circuit,
      paymentHash,
      amountIn,
      amountOut,
      expiryIn,
      expiryOut,
      autoFailHeight: expiryIn,
      heldAt: at,
    }
    return { sale: { tag: 'forwarding', deal, channel, part, bound: true, refused }, money: [] }
  }
  if ('channel' in sale) return undefined
  return { sale: { tag: 'owed', deal, channel, bound, refused }, money: [] }
}

function paidBy(sale: Sale, ahead: Ahead, { circuit, amountIn, amountOut }: StrangeHtlc): CaughtUp {
  const { deal } = sale
  const { at, outpoint } = ahead
  const part = 'part' in sale ? sale.part : undefined
  // lnd's history does not tell the hash; our record does if the payment was held before.
  const paymentHash = part?.circuit === circuit ? part.paymentHash : ''
  const earned = msat(amountIn - amountOut)
  const channel = ahead.channel ?? { outpoint, chanId: 0n, pendingChannelId: '' }
  const openingFee = earned < deal.fee ? earned : deal.fee
  return {
    sale: { tag: 'paid', deal, channel, paymentHash, amountIn, amountOut, earned, at },
    money: [{ type: 'jit-fee', sale: deal.scid, client: deal.client, paymentHash, earned, openingFee, at }],
  }
}

/** The HTLCs that a sale counts on now. */
export function circuitsOf(sale: Sale): readonly { readonly circuit: string; readonly state: 'held' | 'forwarded' }[] {
  if (!('part' in sale) || sale.part === undefined) return []
  const isForwarded = sale.tag === 'forwarding' && sale.bound
  return [{ circuit: sale.part.circuit, state: isForwarded ? 'forwarded' : 'held' }]
}
