import { sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import { parseScid, type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import { catchUpFunding, orderOf } from '../funding/catch-up.ts'
import { step } from '../funding/machine.ts'
import { doneFundings, fundingOutbox, liveFundings } from '../funding/records.ts'
import type { Funding } from '../funding/states.ts'
import { catchUpSale } from '../jit/catch-up.ts'
import { isTerminal } from '../jit/machine.ts'
import { knownCircuits } from '../jit/parts.ts'
import { doneSales, indexWrites, liveSales, outboxTable } from '../jit/records.ts'
import type { Sale } from '../jit/states.ts'
import { flightStep } from '../journal/flight.ts'
import type { Journal } from '../journal/journal.ts'
import type { Log } from '../kernel/log.ts'
import type { LndPort } from '../lnd/port.ts'
import type { Store, Write } from '../store/port.ts'
import {
  aheadOf,
  byChannel,
  type Facts,
  forgottenSale,
  type LostTerms,
  type Rows,
  type Suspect,
  sentUnexplained,
  stillOpening,
} from './ahead.ts'
import { type OurChannel, readSightings, type Sightings } from './sightings.ts'

/** A sale that is not on record was sold after the last thing that is; our clock may have been ahead by this. */
const CLOCK_MARGIN_MS = 3_600_000
/** Sequence numbers in an outbox: the first one, and one that no effect on record has. */
const FIRST = '000000000001'
const LATEST = 900_000_000_000
/** No sale counts on what is in the journal. */
const BOOKED = ''
/** Entries of the journal that are compared with lnd's history, the last ones. */
const MAX_ENTRIES_READ = 500_000
/** Orders whose record is read at the same time: one by one, thousands of channels would delay each start. */
const LOOKUPS_AT_ONCE = 100
/** lnd writes its forwarding history every 15 s. */
const HISTORY_FLUSH_MS = 20_000

/** Said when the start waits for that. */
export const WAITING_FOR_HISTORY =
  'channels carried more than the forwarding history tells: waiting for lnd to write it'

export type CatchUpDeps = {
  readonly lnd: Pick<
    LndPort,
    'pendingChannels' | 'listChannels' | 'listAliases' | 'forwardingHistory' | 'rawTransaction' | 'confirmations'
  >
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly live: ReadonlyMap<string, Sale>
  readonly fundings: ReadonlyMap<string, Funding>
  readonly journal: Journal
  readonly terms: LostTerms
}

/**
 * Before anything is served: an older database may have been put in place of ours. Whatever lnd shows of us that the
 * records do not know is taken up again (D16): channels by their memo, fees by lnd's forwarding history. Finds nothing
 * in any other case. Each sale is one commit, so that a crash between two goes on with the next.
 * @returns how many sales were taken up; the services have to load again when it is not 0
 */
export async function catchUp(deps: CatchUpDeps, signal: AbortSignal): Promise<number> {
  const seen = await readSightings(deps.lnd, signal)
  const suspects = await findSuspects(deps, seen, signal)
  if (suspects.length === 0) return 0
  const rows = await strangeRows(deps, suspects, seen, signal)
  const facts = { seen, rows, explained: await explainedCircuits(deps, rows) }
  let taken = 0
  for (const suspect of suspects) {
    const writes = await takeUp(deps, suspect, facts, signal)
    if (writes.length === 0) continue
    await deps.store.commit(writes)
    taken += 1
  }
  return taken
}

async function findSuspects(deps: CatchUpDeps, seen: Sightings, signal: AbortSignal): Promise<readonly Suspect[]> {
  const { store, live } = deps
  const found = new Map<string, OurChannel>()
  const ours = seen.ours.filter(({ memo }) => memo.kind === 'jit')
  for (let first = 0; first < ours.length; first += LOOKUPS_AT_ONCE) {
    const some = ours.slice(first, first + LOOKUPS_AT_ONCE)
    const known = await Promise.all(some.map((channel) => isKnown(deps, channel, signal)))
    for (const channel of some.filter((_, index) => known[index] === false)) {
      // Of two channels of one sale the one that can be used counts.
      if (found.get(channel.memo.owner)?.stage !== 'open') found.set(channel.memo.owner, channel)
    }
  }
  const bases = basesOf(seen)
  const suspects: Suspect[] = []
  for (const [scid, sale] of live) {
    const channel = found.get(scid)
    if (channel === undefined && isGivenUp(sale)) continue
    const chanId = channel?.chanId ?? ('channel' in sale ? sale.channel.chanId : bases.get(scid))
    if (channel === undefined && chanId === undefined) continue
    suspects.push({ scid: scid as Scid, sale, found: channel, chanId })
  }
  for (const [owner, channel] of found) {
    const scid = parseScid(owner)
    if (scid === undefined || live.has(owner)) continue
    const sale = await doneSales.get(store, owner)
    suspects.push({ scid, sale, found: channel, chanId: channel.chanId })
  }
  return suspects
}

/** Scids of sales that lead to the channel of that very sale; anybody can make one lead to another channel. */
function basesOf({ aliases, ours }: Sightings): ReadonlyMap<string, bigint> {
  const owners = new Map(ours.flatMap(({ chanId, memo }) => (chanId === undefined ? [] : [[chanId, memo.owner]])))
  const named = [...aliases].map(([alias, base]) => [scidFromNumber(alias) as string, base] as const)
  return new Map(named.filter(([scid, base]) => owners.get(base) === scid))
}

/** The offer is over: what its customer is paid now is an ordinary forward and earns no opening fee. */
function isGivenUp({ tag }: Sale): boolean {
  return tag === 'reclaiming' || tag === 'unwanted'
}

/** Whether the record of its order is as far as the channel. */
async function isKnown(
  { store, fundings, lnd }: CatchUpDeps,
  { memo, outpoint }: OurChannel,
  signal: AbortSignal,
): Promise<boolean> {
  const { pendingChannelId } = memo
  const order = fundings.get(pendingChannelId) ?? (await doneFundings.get(store, pendingChannelId))
  if (order === undefined || !('outpoint' in order) || order.outpoint !== outpoint) return false
  const isWithheld = order.tag === 'discarding' || (order.tag === 'standing' && order.tx.stage === 'unsigned')
  if (!isWithheld) return true
  return (await lnd.rawTransaction(outpoint.split(':')[0] ?? '', signal)) === undefined
}

/** What lnd settled over the suspects' channels, by channel. */
async function strangeRows(
  { lnd, clock, store, live, journal, log }: CatchUpDeps,
  suspects: readonly Suspect[],
  seen: Sightings,
  signal: AbortSignal,
): Promise<Rows> {
  const ids = new Set(suspects.flatMap(({ chanId }) => (chanId === undefined ? [] : [chanId])))
  if (ids.size === 0) return new Map()
  const known = suspects.flatMap(({ sale }) => (sale === undefined ? [] : [sale.deal.createdAt]))
  const unknown = suspects.some(({ sale }) => sale === undefined)
  const sinceMs = Math.min(...known, unknown ? (await lastKnown(store, live, journal)) - CLOCK_MARGIN_MS : Infinity)
  const sinceSeconds = Math.max(0, Math.floor(sinceMs / 1000) - 60)
  const read = () =>
    lnd.forwardingHistory({ sinceSeconds, wanted: ({ outgoingChannel }) => ids.has(outgoingChannel) }, signal)
  let rows = byChannel(await read())
  // What is being forwarded by the record is looked for afterwards, as ever: nobody has to wait for it.
  const waits = suspects.filter(({ sale }) => sale?.tag !== 'forwarding')
  if (waits.some((suspect) => sentUnexplained(suspect, seen, rows) > 0n)) {
    log.warn({}, WAITING_FOR_HISTORY)
    await clock.sleep(HISTORY_FLUSH_MS, signal)
    rows = byChannel(await read())
  }
  return rows
}

/**
 * HTLCs that the records know, of whatever sale: lnd forwards over any channel of the peer, so one that was sent to a
 * scid may be seen on the channel of another.
 */
async function explainedCircuits({ live, journal }: CatchUpDeps, rows: Rows): Promise<ReadonlyMap<string, string>> {
  const explained = new Map<string, string>()
  for (const [scid, sale] of live) for (const circuit of knownCircuits(sale)) explained.set(circuit, scid)
  const kept = [...rows.values()].flat().filter(({ amountIn, amountOut }) => amountIn > amountOut)
  if (kept.length === 0) return explained
  const since = Math.min(...kept.map(({ at }) => at)) - CLOCK_MARGIN_MS
  for await (const { at, circuit } of journal.jitFees({ reverse: true, limit: MAX_ENTRIES_READ })) {
    if (at < since) break
    if (circuit !== undefined) explained.set(circuit, BOOKED)
  }
  return explained
}

/** When the last thing happened that is on record; 0 when nothing is. */
async function lastKnown(store: Store, live: ReadonlyMap<string, Sale>, journal: Journal): Promise<number> {
  let last = 0
  for (const { deal } of live.values()) last = Math.max(last, deal.createdAt)
  for await (const { at } of journal.entries({ reverse: true, limit: 1 })) last = Math.max(last, at)
  const [ended] = await store.keys('jit-ended', { reverse: true, limit: 1 })
  return Math.max(last, Number(ended?.split('/')[0] ?? 0))
}

/** The writes that bring one sale, its order and the journal to where lnd is; none when they are there. */
async function takeUp(
  deps: CatchUpDeps,
  suspect: Suspect,
  facts: Facts,
  signal: AbortSignal,
): Promise<readonly Write[]> {
  const { store, journal, log, clock, terms } = deps
  const { seen } = facts
  const { scid, found } = suspect
  const at = clock.now()
  const sale = suspect.sale ?? (found === undefined ? undefined : forgottenSale(scid, found, { terms, seen, at }))
  if (sale === undefined) return []
  const ahead = aheadOf(suspect, sale, facts, at)
  const isEmpty = ahead.inFlight.length === 0 && ahead.settled.length === 0
  const order = found === undefined ? undefined : await takeUpOrder(deps, found, isEmpty ? 'empty' : 'used', signal)
  const funding = order?.writes ?? []
  if (isTerminal(sale)) return funding
  // Nothing may go over a channel that cannot be used yet, or that is given up: the sale holds what comes.
  const waits = found !== undefined && (found.chanId === undefined || order?.raw === undefined) && isEmpty
  const caughtUp = waits ? stillOpening(sale, found) : catchUpSale(sale, ahead)
  const isNew = suspect.sale === undefined
  if (caughtUp === undefined && !isNew) return funding
  const { sale: now, money } = caughtUp ?? { sale, money: [] }
  log.warn({ jit: scid, was: isNew ? 'not on record' : sale.tag, is: now.tag }, 'sale taken up again from lnd')
  const detail = { was: isNew ? 'not on record' : sale.tag, is: now.tag }
  return [
    ...(isTerminal(now) ? [doneSales.put(scid, now), liveSales.del(scid)] : [liveSales.put(scid, now)]),
    ...indexWrites(now).filter(({ key }) => key !== ''),
    ...(await outboxRows(store, outboxTable.name, scid)),
    ...(await endOtherOrders(deps, scid, seen)),
    ...funding,
    ...(now.tag === 'paid' || now.tag === 'forwarding' ? publishDue(deps, scid, found) : []),
    ...journal.append(
      money.map((event) => ({ ...event, refound: true as const })),
      now.tag === 'paid' ? 1 : 0,
    ),
    flightStep(scid, { at, what: 'taken up again from lnd: the database was older', detail }),
  ]
}

/** The record of the order as lnd has it; its transaction is in lnd's wallet once it was published. */
async function takeUpOrder(
  { lnd, store, log, fundings }: CatchUpDeps,
  { memo, text, peer, outpoint, capacity, chanId, stage, totalSent = sat(0n) }: OurChannel,
  money: 'empty' | 'used',
  signal: AbortSignal,
): Promise<{ readonly writes: readonly Write[]; readonly raw: string | undefined }> {
  const { pendingChannelId: id, owner } = memo
  const [txid = ''] = outpoint.split(':')
  const raw = await lnd.rawTransaction(txid, signal)
  const ended = [...(await outboxRows(store, fundingOutbox.name, id)), liveFundings.del(id)]
  if (raw === undefined) {
    // Its unsigned transaction was on the disk that is gone: nobody can make the same one again.
    const order = fundings.get(id)?.order ?? orderOf({ pendingChannelId: id, owner, peer, memo: text, capacity })
    if (money === 'used' || totalSent > 0n) {
      log.error({ outpoint, owner, peer }, 'a channel can never confirm, its funding is lost: repay this peer')
      return { raw, writes: [...ended, doneFundings.put(id, { tag: 'lost', order, outpoint })] }
    }
    log.warn({ outpoint, owner, stage }, 'a channel can never confirm, its funding is lost: it is empty and given up')
    const discarding = { tag: 'discarding', order, outpoint, psbt: '', chanId, stage: 'closing', by: 'owner' } as const
    return {
      raw,
      writes: [...ended, liveFundings.put(id, discarding), fundingOutbox.put(`${id}/${FIRST}`, { type: 'close' })],
    }
  }
  const confirmations = (await lnd.confirmations(txid, signal)) ?? 0
  const { funding, effects } = catchUpFunding({
    order: orderOf({ pendingChannelId: id, owner, peer, memo: text, capacity }),
    outpoint,
    chanId,
    raw,
    confirmations,
  })
  const writes = [
    ...ended,
    funding.tag === 'confirmed' ? doneFundings.put(id, funding) : liveFundings.put(id, funding),
    ...effects.map((effect) => fundingOutbox.put(`${id}/${FIRST}`, effect)),
  ]
  return { raw, writes }
}

/** Money is or was in the channel: a funding that was withheld for it is published now. */
function publishDue({ fundings }: CatchUpDeps, scid: Scid, found: OurChannel | undefined): readonly Write[] {
  const owned = [...fundings].filter(([id, { order }]) => order.owner === scid && id !== found?.memo.pendingChannelId)
  return owned.flatMap(([id, funding]) => {
    const { state, effects, ignored } = step(funding, { type: 'publish-due' })
    if (ignored !== undefined) return []
    const due = effects.map((effect, index) => fundingOutbox.put(`${id}/${String(LATEST + index)}`, effect))
    return [liveFundings.put(id, state), ...due]
  })
}

/** Orders that were given up long ago must not be carried out now. One whose channel lnd shows goes on. */
async function endOtherOrders(
  { store, fundings }: CatchUpDeps,
  scid: Scid,
  { ours }: Sightings,
): Promise<readonly Write[]> {
  const writes: Write[] = []
  for (const [id, funding] of fundings) {
    if (funding.order.owner !== scid || ours.some(({ memo }) => memo.pendingChannelId === id)) continue
    if (funding.tag !== 'opening' && funding.tag !== 'funded') continue
    const detail = 'the database was older: this order had ended'
    writes.push(...(await outboxRows(store, fundingOutbox.name, id)), liveFundings.del(id))
    writes.push(doneFundings.put(id, { tag: 'refused', order: funding.order, reason: 'failed', detail }))
  }
  return writes
}

async function outboxRows(store: Store, table: string, id: string): Promise<readonly Write[]> {
  const keys = await store.keys(table, { prefix: `${id}/` })
  return keys.map((key) => ({ type: 'del', table, key }))
}
