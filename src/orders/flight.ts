import type { FlightStep } from '../journal/flight.ts'
import type { Order, OrderEvent, OrderMoney } from './states.ts'

/** Events that only look: on record where they change what the order is. */
const QUIET: ReadonlySet<OrderEvent['type']> = new Set(['receipts', 'invoice-cancelled', 'block', 'deadline'])

/** What the flight record says of one event that changed an order; undefined for what a person need not read. */
export function describeStep(
  before: Order,
  after: Order,
  event: OrderEvent,
  money: readonly OrderMoney[],
): FlightStep | undefined {
  const isQuiet = QUIET.has(event.type) && before.tag === after.tag && money.length === 0
  const known = before.payment.deposits.length === after.payment.deposits.length
  if (isQuiet && known) return undefined
  return {
    at: event.at,
    what: title(before, after, event),
    detail: { ...details(before, after, event), ...moneyOf(money), state: after.tag },
  }
}

function title(before: Order, after: Order, event: OrderEvent): string {
  switch (event.type) {
    case 'invoice':
      if (event.state === 'accepted') return after.tag === 'created' ? 'payment by Lightning refused' : 'payment held'
      return event.state === 'settled' ? 'payment by Lightning taken' : 'invoice cancelled by lnd'
    case 'receipts':
      if (before.tag === 'created' && after.tag !== 'created' && after.tag !== 'failed') return 'paid on chain'
      if (before.tag === 'paid' && after.tag === 'created') return 'payment on chain taken back by a reorganisation'
      return after.payment.deposits.length > before.payment.deposits.length
        ? 'payment on chain seen'
        : 'payment on chain'
    case 'deadline':
      if (after.tag === 'failed') return 'time is over'
      return after.tag === 'opening' ? 'channel ordered' : 'waits for its client'
    case 'block':
      return after.tag === 'failed'
        ? 'payment given back before it expires'
        : 'channel withdrawn before the payment expires'
    case 'client-online':
      return 'client came, channel ordered'
    case 'channel-published':
      return 'funding published, order completed'
    case 'channel-refused':
      return after.tag === 'completed' ? 'channel lost' : 'channel not opened'
    case 'extended':
      return 'extended'
    case 'extend-refused':
      return 'not extended'
    case 'invoice-settled':
      return 'payment taken'
    case 'invoice-cancelled':
      return 'invoice cancelled'
    case 'refund-sent':
      return 'refund published'
    case 'refund-done':
      return 'refund confirmed'
    case 'refund-dust':
      return 'refund too small to be paid'
    case 'cancel':
      return 'cancelled by the operator'
  }
}

function details(before: Order, after: Order, event: OrderEvent): Record<string, string> {
  const why: Record<string, string> = after.tag === 'failed' && before.tag !== 'failed' ? { why: after.why } : {}
  switch (event.type) {
    case 'invoice':
      if (event.state !== 'accepted') return why
      return { received_msat: `${event.received}`, held_until: `${event.heldUntil}`, height: `${event.height}`, ...why }
    case 'receipts': {
      const known = new Set(before.payment.deposits.map(({ outpoint }) => outpoint))
      const fresh = after.payment.deposits.filter(({ outpoint }) => !known.has(outpoint))
      const seen = fresh.map(
        ({ outpoint, amount, confirmations }) => `${outpoint} ${amount} sat, ${confirmations} deep`,
      )
      return { ...(seen.length === 0 ? {} : { outputs: seen.join('; ') }), ...why }
    }
    case 'channel-published':
      return { outpoint: event.outpoint }
    case 'channel-refused':
      return { reason: event.reason, detail: event.detail, ...why }
    case 'extend-refused':
      return { detail: event.detail, ...why }
    case 'refund-sent':
    case 'refund-done':
      return { outpoint: event.outpoint, txid: event.txid, chain_fee_sat: `${event.fee}` }
    case 'refund-dust':
      return { outpoint: event.outpoint }
    case 'deadline':
    case 'block':
    case 'client-online':
    case 'extended':
    case 'invoice-settled':
    case 'invoice-cancelled':
    case 'cancel':
      return why
  }
}

function moneyOf(money: readonly OrderMoney[]): Record<string, string> {
  return Object.assign(
    {},
    ...money.map((entry) => {
      if (entry.type === 'order-fee') return { earned_msat: `${entry.earned}` }
      return entry.type === 'order-loss' ? { lost_sat: `${entry.amount}` } : {}
    }),
  )
}
