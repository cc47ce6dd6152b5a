import { type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import { doneFundings } from '../funding/records.ts'
import type { Funding } from '../funding/states.ts'
import { circuitsOf } from '../jit/catch-up.ts'
import { doneSales } from '../jit/records.ts'
import type { Sale } from '../jit/states.ts'
import type { Journal } from '../journal/journal.ts'
import { SidecarError } from '../kernel/errors.ts'
import type { Forward, LndPort } from '../lnd/port.ts'
import type { Store } from '../store/port.ts'
import { compare, type Difference } from './differences.ts'
import type { BookedFact, LndFacts, OrderFact, SaleFact, StoreFacts } from './facts.ts'
import { readSightings } from './sightings.ts'

/** Rows of the forwarding history over our channels that are compared at most: a few hundred MiB of them. */
export const MAX_ROWS = 500_000
/** Entries of the journal that are compared at most. */
export const MAX_ENTRIES = 500_000
/** lnd locks coins under this name for itself while it funds a transaction. */
const LOCK_OF_LND = 'ede19a92ed321a4705f8a1cccc1d4f6182545d4bb4fae08bd5937831b7e38f98'
const MSAT_PER_SAT = 1000n

export type ReconcileDeps = {
  readonly lnd: Pick<
    LndPort,
    | 'pendingChannels'
    | 'listChannels'
    | 'closedChannels'
    | 'listAliases'
    | 'listLeases'
    | 'confirmations'
    | 'forwardingHistory'
  >
  readonly store: Store
  readonly live: ReadonlyMap<string, Sale>
  readonly fundings: ReadonlyMap<string, Funding>
  readonly journal: Journal
}

export type Reconciliation = {
  readonly differences: readonly Difference[]
  /** How much was compared. */
  readonly compared: {
    readonly sales: number
    readonly openings: number
    readonly channels: number
    readonly fees: number
  }
}

/**
 * Compares our records with lnd and the chain. Reads and changes nothing. Our side is read first: what is under way
 * may show as a difference, and is gone when asked again.
 * @throws SidecarError LND_UNAVAILABLE, or LIMIT_REACHED when there is too much to compare at once
 */
export async function reconcile(deps: ReconcileDeps, signal: AbortSignal): Promise<Reconciliation> {
  const store = await storeFacts(deps)
  const lnd = await lndFacts(deps, store, signal)
  const compared = {
    sales: store.sales.length,
    openings: store.orders.length,
    channels: lnd.ours.length,
    fees: store.booked.length,
  }
  return { differences: compare(store, lnd), compared }
}

async function storeFacts({ store, live, fundings, journal }: ReconcileDeps): Promise<StoreFacts> {
  const sales = [...live.values()].map(saleFact)
  const orders = [...fundings.values()].map(orderFact)
  const ended = new Set(await store.keys(doneSales.name))
  const outpoints = new Map([...fundings].map(([id, funding]) => [id, outpointOf(funding)] as const))
  for await (const [id, funding] of doneFundings.entries(store)) outpoints.set(id, outpointOf(funding))
  const booked: BookedFact[] = []
  for await (const { sale, circuit, earned } of journal.jitFees()) {
    if (booked.length >= MAX_ENTRIES) throw tooMuch('MAX_ENTRIES', MAX_ENTRIES)
    const record = live.get(sale) ?? (await doneSales.get(store, sale))
    const chanId = record !== undefined && 'channel' in record ? record.channel.chanId : undefined
    booked.push({ sale, circuit, chanId, earned })
  }
  return {
    sales,
    orders,
    booked,
    knowsSale: (scid) => live.has(scid) || ended.has(scid),
    outpointOf: (id) => (outpoints.has(id) ? outpoints.get(id) : 'unknown'),
  }
}

function saleFact(sale: Sale): SaleFact {
  const channel = 'channel' in sale ? sale.channel : undefined
  return {
    scid: sale.deal.scid,
    state: sale.tag,
    fee: sale.deal.fee,
    outpoint: channel?.outpoint,
    chanId: channel?.chanId,
    bound: 'bound' in sale && sale.bound,
    circuits: circuitsOf(sale),
  }
}

function orderFact(funding: Funding): OrderFact {
  const stage = funding.tag === 'standing' ? funding.tx.stage : undefined
  return {
    id: funding.order.pendingChannelId,
    outpoint: outpointOf(funding),
    isStanding: funding.tag === 'standing',
    tx: stage === 'published' || stage === 'mined' ? stage : undefined,
  }
}

function outpointOf(funding: Funding): string | undefined {
  return 'outpoint' in funding ? funding.outpoint : undefined
}

async function lndFacts({ lnd }: ReconcileDeps, store: StoreFacts, signal: AbortSignal): Promise<LndFacts> {
  const seen = await readSightings(lnd, signal)
  const closed = await lnd.closedChannels(signal)
  const leases = await lnd.listLeases(signal)
  const confirmations = new Map<string, number | undefined>()
  for (const { outpoint, tx } of store.orders) {
    if (outpoint === undefined || tx === undefined) continue
    confirmations.set(outpoint, await lnd.confirmations(outpoint.split(':')[0] ?? '', signal))
  }
  const open = seen.ours.flatMap(({ chanId }) => (chanId === undefined ? [] : [chanId]))
  const ids = new Set([...open, ...store.booked.flatMap(({ chanId }) => (chanId === undefined ? [] : [chanId]))])
  return {
    ours: seen.ours,
    channels: new Map([
      ...closed.map(({ outpoint }) => [outpoint, 'closed'] as const),
      ...seen.pending.map(({ outpoint, stage }) => [outpoint, stage] as const),
      ...seen.channels.map(({ outpoint }) => [outpoint, 'open'] as const),
    ]),
    aliases: new Map([...seen.aliases].map(([alias, base]) => [scidFromNumber(alias) as Scid, base])),
    incoming: seen.incoming,
    inFlight: seen.inFlight.map(({ circuit, over, incoming, outgoing }) => ({
      circuit,
      over,
      kept: incoming.amount - outgoing.amount,
    })),
    confirmations,
    leases: leases.filter(({ id }) => id !== LOCK_OF_LND),
    rows: ids.size === 0 ? [] : await rowsOver(lnd, ids, signal),
    sent: new Map(
      seen.ours.flatMap(({ chanId, totalSent }) =>
        chanId === undefined || totalSent === undefined ? [] : [[chanId, totalSent * MSAT_PER_SAT] as const],
      ),
    ),
  }
}

function rowsOver(
  lnd: Pick<LndPort, 'forwardingHistory'>,
  ids: ReadonlySet<bigint>,
  signal: AbortSignal,
): Promise<readonly Forward[]> {
  let kept = 0
  const wanted = ({ outgoingChannel }: Forward): boolean => {
    if (!ids.has(outgoingChannel)) return false
    kept += 1
    if (kept > MAX_ROWS) throw tooMuch('MAX_ROWS', MAX_ROWS)
    return true
  }
  return lnd.forwardingHistory({ sinceSeconds: 0, wanted }, signal)
}

function tooMuch(limit: string, value: number): SidecarError {
  return new SidecarError({ code: 'LIMIT_REACHED', limit, value })
}
