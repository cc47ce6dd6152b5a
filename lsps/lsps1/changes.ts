import { formatDatetime } from '../base/datetime.ts'
import { formatOutpoint } from '../base/outpoint.ts'
import type { LightningState, OnchainState, OrderResult, OrderState, Payment } from './schema.ts'
import { PAYMENT_METHODS, type PaymentMethod } from './states.ts'

/** Something that an LSP said of an order and may not say after what it said before. */
export type ImpossibleChange = { readonly what: string; readonly before: string; readonly after: string }

/** What a client may see next; it need not see each state, since it only asks now and then. */
const ORDER: Readonly<Record<OrderState, readonly OrderState[]>> = {
  CREATED: ['CREATED', 'COMPLETED', 'FAILED'],
  COMPLETED: ['COMPLETED'],
  FAILED: ['FAILED'],
}
const LIGHTNING: Readonly<Record<LightningState, readonly LightningState[]>> = {
  EXPECT_PAYMENT: ['EXPECT_PAYMENT', 'HOLD', 'PAID', 'REFUNDED'],
  HOLD: ['HOLD', 'PAID', 'REFUNDED'],
  PAID: ['PAID'],
  REFUNDED: ['REFUNDED'],
}
/** Also after the order failed: the refund takes its time, and a payment may come late (L1-77, L1-78). */
const ONCHAIN: Readonly<Record<OnchainState, readonly OnchainState[]>> = {
  EXPECT_PAYMENT: ['EXPECT_PAYMENT', 'PAID', 'REFUNDED'],
  PAID: ['PAID', 'REFUNDED'],
  REFUNDED: ['REFUNDED'],
}
const NEXT: Readonly<Record<PaymentMethod, Readonly<Record<string, readonly string[]>>>> = {
  bolt11: LIGHTNING,
  bolt12: LIGHTNING,
  onchain: ONCHAIN,
}

const NOTHING = 'nothing'

type Fields = Readonly<Record<string, unknown>>

/** The first of these fields that is not what it was; times and outpoints are compared in their text. */
export function changedField(before: Fields, after: Fields, prefix = ''): ImpossibleChange | undefined {
  const name = Object.keys(before).find((key) => before[key] !== after[key])
  if (name === undefined) return undefined
  return { what: prefix + name, before: String(before[name]), after: String(after[name]) }
}

/** What is agreed with a payment option, and does not change while somebody may pay for it. */
function termsOf(payment: Payment, method: PaymentMethod): Fields {
  const option = payment[method]
  if (option === undefined) return {}
  const { fee_total_sat, order_total_sat } = option
  const target = 'invoice' in option ? option.invoice : 'offer' in option ? option.offer : option.address
  return { fee_total_sat, order_total_sat, target }
}

/** An option that nobody paid by may be withdrawn, or come back (L1-80). */
function changeOfOption(before: Payment, after: Payment, method: PaymentMethod): ImpossibleChange | undefined {
  const [from, to] = [before[method], after[method]]
  if (from === undefined) return undefined
  const what = `payment.${method}`
  if (to === undefined) {
    const unpaid = from.state === 'EXPECT_PAYMENT' || from.state === 'REFUNDED'
    return unpaid ? undefined : { what, before: from.state, after: NOTHING }
  }
  if (NEXT[method][from.state]?.includes(to.state) !== true) {
    return { what: `${what}.state`, before: from.state, after: to.state }
  }
  return changedField(termsOf(before, method), termsOf(after, method), `${what}.`)
}

/** What LSPS1 and LSPS7 have in common. */
type AnyOrder = Pick<OrderResult, 'order_id' | 'created_at' | 'order_state' | 'payment'>

/** What of states, prices and payment options cannot have changed like this; undefined when all could. */
export function changeOfPayment(before: AnyOrder, after: AnyOrder): ImpossibleChange | undefined {
  const identity = changedField(
    { order_id: before.order_id, created_at: formatDatetime(before.created_at) },
    { order_id: after.order_id, created_at: formatDatetime(after.created_at) },
  )
  if (identity !== undefined) return identity
  if (!ORDER[before.order_state].includes(after.order_state)) {
    return { what: 'order_state', before: before.order_state, after: after.order_state }
  }
  for (const method of PAYMENT_METHODS) {
    const change = changeOfOption(before.payment, after.payment, method)
    if (change !== undefined) return change
  }
  return undefined
}

function orderedIn(order: OrderResult): Fields {
  const { lsp_balance_sat, client_balance_sat, channel_expiry_blocks, announce_channel } = order
  const { required_channel_confirmations, funding_confirms_within_blocks } = order
  return {
    lsp_balance_sat,
    client_balance_sat,
    required_channel_confirmations,
    funding_confirms_within_blocks,
    channel_expiry_blocks,
    announce_channel,
  }
}

/** A published channel stays, and is never promised for less long than before (L1-94, L1-95). */
function changeOfChannel({ channel: from }: OrderResult, { channel: to }: OrderResult): ImpossibleChange | undefined {
  if (from === null) return undefined
  const outpoint = formatOutpoint(from.funding_outpoint)
  if (to === null) return { what: 'channel', before: outpoint, after: NOTHING }
  const moved = changedField(
    { funding_outpoint: outpoint },
    { funding_outpoint: formatOutpoint(to.funding_outpoint) },
    'channel.',
  )
  if (moved !== undefined || to.expires_at >= from.expires_at) return moved
  return {
    what: 'channel.expires_at',
    before: formatDatetime(from.expires_at),
    after: formatDatetime(to.expires_at),
  }
}

/** The first thing in an order that no honest LSP says after what it said before; undefined when all may be. */
export function impossibleChange(before: OrderResult, after: OrderResult): ImpossibleChange | undefined {
  return (
    changeOfPayment(before, after) ??
    changedField(orderedIn(before), orderedIn(after)) ??
    changeOfChannel(before, after)
  )
}
