import * as z from 'zod'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Step } from '../../lsps/base/machine.ts'
import { NodeId } from '../../lsps/base/node-id.ts'
import {
  lsps5Notifications,
  type NotificationMethod,
  type WebhookNotification,
} from '../../lsps/lsps5/notifications.ts'
import { TIMESTAMP_STYLES } from '../../lsps/lsps5/signed-text.ts'
import { Pace } from './pace.ts'

const Uint = z.number().int().nonnegative()
const At = z.custom<Timestamp>((v) => Number.isSafeInteger(v))
const Method = z.enum(Object.keys(lsps5Notifications) as [NotificationMethod, ...NotificationMethod[]])

/** Where a client wants to be woken. */
export const Webhook = z.object({
  appName: z.string(),
  /** As it came: it carries the client's token, so it is never logged (L5-14, L5-49). */
  url: z.string(),
  /** How times are written for it; left out: as bLIP-55 says (D9). */
  style: z.enum(TIMESTAMP_STYLES).optional(),
  setAt: At,
  /** While the client has no channel: forgotten then, unless it is set again (L5-12). */
  keptUntil: At,
  /** What came of the last attempt, for the queues of the delivery after a restart; left out: none was made. */
  lastTime: z.enum(['answered', 'silent']).optional(),
})
export type Webhook = z.output<typeof Webhook>

/** What a client is told. `timeout` is a height, of `lsps5.expiry_soon` only. */
const told = { method: Method, timeout: Uint.optional() }

/** A reason to wake the client, the last one of its method. Left out of the state: the client has come since. */
export const Raised = z.object({
  ...told,
  at: At,
  /** The same is not said again before (L5-47). */
  coolUntil: At,
  /** Then it is said again, if the reason lasts longer. In ms. */
  cooldown: Uint,
  /** After that, nobody waits for the client any more. */
  usefulUntil: At,
})
export type Raised = z.output<typeof Raised>

/** One notification to one webhook. There is at most one of a method for each webhook. */
export const Notice = z.object({
  /** Within the client; never used again. */
  id: Uint,
  appName: z.string(),
  ...told,
  raisedAt: At,
  /** No attempt begins after it, but the first one. */
  usefulUntil: At,
  /** That have ended. */
  attempts: Uint,
  phase: z.discriminatedUnion('tag', [
    /** The webhook has not been told yet that it is registered, which comes first (L5-10). */
    z.object({ tag: z.literal('waiting') }),
    /** No answer came to the last attempt, or registrations follow each other closely; the next attempt is due then. */
    z.object({ tag: z.literal('due'), at: At }),
    /** An effect is under way. */
    z.object({ tag: z.literal('sending') }),
  ]),
})
export type Notice = z.output<typeof Notice>

/** A notification that will not be tried again. Only 200 is a success; other answers are unusual, and no more (L5-45). */
export const Ended = z.object({
  appName: z.string(),
  ...told,
  raisedAt: At,
  attempts: Uint,
  at: At,
  end: z.discriminatedUnion('type', [
    z.object({ type: z.literal('answered'), status: Uint }),
    z.object({ type: z.literal('given-up'), why: z.string() }),
  ]),
})
export type Ended = z.output<typeof Ended>

/** The last ones are kept, for people. */
const ended = z.array(Ended)

/** A client and where it is woken. */
export const Subscriber = z.discriminatedUnion('tag', [
  z.object({
    tag: z.literal('registered'),
    client: NodeId,
    /** In the order in which they were set first; never none. */
    webhooks: z.array(Webhook),
    /** While it has one, its webhooks are kept for ever (L5-12). */
    hasChannel: z.boolean(),
    raised: z.array(Raised),
    notices: z.array(Notice),
    nextNotice: Uint,
    /** Left out: it has set none lately. */
    pace: Pace.optional(),
    ended,
  }),
  /** It has no webhook any more. Terminal until it sets one. */
  z.object({ tag: z.literal('forgotten'), client: NodeId, at: At, nextNotice: Uint, pace: Pace.optional(), ended }),
])
export type Subscriber = z.output<typeof Subscriber>
export type Registered = Extract<Subscriber, { readonly tag: 'registered' }>

/** What one attempt came to. */
export type AttemptOutcome =
  /** A response, whatever it says: there is no other attempt. */
  | { readonly type: 'answered'; readonly status: number }
  /** It was sent, and nothing came back in time. */
  | { readonly type: 'silent'; readonly why: string }
  /** It was not sent: no name, no connection, no room. */
  | { readonly type: 'unsent'; readonly why: string }
  /** It may not be sent there, now or later. */
  | { readonly type: 'forbidden'; readonly why: string }

/** Why a client is woken: all that it can be told, but that a webhook was set. */
export type Reason = Exclude<WebhookNotification, { readonly method: 'lsps5.webhook_registered' }>

export type SubscriberEvent =
  | {
      /** `lsps5.set_webhook`, after its checks. */
      readonly type: 'set'
      readonly appName: string
      readonly url: string
      readonly style?: Webhook['style']
      /** That a client may have. */
      readonly most: number
      readonly retentionMs: number
      readonly hasChannel: boolean
      readonly at: Timestamp
    }
  | { readonly type: 'remove'; readonly appName: string; readonly at: Timestamp }
  | {
      /** Something waits for the client. */
      readonly type: 'notify'
      readonly notification: Reason
      readonly usefulUntil: Timestamp
      readonly cooldownMs: number
      readonly clientOnline: boolean
      readonly at: Timestamp
    }
  | {
      /** Also told at the start, of each client that is here: it may have come while nobody listened. */
      readonly type: 'client-online'
      readonly at: Timestamp
    }
  | { readonly type: 'channel-opened'; readonly at: Timestamp }
  | { readonly type: 'last-channel-closed'; readonly retentionMs: number; readonly at: Timestamp }
  | {
      readonly type: 'attempted'
      readonly notice: number
      readonly outcome: AttemptOutcome
      /** From 0 to 1: spreads the attempts of those that fail together. */
      readonly random: number
      readonly at: Timestamp
    }
  | { readonly type: 'deadline'; readonly at: Timestamp }

/** One attempt, to be signed with the time at which it begins. It does not carry the URL: effects are logged. */
export const SubscriberEffect = z.object({ type: z.literal('send'), notice: Uint, appName: z.string(), ...told })
export type SubscriberEffect = z.output<typeof SubscriberEffect>

export type SubscriberStep = Step<Subscriber, SubscriberEffect>
