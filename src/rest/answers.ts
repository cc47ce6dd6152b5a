import { RpcFault, STANDARD_FAULTS } from '../../lsps/rpc/fault.ts'
import type { JsonObject } from '../../lsps/rpc/framing.ts'

/** LSPS1: there is no such order. */
const NOT_FOUND = 101

/** An answer over HTTP. */
export type Answer = { readonly status: number; readonly body: JsonObject }

/**
 * An error as wallets read it over HTTP: `error` as in JSON-RPC, which the BTCPay plugin of LSPS1 reads, and a
 * `message` beside it, which ZEUS shows. Alby Hub shows the whole.
 */
export function errorAnswer(status: number, { code, message, data }: RpcFault): Answer {
  const error = data === undefined ? { code, message } : { code, message, data }
  return { status, body: { error, message: readable(message, data) } }
}

export function faultAnswer(fault: RpcFault): Answer {
  return errorAnswer(statusOf(fault.code), fault)
}

/** For what goes wrong before a method is called: the words are ours, never those of a library. */
export function transportAnswer(status: number): Answer {
  return errorAnswer(status, new RpcFault(codeOf(status), TRANSPORT_TEXTS[status] ?? 'the request is not valid HTTP'))
}

/** What each status says when no method was called. */
const TRANSPORT_TEXTS: Readonly<Record<number, string>> = {
  400: 'the body is not valid JSON',
  403: 'not allowed',
  404: 'there is no such page',
  408: 'the request took too long',
  413: 'the body is too large',
  414: 'the address is too long',
  415: 'send JSON with content-type application/json',
  429: 'too many requests, slow down',
  431: 'the headers are too large',
  500: 'internal error',
  503: 'the service is busy, try again later',
}

function codeOf(status: number): number {
  if (status === 404) return STANDARD_FAULTS.methodNotFound.code
  if (status === 403 || status === 429 || status === 503) return STANDARD_FAULTS.clientRejected.code
  return status >= 500 ? STANDARD_FAULTS.internalError.code : STANDARD_FAULTS.parseError.code
}

function statusOf(code: number): number {
  switch (code) {
    case STANDARD_FAULTS.internalError.code:
      return 500
    case STANDARD_FAULTS.methodNotFound.code:
    case NOT_FOUND:
      return 404
    case STANDARD_FAULTS.clientRejected.code:
      return 403
    default:
      return 400
  }
}

/** One sentence for the user of a wallet that shows nothing else. */
function readable(message: string, data: RpcFault['data']): string {
  if (data === undefined) return message
  const { property, message: reason, unrecognized } = data
  const names =
    Array.isArray(unrecognized) && unrecognized.length > 0 ? `unknown: ${unrecognized.join(', ')}` : undefined
  const said = typeof reason === 'string' && reason !== '' ? reason : names
  if (said === undefined) return message
  return typeof property === 'string' && property !== '' ? `${property}: ${said}` : said
}
