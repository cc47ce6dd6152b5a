import type { Msat } from '../base/amount.ts'
import type { Timestamp } from '../base/datetime.ts'
import { clientRejected, type RpcFault } from '../rpc/fault.ts'
import { openingFee } from './fee.ts'
import { lsps2Faults } from './methods.ts'
import type { OpeningFeeParams } from './schema.ts'

/** What the answer to `lsps2.buy` depends on. */
export type BuyRequest = {
  readonly offer: OpeningFeeParams
  /** Absent: an invoice without an amount. */
  readonly paymentSize?: Msat | undefined
  readonly now: Timestamp
  /** Whether the promise is ours for this client; asked only when the offer has not expired. */
  readonly promiseHolds: () => boolean
  /** Why this client is not served, if it is not; the client reads it. */
  readonly rejection?: string | undefined
  /** The largest payment that can reach us now; absent when it is not checked (L2-44). */
  readonly receivable?: Msat | undefined
}

/** The fee is undefined for an invoice without an amount: the payment decides it. */
export type BuyVerdict = { readonly fault: RpcFault } | { readonly fee: Msat | undefined }

/** The checks of `lsps2.buy` after its shape, in the order of row L2-46. */
export function validateBuy(request: BuyRequest): BuyVerdict {
  const { offer, paymentSize, now, promiseHolds, rejection, receivable } = request
  if (rejection !== undefined) return { fault: clientRejected(rejection) }
  if (now > offer.valid_until || !promiseHolds()) return { fault: lsps2Faults.invalidFeeParams() }
  if (paymentSize === undefined) return { fee: undefined }
  if (paymentSize < offer.min_payment_size_msat) return { fault: lsps2Faults.paymentTooSmall() }
  if (paymentSize > offer.max_payment_size_msat) return { fault: lsps2Faults.paymentTooLarge() }
  const fee = openingFee(offer, paymentSize)
  if (fee === undefined) return { fault: lsps2Faults.paymentTooLarge() }
  if (fee >= paymentSize) return { fault: lsps2Faults.paymentTooSmall() }
  if (receivable !== undefined && receivable < paymentSize) return { fault: lsps2Faults.paymentTooLarge() }
  return { fee }
}
