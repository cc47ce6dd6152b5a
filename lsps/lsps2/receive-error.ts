import type { Msat } from '../base/amount.ts'
import { formatDatetime } from '../base/datetime.ts'
import { type CallFailure, callFailureOf, describeCall, saidOf } from '../rpc/call-failure.ts'
import { RpcClientError } from '../rpc/client.ts'
import { RpcFault, STANDARD_FAULTS } from '../rpc/fault.ts'
import type { NoChoice } from './choose-offer.ts'
import { LSPS2_FAULTS } from './methods.ts'

/** Why a wallet got no channel to be paid over. Nothing was paid and nothing is owed in any of these cases. */
export type ReceiveFailure =
  | NoChoice
  /** The offer needs the wallet to give the preimage away first, and the wallet does not allow that (L2-49). */
  | { readonly code: 'needs-trust' }
  /** The wallet's own `confirm` said stop. */
  | { readonly code: 'declined' }
  /** Error 1: the LSP does not serve this client, or not now. `said` is cleaned, but written by the LSP (L0-38). */
  | { readonly code: 'rejected'; readonly said: string }
  /** Error 200 (L2-02). */
  | { readonly code: 'unknown-token' }
  /** Error 201 for an offer that it had just made, twice (L2-41); or offers that end before they are bought. */
  | { readonly code: 'offer-withdrawn' }
  /** The method does not exist: no LSPS2 there. */
  | { readonly code: 'not-offered' }
  /** Also an answer that cannot be used (L2-13, L2-21). */
  | CallFailure

/** `receive` got no channel. `message` says why and what the user could do; `failure` is for the program. */
export class ReceiveError extends Error {
  override readonly name = 'ReceiveError'
  readonly failure: ReceiveFailure

  constructor(failure: ReceiveFailure, cause?: unknown) {
    super(describe(failure), { cause })
    this.failure = failure
  }
}

function amount(value: Msat): string {
  return `${value} msat`
}

function describe(failure: ReceiveFailure): string {
  switch (failure.code) {
    case 'no-offers':
      return 'the LSP opens no channels at the moment: try again later, or use another LSP'
    case 'ends-too-soon':
      return `all offers end by ${formatDatetime(failure.latest)}: allow an invoice that expires sooner, or try again`
    case 'closes-too-soon':
      return `the LSP keeps a channel for ${failure.longestLifetimeBlocks} blocks at most: accept that, or use another LSP`
    case 'delay-too-short':
      return `the LSP accepts a to_self_delay of ${failure.longestDelayBlocks} blocks at most: accept that, or use another LSP`
    case 'too-small':
      return failure.smallest === undefined
        ? 'the payment does not pay for a channel: ask for a larger payment, or use another LSP'
        : `the payment is too small for a channel: ask for ${amount(failure.smallest)} or more`
    case 'too-large':
      return failure.largest === undefined
        ? 'the LSP cannot bring a payment as large: ask for a smaller one, or use another LSP'
        : `the payment is too large for the LSP: ask for ${amount(failure.largest)} or less`
    case 'too-expensive':
      return `the channel costs ${amount(failure.cheapest)}, allowed are ${amount(failure.cap)}: allow more, wait for lower fees, or use another LSP`
    case 'needs-trust':
      return 'the LSP wants the preimage before it publishes the channel: allow that only if you trust it, or use another LSP'
    case 'declined':
      return 'the wallet declined the offer: nothing was bought'
    case 'rejected':
      return `the LSP does not serve this wallet (${failure.said}): try again later, or use another LSP`
    case 'unknown-token':
      return 'the LSP does not know this token, or no longer: leave it out, or ask the LSP for a new one'
    case 'offer-withdrawn':
      return 'the LSP did not keep to offers that it had just made: try again, or use another LSP'
    case 'not-offered':
      return 'this node sells no channels by LSPS2: use another LSP'
    case 'bad-answer':
      return `the LSP's answer cannot be used, ${failure.what}: use another LSP`
    case 'refused':
    case 'timed-out':
    case 'unreachable':
      return describeCall(failure)
    case 'aborted':
      return 'stopped by the wallet: nothing was bought that has to be paid'
  }
}

/** What a failed call means for the wallet; errors that are not about the call are returned as they are. */
export function receiveErrorOf(error: unknown, method: string, signal: AbortSignal): unknown {
  if (signal.aborted) return new ReceiveError({ code: 'aborted' }, signal.reason)
  if (error instanceof RpcFault) return new ReceiveError(failureOfFault(error), error)
  return error instanceof RpcClientError ? new ReceiveError(callFailureOf(error, method), error) : error
}

function failureOfFault(fault: RpcFault): ReceiveFailure {
  const { code, message } = fault
  switch (code) {
    case STANDARD_FAULTS.clientRejected.code:
      return { code: 'rejected', said: saidOf(fault) }
    case STANDARD_FAULTS.methodNotFound.code:
      return { code: 'not-offered' }
    case LSPS2_FAULTS.unrecognizedToken.code:
      return { code: 'unknown-token' }
    case LSPS2_FAULTS.paymentTooSmall.code:
      return { code: 'too-small', smallest: undefined }
    case LSPS2_FAULTS.paymentTooLarge.code:
      return { code: 'too-large', largest: undefined }
    default:
      return { code: 'refused', errorCode: code, said: message }
  }
}
