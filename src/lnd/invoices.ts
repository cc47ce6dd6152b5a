import { refusedWith } from '../kernel/errors.ts'
import type { Connection } from './connect.ts'
import { toInvoice } from './convert-invoice.ts'
import { listen } from './listen.ts'
import type { Invoice, LndPort, OnEvent } from './port.ts'

type InvoiceCalls = Pick<
  LndPort,
  'addHoldInvoice' | 'lookupInvoice' | 'settleInvoice' | 'cancelInvoice' | 'subscribeInvoice'
>

/** lnd's words for a hash that it has no invoice of, and for a node that never had any. */
const UNKNOWN_INVOICE = /unable to locate invoice|there are no existing invoices/i

export function invoiceCalls(lnd: Connection): InvoiceCalls {
  return {
    addHoldInvoice: async ({ paymentHash, amount, memo, expirySeconds, cltvExpiry }, signal) => {
      const request = {
        memo,
        hash: Buffer.from(paymentHash, 'hex'),
        value_msat: `${amount}`,
        expiry: `${expirySeconds}`,
        cltv_expiry: `${cltvExpiry}`,
      }
      return (await lnd.unary('addHoldInvoice', request, signal)).payment_request
    },

    lookupInvoice: async (paymentHash, signal) => {
      try {
        const raw = await lnd.unary('lookupInvoice', { payment_hash: Buffer.from(paymentHash, 'hex') }, signal)
        return { ...toInvoice(raw), request: raw.payment_request }
      } catch (error) {
        if (refusedWith(error, UNKNOWN_INVOICE)) return undefined
        throw error
      }
    },

    settleInvoice: async (preimage, signal) => {
      await lnd.unary('settleInvoice', { preimage: Buffer.from(preimage, 'hex') }, signal)
    },

    cancelInvoice: async (paymentHash, signal) => {
      await lnd.unary('cancelInvoice', { payment_hash: Buffer.from(paymentHash, 'hex') }, signal)
    },

    subscribeInvoice: (paymentHash, onEvent: OnEvent<Invoice>, signal) =>
      listen(lnd.stream('invoice', { r_hash: Buffer.from(paymentHash, 'hex') }), {
        name: 'subscribeInvoice',
        onEvent: (raw) => onEvent(toInvoice(raw)),
        signal,
      }),
  }
}
