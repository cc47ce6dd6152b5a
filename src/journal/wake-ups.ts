import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Log } from '../kernel/log.ts'
import { Recent } from '../kernel/recent.ts'
import type { Store } from '../store/port.ts'
import { type FlightStep, flightStep, flightSteps } from './flight.ts'

/** Clients whose last calls are remembered; the one called longest ago is forgotten first. */
export const MAX_CALLED = 10_000
/** Sales and orders that one call is put on record of. */
export const MAX_SUBJECTS = 50
/** Steps of this kind in one flight record: a payer may send parts without end, and a client has several webhooks. */
export const MAX_WAKE_STEPS = 60
/** Latencies that the median is of: the last ones. */
export const MAX_LATENCIES = 1_000
/** A client that comes so long after nobody waits any more did not come because it was called. */
export const LATE_MS = 10 * 60_000
const MS_PER_SECOND = 1000

export const CALLED = 'client away, called by webhook'
export const ANSWERED = 'webhook answered'
export const NOT_REACHED = 'webhook not reached'
export const CAME = 'client came after it was called'
const STEPS: ReadonlySet<string> = new Set([CALLED, ANSWERED, NOT_REACHED, CAME])

/** That a client is called, for one sale or order that waits for it until then. */
export type Call = {
  readonly client: NodeId
  /** The notification that it is told. */
  readonly method: string
  readonly subject: string
  readonly usefulUntil: Timestamp
}

/** What came of one notification to one webhook. */
export type EndOfCall = {
  readonly appName: string
  readonly method: string
  readonly raisedAt: Timestamp
  readonly attempts: number
  readonly at: Timestamp
  readonly end:
    | { readonly type: 'answered'; readonly status: number }
    | { readonly type: 'given-up'; readonly why: string }
}

/** Since the start of the process. */
export type WakeUpReport = {
  /** Times that a client was away when something began to wait for it. */
  readonly calls: number
  /** Webhooks that answered 200, and those that answered otherwise or not at all. */
  readonly answered: number
  readonly unanswered: number
  /** Calls after which the client came in time. */
  readonly came: number
  /** From the call until it came; absent before the first. */
  readonly median_ms?: number
}

type Remembered = { readonly at: Timestamp; usefulUntil: Timestamp; cameAt?: Timestamp; readonly subjects: Set<string> }

export type WakeUpsDeps = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly onFatal: (error: unknown) => void
}

/** Wake-ups in the flight records of what waited, and how long they took. Nothing depends on it but what people read. */
export class WakeUps {
  readonly #deps: WakeUpsDeps
  readonly #calls = new Recent<NodeId, Map<string, Remembered>>(MAX_CALLED)
  /** Of one record, one after the other. */
  readonly #turns = new KeyedLock()
  readonly #latencies: number[] = []
  #called = 0
  #answered = 0
  #unanswered = 0
  #came = 0

  constructor(deps: WakeUpsDeps) {
    this.#deps = deps
  }

  get report(): WakeUpReport {
    const sorted = this.#latencies.toSorted((a, b) => a - b)
    const median = sorted[Math.floor(sorted.length / 2)]
    return {
      calls: this.#called,
      answered: this.#answered,
      unanswered: this.#unanswered,
      came: this.#came,
      ...(median === undefined ? {} : { median_ms: median }),
    }
  }

  /** Said as often as something waits; a call that is under way is one. */
  called({ client, method, subject, usefulUntil }: Call): void {
    const at = this.#deps.clock.now()
    const calls = this.#calls.get(client) ?? new Map<string, Remembered>()
    let call = calls.get(method)
    if (call === undefined || call.cameAt !== undefined || call.usefulUntil <= at) {
      call = { at, usefulUntil, subjects: new Set() }
      calls.set(method, call)
      this.#called += 1
    }
    this.#calls.set(client, calls)
    call.usefulUntil = Math.max(call.usefulUntil, usefulUntil) as Timestamp
    if (call.subjects.has(subject) || call.subjects.size >= MAX_SUBJECTS) return
    call.subjects.add(subject)
    this.#record(subject, () => ({ at, what: CALLED, detail: { notification: method } }))
  }

  ended(client: NodeId, { appName, method, raisedAt, attempts, at, end }: EndOfCall): void {
    const call = this.#calls.get(client)?.get(method)
    // What was not said since the client had come tells nothing.
    if (call === undefined || (call.cameAt !== undefined && end.type === 'given-up')) return
    if (end.type === 'answered' && end.status === 200) this.#answered += 1
    else this.#unanswered += 1
    const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
    const step: FlightStep =
      end.type === 'answered'
        ? {
            at,
            what: ANSWERED,
            detail: { webhook: appName, answer: `${end.status} after ${at - raisedAt} ms, ${tries}` },
          }
        : { at, what: NOT_REACHED, detail: { webhook: appName, given_up: `after ${tries}: ${end.why}` } }
    for (const subject of call.subjects) this.#record(subject, () => step)
  }

  /** Of everybody who comes; of those who were not called, nothing happens. */
  came(client: NodeId): void {
    const at = this.#deps.clock.now()
    for (const call of this.#calls.get(client)?.values() ?? []) {
      if (call.cameAt !== undefined) continue
      call.cameAt = at
      if (at <= call.usefulUntil) this.#count(at - call.at)
      if (at > call.usefulUntil + LATE_MS) continue
      const late: Record<string, string> = at > call.usefulUntil ? { late: 'nobody waited for it any more' } : {}
      for (const subject of call.subjects) {
        this.#record(subject, (last) => {
          const seconds = (at - (last?.what === CALLED ? last.at : call.at)) / MS_PER_SECOND
          return { at, what: CAME, detail: { after: `${seconds.toFixed(1)} s`, ...late } }
        })
      }
    }
  }

  #count(latencyMs: number): void {
    this.#came += 1
    this.#latencies.push(latencyMs)
    if (this.#latencies.length > MAX_LATENCIES) this.#latencies.shift()
  }

  /**
   * Adds a step that is written from when the client was called last. It is a line for people: lost in a crash it is
   * missing, no more; after a crash the call itself is said again, and stands there already.
   */
  #record(subject: string, write: (called: FlightStep | undefined) => FlightStep): void {
    const { store, log, onFatal } = this.#deps
    const add = async () => {
      const steps = (await flightSteps(store, subject)).filter(({ what }) => STEPS.has(what))
      const called = steps.findLast(({ what }) => what === CALLED || what === CAME)
      const step = write(called)
      const isKnown = step.what === CALLED && called?.what === CALLED
      if (isKnown || steps.length >= MAX_WAKE_STEPS) return
      await store.commit([flightStep(subject, step)]).catch(onFatal)
    }
    this.#turns.run(subject, add).catch((error: unknown) => {
      log.warn({ subject, err: error }, 'wake-up not put on record')
    })
  }
}
