import { type Msat, msat, type Ppm } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { type Scid, scidToNumber } from '../../lsps/base/scid.ts'
import { type Ahead, type CaughtUp, leastFee, type StrangeHtlc } from '../jit/catch-up.ts'
import { isTerminal } from '../jit/machine.ts'
import type { Deal, Sale } from '../jit/states.ts'
import type { Forward } from '../lnd/port.ts'
import type { OurChannel, Sightings } from './sightings.ts'

/** Pure: what lnd shows of one sale, in the words of its record. */

const MSAT_PER_SAT = 1000n

/** A sale whose record may be older than what lnd has. */
export type Suspect = {
  readonly scid: Scid
  readonly sale: Sale | undefined
  /** Its channel, where the record of the order does not know it. */
  readonly found: OurChannel | undefined
  /** Base of its alias, or id of its channel. */
  readonly chanId: bigint | undefined
}

/** What lnd settled over channels of ours, by channel. */
export type Rows = ReadonlyMap<bigint, readonly Forward[]>

export function byChannel(rows: readonly Forward[]): Rows {
  const map = new Map<bigint, Forward[]>()
  for (const row of rows) map.set(row.outgoingChannel, [...(map.get(row.outgoingChannel) ?? []), row])
  return map
}

function sum(rows: readonly Forward[]): bigint {
  return rows.reduce((total, { amountOut }) => total + amountOut, 0n)
}

/** What a channel sent beyond its rows in the history, in msat; lnd counts it in whole satoshi. */
export function sentUnexplained({ chanId }: Suspect, { channels }: Sightings, rows: Rows): bigint {
  const channel = channels.find((other) => other.chanId === chanId)
  if (channel === undefined) return 0n
  const rest = channel.totalSent * MSAT_PER_SAT - sum(rows.get(channel.chanId) ?? [])
  return rest > 0n ? rest : 0n
}

export function aheadOf(suspect: Suspect, sale: Sale, seen: Sightings, rows: Rows, at: Timestamp): Ahead {
  const { scid, found, chanId } = suspect
  const own = new Set(sale.tag === 'forwarding' ? sale.sent.map(({ circuit }) => circuit) : [])
  const fee = leastFee(sale.deal)
  const open = seen.channels.find((channel) => channel.chanId === chanId)
  const ref = 'channel' in sale ? sale.channel : undefined
  const pendingChannelId = found?.memo.pendingChannelId ?? ref?.pendingChannelId ?? ''
  const inFlight = inFlightOver(seen, chanId, fee).filter(({ circuit }) => !own.has(circuit))
  const settled = skimmed(chanId === undefined ? [] : (rows.get(chanId) ?? []), fee)
  return {
    channel: open === undefined || chanId === undefined ? ref : { outpoint: open.outpoint, chanId, pendingChannelId },
    outpoint: open?.outpoint ?? found?.outpoint ?? ref?.outpoint ?? '',
    bound: chanId !== undefined && seen.aliases.get(scidToNumber(scid)) === chanId,
    settled: [
      ...settled.filter(({ circuit }) => !own.has(circuit)),
      ...(ref === undefined && settled.length + inFlight.length === 0 ? sentWithoutRow(suspect, sale, seen, rows) : []),
    ],
    inFlight,
    at,
  }
}

/** Forwards that together kept at least the fee: what passes over the channel otherwise is not the sale's business. */
function skimmed(rows: readonly Forward[], fee: Msat): readonly StrangeHtlc[] {
  const kept = rows.flatMap(({ circuit, amountIn, amountOut }) =>
    circuit === undefined || amountIn <= amountOut ? [] : [{ circuit, amountIn, amountOut }],
  )
  return kept.reduce((sum, { amountIn, amountOut }) => sum + amountIn - amountOut, 0n) < fee ? [] : kept
}

/** The parts of one payment on its way, of which together the fee was deducted. */
function inFlightOver({ inFlight }: Sightings, chanId: bigint | undefined, fee: Msat): Ahead['inFlight'] {
  const over = inFlight.filter((htlc) => htlc.over === chanId)
  return over.flatMap(({ circuit, incoming, outgoing }) => {
    const payment = over.filter((other) => other.incoming.paymentHash === incoming.paymentHash)
    const kept = payment.reduce((sum, other) => sum + other.incoming.amount - other.outgoing.amount, 0n)
    // lnd shows whole satoshi here: what was deducted may look smaller by one for each part.
    if (kept + MSAT_PER_SAT * BigInt(payment.length) <= fee) return []
    const { amount: amountIn, paymentHash, expiryHeight: expiryIn } = incoming
    return [{ circuit, paymentHash, amountIn, amountOut: outgoing.amount, expiryIn, expiryOut: outgoing.expiryHeight }]
  })
}

/**
 * lnd lost the row when it died: the channel says that it carried something, and the first payment to a sale's scid
 * pays the fee. Taken as paid: the client is not charged twice.
 */
function sentWithoutRow(suspect: Suspect, { deal }: Sale, seen: Sightings, rows: Rows): readonly StrangeHtlc[] {
  const sent = sentUnexplained(suspect, seen, rows)
  return sent < MSAT_PER_SAT ? [] : [{ circuit: '', amountIn: msat(sent + leastFee(deal)), amountOut: msat(sent) }]
}

/** What can be known of a sale that is not on record: its memo says who, which scid and what fee. */
export function forgottenSale(scid: Scid, { memo, peer, capacity }: OurChannel, terms: LostTerms, at: Timestamp): Sale {
  const fee = memo.fee ?? msat(0n)
  const least = msat(fee + terms.htlcMinimum)
  const half = msat(((capacity ?? 0n) * MSAT_PER_SAT) / 2n)
  const deal: Deal = {
    scid,
    client: peer,
    minFee: fee,
    proportional: 0 as Ppm,
    // Later than it really ends: in doubt the fee stays owed.
    validUntil: (at + terms.longestOfferMs) as Timestamp,
    minLifetime: 0,
    maxClientToSelfDelay: 0,
    // No payment that the channel can carry is more than twice this.
    paymentSize: half > least ? half : least,
    fee,
    cltvExpiryDelta: terms.cltvExpiryDelta,
    htlcMinimum: terms.htlcMinimum,
    partHold: terms.partHoldMs,
    createdAt: at,
  }
  return { tag: 'awaiting', deal, parts: [], refused: [] }
}

/** What of a sale cannot be read from lnd: taken from the config of today. */
export type LostTerms = {
  readonly cltvExpiryDelta: number
  readonly htlcMinimum: Msat
  readonly partHoldMs: number
  /** No offer lasts longer than this. */
  readonly longestOfferMs: number
}

/** A channel that cannot be used yet: the sale waits for it. */
export function stillOpening(sale: Sale, { memo }: OurChannel): CaughtUp | undefined {
  const { pendingChannelId } = memo
  if (isTerminal(sale) || (sale.tag === 'opening' && sale.pendingChannelId === pendingChannelId)) return undefined
  const { deal } = sale
  const parts = 'parts' in sale ? sale.parts : []
  return {
    sale: { tag: 'opening', deal, pendingChannelId, parts, refused: 'refused' in sale ? sale.refused : [] },
    money: [],
  }
}
