import { randomBytes } from 'node:crypto'
import { type Msat, msat, type Ppm } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type Scid, scidToNumber } from '../../lsps/base/scid.ts'
import type { RouteHint } from '../../lsps/lsps2/invoice.ts'
import { type Receivable, type ReceiveRequest, receive } from '../../lsps/lsps2/receive.ts'
import { createRpcClient, type RpcClient } from '../../lsps/rpc/client.ts'
import { requestIds } from '../../lsps/rpc/request-id.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { HopHint } from './ldk/bolt11.ts'
import { FINAL_CLTV_BLOCKS, type Invoice, type InvoiceOptions, type OnPayment } from './ldk/incoming.ts'
import type { Wallet } from './ldk/wallet.ts'
import type { Network } from './network.ts'

const USUAL_AMOUNT = msat(100_000_000n)
/** A tenth of the payment: more than any offer of the tests. */
const HIGHEST_FEE = { ppm: 100_000 as Ppm }

export type Purchase = Invoice & {
  readonly scid: Scid
  readonly fee: Msat
  /** Of an invoice without an amount, the likely one. */
  readonly amount: Msat
  /** The way in, for a further invoice of the same sale. */
  readonly hint: HopHint
  readonly receivable: Receivable
}

export type PurchaseOptions = {
  readonly amount?: bigint
  readonly onPayment?: OnPayment
  readonly signal?: AbortSignal
  /** What the wallet asks for beside, or instead of, a fixed amount at a fair price. */
  readonly wanted?: Partial<Pick<ReceiveRequest, 'amount' | 'maxFee' | 'token' | 'trust' | 'expiry'>>
}

/** The typed LSPS client of a wallet that is connected to the LSP. */
export function lspClient(wallet: Wallet, network: Network): RpcClient {
  return createRpcClient({
    transport: wallet.transport(network.lsp.nodeId),
    clock: systemClock,
    newId: requestIds(randomBytes),
  })
}

/** What LDK's side of an invoice has to know of a purchase. */
export function invoiceOptions({ purchase, invoice }: Receivable): InvoiceOptions & { readonly hint: HopHint } {
  return {
    ...(invoice.amount === undefined ? {} : { amountMsat: invoice.amount }),
    hint: hopHint(invoice.routeHint),
    finalCltvBlocks: invoice.minFinalCltvExpiryDelta,
    expirySeconds: invoice.expirySeconds,
    basicMpp: invoice.basicMpp,
    purchase,
  }
}

function hopHint(hint: RouteHint): HopHint {
  return {
    nodeId: hint.nodeId,
    scid: scidToNumber(hint.scid),
    feeBaseMsat: hint.baseFeeMsat,
    feePpm: hint.feeProportionalMillionths,
    cltvDelta: hint.cltvExpiryDelta,
  }
}

/** What a wallet does to be paid over a channel that it does not have yet (bLIP-52): menu, buy, invoice. */
export async function purchase(wallet: Wallet, network: Network, options: PurchaseOptions = {}): Promise<Purchase> {
  const client = lspClient(wallet, network)
  const amount = options.wanted?.amount ?? (options.amount === undefined ? USUAL_AMOUNT : msat(options.amount))
  try {
    const receivable = await receive({
      client,
      clock: systemClock,
      lsp: network.lsp.nodeId as NodeId,
      maxFee: HIGHEST_FEE,
      finalCltvBlocks: FINAL_CLTV_BLOCKS,
      signal: options.signal ?? new AbortController().signal,
      ...options.wanted,
      amount,
    })
    const wanted = invoiceOptions(receivable)
    const invoice = wallet.createInvoice({
      ...wanted,
      ...(options.onPayment === undefined ? {} : { onPayment: options.onPayment }),
    })
    return {
      ...invoice,
      scid: receivable.purchase.scid,
      fee: receivable.fee,
      amount: typeof amount === 'bigint' ? amount : amount.likely,
      hint: wanted.hint,
      receivable,
    }
  } finally {
    client.close()
  }
}
