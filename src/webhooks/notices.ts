import type { Timestamp } from '../../lsps/base/datetime.ts'
import { assertNever } from '../../lsps/base/machine.ts'
import { type Backoff, delayAfter } from '../kernel/backoff.ts'
import { withOneMore } from './pace.ts'
import type { AttemptOutcome, Ended, Notice, Raised, Registered, SubscriberEffect } from './states.ts'

/** Between attempts of one notification: a receiver that restarts is back in seconds, and many wait for it. */
export const RETRY_BACKOFF: Backoff = { firstMs: 1_000, factor: 2, longestMs: 30_000, jitter: 0.5 }
/** So long it is tried to tell a webhook that it is registered: nobody waits for it, but the wallet may show it. */
export const REGISTERED_USEFUL_MS = 5 * 60_000
/** Of each client; all that ended in one step, if they are more: each is reported after its commit. */
export const MAX_ENDED = 10

/** A client with what happens because of a change. */
export type Change = { readonly state: Registered; readonly effects: readonly SubscriberEffect[] }

const isFirst = ({ method }: Pick<Notice, 'method'>) => method === 'lsps5.webhook_registered'

/** It was not told yet that it is registered, and may still be: what else there is waits (L5-10). */
function isUntold(notices: readonly Notice[], appName: string): boolean {
  return notices.some((notice) => isFirst(notice) && notice.appName === appName)
}

/** The same is under way to the same webhook. */
function isUnderWay(notices: readonly Notice[], { appName, method }: Pick<Notice, 'appName' | 'method'>): boolean {
  return notices.some((one) => one.appName === appName && one.method === method && one.phase.tag === 'sending')
}

function mayBegin(notice: Notice, notices: readonly Notice[], now: Timestamp): boolean {
  const { phase, appName } = notice
  switch (phase.tag) {
    case 'waiting':
      return !isUntold(notices, appName) && !isUnderWay(notices, notice)
    case 'due':
      return phase.at <= now
    case 'sending':
      return false
    default:
      return assertNever(phase)
  }
}

/** It was tried, or its webhook was, and nobody waits for it any more. */
function isLate({ phase, attempts, usefulUntil }: Notice, now: Timestamp): boolean {
  return usefulUntil <= now && (attempts > 0 || phase.tag === 'waiting')
}

/** Begins what may begin now: what is due, and what has waited for another. Gives up what waited for too long. */
export function advance(state: Registered, now: Timestamp): Change {
  const effects: SubscriberEffect[] = []
  const over: Ended[] = []
  const notices: Notice[] = []
  for (const notice of state.notices) {
    if (!state.webhooks.some(({ appName }) => appName === notice.appName)) continue
    if (!mayBegin(notice, state.notices, now)) {
      notices.push(notice)
      continue
    }
    if (isLate(notice, now)) {
      over.push(endedAs(notice, now, gaveUp('nobody waits for it any more')))
      continue
    }
    effects.push(sendEffect(notice))
    notices.push({ ...notice, phase: { tag: 'sending' } })
  }
  return { state: withEnded({ ...state, notices }, over), effects }
}

function sendEffect({ id, appName, method, timeout }: Notice): SubscriberEffect {
  return { type: 'send', notice: id, appName, method, ...(timeout === undefined ? {} : { timeout }) }
}

const gaveUp = (why: string): Ended['end'] => ({ type: 'given-up', why })

function endedAs({ appName, method, timeout, raisedAt, attempts }: Notice, at: Timestamp, end: Ended['end']): Ended {
  return { appName, method, ...(timeout === undefined ? {} : { timeout }), raisedAt, attempts, at, end }
}

function withEnded(state: Registered, over: readonly Ended[]): Registered {
  return over.length === 0 ? state : { ...state, ended: [...state.ended, ...over] }
}

/** Forgets those that ended before this step and are more than are kept. */
export function withoutOld(ended: readonly Ended[], before: readonly Ended[]): Ended[] {
  return ended.slice(-Math.max(MAX_ENDED, ended.length - before.length))
}

/**
 * A webhook that is new or changed is told so; what else was to be said to it is not, it was set by a client that is
 * here. When it is set again and again, the last change takes the turn of the one before that was not told yet.
 */
export function tellRegistered(state: Registered, appName: string, at: Timestamp): Change {
  const notices = state.notices.filter((notice) => notice.appName !== appName)
  const turn = state.notices.find((one) => one.appName === appName && isFirst(one) && one.attempts === 0)?.phase
  const pace = turn?.tag === 'due' ? state.pace : withOneMore(state.pace, at)
  const begins = turn?.tag === 'due' ? turn.at : (pace?.last ?? at)
  const first: Notice = {
    id: state.nextNotice,
    appName,
    method: 'lsps5.webhook_registered',
    raisedAt: at,
    usefulUntil: (begins + REGISTERED_USEFUL_MS) as Timestamp,
    attempts: 0,
    phase: { tag: 'due', at: begins },
  }
  const after = { ...state, notices: [...notices, first], nextNotice: state.nextNotice + 1 }
  return advance(pace === undefined ? after : { ...after, pace }, at)
}

/**
 * Says it to every webhook (L5-11); `advance` begins it. What waits for another attempt is tried now instead, and what
 * comes first before it. What is under way says it too, unless the client came since it began: then another follows it.
 */
export function raise(state: Registered, reason: Raised): Registered {
  const { method, timeout, at, usefulUntil } = reason
  const underWay = state.raised.some((one) => one.method === method) ? 'says it' : 'is over'
  const stands = ({ phase }: Notice) => phase.tag !== 'sending' || underWay === 'says it'
  const notices = state.notices.map((one): Notice => {
    const isDue = one.phase.tag === 'due' && (isFirst(one) || one.method === method)
    const sooner: Notice = isDue ? { ...one, phase: { tag: 'due', at } } : one
    return one.method === method && stands(one) ? prolonged(sooner, reason) : sooner
  })
  let { nextNotice } = state
  for (const { appName } of state.webhooks) {
    if (notices.some((one) => one.appName === appName && one.method === method && stands(one))) continue
    const waits = isUntold(notices, appName) || isUnderWay(notices, { appName, method })
    const phase = waits ? ({ tag: 'waiting' } as const) : ({ tag: 'due', at } as const)
    notices.push({
      id: nextNotice,
      appName,
      method,
      ...(timeout === undefined ? {} : { timeout }),
      raisedAt: at,
      usefulUntil,
      attempts: 0,
      phase,
    })
    nextNotice += 1
  }
  return { ...state, raised: [...state.raised.filter((one) => one.method !== method), reason], notices, nextNotice }
}

/** As long of use as the reason for it, and with the earlier of two heights: the channel is closed at the first. */
export function prolonged<Of extends Pick<Notice, 'usefulUntil' | 'timeout'>>(
  one: Of,
  { usefulUntil, timeout }: Pick<Raised, 'usefulUntil' | 'timeout'>,
): Of {
  const earliest = Math.min(one.timeout ?? Number.POSITIVE_INFINITY, timeout ?? Number.POSITIVE_INFINITY)
  const later = Math.max(one.usefulUntil, usefulUntil) as Timestamp
  return { ...one, usefulUntil: later, ...(Number.isFinite(earliest) ? { timeout: earliest } : {}) }
}

/** Whether there is anything to be taken back when the client comes. */
export function saysAnything({ raised, notices }: Registered): boolean {
  return raised.length > 0 || notices.some((notice) => !isFirst(notice))
}

/** The client has come: nothing needs to be said, and all may be said again when it has gone (L5-30, L5-47). */
export function withdraw(state: Registered, at: Timestamp): Registered {
  const over: Ended[] = []
  const notices: Notice[] = []
  for (const notice of state.notices) {
    if (isFirst(notice)) notices.push(notice)
    // What is under way is not called back, but it is not tried again: its reason is gone.
    else if (notice.phase.tag === 'sending') {
      notices.push({ ...notice, usefulUntil: Math.min(notice.usefulUntil, at) as Timestamp })
    } else over.push(endedAs(notice, at, gaveUp('the client came')))
  }
  return withEnded({ ...state, raised: [], notices }, over)
}

/** Its host is known by it after a restart. That nothing was sent says nothing of it: that may have been for us. */
function remembering(state: Registered, appName: string, { type: lastTime }: AttemptOutcome): Registered {
  if (lastTime !== 'answered' && lastTime !== 'silent') return state
  const webhooks = state.webhooks.map((one) => (one.appName === appName ? { ...one, lastTime } : one))
  return { ...state, webhooks }
}

/** An attempt has ended. Only without any answer there is another one, as long as it is of use (L5-45, issue 6). */
export function afterAttempt(
  before: Registered,
  sent: Notice,
  { outcome, random, at }: { readonly outcome: AttemptOutcome; readonly random: number; readonly at: Timestamp },
): Change {
  const state = remembering(before, sent.appName, outcome)
  const notice = { ...sent, attempts: sent.attempts + 1 }
  const others = state.notices.filter(({ id }) => id !== notice.id)
  const end = (how: Ended['end']) => advance(withEnded({ ...state, notices: others }, [endedAs(notice, at, how)]), at)
  if (outcome.type === 'answered') {
    const { state: after, effects } = end({ type: 'answered', status: outcome.status })
    return { state: { ...after, raised: silentFrom(after.raised, notice.method, at) }, effects }
  }
  if (outcome.type === 'forbidden') return end(gaveUp(outcome.why))
  // Once it was sent, the others have waited long enough: nobody knows whether it was heard.
  if (isFirst(notice) && outcome.type === 'silent') return end(gaveUp(outcome.why))
  const next = (at + Math.max(1, delayAfter(notice.attempts, RETRY_BACKOFF, random))) as Timestamp
  if (next >= notice.usefulUntil) return end(gaveUp(outcome.why))
  const again = state.notices.map((one) =>
    one.id === notice.id ? { ...notice, phase: { tag: 'due', at: next } as const } : one,
  )
  return advance({ ...state, notices: again }, at)
}

/** The silence is as long after an attempt that was heard as after the first one (L5-47). */
function silentFrom(raised: readonly Raised[], method: Raised['method'], at: Timestamp): Raised[] {
  return raised.map((reason) => {
    if (reason.method !== method) return reason
    return { ...reason, coolUntil: Math.max(reason.coolUntil, at + reason.cooldown) as Timestamp }
  })
}
