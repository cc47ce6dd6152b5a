import { SidecarError } from '../kernel/errors.ts'

/** Pure: what a failed gRPC call means. */

/** Numbers of https://grpc.io/docs/guides/status-codes that can come from the transport instead of from lnd. */
const CANCELLED = 1
const DEADLINE_EXCEEDED = 4
const RESOURCE_EXHAUSTED = 8
const INTERNAL = 13
const UNAVAILABLE = 14
const TRANSPORT_CODES: ReadonlySet<unknown> = new Set([
  CANCELLED,
  DEADLINE_EXCEEDED,
  RESOURCE_EXHAUSTED,
  INTERNAL,
  UNAVAILABLE,
])

/**
 * lnd answers with these words while it starts, waits for its wallet password or stops: it may do the same call
 * moments later, or may already have done it.
 */
const NOT_SERVING = [
  /process of starting/i,
  /wallet locked/i,
  /waiting to start/i,
  /shutting down/i,
  /is stopping/i,
  /context canceled/i,
  /database not open/i,
  /macaroon store is locked/i,
  // The gRPC client's own words for an answer that did not arrive whole; their code is UNKNOWN, which lnd uses as well.
  /^(No status information received|No message received|Received HTTP status code)/,
]

/** @returns LND_UNAVAILABLE when it is unknown whether lnd did it, LND_REFUSED when lnd itself said that it did not */
export function fromGrpc(call: string, error: unknown): SidecarError {
  if (error instanceof SidecarError) return error
  const { code, details } = error as { readonly code?: unknown; readonly details?: unknown }
  const message = error instanceof Error ? error.message : String(error)
  const detail = withoutPreamble(typeof details === 'string' && details !== '' ? details : message)
  const refused =
    typeof code === 'number' && !TRANSPORT_CODES.has(code) && !NOT_SERVING.some((words) => words.test(detail))
  if (refused) return new SidecarError({ code: 'LND_REFUSED', call, detail }, error)
  return unavailable(call, withFix(detail), error)
}

/** Unknown whether lnd did it. */
export function unavailable(call: string, detail: string, cause?: unknown): SidecarError {
  return new SidecarError({ code: 'LND_UNAVAILABLE', call, detail }, cause)
}

/** What grpc-js writes around the reason of a failed connection. */
function withoutPreamble(detail: string): string {
  return detail
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/\. Resolution note: .*$/, '')
}

const FIXES: readonly (readonly [RegExp, string])[] = [
  [
    /certificate|altnames|self.signed|unable to verify/i,
    "the TLS certificate in lnd.cert_path is not the one that lnd shows at this address: copy lnd's tls.cert again, or add the address with tlsextraip/tlsextradomain in lnd.conf",
  ],
  [/wallet locked/i, 'unlock the wallet: lncli unlock'],
  [/ENOTFOUND|EAI_AGAIN/, 'the host name in lnd.socket is not known here'],
]

function withFix(detail: string): string {
  const fix = FIXES.find(([words]) => words.test(detail))?.[1]
  return fix === undefined ? detail : `${detail} (${fix})`
}
