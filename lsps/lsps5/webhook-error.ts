import { type CallFailure, callFailureOf, describeCall, saidOf } from '../rpc/call-failure.ts'
import { RpcClientError } from '../rpc/client.ts'
import { RpcFault, STANDARD_FAULTS } from '../rpc/fault.ts'
import { LSPS5_FAULTS } from './methods.ts'

/** LDK's own error for a client without a channel or an order; bLIP-55 has none, others say 1 (L5-13). */
const NO_PRIOR_ACTIVITY = 1003

/** Why webhooks could not be set, listed or removed. `said` is cleaned, but may be written by the LSP (L0-38). */
export type WebhookFailure =
  /** 500, by our own count or the LSP's. */
  | { readonly code: 'too-long'; readonly said: string }
  /** 501, likewise. */
  | { readonly code: 'not-a-url'; readonly said: string }
  /** 502, likewise. */
  | { readonly code: 'unsupported-protocol'; readonly said: string }
  /** 503; `most` as far as the LSP told it. */
  | { readonly code: 'too-many'; readonly most: number | undefined }
  /** 1010. */
  | { readonly code: 'unknown-name'; readonly said: string }
  /** Error 1, or LDK's 1003: the LSP does not serve this client, or not before it has a channel. */
  | { readonly code: 'rejected'; readonly said: string }
  /** The method does not exist. */
  | { readonly code: 'not-offered'; readonly method: string }
  | CallFailure

/** `message` says why and what could be done; `failure` is for the program. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
  readonly failure: WebhookFailure

  constructor(failure: WebhookFailure, cause?: unknown) {
    super(describe(failure), { cause })
    this.failure = failure
  }
}

function describe(failure: WebhookFailure): string {
  switch (failure.code) {
    case 'too-long':
      return `the name or the URL is too long (${failure.said}): use a shorter one`
    case 'not-a-url':
      return `the webhook is no URL that the LSP can call (${failure.said}): write it with https:// and escape what is not plain ASCII`
    case 'unsupported-protocol':
      return `the LSP does not call such URLs (${failure.said}): use https`
    case 'too-many':
      return `this wallet has as many webhooks as the LSP allows (${failure.most ?? 'it does not say how many'}): remove one, or set one that exists`
    case 'unknown-name':
      return `the LSP has no webhook of this name (${failure.said}): list the names that it has`
    case 'rejected':
      return `the LSP does not serve this wallet (${failure.said}): buy a channel first, or use another LSP`
    case 'not-offered':
      return `this node has no ${failure.method}: use another LSP`
    case 'bad-answer':
      return `the LSP's answer cannot be used, ${failure.what}: list the webhooks to see what it has`
    case 'refused':
    case 'timed-out':
    case 'unreachable':
      return describeCall(failure)
    case 'aborted':
      return 'stopped by the wallet'
  }
}

/** What a failed call means for the wallet; errors that are not about the call are returned as they are. */
export function webhookErrorOf(
  error: unknown,
  call: { readonly method: string; readonly signal: AbortSignal },
): unknown {
  if (call.signal.aborted) return new WebhookError({ code: 'aborted' }, call.signal.reason)
  if (error instanceof RpcFault) return new WebhookError(failureOfFault(error, call.method), error)
  return error instanceof RpcClientError ? new WebhookError(callFailureOf(error, call.method), error) : error
}

function failureOfFault(fault: RpcFault, method: string): WebhookFailure {
  const { code, data } = fault
  const { max_webhooks: most } = data ?? {}
  const said = saidOf(fault)
  switch (code) {
    case LSPS5_FAULTS.tooLong.code:
      return { code: 'too-long', said }
    case LSPS5_FAULTS.urlParse.code:
      return { code: 'not-a-url', said }
    case LSPS5_FAULTS.unsupportedProtocol.code:
      return { code: 'unsupported-protocol', said }
    case LSPS5_FAULTS.tooManyWebhooks.code:
      return { code: 'too-many', most: typeof most === 'number' ? most : undefined }
    case LSPS5_FAULTS.appNameNotFound.code:
      return { code: 'unknown-name', said }
    case STANDARD_FAULTS.clientRejected.code:
    case NO_PRIOR_ACTIVITY:
      return { code: 'rejected', said }
    case STANDARD_FAULTS.methodNotFound.code:
      return { code: 'not-offered', method }
    default:
      return { code: 'refused', errorCode: code, said }
  }
}
