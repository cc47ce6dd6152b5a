import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Stop } from '../kernel/stop.ts'

/** An estimate older than this is no estimate: nothing is sold on it. */
export const STALE_AFTER_MS = 30 * 60_000
/** Estimates are lifted to this before they are compared: below it one source rounds where another does not. */
const LEAST_COMPARED_SAT_PER_VBYTE = 1

/** Satoshi per virtual byte, as a source said at a time. */
export type Estimate = { readonly satPerVbyte: number; readonly at: Timestamp }

/** What is known of feerates at a moment. */
export type FeerateFacts = {
  readonly now: Timestamp
  /** The node's own. */
  readonly own?: Estimate | undefined
  /** Above it nothing is opened (config `funding.max_feerate_sat_per_vbyte`). */
  readonly ceiling: number
  /** The second source, when the operator named one (config `funding.feerate_check`). */
  readonly second?: SecondFacts | undefined
}

export type SecondFacts = {
  readonly url: string
  readonly latest?: Estimate | undefined
  readonly maxRatio: number
  /** Whether to sell without it while it does not answer. */
  readonly onUnreachable: 'sell' | 'stop'
}

/** Why a feerate cannot be relied on. */
export type FeerateProblem =
  | { readonly code: 'feerate-unknown' }
  | { readonly code: 'feerate-stale'; readonly ageMs: number }
  | { readonly code: 'feerate-above-ceiling'; readonly satPerVbyte: number; readonly ceiling: number }
  | {
      readonly code: 'feerates-differ'
      readonly own: number
      readonly second: number
      readonly url: string
      readonly maxRatio: number
    }
  | { readonly code: 'second-feerate-unreachable'; readonly url: string; readonly ageMs?: number }

/** Also an estimate from the future is old: the clock was set back since. */
export function isFresh({ at }: Estimate, now: Timestamp): boolean {
  return Math.abs(now - at) <= STALE_AFTER_MS
}

/** What is wrong with our own estimate: no channel can be opened then. */
export function ownProblem({ own, now, ceiling }: FeerateFacts): FeerateProblem | undefined {
  if (own === undefined) return { code: 'feerate-unknown' }
  if (!isFresh(own, now)) return { code: 'feerate-stale', ageMs: Math.abs(now - own.at) }
  const { satPerVbyte } = own
  return satPerVbyte > ceiling ? { code: 'feerate-above-ceiling', satPerVbyte, ceiling } : undefined
}

/** What is wrong with the second source: it contradicts ours, or it was not heard of for too long. */
export function secondProblem({ own, second, now }: FeerateFacts): FeerateProblem | undefined {
  if (second === undefined || own === undefined) return undefined
  const { url, latest, maxRatio } = second
  if (latest === undefined) return { code: 'second-feerate-unreachable', url }
  if (!isFresh(latest, now)) return { code: 'second-feerate-unreachable', url, ageMs: Math.abs(now - latest.at) }
  const [low, high] = [own.satPerVbyte, latest.satPerVbyte]
    .map((rate) => Math.max(rate, LEAST_COMPARED_SAT_PER_VBYTE))
    .sort((a, b) => a - b) as [number, number]
  if (high <= low * maxRatio) return undefined
  return { code: 'feerates-differ', own: own.satPerVbyte, second: latest.satPerVbyte, url, maxRatio }
}

/** Why nothing is sold at this feerate; undefined when it is fine. */
export function judgeFeerate(facts: FeerateFacts): FeerateProblem | undefined {
  const own = ownProblem(facts)
  if (own !== undefined) return own
  const second = secondProblem(facts)
  const tolerated = second?.code === 'second-feerate-unreachable' && facts.second?.onUnreachable === 'sell'
  return tolerated ? undefined : second
}

const minutes = (ms: number) => `${Math.floor(ms / 60_000)} min`

/** A problem in words: the numbers, and what to do. */
export function describeFeerateProblem(problem: FeerateProblem): Stop {
  const { code } = problem
  switch (problem.code) {
    case 'feerate-unknown':
      return {
        code,
        what: 'lnd has given no feerate estimate since the start',
        fix: 'look at what lnd says to `lncli wallet estimatefeerate 6`; it needs a chain backend that estimates',
      }
    case 'feerate-stale':
      return {
        code,
        what: `the last feerate estimate of lnd is ${minutes(problem.ageMs)} old; the limit is ${minutes(STALE_AFTER_MS)}`,
        fix: 'is lnd up and synced? It sells again with the next estimate',
      }
    case 'feerate-above-ceiling':
      return {
        code,
        what: `the feerate is ${problem.satPerVbyte} sat/vB; funding.max_feerate_sat_per_vbyte is ${problem.ceiling}`,
        fix: 'wait until it falls, or raise funding.max_feerate_sat_per_vbyte',
      }
    case 'feerates-differ':
      return {
        code,
        what:
          `lnd says ${problem.own} sat/vB, ${problem.url} says ${problem.second} sat/vB: ` +
          `more than ${problem.maxRatio} times apart`,
        fix: 'find out which is right (another estimator on a third machine); restart the wrong one, or raise funding.feerate_check.max_ratio',
      }
    case 'second-feerate-unreachable':
      return {
        code,
        what: `${problem.url} ${problem.ageMs === undefined ? 'has given no feerate yet' : `gave its last feerate ${minutes(problem.ageMs)} ago`}`,
        fix: 'look at the log for its last answer, correct funding.feerate_check, or set its on_unreachable to "sell"',
      }
  }
}
