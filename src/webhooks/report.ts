import { formatDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import { shortFingerprint } from '../kernel/fingerprint.ts'
import type { Outcome } from './delivery/outcome.ts'
import type { Ended, Notice, Raised, Registered, Webhook } from './states.ts'

/** What people are told of webhooks: the host and a fingerprint, never the URL, which carries the client's token (L5-14). */

/** What came of a call that an operator asked for. */
export type Tested = {
  readonly appName: string
  readonly url: string
  readonly outcome: Outcome
  /** Until the outcome was known. */
  readonly ms: number
}

/** Where a webhook is, as far as anybody may read it. */
export function placeOf(url: string): { readonly host: string; readonly fingerprint: string } {
  return { host: new URL(url).host, fingerprint: shortFingerprint(url) }
}

export function summarizeSubscriber(subscriber: Registered, { online }: { readonly online: boolean }) {
  const { client, hasChannel, webhooks, notices, ended } = subscriber
  const last = ended.at(-1)
  return {
    client,
    online,
    has_channel: hasChannel,
    webhooks: webhooks.map((webhook) => describeWebhook(webhook, hasChannel)),
    notifications: notices.length,
    ...(last === undefined ? {} : { last: describeEnded(last) }),
  }
}

export function describeSubscriber(subscriber: Registered, presence: { readonly online: boolean }) {
  const { raised, notices, ended } = subscriber
  return {
    ...summarizeSubscriber(subscriber, presence),
    reasons: raised.map(describeReason),
    under_way: notices.map(describeNotice),
    ended: ended.map(describeEnded).reverse(),
  }
}

export function describeTest({ appName, url, outcome, ms }: Tested) {
  const came = outcome.kind === 'answered' ? { status: outcome.status } : { why: `${outcome.why}: ${outcome.detail}` }
  return { app_name: appName, ...placeOf(url), ...came, took_ms: Math.max(0, Math.round(ms)) }
}

/** When something was said to the client last, or it set a webhook. */
export function lastActive({ webhooks, notices, ended }: Registered): Timestamp {
  const times = [
    ...webhooks.map(({ setAt }) => setAt),
    ...notices.map(({ raisedAt }) => raisedAt),
    ...ended.map(({ at }) => at),
  ]
  return Math.max(...times) as Timestamp
}

function describeWebhook({ appName, url, setAt, keptUntil, style = 'Z' }: Webhook, hasChannel: boolean) {
  return {
    app_name: appName,
    ...placeOf(url),
    set_at: formatDatetime(setAt),
    ...(hasChannel ? {} : { kept_until: formatDatetime(keptUntil) }),
    timestamp_style: style,
  }
}

function describeEnded({ appName, raisedAt, attempts, at, end, ...told }: Ended) {
  return {
    app_name: appName,
    ...toldOf(told),
    raised_at: formatDatetime(raisedAt),
    attempts,
    ended_at: formatDatetime(at),
    ...(end.type === 'answered' ? { status: end.status } : { why: end.why }),
  }
}

function describeNotice({ appName, raisedAt, attempts, phase, usefulUntil, ...told }: Notice) {
  return {
    app_name: appName,
    ...toldOf(told),
    raised_at: formatDatetime(raisedAt),
    attempts,
    state: phase.tag,
    ...(phase.tag === 'due' ? { next_at: formatDatetime(phase.at) } : {}),
    useful_until: formatDatetime(usefulUntil),
  }
}

function describeReason({ at, coolUntil, usefulUntil, ...told }: Raised) {
  return {
    ...toldOf(told),
    at: formatDatetime(at),
    not_again_before: formatDatetime(coolUntil),
    useful_until: formatDatetime(usefulUntil),
  }
}

function toldOf({ method, timeout }: Pick<Raised, 'method' | 'timeout'>) {
  return { method, ...(timeout === undefined ? {} : { timeout }) }
}
