import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { parseInstant, type Timestamp } from '../base/datetime.ts'
import { recoverSigner } from '../base/ln-signature.ts'
import type { NodeId } from '../base/node-id.ts'
import { type ReadNotification, readNotification } from './notifications.ts'
import { type ReplayMemory, remember } from './replay.ts'
import { formatNotificationTime, signedText, TIMESTAMP_STYLES } from './signed-text.ts'

/** How far the LSP's clock and the receiver's may be apart, delivery included, as bLIP-55 had it. */
export const FRESHNESS_WINDOW_MS = 10 * 60_000
/** Longer bodies are refused before anything is computed: those of bLIP-55 have 80 bytes, other specs may add some. */
export const MAX_NOTIFICATION_BYTES = 16_384
/** An RFC 3339 time with nine digits has 35 characters. */
const MAX_TIMESTAMP_CHARACTERS = 40
const SIGNATURE = /^[a-z0-9]{104}$/

/** A call of a webhook as it came. */
export type NotificationCall = {
  /** The header `x-lsps5-timestamp`, verbatim. */
  readonly timestamp: string | undefined
  /** The header `x-lsps5-signature`. */
  readonly signature: string | undefined
  /** The body as it came, before anybody parsed it. */
  readonly body: Uint8Array | string
}

/** Why a call must not wake anybody. */
export type NotificationRefusal =
  /** The timestamp is missing, or none of RFC 3339. */
  | 'bad-timestamp'
  /** It is older than the window: replayed, or delayed on the way. */
  | 'stale'
  /** It is further ahead than the window: one of the clocks is wrong. */
  | 'from-the-future'
  /** Not a JSON-RPC 2.0 notification, too long, or without what its method requires. */
  | 'bad-body'
  /** Missing, malformed, or not by the LSP over this time and body. */
  | 'bad-signature'
  /** Accepted before. */
  | 'replayed'

/** A call that the LSP made. Without `notification`, the method is unknown: ignore it (L5-48). */
export type VerifiedNotification = ReadNotification & {
  /** When the LSP signed it. */
  readonly at: Timestamp
  /** Names what was signed, however the signature is written. */
  readonly digest: string
}

export type NotificationVerdict =
  | { readonly accepted: VerifiedNotification }
  | { readonly refused: NotificationRefusal }

/** Fatal: what is not UTF-8 was not signed as text. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Whether the LSP made this call, now: its time is within the window, its body is a notification, its signature is by the
 * LSP (L5-48). It remembers nothing: see `createNotificationVerifier`. Whether this LSP may wake the device that the URL
 * names is for the caller.
 */
export function verifyNotification(
  { timestamp, signature, body }: NotificationCall,
  {
    lsp,
    now,
    windowMs = FRESHNESS_WINDOW_MS,
  }: { readonly lsp: NodeId; readonly now: Timestamp; readonly windowMs?: number },
): NotificationVerdict {
  if (timestamp === undefined || timestamp.length > MAX_TIMESTAMP_CHARACTERS) return { refused: 'bad-timestamp' }
  const at = parseInstant(timestamp)
  if (at === undefined) return { refused: 'bad-timestamp' }
  if (at < now - windowMs) return { refused: 'stale' }
  if (at > now + windowMs) return { refused: 'from-the-future' }
  const text = textOf(body)
  const read = text === undefined ? undefined : readNotification(text)
  if (text === undefined || read === undefined) return { refused: 'bad-body' }
  const digest = signature === undefined ? undefined : digestOfSigned({ timestamp, at, text, signature, lsp })
  return digest === undefined ? { refused: 'bad-signature' } : { accepted: { ...read, at, digest } }
}

function textOf(body: Uint8Array | string): string | undefined {
  const bytes = typeof body === 'string' ? utf8ToBytes(body) : body
  if (bytes.length > MAX_NOTIFICATION_BYTES) return undefined
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * The digest of what the LSP signed. The header stands in the signed text as it came; but a program between the LSP and
 * here may have written the same instant anew, so both forms that are in use are tried after it (D9).
 */
function digestOfSigned({
  timestamp,
  at,
  text,
  signature,
  lsp,
}: {
  readonly timestamp: string
  readonly at: Timestamp
  readonly text: string
  readonly signature: string
  readonly lsp: NodeId
}): string | undefined {
  // zbase32 means the same in capitals, and LDK reads them.
  const lower = signature.toLowerCase()
  if (!SIGNATURE.test(lower)) return undefined
  const forms = new Set([timestamp, ...TIMESTAMP_STYLES.map((style) => formatNotificationTime(at, style))])
  for (const form of forms) {
    const message = utf8ToBytes(signedText(form, text))
    if (recoverSigner(message, lower) === lsp) return bytesToHex(sha256(message))
  }
  return undefined
}

/** Verifies the calls of one webhook by one LSP, and accepts each once. */
export interface NotificationVerifier {
  verify(call: NotificationCall, now: Timestamp): NotificationVerdict
  /** What it remembers, to be kept if the process does not live until the next call. */
  memory(): ReplayMemory
}

/**
 * `memory` is what an earlier one remembered. A notification is remembered until it is stale by itself, so that within
 * the window it is accepted once, as long as fewer than `most` come in that time.
 */
export function createNotificationVerifier({
  lsp,
  windowMs = FRESHNESS_WINDOW_MS,
  memory: earlier = [],
  most,
}: {
  readonly lsp: NodeId
  readonly windowMs?: number
  readonly memory?: ReplayMemory
  readonly most?: number
}): NotificationVerifier {
  let memory = earlier
  return {
    verify(call, now) {
      const verdict = verifyNotification(call, { lsp, now, windowMs })
      if ('refused' in verdict) return verdict
      const { digest, at } = verdict.accepted
      const limits = { now, windowMs, ...(most === undefined ? {} : { most }) }
      const { replayed, memory: after } = remember(memory, { digest, at }, limits)
      memory = after
      return replayed ? { refused: 'replayed' } : verdict
    },
    memory: () => memory,
  }
}
