import { refusedWith, SidecarError } from '../kernel/errors.ts'
import type { HoldInvoiceRequest, LndPort } from '../lnd/port.ts'

/** What a customer pays to. An answer of lnd that got lost on the way is asked for once more, at once: it waits. */

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
