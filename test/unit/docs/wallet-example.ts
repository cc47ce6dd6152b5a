import {
  type Clock,
  checkParts,
  createRpcClient,
  type JitPurchase,
  type Msat,
  type NodeId,
  type ReceivedPart,
  receive,
  requestIds,
  type Timestamp,
  type Transport,
  webhookClient,
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

const newId = requestIds((length) => crypto.getRandomValues(new Uint8Array(length)))

/** `transport` carries payloads of peer messages of type 37913 to and from the LSP. */
export async function buyChannel(transport: Transport, lsp: NodeId, payment: Msat, maxFee: Msat, signal: AbortSignal) {
  const client = createRpcClient({ transport, clock, newId })
  try {
    return await receive({
      client,
      clock,
      lsp,
      /** For an invoice without an amount: `{ likely: payment }`. */
      amount: payment,
      /** Nothing dearer is bought; `ReceiveError` says what it would cost, or what else is wrong and what to do. */
      maxFee: { msat: maxFee },
      /** What this wallet asks of any payment; two blocks are added for the invoice. */
      finalCltvBlocks: 40,
      signal,
    })
    // `invoice` is what to write into the invoice: amount, the one route hint, expiry, final expiry delta, basic_mpp.
    // `purchase` is to be kept beside it, and `fee` to be shown.
  } finally {
    client.close()
  }
}

/** Called with all HTLCs of the invoice that have come so far, each time one comes. */
export function onParts(purchase: JitPurchase, parts: readonly ReceivedPart[]): 'claim' | 'wait' | 'fail' {
  return checkParts(purchase, parts).verdict // with `received` and `fee` of a claim, and why it failed
}

/** Where the wallet can be woken when it does not run; said at each start. Nothing happens when nothing has changed. */
export async function leaveWebhook(transport: Transport, url: string, signal: AbortSignal): Promise<void> {
  const client = createRpcClient({ transport, clock, newId })
  try {
    await webhookClient({ client }).set({ app_name: 'My wallet', webhook: url }, signal)
  } finally {
    client.close()
  }
}
