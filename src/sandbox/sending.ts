import type { Scid } from '../../lsps/base/scid.ts'
import type { CircuitKey } from '../lnd/port.ts'
import type { SimChannel } from './channels.ts'
import type { Resolution } from './htlcs.ts'
import type { SimNode } from './node.ts'
import type { IncomingAdd } from './switch.ts'
import type { Violations } from './violations.ts'

/** What payers add, in case blocks come while the payment is on its way (lnd's `BlockPadding`). */
const BLOCK_PADDING = 3
/** Of an HTLC that ends at our node: it is not forwarded. */
const NO_SCID = '0x0x0' as Scid

export type PaymentResult =
  | { readonly status: 'settled'; readonly preimage: string }
  | { readonly status: 'failed'; readonly reason: string; readonly by: 'lsp' | 'peer' | 'chain' }

/** One HTLC of whoever pays; several of one hash are the parts of one payment. */
export type Payment = {
  readonly hash: string
  readonly amountIn: bigint
  readonly circuit: CircuitKey
  readonly expiryIn: number
  readonly expiryOut: number
  /** Undefined while it is on its way. */
  readonly outcome: PaymentResult | undefined
  readonly result: Promise<PaymentResult>
}

export type Sending = {
  readonly node: SimNode
  readonly violations: Violations
  readonly channel: SimChannel
  /** Where the sender keeps its payments: it is there before the node hears of it. */
  readonly kept: Payment[]
  /** What the sender has to leave in the channel, in msat. */
  readonly reserve?: bigint
}

export type PayInvoiceRequest = {
  /** The text of a hold invoice of our node. */
  readonly invoice: string
  /** What each part carries, in msat; one part with all of it when left out. */
  readonly parts?: readonly bigint[]
  /** What the payer says that all parts are together, in msat; what the invoice asks when left out. */
  readonly total?: bigint
  /** Blocks from now to the expiry of each part; a little more than the invoice asks when left out. */
  readonly finalDelta?: number
}

/** @throws Error when the node never made this invoice */
export function sendToInvoice(
  sending: Sending,
  { invoice, parts, total, finalDelta }: PayInvoiceRequest,
): readonly Payment[] {
  const { invoices, chain } = sending.node
  const wanted = invoices.read(invoice)
  if (wanted === undefined) throw new Error(`${invoice} is not an invoice of the node`)
  const { paymentHash: hash, amount: asked, cltvExpiry } = wanted
  const exit = { total: total ?? asked }
  const expiry = chain.height + (finalDelta ?? cltvExpiry + BLOCK_PADDING)
  return (parts ?? [exit.total]).map((amount) => {
    const onion = { scid: NO_SCID, amountOut: amount, expiryOut: expiry, finalAmount: amount }
    return sendHtlc(sending, { hash, amount, expiry, onion, exit })
  })
}

/** Sends one HTLC to the node. While the link is down it fails at once, as the sender's own node would say. */
export function sendHtlc(
  { node, violations, channel, kept, reserve = 0n }: Sending,
  add: Omit<IncomingAdd, 'onResolved'>,
): Payment {
  const { hash, amount: amountIn, expiry: expiryIn } = add
  let outcome: PaymentResult | undefined
  let finish: (result: PaymentResult) => void = () => undefined
  const result = new Promise<PaymentResult>((resolve) => {
    finish = resolve
  })
  const onResolved = (resolution: Resolution) => {
    if (outcome !== undefined) violations.add('not-conserved', `${hash}: resolved twice`)
    outcome = toResult(resolution)
    finish(outcome)
  }
  const payment = {
    hash,
    amountIn,
    expiryIn,
    expiryOut: add.onion.expiryOut,
    circuit: `${channel.chanId}:${channel.nextIncoming}`,
    get outcome() {
      return outcome
    },
    result,
  }
  kept.push(payment)
  if (!channel.linkUp || channel.remote < amountIn + reserve) {
    onResolved({ type: 'failed', reason: 'no_route', by: 'peer' })
    return payment
  }
  node.switchboard.add(channel, { ...add, onResolved })
  return payment
}

function toResult(resolution: Resolution): PaymentResult {
  return resolution.type === 'settled'
    ? { status: 'settled', preimage: resolution.preimage }
    : { status: 'failed', reason: resolution.reason, by: resolution.by }
}
