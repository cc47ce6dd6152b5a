import type { Timestamp } from '../../lsps/base/datetime.ts'
import { assertNever, stay } from '../../lsps/base/machine.ts'
import { isWhole, mayBegin } from './bolt11.ts'
import {
  cancelled,
  fail,
  type Heard,
  type In,
  isOver,
  type OrderStep,
  onCompleted,
  onFailed,
  to,
  WRITE_OFF_MS,
} from './ending.ts'
import { isPaid, isSame, mayPay, withReceipts } from './onchain.ts'
import { begin, onOpening, onPaid, openBy } from './opening.ts'
import type { Order, OrderEffect, OrderEvent, PaidBy, Payment, Terms } from './states.ts'

/** A payment on chain that was seen in time may take so long to confirm. */
export const CONFIRM_GRACE_MS = 24 * 3_600_000

/** A new order. */
export function place(terms: Terms): OrderStep {
  const invoice = terms.bolt11 === undefined ? 'none' : 'open'
  return to({ tag: 'created', terms, payment: { invoice, deposits: [] } })
}

export function isTerminal(order: Order): boolean {
  return isOver(order)
}

/** Whether it waits for its payment: what one client may have only so many of. */
export function isUnpaid(order: Order): boolean {
  return order.tag === 'created'
}

/** When the order must act by itself. */
export function deadline(order: Order): Timestamp | undefined {
  switch (order.tag) {
    case 'created': {
      const { expiresAt } = order.terms
      const isExpired = order.payment.invoice !== 'open' && order.payment.invoice !== 'held'
      if (order.terms.bolt11 !== undefined && !isExpired) return expiresAt
      return mayPay(order.payment.deposits, order.terms.total) ? graceEnd(order.terms) : expiresAt
    }
    case 'paid': {
      if (order.terms.purpose.type === 'extension') return undefined
      return Math.min(openBy(order), order.retryAt ?? Number.POSITIVE_INFINITY) as Timestamp
    }
    case 'completed': {
      const waits = order.by === 'onchain' && !order.booked && order.lost === undefined
      return waits ? ((order.at + WRITE_OFF_MS) as Timestamp) : undefined
    }
    case 'opening':
    case 'failed':
      return undefined
    default:
      return assertNever(order)
  }
}

function graceEnd({ expiresAt }: Terms): Timestamp {
  return (expiresAt + CONFIRM_GRACE_MS) as Timestamp
}

/** One order, of a channel (LSPS1) or of a longer life for one (LSPS7): pure and total. */
export function step(order: Order, event: OrderEvent): OrderStep {
  switch (order.tag) {
    case 'created':
      return onCreated(order, event)
    case 'paid':
      return onPaid(order, event)
    case 'opening':
      return onOpening(order, event)
    case 'completed':
      return onCompleted(order, event)
    case 'failed':
      return onFailed(order, event)
    default:
      return assertNever(order)
  }
}

function onCreated(order: In<'created'>, event: OrderEvent): OrderStep {
  switch (event.type) {
    case 'invoice':
      return onInvoice(order, event)
    case 'invoice-cancelled':
      if (order.payment.invoice !== 'cancelling') return stay(order, `invoice is ${order.payment.invoice}`)
      return afterCancel({ ...order, payment: { ...order.payment, invoice: 'cancelled' } }, event)
    case 'receipts':
      return onReceipts(order, event)
    case 'deadline':
      return onDeadline(order, event.at)
    case 'cancel':
      return fail(order, event.reason, event.at)
    case 'block':
    case 'client-online':
    case 'channel-published':
    case 'channel-refused':
    case 'extended':
    case 'extend-refused':
    case 'invoice-settled':
    case 'refund-sent':
    case 'refund-done':
    case 'refund-dust':
      return stay(order, `not paid: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onInvoice(order: In<'created'>, event: Heard<'invoice'>): OrderStep {
  const { terms, payment } = order
  switch (event.state) {
    case 'open':
      return stay(order, 'the invoice is open')
    case 'accepted': {
      if (payment.invoice !== 'open') return stay(order, `the invoice is ${payment.invoice}`)
      if (!isWhole(event.received, terms.total)) return stay(order, `${event.received} msat are not all of it`)
      const held: Payment = { ...payment, invoice: 'held', heldUntil: event.heldUntil, received: event.received }
      if (mayBegin({ terms, payment: held }, event.height)) return secure({ ...order, payment: held }, 'bolt11', event)
      const { payment: back, effects } = cancelled(held)
      return afterCancel({ ...order, payment: back }, event, effects)
    }
    case 'canceled':
      if (payment.invoice !== 'open' && payment.invoice !== 'cancelling') return stay(order, 'no invoice is open')
      return afterCancel({ ...order, payment: { ...payment, invoice: 'cancelled' } }, event)
    case 'settled':
      // Only our preimage does that: a newer database of ours took it. Nothing is opened again.
      if (payment.invoice !== 'open') return stay(order, `the invoice is ${payment.invoice}`)
      return fail(
        { ...order, payment: { ...payment, invoice: 'settled' } },
        'its payment was taken by a newer database',
        event.at,
      )
    default:
      return assertNever(event.state)
  }
}

/** Lightning is out: the order goes on while it can still be paid on chain. */
function afterCancel(order: In<'created'>, event: OrderEvent, effects: readonly OrderEffect[] = []): OrderStep {
  const { terms, payment } = order
  const why = event.at >= terms.expiresAt ? 'it was not paid in time' : 'its payment by Lightning went back'
  const stillPayable = terms.onchain !== undefined && event.at < terms.expiresAt
  if (stillPayable || mayPay(payment.deposits, terms.total)) return to(order, effects)
  return fail(order, why, event.at, effects)
}

function onReceipts(order: In<'created'>, event: Heard<'receipts'>): OrderStep {
  const { terms, payment } = order
  const deposits = withReceipts(payment.deposits, event.receipts)
  const now = { ...order, payment: { ...payment, deposits } }
  const { total, onchain } = terms
  if (isPaid(deposits, { total, confirmations: onchain?.confirmations ?? 1, zeroConfLeft: event.zeroConfLeft })) {
    return secure(now, 'onchain', event)
  }
  if (event.at >= terms.expiresAt && !mayPay(deposits, total)) return fail(now, 'it was not paid in time', event.at)
  return isSame(payment.deposits, deposits) ? stay(order, 'nothing new at its address') : to(now)
}

function onDeadline(order: In<'created'>, at: Timestamp): OrderStep {
  const { terms, payment } = order
  if (at < terms.expiresAt) return stay(order, 'not due')
  const waits = mayPay(payment.deposits, terms.total) && at < graceEnd(terms)
  if (!waits) return fail(order, 'it was not paid in time', at)
  const { payment: back, effects } = cancelled(payment)
  return effects.length === 0 ? stay(order, 'its payment may still confirm') : to({ ...order, payment: back }, effects)
}

/** The payment is there. Options are alternatives: the others are not to be paid any more (L1-80). */
function secure(order: In<'created'>, by: PaidBy, event: OrderEvent): OrderStep {
  const { terms } = order
  const other = by === 'onchain' ? cancelled(order.payment) : { payment: order.payment, effects: [] }
  const paid: In<'paid'> = {
    tag: 'paid',
    terms,
    payment: other.payment,
    by,
    paidAt: event.at,
    failures: [],
    attempts: 0,
    refusals: 0,
  }
  return begin(paid, event, other.effects)
}
