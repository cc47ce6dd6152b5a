import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { pendingCircuits } from '../held/pending.ts'
import type { Channel, CircuitKey, LndPort } from '../lnd/port.ts'
import { type Match, matchParts } from './matching.ts'
import { mayBeForwarded, openParts } from './parts.ts'
import type { Delivered, JitEvent, Part, Sale, SentPart } from './states.ts'
import { forwardedAmount } from './verdict.ts'

/** lnd writes its forwarding history every 15 s; only after this does a missing row mean something. */
export const HISTORY_FLUSH_MS = 20_000
/** How far before the part was held the history is read. */
const HISTORY_MARGIN_S = 60

const MSAT_PER_SAT = 1000n

type Forwarding = Extract<Sale, { tag: 'forwarding' }>
/** A sale that has its channel. */
type Standing = Extract<Sale, { channel: unknown }>
type Delivery = NonNullable<Delivered>[number]
/** One look at lnd: what was gone then, and what else was asked of lnd for it, once for each sale. */
type Look = {
  readonly gone: readonly Waiting[]
  readonly salesTo: (client: NodeId) => readonly Standing[]
  readonly channels: readonly Channel[]
  readonly accounts: Map<Scid, Account>
  /** To each client, what was found to have been sent though lnd wrote nothing of it: it explains no second part. */
  readonly unwritten: Map<NodeId, bigint>
}
/** What was sent to a sale's client and nobody wrote down, in msat, and what that says of the parts that ended unheard. */
type Account = { readonly unexplained: bigint; readonly matches: ReadonlyMap<CircuitKey, Match> }
type Waiting = { readonly scid: Scid; readonly part: Part; readonly sale: Sale }
export type Finding = { readonly scid: Scid; readonly event: JitEvent }

/**
 * Finds out what became of parts whose end nobody told us: lnd does not replay its events (lnd.md, C7). A part that
 * stands in no channel any more has ended; how, is read from lnd's forwarding history, and when lnd lost that (it
 * keeps up to 15 s in memory) from what the channel says it ever sent.
 */
export class Findings {
  readonly #lnd: Pick<LndPort, 'listChannels' | 'forwardingHistory'>
  readonly #clock: Clock
  readonly #lndResumes: boolean
  readonly #goneSince = new Map<CircuitKey, Timestamp>()

  /** `lndResumes`: lnd may forward a held payment by itself and in full, since it runs without requireinterceptor (D2). */
  constructor(lnd: Pick<LndPort, 'listChannels' | 'forwardingHistory'>, clock: Clock, lndResumes = true) {
    this.#lnd = lnd
    this.#clock = clock
    this.#lndResumes = lndResumes
  }

  async look(sales: Iterable<readonly [Scid, Sale]>, signal: AbortSignal): Promise<readonly Finding[]> {
    const waiting: Waiting[] = [] // taken before lnd is asked: a part that comes later is not missing
    const all = [...sales]
    for (const [scid, sale] of all) for (const part of openParts(sale)) waiting.push({ scid, part, sale })
    const circuits = new Set(waiting.map(({ part }) => part.circuit))
    for (const gone of this.#goneSince.keys()) if (!circuits.has(gone)) this.#goneSince.delete(gone) // ended unasked
    if (waiting.length === 0) return []
    const channels = await this.#lnd.listChannels(signal)
    const pending = pendingCircuits(channels)
    const findings: Finding[] = []
    const salesTo = (client: NodeId) => all.flatMap(([, sale]) => (isStanding(sale, client) ? [sale] : []))
    const gone = waiting.filter((part) => !pending.has(part.part.circuit) && !isOnItsWay(part, channels))
    const isGone = new Set(gone.map(({ part }) => part.circuit))
    for (const { part } of waiting) if (!isGone.has(part.circuit)) this.#goneSince.delete(part.circuit)
    const look: Look = { gone, salesTo, channels, accounts: new Map(), unwritten: new Map() }
    for (const candidate of gone) {
      const event = await this.#explain(candidate, look, signal)
      if (event === undefined) continue
      this.#goneSince.delete(candidate.part.circuit)
      findings.push({ scid: candidate.scid, event })
    }
    return findings
  }

  async #explain({ part, sale }: Waiting, look: Look, signal: AbortSignal): Promise<JitEvent | undefined> {
    const { circuit } = part
    const at = this.#clock.now()
    const sent = sentOf({ part, sale })
    if (sale.tag !== 'forwarding' || sent === undefined) return { type: 'part-gone', circuit, at }
    // Unbound too: without requireinterceptor lnd forwards by itself, and may have the alias before we know (D2).
    const since = this.#goneSince.get(circuit) ?? at
    this.#goneSince.set(circuit, since)
    // Our clock may have been ahead when the part was held: what it says now counts as well.
    const sinceSeconds = Math.floor(Math.min(part.heldAt, at) / 1000) - HISTORY_MARGIN_S
    const rows = await this.#lnd.forwardingHistory({ sinceSeconds }, signal)
    const row = rows.find((forward) => forward.circuit === circuit)
    if (row !== undefined) return { type: 'settled', circuit, amountOut: row.amountOut, amountIn: row.amountIn, at }
    if (at - since < HISTORY_FLUSH_MS) return undefined
    const amountOut = mayHaveLost(look.channels, part, at)
      ? await this.#sentUnwritten(sale, sent, look, signal)
      : undefined
    if (amountOut !== undefined) return { type: 'settled', circuit, amountOut, at }
    if (!mayBeForwarded(sale)) return { type: 'part-gone', circuit, at }
    return { type: 'failed', circuit, reason: 'lnd has no record of a settled forward', at }
  }

  /** How much of the part went out, if it did so without a row of lnd's. */
  async #sentUnwritten(sale: Forwarding, part: SentPart, look: Look, signal: AbortSignal): Promise<Msat | undefined> {
    const { scid, client } = sale.deal
    const account = look.accounts.get(scid) ?? (await this.#account(sale, look, signal))
    look.accounts.set(scid, account)
    const match = account.matches.get(part.circuit)
    if (match === 'failed') return undefined
    if (match === 'settled') return forwardedAmount(part)
    const found = look.unwritten.get(client) ?? 0n
    const amountOut = this.#settledWithoutRow(part, account.unexplained - found)
    if (amountOut !== undefined) look.unwritten.set(client, found + amountOut)
    return amountOut
  }

  /**
   * What the channels of a client's sales sent according to themselves, less what lnd's history, or else the sales, say
   * of it. All of them: lnd sends a part over whichever channel of the client can carry it (lnd.md 2.3).
   */
  async #account(sale: Forwarding, { gone, salesTo }: Look, signal: AbortSignal): Promise<Account> {
    const { client } = sale.deal
    const sales = salesTo(client)
    const since = Math.min(...sales.map(({ deal }) => deal.createdAt))
    const sinceSeconds = Math.floor(since / 1000) - HISTORY_MARGIN_S
    const rows = await this.#lnd.forwardingHistory({ sinceSeconds }, signal)
    // Asked second: what is in the history has been sent, the other way round a payment could be missing here.
    const channels = await this.#lnd.listChannels(signal, client)
    const outpoints = new Set(sales.map(({ channel }) => channel.outpoint))
    const sold = channels.filter(({ outpoint }) => outpoints.has(outpoint))
    const ids = new Set(sold.map(({ chanId }) => chanId))
    const told = rows.filter(({ outgoingChannel }) => ids.has(outgoingChannel))
    const written = new Set(rows.map(({ circuit }) => circuit))
    // What other sales delivered may have gone over a channel of another origin, where there is one.
    const certain = sold.length === channels.length ? sales : [sale]
    const known = certain.flatMap(deliveredBy).filter(({ circuit }) => !written.has(circuit))
    const sent = sold.reduce((sum, { totalSent }) => sum + totalSent, 0n) * MSAT_PER_SAT
    const unexplained = [...told, ...known].reduce((rest, { amountOut }) => rest - amountOut, sent)
    // Where lnd may have let a part go by itself, nobody knows how much of it went.
    if (this.#lndResumes) return { unexplained, matches: new Map() }
    const open = gone
      .flatMap((other) => (other.sale.deal.client === client ? (sentOf(other) ?? []) : []))
      .filter(({ circuit }) => !written.has(circuit))
    const found = matchParts(open.map(forwardedAmount), unexplained, MSAT_PER_SAT * BigInt(sold.length)) ?? []
    return { unexplained, matches: new Map(found.map((match, index) => [open[index]?.circuit ?? '', match])) }
  }

  /** The amount of a forward that lnd has no row of; undefined when the channel did not send that much. */
  #settledWithoutRow(part: SentPart, sent: bigint): Msat | undefined {
    const skimmed = forwardedAmount(part)
    const covers = (amount: Msat) => sent > amount - MSAT_PER_SAT // channels count in whole satoshi
    if (this.#lndResumes && part.fee >= MSAT_PER_SAT && covers(part.amountOut)) return part.amountOut
    return covers(skimmed) ? skimmed : undefined
  }
}

/**
 * Whether lnd may have lost rows of its history since the part was held: it keeps them in memory for up to 15 s, and
 * loses them only when it dies. How long it runs at least, its longest watched channel says.
 */
function mayHaveLost(channels: readonly Channel[], { heldAt }: Part, now: Timestamp): boolean {
  const runsFor = Math.max(0, ...channels.map(({ lifetimeSeconds }) => lifetimeSeconds)) * 1000
  return now - runsFor >= Math.min(heldAt, now)
}

/** What was decided about the part; undefined when it is held, or nothing is forwarded. */
function sentOf({ sale, part }: Pick<Waiting, 'sale' | 'part'>): SentPart | undefined {
  return sale.tag === 'forwarding' ? sale.sent.find(({ circuit }) => circuit === part.circuit) : undefined
}

function isStanding(sale: Sale, client: NodeId): sale is Standing {
  return 'channel' in sale && sale.deal.client === client
}

/** What settled of a sale, as far as it is on record. */
function deliveredBy(sale: Standing): readonly Delivery[] {
  const now = 'sent' in sale ? sale.sent : []
  const settled = now.flatMap(({ circuit, end }) => (end?.type === 'settled' ? [{ ...end, circuit }] : []))
  return [...settled, ...('delivered' in sale ? (sale.delivered ?? []) : [])]
}

/** The client may still claim it: the payer's channel can be closing, and lists none of its HTLCs then. */
function isOnItsWay({ sale, part }: Waiting, channels: readonly Channel[]): boolean {
  if (sale.tag !== 'forwarding') return false
  const ofClient = channels.filter(({ peer }) => peer === sale.deal.client)
  return ofClient.some(({ pendingHtlcs }) =>
    pendingHtlcs.some(({ incoming, paymentHash }) => !incoming && paymentHash === part.paymentHash),
  )
}
