import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { belongTogether } from './parts.ts'
import type { ChannelRef, Deal, JitMoney, Part, Sale, SentPart } from './states.ts'

/** lnd shows pending HTLCs in whole satoshi. */
const MSAT_PER_SAT = 1000n

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
  /** What the sale costs in all: by the deal, by the channel's memo, or at least. */
  readonly fee: Msat
  /** Settled and kept something, the first one first. */
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
 * what lnd kept booked as fee. Undefined when the record is not behind.
 */
export function catchUpSale(sale: Sale, ahead: Ahead): CaughtUp | undefined {
  if (sale.tag === 'paid') return undefined
  const { channel, bound, outpoint, fee, settled, inFlight, at } = ahead
  const { deal } = sale
  const before = 'collected' in sale ? sale.collected : msat(0n)
  const { money, collected } = book(sale, settled, { before, fee, at })
  if (settled.length > 0 && collected >= fee) return { sale: paidBy(sale, ahead), money }
  if (channel === undefined) return { sale: { tag: 'unearned', deal, outpoint, at }, money }
  const refused = 'refused' in sale ? sale.refused : []
  const forwarded = [...('forwarded' in sale ? sale.forwarded : []), ...settled.map(({ circuit }) => circuit)]
  const delivered = 'delivered' in sale ? sale.delivered : undefined
  const isKnown = 'channel' in sale
  if (inFlight.length > 0 && (!isKnown || sale.tag === 'owed')) {
    const { sent, parts } = takeUpParts(sale, ahead, msat(fee > collected ? fee - collected : 0n))
    return {
      sale: {
        tag: 'forwarding',
        deal,
        channel,
        fee,
        collected,
        sent,
        parts,
        bound: true,
        forwarded,
        delivered,
        refused,
      },
      money,
    }
  }
  if (isKnown && settled.length === 0) return undefined
  if (sale.tag === 'reclaiming') return undefined
  return { sale: { tag: 'owed', deal, channel, collected, parts: [], bound, forwarded, delivered, refused }, money }
}

/** One journal entry for each HTLC, as in lnd's history; what exceeds the fee is earned and no opening fee. */
function book(
  sale: Sale,
  settled: readonly StrangeHtlc[],
  { before, fee, at }: { readonly before: Msat; readonly fee: Msat; readonly at: Timestamp },
): { readonly money: readonly JitMoney[]; readonly collected: Msat } {
  const { scid, client } = sale.deal
  let collected = before
  const money = settled.map(({ circuit, amountIn, amountOut }): JitMoney => {
    const earned = msat(amountIn - amountOut)
    const left = fee > collected ? fee - collected : 0n
    const openingFee = msat(earned < left ? earned : left)
    collected = msat(collected + openingFee)
    return {
      type: 'jit-fee',
      sale: scid,
      client,
      paymentHash: hashOf(sale, [circuit]),
      circuit,
      earned,
      openingFee,
      at,
    }
  })
  return { money, collected }
}

function paidBy(sale: Sale, { channel, outpoint, fee, settled, at }: Ahead): Sale {
  const sum = (of: (htlc: StrangeHtlc) => bigint) => msat(settled.reduce((total, htlc) => total + of(htlc), 0n))
  const circuits = settled.map(({ circuit }) => circuit)
  return {
    tag: 'paid',
    deal: sale.deal,
    channel: channel ?? { outpoint, chanId: 0n, pendingChannelId: '' },
    paymentHash: hashOf(sale, circuits),
    amountIn: sum(({ amountIn }) => amountIn),
    amountOut: sum(({ amountOut }) => amountOut),
    fee,
    earned: sum(({ amountIn, amountOut }) => amountIn - amountOut),
    at,
  }
}

/** lnd's history does not tell the hash; our record does if the payment was held before. */
function hashOf(sale: Sale, circuits: readonly string[]): string {
  const held = 'parts' in sale ? sale.parts : []
  return held.find(({ circuit }) => circuits.includes(circuit))?.paymentHash ?? ''
}

/** What is on its way, and with it the parts of the same payment that are held: they must not wait for it. */
function takeUpParts(sale: Sale, ahead: Ahead, left: Msat): { readonly sent: SentPart[]; readonly parts: Part[] } {
  const { deal } = sale
  const sent = sentParts(deal, ahead, left)
  const held = ('parts' in sale ? sale.parts : []).filter(({ circuit }) =>
    sent.every((part) => part.circuit !== circuit),
  )
  const isLate = (part: Part) => sent.some((other) => belongTogether(deal, other, part))
  const kept = sent.reduce((sum, { fee }) => sum + fee, 0n)
  const late = held.filter(isLate).map((part, index): SentPart => {
    const missing = index === 0 && left > kept ? left - kept : 0n
    const spare = part.amountOut - deal.htlcMinimum
    return { ...part, fee: msat(missing < spare ? missing : spare) }
  })
  return { sent: [...sent, ...late], parts: held.filter((part) => !isLate(part)) }
}

/** The parts that are on their way. lnd shows whole satoshi: where they add up to the fee so far, they carry all of it. */
function sentParts(deal: Deal, { inFlight, at }: Ahead, left: Msat): SentPart[] {
  const kept = inFlight.map(({ amountIn, amountOut }) => (amountIn > amountOut ? amountIn - amountOut : 0n))
  const sum = kept.reduce((total, amount) => total + amount, 0n)
  const rounding = left - sum
  const isAll = rounding < MSAT_PER_SAT * BigInt(inFlight.length) && -rounding < MSAT_PER_SAT * BigInt(inFlight.length)
  return inFlight.map(({ circuit, paymentHash, amountIn, amountOut, expiryIn, expiryOut }, index) => {
    const fee = msat((kept[index] ?? 0n) + (isAll && index === 0 ? rounding : 0n))
    // What the onion asked for is not to be seen any more: what was forwarded, and the fee.
    const part = { circuit, paymentHash, amountIn, amountOut: msat(amountOut + fee), expiryIn, expiryOut, fee }
    return { ...part, autoFailHeight: expiryIn, heldAt: at < deal.createdAt ? deal.createdAt : at }
  })
}

/** The HTLCs that a sale counts on now. */
export function circuitsOf(sale: Sale): readonly { readonly circuit: string; readonly state: 'held' | 'forwarded' }[] {
  const held = 'parts' in sale ? sale.parts : []
  const sent = sale.tag === 'forwarding' ? sale.sent.filter(({ end }) => end === undefined) : []
  const state = sale.tag === 'forwarding' && sale.bound ? ('forwarded' as const) : ('held' as const)
  return [
    ...held.map(({ circuit }) => ({ circuit, state: 'held' as const })),
    ...sent.map(({ circuit }) => ({ circuit, state })),
  ]
}

/** Circuits over its channel that the record explains. */
export function explainedBy(sale: Sale): ReadonlySet<string> {
  const sent = sale.tag === 'forwarding' ? sale.sent.map(({ circuit }) => circuit) : []
  return new Set([...sent, ...('forwarded' in sale ? sale.forwarded : [])])
}
