import type { Clock } from '../lsps/base/clock.ts'
import { formatDatetime, type Timestamp } from '../lsps/base/datetime.ts'
import type { AdminPort } from './admin/port.ts'
import type { OrderSummary } from './admin/schema-orders.ts'
import type { Decision, Decisions } from './journal/decisions.ts'
import { flightSteps } from './journal/flight.ts'
import { OPERATOR_REASON, type OperatorAction, planOf } from './orders/operator.ts'
import { describeOrder, summarizeOrder } from './orders/report.ts'
import type { OrdersService } from './orders/service.ts'
import type { Order } from './orders/states.ts'
import type { Store } from './store/port.ts'

/** What the admin interface tells of orders, and the two things that an operator may do to one. */

/** Ended orders that are looked at for one answer. */
const MAX_ORDERS_READ = 10_000

export type OrderReportDeps = {
  readonly orders: OrdersService
  readonly store: Store
  readonly decisions: Decisions
  readonly clock: Clock
}

export function orderReports(deps: OrderReportDeps): Pick<AdminPort, 'orderList' | 'orderShow' | 'orderAct'> {
  const { orders, store } = deps
  const summaryOf = async (order: Order): Promise<OrderSummary> =>
    summarizeOrder(order, await flightSteps(store, order.terms.id))
  const find = async (id: string) => (await orders.get(id)) ?? (await orders.byPaymentHash(id))
  return {
    async orderList({ state, limit, before }, signal) {
      const after = before === undefined ? undefined : await orders.get(before)
      if (before !== undefined && after === undefined) return undefined
      const found: Order[] = []
      for await (const order of newestFirst(orders, after)) {
        signal.throwIfAborted() // whoever asked is gone: a rare state may be looked for among all there ever were
        if (state === undefined || order.tag === state) found.push(order)
        if (found.length >= limit) break
      }
      return Promise.all(found.map(summaryOf))
    },

    async orderShow(id) {
      const order = await find(id)
      return order === undefined ? undefined : describeOrder(order, await flightSteps(store, order.terms.id))
    },

    async orderAct(id, { action, confirmed }) {
      const order = await find(id)
      if (order === undefined) return undefined
      const plan = planOf(order, action)
      if ('refused' in plan) return plan
      const does = [...plan.does]
      if (!confirmed) return { action, done: false, does, order: await summaryOf(order) }
      // The machine decides by the state that the order is in by then; it is told what it became.
      const after = (await orders.cancel(order.terms.id, OPERATOR_REASON[action])) ?? order
      await store.commit([deps.decisions.entry(decidedBy(after, action, deps.clock.now()))])
      return { action, done: true, does, order: await summaryOf(after) }
    },
  }
}

/** Those that are under way by the time of their order, then the ended ones by the time of their end. */
async function* newestFirst(orders: OrdersService, after: Order | undefined): AsyncIterable<Order> {
  const isUnderWay = ({ tag }: Order) => tag !== 'completed' && tag !== 'failed'
  const live = [...orders.live.values()].filter(isUnderWay).sort((a, b) => b.terms.createdAt - a.terms.createdAt)
  const from = after === undefined || !isUnderWay(after) ? undefined : live.indexOf(after) + 1
  if (after === undefined) yield* live
  else if (from !== undefined) yield* live.slice(from)
  yield* orders.ended(from === undefined ? after : undefined)
}

function decidedBy({ terms, tag }: Order, action: OperatorAction, at: Timestamp): Decision {
  const { id: order, client, createdAt, total } = terms
  const detail = { order, client, state: tag, total_sat: `${total}`, ordered: formatDatetime(createdAt) }
  return { at, what: action === 'cancel' ? 'order cancelled' : 'order refunded', detail }
}

/** That an order was made, and by which numbers: the order itself is the record of it. */
export function orderedDecision({ terms }: Order): Decision {
  const { id, client, createdAt, purpose, price, total, tokenName } = terms
  return {
    at: createdAt,
    what: 'ordered',
    detail: {
      order: id,
      client,
      for: purpose.type,
      ...(tokenName === undefined ? {} : { token: tokenName }),
      total_sat: `${total}`,
      fee_sat: `${price.fee}`,
      blocks: `${price.blocks}`,
      sat_per_vbyte: `${price.satPerVbyte}`,
    },
  }
}

/** What was ordered since a time. An order that was made since ended since, so the ended ones are read from the newest. */
export async function orderedSince(orders: OrdersService, since: Timestamp): Promise<readonly Decision[]> {
  const found = new Map<string, Decision>()
  const add = (order: Order) => {
    if (order.terms.createdAt >= since) found.set(order.terms.id, orderedDecision(order))
  }
  for (const order of orders.live.values()) add(order)
  let read = 0
  for await (const order of orders.ended()) {
    read += 1
    if (read > MAX_ORDERS_READ || ('at' in order && order.at < since)) break
    add(order)
  }
  return [...found.values()]
}
