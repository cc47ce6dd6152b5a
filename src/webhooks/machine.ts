import type { Timestamp } from '../../lsps/base/datetime.ts'
import { assertNever, go, stay } from '../../lsps/base/machine.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { placeWebhook } from '../../lsps/lsps5/rules.ts'
import {
  advance,
  afterAttempt,
  type Change,
  prolonged,
  raise,
  saysAnything,
  tellRegistered,
  withdraw,
  withoutOld,
} from './notices.ts'
import type { Pace } from './pace.ts'
import type { Raised, Registered, Subscriber, SubscriberEvent, SubscriberStep, Webhook } from './states.ts'

type Heard<Type extends SubscriberEvent['type']> = Extract<SubscriberEvent, { readonly type: Type }>

/** However it is configured: what is said again at once is said for ever. */
export const LEAST_COOLDOWN_MS = 1_000

/**
 * A reason that lasts so little longer than the one before changes nothing: with many payments to one client that does
 * not come, each lasts a little longer than the last, and each change is written to the disk.
 */
export const LEAST_GAIN_MS = 5_000

/** A client that has no webhook: the first event is its `set`. The pace is that of an earlier life of its webhooks. */
export function newcomer(client: NodeId, at: Timestamp, pace?: Pace): Subscriber {
  return { tag: 'forgotten', client, at, nextNotice: 0, ...paceOf({ pace }), ended: [] }
}

function paceOf({ pace }: { readonly pace?: Pace | undefined }): { readonly pace?: Pace } {
  return pace === undefined ? {} : { pace }
}

export function isTerminal(subscriber: Subscriber): boolean {
  return subscriber.tag === 'forgotten'
}

/** When something is to be tried or said again, or forgotten. */
export function deadline(subscriber: Subscriber): Timestamp | undefined {
  if (subscriber.tag === 'forgotten') return undefined
  const { notices, raised, hasChannel, webhooks } = subscriber
  const attempts = notices.flatMap(({ phase }) => (phase.tag === 'due' ? [phase.at] : []))
  const repeats = raised.filter(isRepeated).map(({ coolUntil }) => coolUntil)
  const ends = hasChannel ? [] : webhooks.map(({ keptUntil }) => keptUntil)
  const first = Math.min(...attempts, ...repeats, ...ends)
  return Number.isFinite(first) ? (first as Timestamp) : undefined
}

/** Whether the reason lasts longer than the silence after it: then the client is told once more. */
function isRepeated({ coolUntil, usefulUntil }: Raised): boolean {
  return coolUntil < usefulUntil
}

/** The webhooks of one client and what is said to them (bLIP-55): pure and total. Times and chance come with the events. */
export function step(subscriber: Subscriber, event: SubscriberEvent): SubscriberStep {
  const stepped = decide(subscriber, event)
  const { state } = stepped
  if (state.ended.length === subscriber.ended.length) return stepped
  return { ...stepped, state: { ...state, ended: withoutOld(state.ended, subscriber.ended) } }
}

function decide(subscriber: Subscriber, event: SubscriberEvent): SubscriberStep {
  if (subscriber.tag === 'forgotten') {
    if (event.type !== 'set') return stay(subscriber, `no webhook: ${event.type}`)
    const { client, nextNotice, ended } = subscriber
    const { hasChannel } = event
    const nothing = { webhooks: [], raised: [], notices: [] }
    const first = {
      tag: 'registered',
      client,
      hasChannel,
      ...nothing,
      nextNotice,
      ...paceOf(subscriber),
      ended,
    } as const
    return onSet(first, event) ?? stay(subscriber, 'it may have no webhook')
  }
  switch (event.type) {
    case 'set':
      return onSet(subscriber, event) ?? stay(subscriber, 'it has as many webhooks as it may have')
    case 'remove':
      return onRemove(subscriber, event)
    case 'notify':
      return onNotify(subscriber, event)
    case 'client-online':
      if (!saysAnything(subscriber)) return stay(subscriber, 'nothing was said')
      return to(withdraw(subscriber, event.at))
    case 'channel-opened':
      return subscriber.hasChannel ? stay(subscriber, 'it has one') : to({ ...subscriber, hasChannel: true })
    case 'last-channel-closed':
      return onChannelsGone(subscriber, event)
    case 'attempted': {
      const notice = subscriber.notices.find(({ id }) => id === event.notice)
      if (notice?.phase.tag !== 'sending') return stay(subscriber, 'it is not under way')
      return from(afterAttempt(subscriber, notice, event))
    }
    case 'deadline':
      return onDeadline(subscriber, event.at)
    default:
      return assertNever(event)
  }
}

function to(state: Subscriber): SubscriberStep {
  return go(state)
}

function from({ state, effects }: Change): SubscriberStep {
  return go<Subscriber, Change['effects'][number]>(state, effects)
}

/** Undefined: it has as many as it may have. A limit is judged here as it was before the answer, by the same rule (L5-07). */
function onSet(state: Registered, event: Heard<'set'>): SubscriberStep | undefined {
  const { appName, url, style, most, retentionMs, at } = event
  const registered = state.webhooks.map((one) => ({ app_name: one.appName, webhook: one.url }))
  const placed = placeWebhook({ app_name: appName, webhook: url }, { registered, most })
  if ('fault' in placed) return undefined
  const before = state.webhooks.find((one) => one.appName === appName)
  const keptUntil = Math.max(before?.keptUntil ?? 0, at + retentionMs) as Timestamp
  const lastTime = before?.url === url ? before.lastTime : undefined
  const webhook: Webhook = {
    appName,
    url,
    ...(style === undefined ? {} : { style }),
    setAt: at,
    keptUntil,
    ...(lastTime === undefined ? {} : { lastTime }),
  }
  const webhooks =
    before === undefined ? [...state.webhooks, webhook] : state.webhooks.map((one) => (one === before ? webhook : one))
  // Only the event of its end takes a channel away: that one gives the other webhooks their time (L5-12).
  const after = { ...state, webhooks, hasChannel: state.hasChannel || event.hasChannel }
  return placed.placement === 'unchanged' ? to(after) : from(tellRegistered(after, appName, at))
}

function onRemove(state: Registered, { appName, at }: Heard<'remove'>): SubscriberStep {
  if (!state.webhooks.some((one) => one.appName === appName)) return stay(state, 'no webhook of this name')
  return to(keepOnly(state, ({ appName: name }) => name !== appName, at))
}

/** What was to be said to those that go is not said. */
function keepOnly(state: Registered, isKept: (webhook: Webhook) => boolean, at: Timestamp): Subscriber {
  const webhooks = state.webhooks.filter(isKept)
  const { client, nextNotice, ended } = state
  if (webhooks.length === 0) return { tag: 'forgotten', client, at, nextNotice, ...paceOf(state), ended }
  const notices = state.notices.filter(({ appName }) => webhooks.some((one) => one.appName === appName))
  return { ...state, webhooks, notices }
}

function onNotify(state: Registered, event: Heard<'notify'>): SubscriberStep {
  const { notification, usefulUntil, cooldownMs, clientOnline, at } = event
  if (clientOnline) return stay(state, 'the client is here')
  if (usefulUntil <= at) return stay(state, 'nobody waits for it any more')
  const { method } = notification
  const before = state.raised.find((one) => one.method === method)
  const timeout = method === 'lsps5.expiry_soon' ? notification.params.timeout : undefined
  const cooldown = Math.max(cooldownMs, LEAST_COOLDOWN_MS)
  const coolUntil = (at + cooldown) as Timestamp
  const reason = { method, ...(timeout === undefined ? {} : { timeout }), at, coolUntil, cooldown, usefulUntil }
  if (before !== undefined && at < before.coolUntil) return prolong(state, before, reason)
  const lasts = before !== undefined && at < before.usefulUntil
  return from(advance(raise(state, lasts ? prolonged(reason, before) : reason), at))
}

/** Held back (L5-47): it is said when the silence is over, if the client has not come by then and it is still of use. */
function prolong(state: Registered, before: Raised, reason: Raised): SubscriberStep {
  const after = prolonged(before, reason)
  if (after.usefulUntil - before.usefulUntil < LEAST_GAIN_MS && after.timeout === before.timeout) {
    return stay(state, 'it was said just now')
  }
  // The newest of each webhook stands for it; one before that is under way and not tried again.
  const newest = new Map(
    state.notices.filter(({ method }) => method === reason.method).map((one) => [one.appName, one]),
  )
  const notices = state.notices.map((one) => (newest.get(one.appName) === one ? prolonged(one, after) : one))
  return to({ ...state, raised: state.raised.map((one) => (one === before ? after : one)), notices })
}

function onChannelsGone(state: Registered, { retentionMs, at }: Heard<'last-channel-closed'>): SubscriberStep {
  if (!state.hasChannel) return stay(state, 'it had none')
  const least = at + retentionMs
  const webhooks = state.webhooks.map((one) => ({
    ...one,
    keptUntil: Math.max(one.keptUntil, least) as Timestamp,
  }))
  return to({ ...state, webhooks, hasChannel: false })
}

function onDeadline(state: Registered, at: Timestamp): SubscriberStep {
  const due = deadline(state)
  if (due === undefined || due > at) return stay(state, 'nothing is due')
  const kept = state.hasChannel ? state : keepOnly(state, ({ keptUntil }) => keptUntil > at, at)
  if (kept.tag === 'forgotten') return to(kept)
  let after = kept
  for (const reason of kept.raised) {
    if (!isRepeated(reason) || reason.coolUntil > at) continue
    const again = { ...reason, at, coolUntil: (at + reason.cooldown) as Timestamp }
    const raised = after.raised.filter((one) => one !== reason)
    after = reason.usefulUntil <= at ? { ...after, raised } : raise(after, again)
  }
  return from(advance(after, at))
}
