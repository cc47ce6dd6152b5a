import { msat } from '../../lsps/base/amount.ts'
import { toMsat } from './convert.ts'
import type { Invoice, InvoiceHtlc } from './port.ts'
import type { RawInvoice, RawInvoiceHtlc } from './raw.ts'

/** Pure: lnd's invoices in the port's words. */

const STATES = { OPEN: 'open', ACCEPTED: 'accepted', SETTLED: 'settled', CANCELED: 'canceled' } as const
const HTLC_STATES = { ACCEPTED: 'accepted', SETTLED: 'settled', CANCELED: 'canceled' } as const

export function toInvoice(raw: RawInvoice): Invoice {
  const htlcs = raw.htlcs.map(toInvoiceHtlc)
  return {
    paymentHash: raw.r_hash.toString('hex'),
    state: STATES[raw.state],
    amount: toMsat(raw.value_msat),
    // lnd's own sum of an invoice is that of the moment in which it was accepted or settled, and 0 before.
    paid: msat(htlcs.reduce((sum, { amount, state }) => (state === 'canceled' ? sum : sum + amount), 0n)),
    htlcs,
  }
}

function toInvoiceHtlc({ amt_msat, expiry_height, state }: RawInvoiceHtlc): InvoiceHtlc {
  return { amount: toMsat(amt_msat), expiryHeight: expiry_height, state: HTLC_STATES[state] }
}
