import type { Msat } from '../../lsps/base/amount.ts'

/** A hold invoice to be made. `paymentHash` in hex. */
export type HoldInvoiceRequest = {
  readonly paymentHash: string
  /** More than 0. */
  readonly amount: Msat
  /** What the payer reads; 1024 bytes at most. */
  readonly memo: string
  readonly expirySeconds: number
  /** The least number of blocks from the arrival of an HTLC to its expiry: 24 or more; few payers go beyond 2000. */
  readonly cltvExpiry: number
}

/** A part of a payment to an invoice. */
export type InvoiceHtlc = {
  readonly amount: Msat
  readonly expiryHeight: number
  readonly state: 'accepted' | 'settled' | 'canceled'
}

export type Invoice = {
  readonly paymentHash: string
  /**
   * `accepted` when all parts of a payment are held, and not before: parts of an incomplete one stand in `htlcs` while
   * the invoice is `open`. Never goes back from `accepted` to `open`; `settled` and `canceled` are final.
   */
  readonly state: 'open' | 'accepted' | 'settled' | 'canceled'
  /** What was asked. */
  readonly amount: Msat
  /** Sum of the accepted and settled HTLCs: a payer may send more than was asked. */
  readonly paid: Msat
  readonly htlcs: readonly InvoiceHtlc[]
}

/**
 * Blocks before the expiry of an HTLC at which lnd cancels the accepted hold invoice that it pays
 * (`DefaultHoldInvoiceExpiryDelta`; `invoices.holdexpirydelta` in lnd.conf is another number).
 */
export const HOLD_INVOICE_CANCEL_BLOCKS = 18

/** How a stream tells what it got; the promise of the subscribing call ends when the stream does. */
export type OnEvent<T> = (event: T) => void

/** The part of `LndPort` about hold invoices; everybody else imports it from there. */
export interface InvoicePort {
  /**
   * A hold invoice over just this amount, without hints to private channels; the BOLT11 text. For a hash that lnd knows,
   * whatever became of that invoice, refused with "invoice with payment hash already exists": then `lookupInvoice` has
   * its text, which is the one that was made before, since the payment secret in it is random.
   *
   * What lnd does by itself: it fails a part at once that expires earlier than `cltvExpiry` says or is of another
   * total, and the parts of an incomplete payment after 120 s; it cancels an `open` invoice when its time is over, but
   * then not an `accepted` one; and it cancels an `accepted` one at the block at which the expiry of its earliest HTLC
   * is only `HOLD_INVOICE_CANCEL_BLOCKS` away. A payment may therefore be accepted at the last second before the
   * expiry, and after a cancel nothing can be settled any more.
   */
  addHoldInvoice(request: HoldInvoiceRequest, signal: AbortSignal): Promise<string>
  /**
   * With its BOLT11 text. Undefined when lnd does not know it, which is also so of a cancelled one where lnd.conf says
   * `gc-canceled-invoices-on-the-fly` or `-on-startup`.
   */
  lookupInvoice(paymentHash: string, signal: AbortSignal): Promise<(Invoice & { readonly request: string }) | undefined>
  /**
   * Takes the money. Success also when it is settled already. Refused with "invoice still open" before it is accepted,
   * with "invoice already canceled", and with "unable to locate invoice".
   */
  settleInvoice(preimage: string, signal: AbortSignal): Promise<void>
  /**
   * Gives the money back, and takes no more. Success also when it is cancelled already. Refused with "invoice already
   * settled", and with "unable to locate invoice".
   */
  cancelInvoice(paymentHash: string, signal: AbortSignal): Promise<void>
  /**
   * The state now, then each change of it; ends after a final one. Parts that do not complete a payment are not told.
   * Of an invoice that does not exist nothing is told until it is made. One stream for each invoice: lnd tells of no
   * accepted one otherwise. It carries thousands (with 3,000 on one connection a payment was told in 0.2 s).
   */
  subscribeInvoice(paymentHash: string, onEvent: OnEvent<Invoice>, signal: AbortSignal): Promise<void>
}
