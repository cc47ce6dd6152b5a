import type { Sat } from '../base/amount.ts'
import { type CallFailure, callFailureOf, describeCall, saidOf } from '../rpc/call-failure.ts'
import { RpcClientError, sanitizeMessage } from '../rpc/client.ts'
import { RpcFault, STANDARD_FAULTS } from '../rpc/fault.ts'
import type { ImpossibleChange } from './changes.ts'
import { LSPS1_FAULTS } from './methods.ts'

/** Why an order, or watching one, came to nothing. None of them says that money is lost: nothing here pays. */
export type OrderFailure =
  /** It does not fit what the LSP offers: `property` is the option that it breaks (L1-32). */
  | { readonly code: 'option-mismatch'; readonly property: string; readonly said: string }
  /** The channel needs `option_support_large_channel` on both sides, and the wallet did not say so (L1-21). */
  | { readonly code: 'large-channel'; readonly capacity: Sat }
  /** Error 1: the LSP does not serve this client, or not now. `said` is cleaned, but written by the LSP (L0-38). */
  | { readonly code: 'rejected'; readonly said: string }
  /** Error 102 (L1-34). */
  | { readonly code: 'unknown-token' }
  /** Error 101 (L1-51). */
  | { readonly code: 'unknown-order'; readonly orderId: string }
  /** The cheapest way to pay has a higher fee than the wallet allowed. In sat. */
  | { readonly code: 'too-expensive'; readonly cheapest: Sat; readonly cap: Sat }
  /** The order cannot be paid by any option that this client knows. */
  | { readonly code: 'no-payment-option' }
  /** The LSP takes back what it said of an order. */
  | { readonly code: 'impossible-change'; readonly change: ImpossibleChange }
  /** The method does not exist. */
  | { readonly code: 'not-offered'; readonly method: string }
  | CallFailure

/** `message` says why and what the user could do; `failure` is for the program. */
export class OrderError extends Error {
  override readonly name = 'OrderError'
  readonly failure: OrderFailure

  constructor(failure: OrderFailure, cause?: unknown) {
    super(describe(failure), { cause })
    this.failure = failure
  }
}

function describe(failure: OrderFailure): string {
  switch (failure.code) {
    case 'option-mismatch':
      return `the LSP does not offer this (${failure.property}: ${failure.said}): order something else, or use another LSP`
    case 'large-channel':
      return `a channel of ${failure.capacity} sat needs large channels on both sides: check the features of the LSP and say so, or order less`
    case 'rejected':
      return `the LSP does not serve this wallet (${failure.said}): try again later, or use another LSP`
    case 'unknown-token':
      return 'the LSP does not know this token, or no longer: leave it out, or ask the LSP for a new one'
    case 'unknown-order':
      return `the LSP does not know the order ${failure.orderId}: check that it is this LSP's and this wallet's; if it was paid, write to the LSP`
    case 'too-expensive':
      return `it costs ${failure.cheapest} sat, allowed are ${failure.cap} sat: allow more, wait for lower fees, or use another LSP`
    case 'no-payment-option':
      return 'the LSP offers no way to pay that this wallet can use: give a refund address to pay on chain, or use another LSP'
    case 'impossible-change':
      return `the LSP takes back what it said: ${failure.change.what} was ${failure.change.before} and is ${failure.change.after}: keep both answers and write to the LSP`
    case 'not-offered':
      return `this node has no ${failure.method}: use another LSP`
    case 'bad-answer':
      return `the LSP's answer cannot be used, ${failure.what}: do not pay for it, use another LSP`
    case 'refused':
    case 'timed-out':
    case 'unreachable':
      return describeCall(failure)
    case 'aborted':
      return 'stopped by the wallet'
  }
}

/** Which call failed, for whom. */
export type OrderCall = { readonly method: string; readonly signal: AbortSignal; readonly orderId?: string }

/** What a failed call means for the wallet; errors that are not about the call are returned as they are. */
export function orderErrorOf(error: unknown, call: OrderCall): unknown {
  if (call.signal.aborted) return new OrderError({ code: 'aborted' }, call.signal.reason)
  if (error instanceof RpcFault) return new OrderError(failureOfFault(error, call), error)
  return error instanceof RpcClientError ? new OrderError(callFailureOf(error, call.method), error) : error
}

function failureOfFault(fault: RpcFault, { method, orderId = '' }: OrderCall): OrderFailure {
  const { code, data } = fault
  const { property } = data ?? {}
  const said = saidOf(fault)
  switch (code) {
    case STANDARD_FAULTS.clientRejected.code:
      return { code: 'rejected', said }
    case LSPS1_FAULTS.optionMismatch.code:
      return { code: 'option-mismatch', property: typeof property === 'string' ? sanitizeMessage(property) : '?', said }
    case LSPS1_FAULTS.notFound.code:
      return { code: 'unknown-order', orderId }
    case LSPS1_FAULTS.unrecognizedToken.code:
      return { code: 'unknown-token' }
    case STANDARD_FAULTS.methodNotFound.code:
      return { code: 'not-offered', method }
    default:
      return { code: 'refused', errorCode: code, said }
  }
}

/** Whether the same question may be answered later: the LSP is away, busy, or in trouble of its own. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof OrderError)) return false
  const { failure } = error
  if (failure.code === 'refused') return failure.errorCode !== STANDARD_FAULTS.invalidParams.code
  if (failure.code === 'unreachable') return failure.why !== 'too-large'
  return failure.code === 'rejected' || failure.code === 'timed-out'
}
