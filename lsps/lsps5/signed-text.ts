import { formatDatetime, type Timestamp } from '../base/datetime.ts'
import { notificationBody, type WebhookNotification } from './notifications.ts'

/** Names of headers, as bLIP-55 writes them; older texts had others besides, which nobody sends (L5-43). */
export const TIMESTAMP_HEADER = 'x-lsps5-timestamp'
export const SIGNATURE_HEADER = 'x-lsps5-signature'

/**
 * How the time of a notification is written. `Z` is what bLIP-55 demands. LDK writes the time that it read anew, as
 * `+00:00` and without a fraction of zero, before it verifies: for a receiver that does so, the text has to be signed in
 * that form (L5-44, D9).
 */
export const TIMESTAMP_STYLES = ['Z', '+00:00'] as const
export type TimestampStyle = (typeof TIMESTAMP_STYLES)[number]

/** An instant as it stands in the header and in the signed text. */
export function formatNotificationTime(at: Timestamp, style: TimestampStyle): string {
  const written = formatDatetime(at)
  return style === 'Z' ? written : written.replace(/(?:\.000)?Z$/, '+00:00')
}

/** The text that the LSP signs with its node's key (L5-41, L0-77): no quotes, nothing escaped, nothing at the end. */
export function signedText(timestamp: string, body: string): string {
  return `LSPS5: DO NOT SIGN THIS MESSAGE MANUALLY: LSP: At ${timestamp} I notify ${body}`
}

/** One attempt to deliver a notification, to be signed: another attempt has another time, and so another signature. */
export type UnsignedNotification = {
  readonly timestamp: string
  /** What is posted, in UTF-8; nobody may write it anew (L5-42). */
  readonly body: string
  /** What is signed, in UTF-8. */
  readonly text: string
}

/** What to sign and to post at a time, in milliseconds. */
export function composeNotification({
  notification,
  at,
  style = 'Z',
}: {
  readonly notification: WebhookNotification
  readonly at: Timestamp
  readonly style?: TimestampStyle | undefined
}): UnsignedNotification {
  const timestamp = formatNotificationTime(at, style)
  const body = notificationBody(notification)
  return { timestamp, body, text: signedText(timestamp, body) }
}

/** The headers of the call (L5-43). */
export function notificationHeaders({
  timestamp,
  signature,
}: {
  readonly timestamp: string
  readonly signature: string
}): Readonly<Record<string, string>> {
  return { 'content-type': 'application/json', [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: signature }
}
