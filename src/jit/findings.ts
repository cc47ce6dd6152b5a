import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { Channel, CircuitKey, LndPort } from '../lnd/port.ts'
import { mayBeForwarded, openParts } from './parts.ts'
import type { JitEvent, Part, Sale, SentPart } from './states.ts'
import { forwardedAmount } from './verdict.ts'

/** lnd writes its forwarding history every 15 s; only after this does a missing row mean something. */
export const HISTORY_FLUSH_MS = 20_000
/** How far before the part was held the history is read. */
const HISTORY_MARGIN_S = 60

const MSAT_PER_SAT = 1000n

type Forwarding = Extract<Sale, { tag: 'forwarding' }>
type Waiting = { readonly scid: Scid; readonly part: Part; readonly sale: Sale }
export type Finding = { readonly scid: Scid; readonly event: JitEvent }

/** What lnd says about the incoming side of a circuit; undefined when it is not in any channel any more. */
export function pendingCircuits(
  channels: readonly Channel[],
): ReadonlyMap<CircuitKey, { readonly forwarded: boolean }> {
  const pending = new Map<CircuitKey, { forwarded: boolean }>()
  for (const { chanId, pendingHtlcs } of channels) {
    for (const htlc of pendingHtlcs) {
      if (htlc.incoming) pending.set(`${chanId}:${htlc.htlcIndex}`, { forwarded: htlc.forwardedTo !== undefined })
    }
  }
  return pending
}

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
    for (const [scid, sale] of sales) for (const part of openParts(sale)) waiting.push({ scid, part, sale })
    const circuits = new Set(waiting.map(({ part }) => part.circuit))
    for (const gone of this.#goneSince.keys()) if (!circuits.has(gone)) this.#goneSince.delete(gone) // ended unasked
    if (waiting.length === 0) return []
    const channels = await this.#lnd.listChannels(signal)
    const pending = pendingCircuits(channels)
    const findings: Finding[] = []
    /** Of each sale, what was found to have been sent though lnd wrote nothing of it: it explains no second part. */
    const unwritten = new Map<Scid, bigint>()
    for (const candidate of waiting) {
      const { circuit } = candidate.part
      if (pending.has(circuit) || isOnItsWay(candidate, channels)) {
        this.#goneSince.delete(circuit)
        continue
      }
      const event = await this.#explain(candidate, unwritten, signal)
      if (event === undefined) continue
      this.#goneSince.delete(circuit)
      findings.push({ scid: candidate.scid, event })
    }
    return findings
  }

  async #explain(
    { scid, part, sale }: Waiting,
    unwritten: Map<Scid, bigint>,
    signal: AbortSignal,
  ): Promise<JitEvent | undefined> {
    const { circuit } = part
    const at = this.#clock.now()
    const sent = sale.tag === 'forwarding' ? sale.sent.find((other) => other.circuit === circuit) : undefined
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
    const found = unwritten.get(scid) ?? 0n
    const amountOut = this.#settledWithoutRow(sent, (await this.#sentWithoutRow(sale, signal)) - found)
    if (amountOut !== undefined) {
      unwritten.set(scid, found + amountOut)
      return { type: 'settled', circuit, amountOut, at }
    }
    if (!mayBeForwarded(sale)) return { type: 'part-gone', circuit, at }
    return { type: 'failed', circuit, reason: 'lnd has no record of a settled forward', at }
  }

  /** What the sale's channel sent according to itself, less what lnd's history, or else the sale, says of it. */
  async #sentWithoutRow({ deal, channel, sent: parts }: Forwarding, signal: AbortSignal): Promise<bigint> {
    const sinceSeconds = Math.floor(deal.createdAt / 1000) - HISTORY_MARGIN_S
    const rows = await this.#lnd.forwardingHistory({ sinceSeconds }, signal)
    // Asked second: what is in the history has been sent, the other way round a payment could be missing here.
    const channels = await this.#lnd.listChannels(signal, deal.client)
    const sent = channels.find(({ outpoint }) => outpoint === channel.outpoint)?.totalSent ?? 0n
    const told = rows.filter(({ outgoingChannel }) => outgoingChannel === channel.chanId)
    const written = new Set(told.map((row) => row.circuit))
    const known = parts.filter(({ circuit, end }) => end?.type === 'settled' && !written.has(circuit))
    const explained = [...told, ...known.map(({ end }) => end as { amountOut: Msat })]
    return explained.reduce((rest, { amountOut }) => rest - amountOut, sent * MSAT_PER_SAT)
  }

  /** The amount of a forward that lnd has no row of; undefined when the channel did not send that much. */
  #settledWithoutRow(part: SentPart, sent: bigint): Msat | undefined {
    const skimmed = forwardedAmount(part)
    const covers = (amount: Msat) => sent > amount - MSAT_PER_SAT // channels count in whole satoshi
    if (this.#lndResumes && part.fee >= MSAT_PER_SAT && covers(part.amountOut)) return part.amountOut
    return covers(skimmed) ? skimmed : undefined
  }
}

/** The client may still claim it: the payer's channel can be closing, and lists none of its HTLCs then. */
function isOnItsWay({ sale, part }: Waiting, channels: readonly Channel[]): boolean {
  if (sale.tag !== 'forwarding') return false
  const ofClient = channels.filter(({ peer }) => peer === sale.deal.client)
  return ofClient.some(({ pendingHtlcs }) =>
    pendingHtlcs.some(({ incoming, paymentHash }) => !incoming && paymentHash === part.paymentHash),
  )
}
