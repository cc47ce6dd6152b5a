import { formatDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import type { Closable, Ground } from './closable.ts'
import type { Promises } from './ledger.ts'
import { type EndedPromise, isOver, type LifetimePromise, type Moment, untilHeight } from './states.ts'

/** States of a promise, for people: it stands, its time is over, its channel closes, its channel is gone, our side broke it. */
export type PromiseState = 'kept' | 'over' | 'closing' | 'ended' | 'broken'

/** A promise as an operator sees it: amounts are decimal strings, times UTC datetimes. */
export type PromiseReport = {
  readonly outpoint: string
  readonly state: PromiseState
  readonly client: string
  readonly sold_by: { readonly type: 'jit' | 'order'; readonly id: string }
  readonly made_at: string
  readonly blocks: number
  readonly chan_id?: string
  readonly from_height?: number
  readonly until_height?: number
  readonly not_before?: string
  readonly extensions: { readonly order: string; readonly blocks: number; readonly at: string }[]
  readonly client_seen_at?: string
  readonly last_moved_at?: string
  readonly closing?: { readonly at: string; readonly height: number; readonly early: boolean }
  readonly ended?: {
    readonly at: string
    readonly height: number
    readonly close_type: string
    readonly by: string
    readonly early: boolean
  }
}

export function reportPromise(promise: LifetimePromise, moment: Moment): PromiseReport {
  const state = promise.closing === undefined ? (isOver(promise, moment) ? 'over' : 'kept') : 'closing'
  return describe(promise, state)
}

export function reportEnded({ promise, at, height, closeType, by, early }: EndedPromise): PromiseReport {
  const ended = { at: formatDatetime(at), height, close_type: closeType, by, early }
  return { ...describe(promise, early && by !== 'peer' ? 'broken' : 'ended'), ended }
}

function describe(promise: LifetimePromise, state: PromiseState): PromiseReport {
  const { outpoint, peer, source, madeAt, blocks, chanId, fromHeight, notBefore, seenAt, movedAt, closing } = promise
  const until = untilHeight(promise)
  const time = <Name extends string>(name: Name, at: Timestamp | undefined) =>
    (at === undefined ? {} : { [name]: formatDatetime(at) }) as { readonly [key in Name]?: string }
  return {
    outpoint,
    state,
    client: peer,
    sold_by: source,
    made_at: formatDatetime(madeAt),
    blocks,
    ...(chanId === undefined ? {} : { chan_id: `${chanId}` }),
    ...(fromHeight === undefined ? {} : { from_height: fromHeight }),
    ...(until === undefined ? {} : { until_height: until }),
    ...time('not_before', notBefore),
    extensions: promise.extensions.map(({ order, blocks: more, at }) => ({
      order,
      blocks: more,
      at: formatDatetime(at),
    })),
    ...time('client_seen_at', seenAt),
    ...time('last_moved_at', movedAt),
    ...(closing === undefined ? {} : { closing: { ...closing, at: formatDatetime(closing.at) } }),
  }
}

export type PromisesQuery = { readonly state?: string; readonly limit: number }

/** The first of them: of channels that stand those whose end is next, of the others the newest. `more` counts the rest. */
export async function listPromises(promises: Promises, { state, limit }: PromisesQuery, signal: AbortSignal) {
  if (state === 'ended' || state === 'broken') {
    const found: PromiseReport[] = []
    for await (const ended of promises.ended()) {
      signal.throwIfAborted() // whoever asked is gone: a rare state may be looked for among all there ever were
      const report = reportEnded(ended)
      if (report.state === state) found.push(report)
      if (found.length >= limit) break
    }
    return { promises: found, more: 0, height: promises.moment.height }
  }
  const { moment } = promises
  const end = (promise: LifetimePromise) => untilHeight(promise) ?? Number.MAX_SAFE_INTEGER
  const wanted = [...promises.live.values()]
    .sort((a, b) => end(a) - end(b))
    .map((promise) => reportPromise(promise, moment))
    .filter((report) => state === undefined || report.state === state)
  return { promises: wanted.slice(0, limit), more: Math.max(0, wanted.length - limit), height: moment.height }
}

/** A channel that may be closed, and what speaks for it. */
export function reportClosable({ promise, channel, grounds }: Closable, moment: Moment) {
  return {
    ...reportPromise(promise, moment),
    capacity_sat: `${channel.capacity}`,
    local_sat: `${channel.localBalance}`,
    remote_sat: `${channel.remoteBalance}`,
    active: channel.active,
    grounds: grounds.map(reportGround),
  }
}

function reportGround(ground: Ground) {
  switch (ground.ground) {
    case 'idle':
      return { ground: ground.ground, days: ground.days }
    case 'stranded':
      return { ground: ground.ground, days: ground.days, ours_sat: `${ground.ours}` }
    case 'unprofitable':
      return {
        ground: ground.ground,
        days: ground.days,
        earned_msat: `${ground.earnedMsat}`,
        yield_ppm_per_year: ground.yieldPpm,
      }
  }
}
