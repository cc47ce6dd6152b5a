import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { Channel, CircuitKey, LndPort } from '../lnd/port.ts'
import { forwardedAmount } from './machine.ts'
import type { JitEvent, Part, Sale } from './states.ts'

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
    for (const [scid, sale] of sales) {
      if ('part' in sale && sale.part !== undefined) waiting.push({ scid, part: sale.part, sale })
    }
    const circuits = new Set(waiting.map(({ part }) => part.circuit))
    for (const gone of this.#goneSince.keys()) if (!circuits.has(gone)) this.#goneSince.delete(gone) // ended unasked
    if (waiting.length === 0) return []
    const channels = await this.#lnd.listChannels(signal)
    const pending = pendingCircuits(channels)
    const findings: Finding[] = []
    for (const candidate of waiting) {
      const { circuit } = candidate.part
      if (pending.has(circuit) || isOnItsWay(candidate, channels)) {
        this.#goneSince.delete(circuit)
        continue
      }
      const event = await this.#explain(candidate, signal)
      if (event === undefined) continue
      this.#goneSince.delete(circuit)
      findings.push({ scid: candidate.scid, event })
    }
    return findings
  }

  async #explain({ part, sale }: Waiting, signal: AbortSignal): Promise<JitEvent | undefined> {
    const { circuit } = part
    const at = this.#clock.now()
    if (sale.tag !== 'forwarding') return { type: 'part-gone', circuit, at }
    // Unbound too: without requireinterceptor lnd forwards by itself, and may have the alias before we know (D2).
    const since = this.#goneSince.get(circuit) ?? at
    this.#goneSince.set(circuit, since)
    // Our clock may have been ahead when the part was held: what it says now counts as well.
    const sinceSeconds = Math.floor(Math.min(part.heldAt, at) / 1000) - HISTORY_MARGIN_S
    const rows = await this.#lnd.forwardingHistory({ sinceSeconds }, signal)
    const row = rows.find((forward) => forward.circuit === circuit)
    if (row !== undefined) return { type: 'settled', circuit, amountOut: row.amountOut, at }
    if (at - since < HISTORY_FLUSH_MS) return undefined
    const amountOut = this.#settledWithoutRow(sale, await this.#sentWithoutRow(sale, signal))
    if (amountOut !== undefined) return { type: 'settled', circuit, amountOut, at }
    if (!sale.bound) return { type: 'part-gone', circuit, at }
    return { type: 'failed', circuit, reason: 'lnd has no record of a settled forward', at }
  }

  /** What the sale's channel sent according to itself, less what lnd's history says of it. */
  async #sentWithoutRow({ deal, channel }: Forwarding, signal: AbortSignal): Promise<bigint> {
    const sinceSeconds = Math.floor(deal.createdAt / 1000) - HISTORY_MARGIN_S
    const rows = await this.#lnd.forwardingHistory({ sinceSeconds }, signal)
    // Asked second: what is in the history has been sent, the other way round a payment could be missing here.
    const channels = await this.#lnd.listChannels(signal, deal.client)
    const sent = channels.find(({ outpoint }) => outpoint === channel.outpoint)?.totalSent ?? 0n
    const told = rows.filter(({ outgoingChannel }) => outgoingChannel === channel.chanId)
    return told.reduce((rest, row) => rest - row.amountOut, sent * MSAT_PER_SAT)
  }

  /** The amount of a forward that lnd has no row of; undefined when the channel did not send that much. */
  #settledWithoutRow({ deal, part }: Forwarding, sent: bigint): Msat | undefined {
    const skimmed = forwardedAmount(deal, part)
    const covers = (amount: Msat) => sent > amount - MSAT_PER_SAT // channels count in whole satoshi
    if (this.#lndResumes && deal.fee >= MSAT_PER_SAT && covers(part.amountOut)) return part.amountOut
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
