import { type Msat, msat, type Ppm, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { type Scid, scidToNumber } from '../../lsps/base/scid.ts'
import { type Ahead, type CaughtUp, explainedBy, type StrangeHtlc } from '../jit/catch-up.ts'
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
  for (const row of rows) {
    const others = map.get(row.outgoingChannel)
    if (others === undefined) map.set(row.outgoingChannel, [row])
    else others.push(row)
  }
  return map
}

function sum(rows: readonly Forward[]): bigint {
  return rows.reduce((total, { amountOut }) => total + amountOut, 0n)
}

/** What a channel sent beyond its rows in the history, in msat; lnd counts it in whole satoshi. */
export function sentUnexplained({ chanId }: Suspect, { open }: Sightings, rows: Rows): bigint {
  const channel = open.get(chanId ?? 0n)
  if (channel === undefined) return 0n
  const rest = channel.totalSent * MSAT_PER_SAT - sum(rows.get(channel.chanId) ?? [])
  return rest > 0n ? rest : 0n
}

/** What lnd shows, and which of it needs no explanation. */
export type Facts = {
  readonly seen: Sightings
  readonly rows: Rows
  /** HTLCs that are on record, with the sale that counts on them. */
  readonly explained: ReadonlyMap<string, string>
}

export function aheadOf(suspect: Suspect, sale: Sale, { seen, rows, explained }: Facts, at: Timestamp): Ahead {
  const { scid, found, chanId } = suspect
  const open = seen.open.get(chanId ?? 0n)
  const ref = 'channel' in sale ? sale.channel : undefined
  const pendingChannelId = found?.memo.pendingChannelId ?? ref?.pendingChannelId ?? ''
  const fee = sale.tag === 'forwarding' ? sale.fee : (sale.deal.fee ?? found?.memo.fee ?? sale.deal.minFee)
  const left = fee - ('collected' in sale ? sale.collected : 0n)
  const own = explainedBy(sale)
  const isStrange = ({ circuit }: StrangeHtlc) => {
    const owner = explained.get(circuit)
    return !own.has(circuit) && (owner === undefined || owner === scid)
  }
  // A channel that is not on record is there only since an older database took the place of ours.
  const isBehind = found !== undefined || ref === undefined
  const settled = keeping(rows.get(chanId ?? 0n) ?? []).filter(isStrange)
  const inFlight = inFlightOver(seen, chanId).filter(isStrange)
  const lost = isBehind && settled.length + inFlight.length === 0 ? sentWithoutRow(suspect, fee, seen, rows) : []
  return {
    channel: open === undefined || chanId === undefined ? ref : { outpoint: open.outpoint, chanId, pendingChannelId },
    outpoint: open?.outpoint ?? found?.outpoint ?? ref?.outpoint ?? '',
    bound: chanId !== undefined && seen.aliases.get(scidToNumber(scid)) === chanId,
    fee,
    settled: [...(isBehind ? untilPaid(settled, left) : exactly(settled, left, 0n)), ...lost],
    inFlight: isBehind ? inFlight : exactly(inFlight, left, MSAT_PER_SAT),
    at,
  }
}

/** Forwards of which something was kept: the fee of a channel of ours is 0/0, until its operator raises it. */
function keeping(rows: readonly Forward[]): readonly StrangeHtlc[] {
  return rows.flatMap(({ circuit, amountIn, amountOut }) =>
    circuit === undefined || amountIn <= amountOut ? [] : [{ circuit, amountIn, amountOut }],
  )
}

function inFlightOver({ inFlightOver: over }: Sightings, chanId: bigint | undefined): Ahead['inFlight'] {
  return (over.get(chanId ?? 0n) ?? []).flatMap(({ circuit, incoming, outgoing }) => {
    if (incoming.amount <= outgoing.amount) return []
    const { amount: amountIn, paymentHash, expiryHeight: expiryIn } = incoming
    return [{ circuit, paymentHash, amountIn, amountOut: outgoing.amount, expiryIn, expiryOut: outgoing.expiryHeight }]
  })
}

const keptOf = ({ amountIn, amountOut }: StrangeHtlc): bigint => amountIn - amountOut

/** The first of them that pay what is left of the fee, or all. */
function untilPaid(htlcs: readonly StrangeHtlc[], left: bigint): readonly StrangeHtlc[] {
  let paid = 0n
  return htlcs.filter((htlc) => {
    if (paid >= left) return false
    paid += keptOf(htlc)
    return true
  })
}

/**
 * Those that must be the fee: one that kept at least what is left of it, or all together exactly that. `rounding` is
 * what each may be short of or above its real amount.
 */
function exactly<Htlc extends StrangeHtlc>(htlcs: readonly Htlc[], left: bigint, rounding: bigint): readonly Htlc[] {
  if (left <= 0n) return []
  const one = htlcs.find((htlc) => keptOf(htlc) + rounding >= left)
  if (one !== undefined) return [one]
  const difference = htlcs.reduce((sum, htlc) => sum + keptOf(htlc), -left)
  const tolerance = rounding * BigInt(htlcs.length)
  return difference <= tolerance && -difference <= tolerance ? htlcs : []
}

/**
 * lnd lost the row when it died: the channel says that it carried something, and the first payment to a sale's scid
 * pays the fee. Taken as paid: the client is not charged twice.
 */
function sentWithoutRow(suspect: Suspect, fee: Msat, seen: Sightings, rows: Rows): readonly StrangeHtlc[] {
  const sent = sentUnexplained(suspect, seen, rows)
  return sent < MSAT_PER_SAT ? [] : [{ circuit: '', amountIn: msat(sent + fee), amountOut: msat(sent) }]
}

/** What can be known of a sale that is not on record: its memo says who, which scid and what fee. */
export function forgottenSale(
  scid: Scid,
  { memo, peer, chanId, capacity = sat(0n) }: OurChannel,
  { terms, seen, at }: { readonly terms: LostTerms; readonly seen: Sightings; readonly at: Timestamp },
): Sale {
  const fee = memo.fee ?? msat(0n)
  // More parts of a payment that is on its way may come: they belong together by its hash, up to twice this size.
  const half = (capacity * MSAT_PER_SAT) / 2n
  const carried = inFlightOver(seen, chanId).reduce((sum, { amountIn }) => sum + amountIn, 0n)
  const deal: Deal = {
    scid,
    client: peer,
    minFee: fee,
    proportional: 0 as Ppm,
    // Later than it really ends: in doubt the fee stays owed.
    validUntil: (at + terms.longestOfferMs) as Timestamp,
    minLifetime: 0,
    maxClientToSelfDelay: 0,
    // The size of its payment is lost, so the next HTLC that can carry the fee pays it.
    ...(carried === 0n ? {} : { paymentSize: msat(carried > half ? carried : half) }),
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
