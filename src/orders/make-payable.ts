import { refusedWith, SidecarError } from '../kernel/errors.ts'
import type { HoldInvoiceRequest, LndPort } from '../lnd/port.ts'

/** What a customer pays to. An answer of lnd that got lost on the way is asked for once more, at once: it waits. */

export type Payable = { readonly invoice: string | undefined; readonly address: string | undefined }

/**
 * The invoice and the address of one order: all that is wanted, or nothing that could be paid (L1-35). An invoice that
 * stands alone because the other failed is cancelled; where lnd does not answer to that either, it ends by its own
 * expiry, and nobody has seen it.
 * @throws SidecarError when lnd does not make them
 */
export async function makePayable(
  lnd: Pick<LndPort, 'addHoldInvoice' | 'lookupInvoice' | 'newAddress' | 'cancelInvoice'>,
  wanted: { readonly invoice: HoldInvoiceRequest | undefined; readonly address: 'wanted' | 'not-wanted' },
  signal: AbortSignal,
): Promise<Payable> {
  const [invoice, address] = await Promise.allSettled([
    wanted.invoice === undefined ? undefined : makeInvoice(lnd, wanted.invoice, signal),
    wanted.address === 'wanted' ? makeAddress(lnd, signal) : undefined,
  ])
  if (invoice.status === 'rejected') throw invoice.reason
  if (address.status === 'rejected') {
    if (wanted.invoice !== undefined) await lnd.cancelInvoice(wanted.invoice.paymentHash, signal).catch(() => undefined)
    throw address.reason
  }
  return { invoice: invoice.value, address: address.value }
}

export async function makeInvoice(
  lnd: Pick<LndPort, 'addHoldInvoice' | 'lookupInvoice'>,
  asked: HoldInvoiceRequest,
  signal: AbortSignal,
): Promise<string> {
  return twice(async () => {
    try {
      return await lnd.addHoldInvoice(asked, signal)
    } catch (error) {
      if (!refusedWith(error, /already exists/)) throw error
      const made = await lnd.lookupInvoice(asked.paymentHash, signal)
      if (made === undefined) throw error
      return made.request
    }
  })
}

/** Of two addresses that were made, one is nobody's: the wallet has as many as it likes. */
export function makeAddress(lnd: Pick<LndPort, 'newAddress'>, signal: AbortSignal): Promise<string> {
  return twice(() => lnd.newAddress(signal))
}

async function twice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof SidecarError && error.retryable)) throw error
    return await ask()
  }
}
