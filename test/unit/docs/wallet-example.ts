import {
  type Clock,
  computeOpeningFee,
  createRpcClient,
  jitRouteHint,
  longestInvoiceExpiry,
  lsps2,
  type Msat,
  type NodeId,
  type Timestamp,
  type Transport,
} from '../../../lsps/index.ts'

const clock: Clock = {
  now: () => Date.now() as Timestamp,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms)
      const stop = () => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop, { once: true })
    }),
}

const newId = () => crypto.randomUUID()

/** `transport` carries payloads of peer messages of type 37913 to and from the LSP. */
export async function buyChannel(transport: Transport, lsp: NodeId, payment: Msat, signal: AbortSignal) {
  const client = createRpcClient({ transport, clock, newId })
  try {
    const { opening_fee_params_menu: menu } = await client.call(lsps2, 'lsps2.get_info', {}, signal)
    const [offer] = menu // the cheapest comes first
    if (offer === undefined) throw new Error('this LSP opens no channels at the moment')
    const fee = computeOpeningFee(offer, payment)
    // Here the wallet asks its user whether the fee is fine.
    const params = { opening_fee_params: offer, payment_size_msat: payment }
    const bought = await client.call(lsps2, 'lsps2.buy', params, signal)
    return {
      /** The most that the LSP may deduct: accept HTLCs that are smaller by up to this much. */
      fee,
      /** The one route hint of the invoice, and how long the invoice may live, in seconds. */
      hint: jitRouteHint(lsp, bought),
      expiry: longestInvoiceExpiry(offer, clock.now()),
    }
  } finally {
    client.close()
  }
}
