import { randomBytes } from 'node:crypto'
import type { Msat } from '../../lsps/base/amount.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { computeOpeningFee } from '../../lsps/lsps2/fee.ts'
import { lsps2 } from '../../lsps/lsps2/methods.ts'
import type { OpeningFeeParams } from '../../lsps/lsps2/schema.ts'
import { createRpcClient } from '../../lsps/rpc/client.ts'
import { formatMilliseconds, formatMsat, thousands } from '../../src/cli/format.ts'
import type { Moment } from './timeline.ts'
import type { DemoInvoice, DemoWorld } from './world.ts'

const PPM_PER_PERCENT = 10_000
const ID_BYTES = 16
/** As much of an invoice as fits on a line. */
const INVOICE_START = 44
const INVOICE_END = 12

export type Bought = { readonly scid: Scid; readonly fee: Msat; readonly invoice: DemoInvoice }

type Buying = {
  readonly world: DemoWorld
  readonly payment: Msat
  readonly tell: (moment: Omit<Moment, 'at'>) => void
  readonly signal: AbortSignal
}

/** What a wallet does that wants to be paid over a channel which it does not have (bLIP-52): menu, buy, invoice. */
export async function buyChannel({ world, payment, tell, signal }: Buying): Promise<Bought> {
  const { wallet, clock } = world
  const client = createRpcClient({
    transport: wallet.transport(),
    clock,
    newId: () => randomBytes(ID_BYTES).toString('hex'),
  })
  try {
    tell({ who: 'wallet', what: 'asks for the price of a channel (lsps2.get_info)' })
    const askedAt = clock.now()
    const { opening_fee_params_menu: menu } = await client.call(lsps2, 'lsps2.get_info', {}, signal)
    const offer = menu[0]
    if (offer === undefined) throw new Error('the menu is empty')
    const answered = formatMilliseconds(clock.now() - askedAt)
    tell({ who: 'operator', what: `answers after ${answered}:`, details: describeOffer(offer) })

    tell({ who: 'wallet', what: `buys it for a payment of ${formatMsat(`${payment}`)} (lsps2.buy)` })
    const boughtAt = clock.now()
    const request = { opening_fee_params: offer, payment_size_msat: payment }
    const { jit_channel_scid: scid, lsp_cltv_expiry_delta: cltvDelta } = await client.call(
      lsps2,
      'lsps2.buy',
      request,
      signal,
    )
    tell({
      who: 'operator',
      what: `answers after ${formatMilliseconds(clock.now() - boughtAt)}: the payment is to go through`,
      details: [`${scid}, a channel that does not exist yet`],
    })

    const fee = computeOpeningFee(offer, payment)
    const bought = { hint: { scid, cltvDelta }, allowedFee: fee }
    const invoice = wallet.createInvoice({ amount: payment, bought })
    tell({
      who: 'wallet',
      what: `allows an opening fee of ${formatMsat(`${fee}`)} in its invoice`,
      details: [describeInvoice(invoice)],
    })
    return { scid, fee, invoice }
  } finally {
    client.close()
  }
}

function describeOffer(offer: OpeningFeeParams): readonly string[] {
  const amount = (value: Msat) => formatMsat(`${value}`)
  return [
    `${offer.proportional / PPM_PER_PERCENT} % of the payment, at least ${amount(offer.min_fee_msat)},`,
    `for payments of ${amount(offer.min_payment_size_msat)} to ${amount(offer.max_payment_size_msat)};`,
    `the channel is kept open for at least ${thousands(offer.min_lifetime)} blocks`,
  ]
}

/** An invoice in one line. */
export function describeInvoice({ text, paymentHash }: Pick<DemoInvoice, 'text' | 'paymentHash'>): string {
  if (text === undefined) return `hash ${paymentHash}`
  if (text.length <= INVOICE_START + INVOICE_END) return text
  return `${text.slice(0, INVOICE_START)}..${text.slice(-INVOICE_END)}`
}
