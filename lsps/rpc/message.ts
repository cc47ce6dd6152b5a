import { decodePayload, type JsonObject } from './framing.ts'

/** What a client put into `id`; it is echoed as it came (L0-43). */
export type RequestId = string | number

/** A JSON-RPC 2.0 request of the LSPS profile; `params` is not looked at yet. */
export type Request = {
  readonly type: 'request'
  readonly id: RequestId
  readonly method: string
  readonly params: unknown
}

/** A message that must be answered with -32700 and `id: null` (L0-10, L0-11). */
export type BadMessage = { readonly type: 'bad'; readonly reason: string }

/** Looks like an answer: answering it could go on for ever between two servers (L0-12). */
export type ResponseMessage = { readonly type: 'response'; readonly message: JsonObject }

/** A message as a server sees it. */
export type IncomingMessage = Request | BadMessage | ResponseMessage

/** Longer ids are refused, since they are echoed and remembered (L0-43). */
export const MAX_ID_BYTES = 512
const MAX_BYTES_PER_CODE_UNIT = 3

const utf8Encoder = new TextEncoder()

function isRequestId(id: unknown): id is RequestId {
  if (typeof id === 'number') return Number.isSafeInteger(id)
  if (typeof id !== 'string') return false
  if (id.length * MAX_BYTES_PER_CODE_UNIT <= MAX_ID_BYTES) return true
  return id.length <= MAX_ID_BYTES && utf8Encoder.encode(id).length <= MAX_ID_BYTES
}

/** Whether a message has the shape of an answer rather than of a call (L0-12). */
export function looksLikeResponse(message: JsonObject): boolean {
  const { method } = message
  if (typeof method === 'string') return false
  return Object.hasOwn(message, 'result') || Object.hasOwn(message, 'error')
}

/** The first three steps of the dispatch order: format, loop guard, shape of the request (lsps0 dispatch order 1-3). */
export function readIncoming(payload: Uint8Array): IncomingMessage {
  const decoded = decodePayload(payload)
  if ('bad' in decoded) return { type: 'bad', reason: decoded.bad }
  const message = decoded.object
  if (looksLikeResponse(message)) return { type: 'response', message }
  const { jsonrpc, method, id, params } = message
  if (jsonrpc !== '2.0') return { type: 'bad', reason: 'jsonrpc is not "2.0"' }
  if (typeof method !== 'string') return { type: 'bad', reason: 'method is not a string' }
  if (!isRequestId(id)) return { type: 'bad', reason: 'id is missing, too long or not a string or safe integer' }
  return { type: 'request', id, method, params }
}
