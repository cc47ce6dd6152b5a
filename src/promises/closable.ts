import type { Sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Channel, Forward } from '../lnd/port.ts'
import { isOver, type LifetimePromise, type Moment } from './states.ts'

/** Pure: which channels may be closed now that their promise is over, and what speaks for it. */

const DAY_MS = 24 * 3_600_000
const MILLION = 1_000_000n
const DAYS_PER_YEAR = 365n
const MSAT_PER_SAT = 1_000n

/** What makes a channel worth closing; 0 days: this rule is off. */
export type ClosableRules = {
  /** Nothing settled in it, in either direction, for so many days. */
  readonly idleDays: number
  /** Its customer was not connected for so many days, while coins of ours are in it. */
  readonly strandedDays: number
  /** What it forwarded in so many days earned less than it should: only for channels that are that old. */
  readonly unprofitableDays: number
  /** What it should: millionths of its capacity in a year. */
  readonly leastYieldPpmPerYear: number
}

export type Ground =
  | { readonly ground: 'idle'; readonly days: number }
  | { readonly ground: 'stranded'; readonly days: number; readonly ours: Sat }
  | { readonly ground: 'unprofitable'; readonly days: number; readonly earnedMsat: bigint; readonly yieldPpm: number }

export type Closable = {
  readonly promise: LifetimePromise
  readonly channel: Channel
  readonly grounds: readonly Ground[]
}

/** What forwards over each channel earned, in msat. A forward counts for the channel that it came in by and the one it left by. */
export function earnedByChannel(rows: Iterable<Forward>): ReadonlyMap<bigint, bigint> {
  const earned = new Map<bigint, bigint>()
  for (const { incomingChannel, outgoingChannel, fee } of rows) {
    for (const channel of new Set([incomingChannel, outgoingChannel])) {
      earned.set(channel, (earned.get(channel) ?? 0n) + fee)
    }
  }
  return earned
}

/**
 * Undefined: the channel stays, because it is promised, a payment is in it, or nothing speaks for its end. `earned`: by
 * lnd's forwarding history of the last `unprofitableDays`, in msat.
 */
export function closableOf(
  promise: LifetimePromise,
  channel: Channel,
  context: { readonly moment: Moment; readonly rules: ClosableRules; readonly earned: bigint },
): Closable | undefined {
  const { moment, rules, earned } = context
  if (!isOver(promise, moment) || channel.pendingHtlcs.length > 0) return undefined
  const grounds = [
    idle(promise, rules, moment.now),
    stranded(promise, channel, rules, moment.now),
    unprofitable(promise, channel, rules, { now: moment.now, earned }),
  ].filter((ground) => ground !== undefined)
  return grounds.length === 0 ? undefined : { promise, channel, grounds }
}

function daysSince(at: Timestamp, now: Timestamp): number {
  return Math.max(0, Math.floor((now - at) / DAY_MS))
}

function idle({ movedAt, madeAt }: LifetimePromise, { idleDays }: ClosableRules, now: Timestamp): Ground | undefined {
  const days = daysSince(movedAt ?? madeAt, now)
  return idleDays > 0 && days >= idleDays ? { ground: 'idle', days } : undefined
}

function stranded(
  { seenAt, madeAt }: LifetimePromise,
  { active, localBalance }: Channel,
  { strandedDays }: ClosableRules,
  now: Timestamp,
): Ground | undefined {
  const days = daysSince(seenAt ?? madeAt, now)
  if (strandedDays === 0 || active || localBalance === 0n || days < strandedDays) return undefined
  return { ground: 'stranded', days, ours: localBalance }
}

function unprofitable(
  { madeAt }: LifetimePromise,
  { capacity }: Channel,
  { unprofitableDays, leastYieldPpmPerYear }: ClosableRules,
  { now, earned }: { readonly now: Timestamp; readonly earned: bigint },
): Ground | undefined {
  if (unprofitableDays === 0 || capacity === 0n || daysSince(madeAt, now) < unprofitableDays) return undefined
  const yearly = (earned * DAYS_PER_YEAR) / BigInt(unprofitableDays)
  const yieldPpm = Number((yearly * MILLION) / (capacity * MSAT_PER_SAT))
  if (yieldPpm >= leastYieldPpmPerYear) return undefined
  return { ground: 'unprofitable', days: unprofitableDays, earnedMsat: earned, yieldPpm }
}
