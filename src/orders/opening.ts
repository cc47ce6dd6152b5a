import type { Timestamp } from '../../lsps/base/datetime.ts'
import { assertNever, stay } from '../../lsps/base/machine.ts'
import { mayBegin, mayPublish } from './bolt11.ts'
import { end, fail, type Heard, type In, type OrderStep, to } from './ending.ts'
import { isPaid, isSame, mayPay, sell, withReceipts } from './onchain.ts'
import type { Attempt, OrderEffect, OrderEvent, Payment } from './states.ts'

/** Between two attempts: doubling from the first to the last. */
export const FIRST_RETRY_MS = 30_000
export const LONGEST_RETRY_MS = 10 * 60_000
/** A client that refused its channel so often does not want it. */
export const MAX_CLIENT_REFUSALS = 3
/** Failed attempts that stay on record. */
export const MAX_FAILURES = 10
/** What a block takes, for the end of a promise as a datetime (L1-95). */
export const BLOCK_MS = 10 * 60_000

type Secured = In<'paid' | 'opening'>

/** Until when the channel must have been opened. */
export function openBy({ terms, paidAt }: Pick<Secured, 'terms' | 'paidAt'>): Timestamp {
  return (paidAt + terms.limits.openWithinMs) as Timestamp
}

/** A channel is begun if its client is there; otherwise the order waits for it. */
export function begin(order: In<'paid'>, event: OrderEvent, effects: readonly OrderEffect[] = []): OrderStep {
  if (order.terms.purpose.type === 'extension') return to(order, [...effects, { type: 'extend' }])
  if (order.by === 'bolt11' && !mayBegin(order, event.height))
    return fail(order, 'the payment would expire before the channel is open', event.at, effects)
  const { retryAt: _, ...paid } = order
  if (!event.clientOnline) return to(paid, effects)
  const { pendingChannelId } = event
  return to({ ...paid, tag: 'opening', pendingChannelId, attempts: order.attempts + 1 }, [
    ...effects,
    { type: 'open-channel', pendingChannelId },
  ])
}

export function onPaid(order: In<'paid'>, event: OrderEvent): OrderStep {
  const isChannel = order.terms.purpose.type === 'channel'
  switch (event.type) {
    case 'client-online':
      if (!isChannel) return stay(order, 'an extension needs no client')
      if (order.retryAt !== undefined && event.at < order.retryAt) return stay(order, 'tried a moment ago')
      return event.clientOnline ? begin(order, event) : stay(order, 'the client is away')
    case 'deadline':
      if (!isChannel) return stay(order, 'an extension has no deadline')
      if (event.at >= openBy(order)) return fail(order, whyNot(order), event.at)
      if (order.retryAt === undefined || event.at < order.retryAt) return stay(order, 'not due')
      return begin(order, event)
    case 'block':
      if (order.by !== 'bolt11' || mayBegin(order, event.height)) return stay(order, 'there is time')
      return fail(order, whyNot(order), event.at)
    case 'receipts':
      return onReceipts(order, event)
    case 'invoice':
      return onInvoice(order, event)
    case 'invoice-cancelled':
      return invoiceCancelled(order)
    case 'extended': {
      if (isChannel) return stay(order, 'no extension')
      const { terms, expiresAt, fundedAt, at } = { terms: order.terms, ...event }
      const outpoint = terms.purpose.type === 'extension' ? terms.purpose.outpoint : ''
      return complete(order, { outpoint, fundedAt, expiresAt }, at)
    }
    case 'extend-refused':
      return isChannel ? stay(order, 'no extension') : fail(order, event.detail, event.at)
    case 'cancel':
      return fail(order, event.reason, event.at)
    case 'channel-published':
    case 'channel-refused':
    case 'invoice-settled':
    case 'refund-sent':
    case 'refund-done':
    case 'refund-dust':
      return stay(order, `waiting to open: ${event.type}`)
    default:
      return assertNever(event)
  }
}

export function onOpening(order: In<'opening'>, event: OrderEvent): OrderStep {
  switch (event.type) {
    case 'channel-published': {
      if (event.pendingChannelId !== order.pendingChannelId) return stay(order, 'another channel')
      const { outpoint, pendingChannelId, at } = event
      const { purpose } = order.terms
      const blocks = purpose.type === 'channel' ? purpose.expiryBlocks : 0
      const expiresAt = (at + blocks * BLOCK_MS) as Timestamp
      return complete(order, { outpoint, pendingChannelId, fundedAt: at, expiresAt }, at)
    }
    case 'channel-refused':
      return event.pendingChannelId === order.pendingChannelId
        ? onRefused(order, event)
        : stay(order, 'another channel')
    case 'block':
      if (order.by !== 'bolt11' || mayPublish(order, event.height)) return stay(order, 'there is time')
      return withdraw(order, 'the payment was about to expire')
    case 'cancel':
      return withdraw(order, event.reason)
    case 'receipts': {
      const deposits = withReceipts(order.payment.deposits, event.receipts)
      if (isSame(order.payment.deposits, deposits)) return stay(order, 'nothing new at its address')
      return to({ ...order, payment: { ...order.payment, deposits } })
    }
    case 'invoice':
      return onInvoice(order, event)
    case 'invoice-cancelled':
      return invoiceCancelled(order)
    case 'deadline':
    case 'client-online':
    case 'extended':
    case 'extend-refused':
    case 'invoice-settled':
    case 'refund-sent':
    case 'refund-done':
    case 'refund-dust':
      return stay(order, `opening: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onRefused(order: In<'opening'>, { reason, detail, at, height }: Heard<'channel-refused'>): OrderStep {
  const { withdrawn, pendingChannelId: _, ...rest } = order
  const failure: Attempt = { at, reason, detail }
  const failures = [...order.failures, failure].slice(-MAX_FAILURES)
  const refusals = order.refusals + (reason === 'client-refused' ? 1 : 0)
  const again: In<'paid'> = { ...rest, tag: 'paid', failures, refusals, retryAt: retryAfter(order.attempts, at) }
  if (withdrawn !== undefined) return fail(again, withdrawn, at)
  const isHopeless = refusals >= MAX_CLIENT_REFUSALS || at >= openBy(order)
  if (isHopeless || (order.by === 'bolt11' && !mayBegin(order, height))) return fail(again, whyNot(again), at)
  return to(again)
}

function retryAfter(attempts: number, at: Timestamp): Timestamp {
  const pause = FIRST_RETRY_MS * 2 ** Math.min(Math.max(attempts - 1, 0), 20)
  return (at + Math.min(pause, LONGEST_RETRY_MS)) as Timestamp
}

/** For the client to read, and for the operator. */
function whyNot({ failures, refusals }: In<'paid'>): string {
  const last = failures.at(-1)
  if (last === undefined) return 'the client did not connect in time'
  if (refusals >= MAX_CLIENT_REFUSALS) return `the client refused the channel: ${last.detail}`
  return `the channel could not be opened in time: ${last.reason}: ${last.detail}`
}

/** Asked again it changes nothing: the funding service was told, and tells what came of it. */
function withdraw(order: In<'opening'>, why: string): OrderStep {
  if (order.withdrawn !== undefined) return stay(order, 'withdrawn already')
  const { pendingChannelId } = order
  return to({ ...order, withdrawn: why }, [{ type: 'withdraw-channel', pendingChannelId }])
}

/** The channel is there: the payment is ours from here on. */
function complete(order: Secured, channel: In<'completed'>['channel'], at: Timestamp): OrderStep {
  const { terms, payment, by, paidAt, failures, attempts, refusals } = order
  const kept = {
    tag: 'completed' as const,
    terms,
    by,
    paidAt,
    failures,
    attempts,
    refusals,
    channel,
    booked: false,
    at,
  }
  if (by === 'onchain') {
    return end({ ...kept, payment: { ...payment, deposits: sell(payment.deposits, terms.total) } }, at)
  }
  if (payment.invoice !== 'held') {
    // It went back while the channel was being published: what became of it is for a person to know.
    const money = { order: terms.id, client: terms.client, at, amount: terms.total }
    const lost = 'its payment went back before it could be taken'
    return end({ ...kept, payment, lost }, at, [], [{ ...money, type: 'order-loss', why: lost }])
  }
  return end({ ...kept, payment: { ...payment, invoice: 'settling' } }, at, [{ type: 'settle-invoice' }])
}

/** A payment on chain that a reorganisation took back, or that was double-spent, is waited for anew. */
function onReceipts(order: In<'paid'>, { receipts, zeroConfLeft, at }: Heard<'receipts'>): OrderStep {
  const { terms, payment, by } = order
  const deposits = withReceipts(payment.deposits, receipts)
  const same = isSame(payment.deposits, deposits)
  const now: Payment = { ...payment, deposits }
  const { total, onchain } = terms
  const confirmations = onchain?.confirmations ?? 1
  const left = terms.total > zeroConfLeft ? terms.total : zeroConfLeft // it was taken on that risk already
  if (by === 'onchain' && terms.purpose.type === 'channel') {
    if (!isPaid(deposits, { total, confirmations, zeroConfLeft: left })) {
      if (at >= terms.expiresAt && !mayPay(deposits, total))
        return fail({ ...order, payment: now }, 'its payment on chain was taken back', at)
      return to({ tag: 'created', terms, payment: now })
    }
  }
  return same ? stay(order, 'nothing new at its address') : to({ ...order, payment: now })
}

function onInvoice(order: Secured, { state, at }: Heard<'invoice'>): OrderStep {
  if (state === 'canceled') {
    if (order.by !== 'bolt11') return invoiceCancelled(order)
    const gone: Payment = { ...order.payment, invoice: 'cancelled' }
    const why = 'its payment went back'
    if (order.tag === 'paid') return fail({ ...order, payment: gone }, why, at)
    return withdraw({ ...order, payment: gone }, why)
  }
  // Settled without our word: a newer database of ours did it. A person must look, and nothing is opened again.
  if (state === 'settled' && order.by === 'bolt11' && order.tag === 'paid') {
    const taken: Payment = { ...order.payment, invoice: 'settled' }
    return fail({ ...order, payment: taken }, 'its payment was taken by a newer database', at)
  }
  return stay(order, `invoice is ${order.payment.invoice}`)
}

function invoiceCancelled(order: Secured): OrderStep {
  const { payment } = order
  if (payment.invoice !== 'cancelling') return stay(order, `invoice is ${payment.invoice}`)
  return to({ ...order, payment: { ...payment, invoice: 'cancelled' } })
}
