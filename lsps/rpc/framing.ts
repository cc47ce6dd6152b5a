/** The BOLT8 message type of every LSPS message (L0-01). */
export const LSPS_MESSAGE_TYPE = 37_913

const TYPE_BYTES = 2
const MAX_MESSAGE_BYTES = 65_535
/** What a BOLT8 message holds besides its type (L0-02). */
export const MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES - TYPE_BYTES

/** A JSON object as it came: any key may be present, `__proto__` included, and is plain data (L0-07). */
export type JsonObject = Readonly<Record<string, unknown>>

/** The object in a payload, or why there is none. */
export type DecodedPayload = { readonly object: JsonObject } | { readonly bad: string }

// A byte order mark is not among the four bytes that may surround the object: it must not be dropped silently (L0-05).
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf8Encoder = new TextEncoder()

function bad(reason: string): DecodedPayload {
  return { bad: reason }
}

/** Whether a parsed JSON value is an object, not an array and not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads exactly one JSON object in UTF-8 (L0-03, L0-04, L0-05, L0-07); never throws. */
export function decodePayload(payload: Uint8Array): DecodedPayload {
  if (payload.length === 0) return bad('the message is empty')
  if (payload.length > MAX_PAYLOAD_BYTES) return bad('the message is too long')
  if (payload.includes(0)) return bad('the message contains a zero byte')
  let text: string
  try {
    text = utf8.decode(payload)
  } catch {
    return bad('the message is not valid UTF-8')
  }
  try {
    // JSON's own whitespace is exactly space, tab, line feed and carriage return; anything else around fails here.
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? { object: value } : bad('the message is not a JSON object')
  } catch {
    return bad('the message is not one JSON object')
  }
}

/** The UTF-8 bytes of a JSON value; undefined when they do not fit into one message (L0-02). */
export function encodePayload(value: unknown): Uint8Array | undefined {
  const bytes = utf8Encoder.encode(JSON.stringify(value))
  return bytes.length <= MAX_PAYLOAD_BYTES ? bytes : undefined
}

/** A whole BOLT8 message, for transports that carry the two type bytes themselves (lnd does not). */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_PAYLOAD_BYTES) throw new RangeError(`${payload.length} bytes do not fit into one message`)
  const frame = new Uint8Array(TYPE_BYTES + payload.length)
  new DataView(frame.buffer).setUint16(0, LSPS_MESSAGE_TYPE)
  frame.set(payload, TYPE_BYTES)
  return frame
}

/** What a BOLT8 message is to us. */
export type DecodedFrame =
  | { readonly type: 'payload'; readonly payload: Uint8Array }
  /** Another protocol's message: not ours to answer. */
  | { readonly type: 'foreign'; readonly messageType: number }
  | { readonly type: 'too-short'; readonly length: number }

/** Splits a whole BOLT8 message into its type and its payload. */
export function decodeFrame(message: Uint8Array): DecodedFrame {
  if (message.length < TYPE_BYTES) return { type: 'too-short', length: message.length }
  const messageType = new DataView(message.buffer, message.byteOffset).getUint16(0)
  if (messageType !== LSPS_MESSAGE_TYPE) return { type: 'foreign', messageType }
  return { type: 'payload', payload: message.subarray(TYPE_BYTES) }
}
