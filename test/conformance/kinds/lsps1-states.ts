import { expect } from 'vitest'
import * as z from 'zod'
import {
  type OrderEvent,
  type OrderStates,
  PAYMENT_METHODS,
  type PaymentMethod,
  statesAfter,
} from '../../../lsps/lsps1/states.ts'
import { createOrderLsp } from '../order-lsp.ts'
import { type KindChecks, shaped, type Vector } from '../vectors.ts'
import { GOOD_ORDER } from './lsps1.ts'

const START: OrderStates = {
  order: 'CREATED',
  bolt11: 'EXPECT_PAYMENT',
  bolt12: 'EXPECT_PAYMENT',
  onchain: 'EXPECT_PAYMENT',
}

/** `payment_received(bolt11)`, `mark_failed from ExpectingPayment`, `payment_received with unconfigured method`. */
const STEP = /^(\w+)(?:\((\w+)\))?(?: with unconfigured (\w+))?(?: from (\w+))?/

type Told = {
  readonly event: OrderEvent
  /** How the order got to where the event finds it. */
  readonly before: readonly OrderEvent[]
  readonly start: OrderStates
}

function isMethod(text: string | undefined): text is PaymentMethod {
  return PAYMENT_METHODS.some((method) => method === text)
}

function eventOf(name: string, method: PaymentMethod): OrderEvent {
  if (name.startsWith('payment_received')) return { type: 'payment-received', method }
  if (name.startsWith('channel_opened')) return { type: 'channel-opened' }
  if (name.startsWith('mark_failed') || name.startsWith('failed')) return { type: 'failed' }
  throw new Error(`no check knows the event "${name}"`)
}

/** The states of lightning-liquidity, by the events that lead there. */
function wayTo(state: string, method: PaymentMethod): readonly OrderEvent[] {
  const paid: OrderEvent = { type: 'payment-received', method }
  if (/^Expecting|^Pending|^Created/.test(state)) return []
  if (/Paid$/.test(state)) return [paid]
  if (/^Completed/.test(state)) return [paid, { type: 'channel-opened' }]
  if (/^Failed/.test(state)) return [{ type: 'failed' }]
  throw new Error(`no check knows the state "${state}"`)
}

function told({ name, input }: Vector): Told {
  const [, event = '', method, unconfigured, from] = STEP.exec(name) ?? []
  const by = isMethod(method) ? method : 'bolt11'
  const state = from ?? (typeof input === 'string' && !input.includes(' ') ? input : 'ExpectingPayment')
  const { bolt11: _, ...unpayable } = START
  return { event: eventOf(event, by), before: wayTo(state, by), start: unconfigured === undefined ? START : unpayable }
}

function reached(start: OrderStates, events: readonly OrderEvent[]): OrderStates {
  let states = start
  for (const event of events) {
    const next = statesAfter(states, event)
    if (next === undefined) throw new Error(`${event.type} cannot happen to ${JSON.stringify(states)}`)
    states = next
  }
  return states
}

/** One thing that a vector says of the order after the event. bLIP-51 has no HOLD on chain: it is PAID (L1-72). */
function checkFact(fact: string, method: PaymentMethod, before: OrderStates, after: OrderStates): void {
  const [, option, state] = /^(bolt11|bolt12|onchain)\.state (\w+)$/.exec(fact) ?? []
  if (isMethod(option)) {
    expect(after[option]).toBe(option === 'onchain' && state === 'HOLD' ? 'PAID' : state)
    return
  }
  const [, order] = /^order_state (\w+)$/.exec(fact) ?? []
  if (order !== undefined) {
    expect(after.order).toBe(order)
    return
  }
  const [, all] = /^all methods (\w+)$/.exec(fact) ?? []
  if (all !== undefined) {
    for (const one of PAYMENT_METHODS) expect(after[one]).toBe(all)
    return
  }
  const [, from, to] = /^(\w+) ?-> ?(\w+)$/.exec(fact) ?? []
  if (from !== undefined) {
    expect([before[method], after[method]]).toEqual([from, to])
    return
  }
  expect(after).toEqual(reached(START, wayTo(fact, method)))
}

function checkStates(vector: Vector): void {
  const { event, before, start } = told(vector)
  const from = reached(start, before)
  const after = reached(from, [event])
  const [paid] = [...before, event].flatMap((one) => (one.type === 'payment-received' ? [one.method] : []))
  for (const fact of shaped(z.array(z.string()), vector.expected)) checkFact(fact, paid ?? 'bolt11', from, after)
}

/** Nothing happens to the order, and a client sees nothing of it. */
async function checkImpossible(vector: Vector): Promise<void> {
  const { error } = shaped(z.object({ error: z.literal(true) }), vector.expected)
  const { event, before, start } = told(vector)
  expect(statesAfter(reached(start, before), event) === undefined).toBe(error)
  if (start !== START) return
  const lsp = createOrderLsp()
  const { result } = (await lsp.call('lsps1.create_order', GOOD_ORDER)) ?? {}
  const { order_id } = shaped(z.looseObject({ order_id: z.string() }), result)
  for (const one of before) expect(lsp.happen(order_id, one)).toBeDefined()
  const seen = await lsp.call('lsps1.get_order', { order_id })
  expect(lsp.happen(order_id, event)).toBeUndefined()
  expect((await lsp.call('lsps1.get_order', { order_id }))?.result).toEqual(seen?.result)
}

function rowsOf(vector: Vector): readonly string[] {
  const { event } = told(vector)
  if (event.type === 'payment-received') return event.method === 'onchain' ? ['L1-72', 'L1-76'] : ['L1-67', 'L1-69']
  return event.type === 'channel-opened' ? ['L1-67', 'L1-93'] : ['L1-68', 'L1-93']
}

export const LSPS1_STATE_KINDS: KindChecks = {
  'lsps1/state-machine': { rows: rowsOf, check: checkStates },
  'lsps1/state-machine-negative': { rows: rowsOf, check: checkImpossible },
}
