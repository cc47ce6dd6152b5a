import * as z from 'zod'

/**
 * What the admin interface says of webhooks (LSPS5); times are UTC datetimes. A URL is never told: it carries the token by
 * which the wallet's server knows the device. Its host is, and a fingerprint that tells two URLs apart.
 */

const Time = z.string()
const Count = z.int().nonnegative()

const place = {
  app_name: z.string(),
  host: z.string(),
  /** The first eight hex digits of the SHA-256 of the URL. */
  fingerprint: z.string(),
}

const told = {
  /** For example `lsps5.payment_incoming`. */
  method: z.string(),
  /** A height, of `lsps5.expiry_soon` only. */
  timeout: Count.optional(),
}

/** The status of an HTTP response (only 200 is a success), or why there was none. */
const outcome = { status: Count.optional(), why: z.string().optional() }

const Webhook = z.object({
  ...place,
  set_at: Time,
  /** Forgotten then, unless it is set again; absent while the client has a channel. */
  kept_until: Time.optional(),
  /** How times are signed: `Z`, as bLIP-55 says, or `+00:00`, for receivers that verify as LDK does. */
  timestamp_style: z.enum(['Z', '+00:00']),
})

/** A notification that is not tried again. */
const EndedNotification = z.object({
  app_name: z.string(),
  ...told,
  raised_at: Time,
  attempts: Count,
  ended_at: Time,
  ...outcome,
})

const client = {
  client: z.string(),
  online: z.boolean(),
  has_channel: z.boolean(),
  webhooks: z.array(Webhook),
  /** Notifications that are being sent, or wait to be. */
  notifications: Count,
  /** The one that ended last. */
  last: EndedNotification.optional(),
}

export const WebhookClient = z.object(client)
export type WebhookClient = z.output<typeof WebhookClient>

export const WebhookList = z.object({
  /** Whether clients can set webhooks, and are woken. */
  enabled: z.boolean(),
  /** Those to whom something was said last come first. */
  clients: z.array(WebhookClient),
  /** How many are not in the list. */
  more: Count,
})
export type WebhookList = z.output<typeof WebhookList>

/** A notification to one webhook that is not over. */
const Notification = z.object({
  app_name: z.string(),
  ...told,
  raised_at: Time,
  attempts: Count,
  /** `waiting` for another one to the same webhook, `due` after an attempt without an answer, or `sending`. */
  state: z.enum(['waiting', 'due', 'sending']),
  /** Of the next attempt, when it is `due`. */
  next_at: Time.optional(),
  useful_until: Time,
})

/** Why the client is to come, and until when it is not said again. */
const Reason = z.object({ ...told, at: Time, not_again_before: Time, useful_until: Time })

/** One client, and what is said to its webhooks. */
export const WebhookRecord = z.object({
  ...client,
  reasons: z.array(Reason),
  under_way: z.array(Notification),
  /** The last ones, newest first. */
  ended: z.array(EndedNotification),
})
export type WebhookRecord = z.output<typeof WebhookRecord>

/** The body of a test: of one webhook, or of all that the client has. */
export const WebhookTestOrder = z.strictObject({ app_name: z.string().optional() })
export type WebhookTestOrder = z.output<typeof WebhookTestOrder>

/** `lsps5.webhook_registered` was sent once more: what came of it. */
export const WebhookTest = z.object({
  client: z.string(),
  webhooks: z.array(
    z.object({
      ...place,
      ...outcome,
      /** Until the headers of the response, or until it was given up; its turn, the signature and the connection included. */
      took_ms: Count,
    }),
  ),
})
export type WebhookTest = z.output<typeof WebhookTest>

/** A client was asked to give back some of what is in its channels, or it is connected: then nothing is sent. */
export const LiquidityRequest = z.object({ client: z.string(), outcome: z.enum(['called', 'here']) })
export type LiquidityRequest = z.output<typeof LiquidityRequest>
