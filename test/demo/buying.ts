import { randomBytes } from 'node:crypto'
import type { Msat, Ppm } from '../../lsps/base/amount.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { receive } from '../../lsps/lsps2/receive.ts'
import type { OpeningFeeParams } from '../../lsps/lsps2/schema.ts'
import { createRpcClient } from '../../lsps/rpc/client.ts'
import { requestIds } from '../../lsps/rpc/request-id.ts'
import { formatMilliseconds, formatMsat, thousands } from '../../src/cli/format.ts'
import type { Moment } from './timeline.ts'
import type { DemoInvoice, DemoWorld } from './world.ts'

const PPM_PER_PERCENT = 10_000
/** What this wallet pays at most for a channel: 2 % of the payment. */
const HIGHEST_FEE = { ppm: 20_000 as Ppm }
/** What it asks of the last hop of any payment, in blocks. */
const FINAL_CLTV_BLOCKS = 40
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
  const { wallet, clock, operator } = world
  const client = createRpcClient({ transport: wallet.transport(), clock, newId: requestIds(randomBytes) })
  let askedAt = clock.now()
  const sinceAsked = () => formatMilliseconds(clock.now() - askedAt)
  try {
    tell({ who: 'wallet', what: 'asks for the price of a channel (lsps2.get_info)' })
    const bought = await receive({
      client,
      clock,
      lsp: operator.nodeId,
      amount: payment,
      maxFee: HIGHEST_FEE,
      finalCltvBlocks: FINAL_CLTV_BLOCKS,
      confirm: async ({ offer }) => {
        tell({ who: 'operator', what: `answers after ${sinceAsked()}:`, details: describeOffer(offer) })
        tell({ who: 'wallet', what: `buys it for a payment of ${formatMsat(`${payment}`)} (lsps2.buy)` })
        askedAt = clock.now()
        return 'buy'
      },
      signal,
    })
    const { fee, purchase } = bought
    tell({
      who: 'operator',
      what: `answers after ${sinceAsked()}: the payment is to go through`,
      details: [`${purchase.scid}, a channel that does not exist yet`],
    })
    const invoice = wallet.createInvoice({ amount: payment, bought })
    tell({
      who: 'wallet',
      what: `allows an opening fee of ${formatMsat(`${fee}`)} in its invoice`,
      details: [describeInvoice(invoice)],
    })
    return { scid: purchase.scid, fee, invoice }
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
