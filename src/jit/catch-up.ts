import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { openParts } from './parts.ts'
import type { ChannelRef, Deal, JitMoney, Sale, SentPart } from './states.ts'

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
  readonly inFlight: readonly InFlight[]
  readonly at: Timestamp
}

type InFlight = StrangeHtlc & {
  readonly paymentHash: string
  readonly expiryIn: number
  readonly expiryOut: number
}

export type CaughtUp = { readonly sale: Sale; readonly money: readonly JitMoney[] }

/** What a sale must have earned before a record is believed to be behind: all of it, or where nobody knows, the least. */
export function leastFee({ fee, lenientSkimFloor, minFee }: Deal): Msat {
  return fee ?? lenientSkimFloor ?? minFee
}

/**
 * The sale as it must have become, after an older database took its place: with the channel that lnd has for it, and
 * the fee booked that lnd earned. Undefined when the record is not behind.
 */
export function catchUpSale(sale: Sale, ahead: Ahead): CaughtUp | undefined {
  if (sale.tag === 'paid') return undefined
  const { channel, bound, outpoint, at } = ahead
  const { deal } = sale
  const earning = ahead.settled.filter(({ amountIn, amountOut }) => amountIn > amountOut)
  const money = earning.map((htlc) => booked(sale, htlc, at))
  const earned = total(money.map((entry) => entry.earned))
  const before = 'collected' in sale ? sale.collected : msat(0n)
  const fee = leastFee(deal)
  if (earning.length > 0 && before + earned >= fee) return { sale: paidBy(sale, ahead, earning), money }
  if (channel === undefined) return { sale: { tag: 'unearned', deal, outpoint, at }, money }
  const refused = 'refused' in sale ? sale.refused : []
  const known = new Set(circuitsOf(sale).map(({ circuit }) => circuit))
  const strange = ahead.inFlight.filter(({ circuit }) => !(sale.tag === 'forwarding' && known.has(circuit)))
  const standing = { deal, channel, collected: msat(before + earned), parts: [], forwarded: [], refused }
  if (strange.length > 0) {
    const sent = [...(sale.tag === 'forwarding' ? sale.sent : []), ...strange.map((htlc) => partOf(htlc, at))]
    const agreed = deal.fee ?? total(sent.map((part) => part.fee))
    return { sale: { tag: 'forwarding', ...standing, fee: agreed, sent, bound: true }, money }
  }
  if ('channel' in sale && money.length === 0) return undefined
  return { sale: { tag: 'owed', ...standing, bound }, money }
}

/** What was forwarded of it and what was kept are what it must have carried: the onion is not to be seen any more. */
function partOf({ circuit, paymentHash, amountIn, amountOut, expiryIn, expiryOut }: InFlight, at: Timestamp): SentPart {
  const fee = msat(amountIn > amountOut ? amountIn - amountOut : 0n)
  const part = { circuit, paymentHash, amountIn, expiryIn, expiryOut, autoFailHeight: expiryIn, heldAt: at }
  return { ...part, amountOut: msat(amountOut + fee), fee }
}

function total(amounts: readonly bigint[]): Msat {
  return msat(amounts.reduce((sum, amount) => sum + amount, 0n))
}

function paidBy(sale: Sale, ahead: Ahead, settled: readonly StrangeHtlc[]): Sale {
  const { deal } = sale
  const { at, outpoint } = ahead
  const channel = ahead.channel ?? { outpoint, chanId: 0n, pendingChannelId: '' }
  const amountIn = total(settled.map((htlc) => htlc.amountIn))
  const amountOut = total(settled.map((htlc) => htlc.amountOut))
  const earned = msat(amountIn - amountOut)
  const paymentHash = hashOf(sale, settled[0]?.circuit)
  return { tag: 'paid', deal, channel, paymentHash, amountIn, amountOut, fee: leastFee(deal), earned, at }
}

function booked(sale: Sale, { circuit, amountIn, amountOut }: StrangeHtlc, at: Timestamp): JitMoney {
  const { deal } = sale
  const earned = msat(amountIn - amountOut)
  const fee = leastFee(deal)
  const openingFee = earned < fee ? earned : fee
  const paymentHash = hashOf(sale, circuit)
  return { type: 'jit-fee', sale: deal.scid, client: deal.client, paymentHash, circuit, earned, openingFee, at }
}

/** lnd's history does not tell the hash; our record does if the payment was held before. */
function hashOf(sale: Sale, circuit: string | undefined): string {
  return openParts(sale).find((part) => part.circuit === circuit)?.paymentHash ?? ''
}

/** The HTLCs that a sale counts on now. */
export function circuitsOf(sale: Sale): readonly { readonly circuit: string; readonly state: 'held' | 'forwarded' }[] {
  const isSent = (circuit: string) => sale.tag === 'forwarding' && sale.sent.some((part) => part.circuit === circuit)
  return openParts(sale).map(({ circuit }) => ({
    circuit,
    state: sale.tag === 'forwarding' && sale.bound && isSent(circuit) ? 'forwarded' : 'held',
  }))
}
