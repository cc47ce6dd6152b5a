import { formatDatetime } from '../lsps/base/datetime.ts'
import type { ClosableList } from './admin/schema-promises.ts'
import type { Config } from './config/schema.ts'
import type { Sale } from './jit/states.ts'
import type { Decisions } from './journal/decisions.ts'
import { flightStep } from './journal/flight.ts'
import type { Forward, LndPort } from './lnd/port.ts'
import { type AdoptDeps, missingPromises } from './operate/adopt-promises.ts'
import { countBy } from './operate/open-work.ts'
import { type ClosableRules, closableOf, earnedByChannel } from './promises/closable.ts'
import { describePromise, type EarlyClose, Promises, type PromisesDeps } from './promises/ledger.ts'
import { reportClosable, reportPromise } from './promises/report.ts'
import { type EndedPromise, isOver } from './promises/states.ts'
import type { Store, Write } from './store/port.ts'

/** Where features and the ledger of promised lifetimes meet: what was paid for is promised, in the same commit. */

export type LifetimesDeps = Omit<PromisesDeps, 'recordEarly'> & { readonly decisions: Decisions }

export function createPromises({ decisions, ...deps }: LifetimesDeps): Promises {
  return new Promises({ ...deps, recordEarly: (early) => recordEarly(decisions, early) })
}

/** A close before its time stands among the decisions, and in the record of what the channel was sold by. */
function recordEarly(decisions: Decisions, { promise, at, ended }: EarlyClose): readonly Write[] {
  const { outpoint, peer, source } = promise
  const detail = {
    outpoint,
    peer,
    [source.type === 'jit' ? 'sale' : 'order']: source.id,
    promised: describePromise(promise),
    ...(ended === undefined ? {} : { close: ended.closeType, by: ended.by, height: `${ended.height}` }),
  }
  const what = ended === undefined ? 'channel closes before its promised end' : 'channel closed before its promised end'
  return [decisions.entry({ at, what, detail }), flightStep(source.id, { at, what, detail })]
}

/** The promise of a just-in-time channel begins when its fee is earned: an unpaid channel may be taken back (L2-06, L2-99). */
export function promiseOfSale(promises: Promises, before: Sale, after: Sale): readonly Write[] {
  if (after.tag !== 'paid' || before.tag === 'paid') return []
  const { scid: id, client: peer, minLifetime: blocks } = after.deal
  return promises.entry({ outpoint: after.channel.outpoint, peer, source: { type: 'jit', id }, blocks })
}

/** Promises that older releases did not write down, or that an older database lost. Before anything may be closed. */
export async function adoptPromises(
  promises: Promises,
  { lnd, store }: { readonly lnd: AdoptDeps['lnd']; readonly store: Store },
  signal: AbortSignal,
): Promise<void> {
  const missing = await missingPromises({ lnd, store, promised: promises.live }, signal)
  const writes = missing.flatMap((promise) => promises.entry(promise))
  if (writes.length > 0) await store.commit(writes)
}

/** Channels that are told; more of them are counted. */
const MAX_CLOSABLE = 500
const DAY_SECONDS = 86_400

export type ClosableDeps = {
  readonly config: Config
  readonly lnd: Pick<LndPort, 'listChannels' | 'forwardingHistory'>
  readonly promises: Promises
}

/** Channels whose promise is over, and what speaks for closing them. Closes nothing. */
export async function closableReport(
  { config, lnd, promises }: ClosableDeps,
  signal: AbortSignal,
): Promise<ClosableList> {
  const rules = closableRules(config)
  const { moment } = promises
  const channels = (await lnd.listChannels(signal)).flatMap((channel) => {
    const promise = promises.live.get(channel.outpoint)
    return promise !== undefined && isOver(promise, moment) ? [{ promise, channel }] : []
  })
  const ids = new Set(channels.map(({ channel }) => channel.chanId))
  const sinceSeconds = Math.max(0, Math.floor(moment.now / 1000) - rules.unprofitableDays * DAY_SECONDS)
  const isWanted = ids.size > 0 && rules.unprofitableDays > 0
  const wanted = ({ incomingChannel, outgoingChannel }: Forward) => ids.has(incomingChannel) || ids.has(outgoingChannel)
  const rows = isWanted ? await lnd.forwardingHistory({ sinceSeconds, wanted }, signal) : []
  const earned = earnedByChannel(rows)
  const found = channels.flatMap(({ promise, channel }) => {
    const closable = closableOf(promise, channel, { moment, rules, earned: earned.get(channel.chanId) ?? 0n })
    return closable === undefined ? [] : [reportClosable(closable, moment)]
  })
  const told = found.slice(0, MAX_CLOSABLE)
  return { channels: told, more: found.length - told.length, over: channels.length, promised: promises.live.size }
}

function closableRules({ promises }: Config): ClosableRules {
  return {
    idleDays: promises.idle_days,
    strandedDays: promises.stranded_days,
    unprofitableDays: promises.unprofitable_days,
    leastYieldPpmPerYear: promises.least_yield_ppm_per_year,
  }
}

/** How many promises are in each state; broken ones of the last 30 days. */
export function countPromises(promises: Promises): Record<string, number> {
  const states = [...promises.live.values()].map((promise) => reportPromise(promise, promises.moment).state)
  return countBy([...states, ...recentlyBroken(promises).map(() => 'broken')])
}

function recentlyBroken({ broken, moment }: Promises): readonly EndedPromise[] {
  return broken.filter(({ at }) => moment.now - at < WARNED_FOR_MS)
}

/** Lines for the status: what somebody has to know of. At most `MAX_WARNINGS` of each kind. */
export function promiseWarnings(promises: Promises): readonly string[] {
  const closing = [...promises.live.values()].filter((promise) => promise.closing?.early === true)
  const broken = recentlyBroken(promises)
  return [
    ...closing
      .slice(0, MAX_WARNINGS)
      .map(
        (promise) =>
          `channel ${promise.outpoint} closes although it is ${describePromise(promise)}: if you began that, tell ${promise.peer} why; sluice promises`,
      ),
    ...more(closing.length, 'channels close before their promised end'),
    ...broken
      .slice(-MAX_WARNINGS)
      .map(
        ({ promise, closeType, by, at }) =>
          `channel ${promise.outpoint} was closed at ${formatDatetime(at)} (${closeType}, by ${by}) although it was ${describePromise(promise)}`,
      ),
    ...more(broken.length, 'channels were closed before their promised end'),
  ]
}

const MAX_WARNINGS = 5
/** So long a broken promise is named in the status. */
const WARNED_FOR_MS = 30 * 24 * 3_600_000

function more(count: number, what: string): readonly string[] {
  return count > MAX_WARNINGS ? [`${count - MAX_WARNINGS} more ${what}: sluice promises --state broken`] : []
}
