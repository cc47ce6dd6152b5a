import { randomBytes } from 'node:crypto'
import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { scidToNumber } from '../../lsps/base/scid.ts'
import { computeOpeningFee } from '../../lsps/lsps2/fee.ts'
import { lsps2 } from '../../lsps/lsps2/methods.ts'
import { createRpcClient, type RpcClient } from '../../lsps/rpc/client.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { HopHint } from './ldk/bolt11.ts'
import type { Invoice, OnPayment } from './ldk/incoming.ts'
import type { Wallet } from './ldk/wallet.ts'
import type { Network } from './network.ts'

export type Purchase = Invoice & {
  readonly scid: Scid
  readonly fee: Msat
  readonly amount: Msat
  /** The way in, for a further invoice of the same sale. */
  readonly hint: HopHint
}

/** The typed LSPS client of a wallet that is connected to the LSP. */
export function lspClient(wallet: Wallet, network: Network): RpcClient {
  return createRpcClient({
    transport: wallet.transport(network.lsp.nodeId),
    clock: systemClock,
    newId: () => randomBytes(16).toString('hex'),
  })
}

/** What a wallet does to be paid over a channel that it does not have yet (bLIP-52): menu, buy, invoice. */
export async function purchase(
  wallet: Wallet,
  network: Network,
  options: { readonly amount?: bigint; readonly onPayment?: OnPayment; readonly signal?: AbortSignal } = {},
): Promise<Purchase> {
  const client = lspClient(wallet, network)
  const signal = options.signal ?? new AbortController().signal
  const amount = msat(options.amount ?? 100_000_000n)
  try {
    const { opening_fee_params_menu: menu } = await client.call(lsps2, 'lsps2.get_info', {}, signal)
    const offer = menu[0]
    if (offer === undefined) throw new Error('the menu is empty')
    const bought = await client.call(
      lsps2,
      'lsps2.buy',
      { opening_fee_params: offer, payment_size_msat: amount },
      signal,
    )
    const fee = computeOpeningFee(offer, amount)
    const hint: HopHint = {
      nodeId: network.lsp.nodeId,
      scid: scidToNumber(bought.jit_channel_scid),
      feeBaseMsat: 0,
      feePpm: 0,
      cltvDelta: bought.lsp_cltv_expiry_delta,
    }
    const invoice = wallet.createInvoice({
      amountMsat: amount,
      allowedSkimMsat: fee,
      ...(options.onPayment === undefined ? {} : { onPayment: options.onPayment }),
      hint,
    })
    return { ...invoice, scid: bought.jit_channel_scid, fee, amount, hint }
  } finally {
    client.close()
  }
}
