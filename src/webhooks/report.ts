import { formatDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import { shortFingerprint } from '../kernel/fingerprint.ts'
import type { AttemptOutcome, Ended, Notice, Raised, Registered, Webhook } from './states.ts'

/** What people are told of webhooks: the host and a fingerprint, never the URL, which carries the client's token (L5-14). */

/** What one webhook answered to a test that an operator asked for; `why` may name addresses. */
export type TestedWebhook = {
  readonly appName: string
  readonly host: string
  readonly fingerprint: string
  readonly outcome: AttemptOutcome
  /** From the first step to the answer. */
  readonly tookMs: number
}

/** Where a webhook is, as far as anybody may read it. */
export function nameOfUrl(url: string): { readonly host: string; readonly fingerprint: string } {
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

export function describeTest({ appName, host, fingerprint, outcome, tookMs }: TestedWebhook) {
  const came = outcome.type === 'answered' ? { status: outcome.status } : { why: outcome.why }
  return { app_name: appName, host, fingerprint, ...came, took_ms: Math.max(0, Math.round(tookMs)) }
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
    ...nameOfUrl(url),
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
