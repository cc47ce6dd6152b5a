import { type ClientFailure, type RpcClientError, sanitizeMessage } from './client.ts'
import type { RpcFault } from './fault.ts'

/** Why a call came to nothing, whatever it asked for. Texts of the LSP are cleaned, but written by it (L0-38). */
export type CallFailure =
  /** An error that means nothing to the caller (L0-33, L0-37). */
  | { readonly code: 'refused'; readonly errorCode: number; readonly said: string }
  /** What it answered cannot be used: `what` says what is wrong with it. */
  | { readonly code: 'bad-answer'; readonly what: string }
  | { readonly code: 'timed-out'; readonly method: string }
  /** The request was not sent; `why` tells what the client said. */
  | { readonly code: 'unreachable'; readonly why: ClientFailure }
  /** The caller's signal; its reason is the `cause`. */
  | { readonly code: 'aborted' }

/** What the client could not do, for the method that it called. */
export function callFailureOf({ failure, message }: RpcClientError, method: string): CallFailure {
  if (failure === 'invalid-result') return { code: 'bad-answer', what: message }
  if (failure === 'timed-out') return { code: 'timed-out', method }
  return { code: 'unreachable', why: failure }
}

/** What the LSP says of an error: in its data where it says more there (L0-35), cleaned. */
export function saidOf({ message, data }: RpcFault): string {
  const { message: own } = data ?? {}
  return typeof own === 'string' ? sanitizeMessage(own) : message
}

/** What those failures mean that are alike whatever was asked for. */
export function describeCall(
  failure: Extract<CallFailure, { readonly code: 'refused' | 'timed-out' | 'unreachable' }>,
) {
  switch (failure.code) {
    case 'refused':
      return `the LSP answered error ${failure.errorCode} (${failure.said}): try again later, or use another LSP`
    case 'timed-out':
      return `the LSP did not answer ${failure.method} in time: check the connection to it and try again`
    case 'unreachable':
      return 'the LSP cannot be reached: connect to it and try again'
  }
}
