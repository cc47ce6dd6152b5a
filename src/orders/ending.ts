import { msat, sat, satToMsat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { assertNever, go, type Step, stay } from '../../lsps/base/machine.ts'
import { type Deposit, dueRefunds, isSame, isSettled, oweAll, sumOf, withReceipts } from './onchain.ts'
import type { Order, OrderEffect, OrderEvent, OrderMoney, Payment, Terms } from './states.ts'

/** For a completed order whose payment is in no block: after this it is written off. */
export const WRITE_OFF_MS = 14 * 24 * 3_600_000

export type OrderStep = Step<Order, OrderEffect, OrderMoney>
export type In<Tag extends Order['tag']> = Extract<Order, { tag: Tag }>
export type Heard<Type extends OrderEvent['type']> = Extract<OrderEvent, { type: Type }>

export const to = (order: Order, effects: readonly OrderEffect[] = [], money: readonly OrderMoney[] = []): OrderStep =>
  go<Order, OrderEffect, OrderMoney>(order, effects, money)

/** What is decided about the payments of an order that has ended: everything else that came goes back, once each. */
export function end(
  order: In<'completed' | 'failed'>,
  at: Timestamp,
  effects: readonly OrderEffect[] = [],
  money: readonly OrderMoney[] = [],
): OrderStep {
  const { terms } = order
  const depth = Math.max(terms.onchain?.confirmations ?? 1, 1)
  const owed = oweAll(order.payment.deposits)
  const due = new Set(dueRefunds(owed, depth).map(({ outpoint }) => outpoint))
  const refunds: OrderEffect[] = []
  const booked: OrderMoney[] = []
  const deposits = owed.map((deposit): Deposit => {
    let now = deposit
    if (deposit.refund !== undefined && due.has(deposit.outpoint)) {
      now = { ...now, refund: { ...deposit.refund, stage: 'asked' } }
      refunds.push({ type: 'refund', outpoint: deposit.outpoint, amount: deposit.refund.amount })
    }
    if (now.booked === undefined && now.confirmations >= depth && now.gone === undefined) {
      const { outpoint, amount } = now
      now = { ...now, booked: true }
      booked.push({ ...entryOf(terms, at), type: 'order-deposit', outpoint, amount })
    }
    return now
  })
  const settled = { ...order, payment: { ...order.payment, deposits } }
  const closed = settled.tag === 'completed' ? closeBooks(settled, at) : { order: settled, money: [] }
  return to(closed.order, [...effects, ...refunds], [...money, ...booked, ...closed.money])
}

/** The fee of an order that was paid on chain is earned when everything that paid for it is in a block. */
function closeBooks(
  order: In<'completed'>,
  at: Timestamp,
): { readonly order: In<'completed'>; readonly money: readonly OrderMoney[] } {
  const { terms, payment, by } = order
  if (order.booked || order.lost !== undefined || by !== 'onchain') return { order, money: [] }
  const sold = payment.deposits.filter((deposit) => deposit.sold !== undefined && deposit.sold > 0n)
  const received = sumOf(sold.map((deposit) => ({ amount: deposit.sold ?? sat(0n) })))
  if (sold.some((deposit) => deposit.booked === undefined) || received < terms.total) return { order, money: [] }
  return { order: { ...order, booked: true }, money: [feeOf(order, satToMsat(received), at)] }
}

function entryOf({ id, client }: Terms, at: Timestamp) {
  return { order: id, client, at }
}

function feeOf({ terms, by }: In<'completed'>, received: bigint, at: Timestamp): OrderMoney {
  const { purpose, bolt11 } = terms
  const pushed = purpose.type === 'channel' ? purpose.clientBalance : sat(0n)
  return {
    ...entryOf(terms, at),
    type: 'order-fee',
    purpose: purpose.type,
    by,
    ...(by === 'bolt11' && bolt11 !== undefined ? { paymentHash: bolt11.paymentHash } : {}),
    received: msat(received),
    pushed,
    earned: msat(received - satToMsat(pushed)),
  }
}

/** There will be no channel: what is held is given back now, what came on chain as soon as it is confirmed. */
export function fail(
  order: In<'created' | 'paid' | 'opening'>,
  why: string,
  at: Timestamp,
  effects: readonly OrderEffect[] = [],
): OrderStep {
  const { terms } = order
  const { payment, effects: cancel } = cancelled(order.payment)
  const failures = order.tag === 'created' ? [] : order.failures
  return end({ tag: 'failed', terms, payment, failures, why, at }, at, [...effects, ...cancel])
}

/** The invoice is not to be paid any more; what is held goes back. */
export function cancelled(payment: Payment): { readonly payment: Payment; readonly effects: readonly OrderEffect[] } {
  if (payment.invoice !== 'open' && payment.invoice !== 'held') return { payment, effects: [] }
  return { payment: { ...payment, invoice: 'cancelling' }, effects: [{ type: 'cancel-invoice' }] }
}

export function isOver(order: Order): boolean {
  if (order.tag !== 'completed' && order.tag !== 'failed') return false
  const { invoice, deposits } = order.payment
  if (invoice === 'open' || invoice === 'held' || invoice === 'settling' || invoice === 'cancelling') return false
  if (order.tag === 'completed' && order.lost === undefined && !order.booked) return false
  return isSettled(order.tag === 'completed' && order.lost !== undefined ? withoutLost(deposits) : deposits)
}

/** What was given up is waited for no more. */
function withoutLost(deposits: readonly Deposit[]): readonly Deposit[] {
  return deposits.filter(({ sold, booked }) => sold === undefined || sold === 0n || booked === true)
}

export function onCompleted(order: In<'completed'>, event: OrderEvent): OrderStep {
  const { payment, terms } = order
  switch (event.type) {
    case 'invoice-settled':
      return settled(order, event.at)
    case 'invoice':
      if (event.state === 'settled') return settled(order, event.at)
      return event.state === 'canceled'
        ? invoiceGone(order, event.at)
        : stay(order, `completed: invoice ${event.state}`)
    case 'deadline': {
      if (order.booked || order.lost !== undefined || order.by !== 'onchain') return stay(order, 'nothing is due')
      if (event.at < order.at + WRITE_OFF_MS) return stay(order, 'not due')
      return lose(order, 'its payment on chain is in no block', event.at)
    }
    case 'receipts':
    case 'invoice-cancelled':
    case 'refund-sent':
    case 'refund-done':
    case 'refund-dust':
      return onMoney(order, event)
    case 'channel-refused': {
      if (order.lost !== undefined || order.channel.pendingChannelId !== event.pendingChannelId)
        return stay(order, 'not the channel of this order')
      if (event.reason === 'closed') return stay(order, 'a channel that was opened may close')
      // Published, and never to confirm: what was paid cannot be taken back by a machine that opened once (L1-93).
      return lose(order, `the channel ${order.channel.outpoint} will never be: ${event.detail}`, event.at)
    }
    case 'block':
    case 'client-online':
    case 'channel-published':
    case 'extended':
    case 'extend-refused':
    case 'cancel':
      return stay(order, `completed ${terms.purpose.type}, invoice ${payment.invoice}: ${event.type}`)
    default:
      return assertNever(event)
  }
}

export function onFailed(order: In<'failed'>, event: OrderEvent): OrderStep {
  switch (event.type) {
    case 'receipts':
    case 'invoice-cancelled':
    case 'refund-sent':
    case 'refund-done':
    case 'refund-dust':
      return onMoney(order, event)
    case 'invoice':
      if (event.state === 'canceled') return onMoney(order, { ...event, type: 'invoice-cancelled' })
      if (event.state !== 'settled' || order.payment.invoice !== 'cancelling')
        return stay(order, `failed: invoice ${event.state}`)
      // Taken by somebody with our preimage: a newer database of ours. It cannot be given back by a machine.
      return end({ ...order, payment: { ...order.payment, invoice: 'settled' } }, event.at)
    case 'deadline':
    case 'block':
    case 'client-online':
    case 'channel-published':
    case 'channel-refused':
    case 'extended':
    case 'extend-refused':
    case 'invoice-settled':
    case 'cancel':
      return stay(order, `failed: ${event.type}`)
    default:
      return assertNever(event)
  }
}

/** What comes and goes for an order that has ended. */
function onMoney(
  order: In<'completed' | 'failed'>,
  event: Heard<'receipts' | 'invoice-cancelled' | 'refund-sent' | 'refund-done' | 'refund-dust'>,
): OrderStep {
  const { payment } = order
  const { deposits } = payment
  switch (event.type) {
    case 'receipts': {
      const next = withReceipts(deposits, event.receipts)
      const step = end({ ...order, payment: { ...payment, deposits: next } }, event.at)
      const isQuiet = step.effects.length === 0 && step.money.length === 0
      return isQuiet && isSame(deposits, next) ? stay(order, 'nothing new at its address') : step
    }
    case 'invoice-cancelled':
      if (payment.invoice !== 'cancelling') return stay(order, `invoice is ${payment.invoice}`)
      return end({ ...order, payment: { ...payment, invoice: 'cancelled' } }, event.at)
    case 'refund-sent':
    case 'refund-done':
    case 'refund-dust':
      return onRefund(order, event)
    default:
      return assertNever(event)
  }
}

const REFUNDED = { 'refund-sent': 'sent', 'refund-done': 'done', 'refund-dust': 'dust' } as const

/** Booked when it is final: until then a dearer transaction may take the place of the one that was published. */
function onRefund(
  order: In<'completed' | 'failed'>,
  event: Heard<'refund-sent' | 'refund-done' | 'refund-dust'>,
): OrderStep {
  const { payment, terms } = order
  const deposit = payment.deposits.find(({ outpoint }) => outpoint === event.outpoint)
  const refund = deposit?.refund
  if (refund?.stage !== 'asked' && refund?.stage !== 'sent') return stay(order, 'no such refund is under way')
  const told = event.type === 'refund-dust' ? {} : { txid: event.txid, fee: event.fee }
  const stage = REFUNDED[event.type]
  if (event.type === 'refund-sent' && refund.stage === 'sent' && refund.txid === event.txid)
    return stay(order, 'that is known')
  const { outpoint, at } = event
  const entry = { ...entryOf(terms, at), outpoint, amount: refund.amount }
  const money: OrderMoney[] = []
  if (event.type === 'refund-dust') money.push({ ...entry, type: 'order-dust' })
  if (event.type === 'refund-done')
    money.push({ ...entry, type: 'order-refund', txid: event.txid, chainFee: event.fee })
  const deposits = payment.deposits.map((one) =>
    one === deposit ? { ...one, refund: { ...refund, ...told, stage } } : one,
  )
  return end({ ...order, payment: { ...payment, deposits } }, at, [], money)
}

function settled(order: In<'completed'>, at: Timestamp): OrderStep {
  const { payment } = order
  if (payment.invoice !== 'settling') return stay(order, `invoice is ${payment.invoice}`)
  const received = payment.received ?? satToMsat(order.terms.total)
  const done = { ...order, payment: { ...payment, invoice: 'settled' as const }, booked: true }
  return end(done, at, [], [feeOf(order, received, at)])
}

function invoiceGone(order: In<'completed'>, at: Timestamp): OrderStep {
  const { payment } = order
  if (payment.invoice === 'cancelling') return onMoney(order, { ...moment(at), type: 'invoice-cancelled' })
  if (payment.invoice !== 'settling') return stay(order, `invoice is ${payment.invoice}`)
  const gone = { ...order, payment: { ...payment, invoice: 'cancelled' as const } }
  return lose(gone, 'its payment went back before it could be taken', at)
}

function moment(at: Timestamp) {
  return { at, height: 0, clientOnline: false, pendingChannelId: '' }
}

function lose(order: In<'completed'>, why: string, at: Timestamp): OrderStep {
  const { terms } = order
  const money: OrderMoney = { ...entryOf(terms, at), type: 'order-loss', amount: terms.total, why }
  return end({ ...order, lost: why }, at, [], [money])
}
