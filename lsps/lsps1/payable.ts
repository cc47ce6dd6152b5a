import type { OnchainAddress } from '../base/address.ts'
import type { Sat } from '../base/amount.ts'
import type { Timestamp } from '../base/datetime.ts'
import type { SatPerKw } from '../base/fee-rate.ts'
import { invoiceAmount } from './invoice-amount.ts'
import type { Payment } from './schema.ts'
import { PAYMENT_METHODS } from './states.ts'

const MSAT_PER_SAT = 1000n

type Price = {
  /** What the LSP keeps, in sat. */
  readonly fee: Sat
  /** What is to be paid, in sat. */
  readonly total: Sat
  /** Paid later, it comes back. */
  readonly expiresAt: Timestamp
}

/** One way to pay for an order, checked. */
export type PayableOption = Price &
  (
    | { readonly method: 'bolt11'; readonly invoice: string }
    | { readonly method: 'bolt12'; readonly offer: string }
    | {
        readonly method: 'onchain'
        readonly address: OnchainAddress
        /** After how many blocks the payment counts, most likely: do not rely on it (L1-79). */
        readonly minConfirmations: number
        /** A payment with a feerate above this may count without any. */
        readonly zeroConfAbove: SatPerKw | undefined
      }
  )

/** What an answer's payment options are held against. Amounts in sat. */
export type Agreement = {
  /** What comes back to the client as its side of the channel. */
  readonly clientBalance: Sat
  readonly refundAddress?: OnchainAddress | undefined
}

/**
 * What is wrong with the prices of an order; undefined when nothing is. Each total is the fee and the client's own
 * balance (L1-48, L1-63), the invoice asks for exactly that (L1-65), and a refund goes where the client said (L1-73).
 */
export function wrongPayment(payment: Payment, { clientBalance, refundAddress }: Agreement): string | undefined {
  for (const method of PAYMENT_METHODS) {
    const option = payment[method]
    if (option === undefined) continue
    const { fee_total_sat: fee, order_total_sat: total } = option
    if (fee + clientBalance !== total) {
      return `payment.${method} asks for ${total} sat, which is not its fee of ${fee} sat and ${clientBalance} sat for the client`
    }
  }
  const { bolt11, onchain } = payment
  const asked = bolt11 === undefined ? undefined : invoiceAmount(bolt11.invoice)
  if (bolt11 !== undefined && asked !== bolt11.order_total_sat * MSAT_PER_SAT) {
    return `payment.bolt11.invoice is for ${asked ?? 'no'} msat, not for the order's ${bolt11.order_total_sat} sat`
  }
  const refund = onchain?.refund_onchain_address ?? refundAddress
  return refund === refundAddress
    ? undefined
    : `payment.onchain refunds to ${refund}, which is not the client's address`
}

/** What can be paid now, the cheapest first. On chain only with a refund address of the client's own (L1-20). */
export function payableOptions(
  { bolt11, bolt12, onchain }: Payment,
  { now, refundAddress }: { readonly now: Timestamp; readonly refundAddress?: OnchainAddress | undefined },
): readonly PayableOption[] {
  const options: PayableOption[] = []
  if (bolt11?.state === 'EXPECT_PAYMENT') {
    options.push({ method: 'bolt11', ...priceOf(bolt11), invoice: bolt11.invoice })
  }
  if (bolt12?.state === 'EXPECT_PAYMENT') options.push({ method: 'bolt12', ...priceOf(bolt12), offer: bolt12.offer })
  if (onchain?.state === 'EXPECT_PAYMENT' && refundAddress !== undefined) {
    options.push({
      method: 'onchain',
      ...priceOf(onchain),
      address: onchain.address,
      minConfirmations: onchain.min_onchain_payment_confirmations,
      zeroConfAbove: onchain.min_fee_for_0conf ?? undefined,
    })
  }
  return options
    .filter(({ expiresAt }) => expiresAt > now)
    .toSorted((a, b) => (a.fee < b.fee ? -1 : Number(a.fee > b.fee)))
}

type WirePrice = { readonly fee_total_sat: Sat; readonly order_total_sat: Sat; readonly expires_at: Timestamp }

function priceOf({ fee_total_sat: fee, order_total_sat: total, expires_at: expiresAt }: WirePrice): Price {
  return { fee, total, expiresAt }
}
