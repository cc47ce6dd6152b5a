import { describe, expect, it } from 'vitest'
import { PRUNE_MS, pruneFinished } from '../../../src/orders/prune.ts'
import { doneOrders, endedOrders, indexWrites, orderIdBy } from '../../../src/orders/records.ts'
import type { Order, Terms } from '../../../src/orders/states.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import * as s from './samples.ts'

const DAY_MS = 86_400_000
const KEEP_MS = 30 * DAY_MS

/** An order that ended so long ago: nobody paid it. */
function endedOrder(n: number, at: number): Order {
  const terms: Terms = {
    ...s.TERMS,
    id: `${n.toString(16).padStart(8, '0')}-8334-49d8-9463-90a6d413af7c`,
    bolt11: { paymentHash: `${n}`.repeat(64), invoice: 'lnbcrt1' },
    onchain: { address: `address-${n}`, confirmations: 1 },
  }
  return {
    tag: 'failed',
    terms,
    payment: { invoice: 'cancelled', deposits: [] },
    failures: [],
    why: 'over',
    at: s.time(at),
  }
}

async function setUp(ages: readonly number[]) {
  const clock = new ManualClock()
  const bytes: SyncedBytes = new Map()
  const store = openMemoryStore({ bytes })
  const orders = ages.map((age, n) => endedOrder(n, clock.now() - age))
  for (const order of orders) {
    const { id } = order.terms
    await store.commit([
      doneOrders.put(id, order),
      ...indexWrites(undefined, order),
      { type: 'put', table: 'flight', key: `${id}/1`, value: 'a step' },
    ])
  }
  const alive = new Set<string>()
  const stopping = new AbortController()
  const running = pruneFinished(
    {
      store,
      clock,
      keepMs: KEEP_MS,
      forget: async (id, writes) => {
        if (alive.has(id)) return false
        await store.commit([doneOrders.del(id), ...writes])
        return true
      },
    },
    stopping.signal,
  )
  const stop = async () => {
    stopping.abort(new Error('stopping'))
    await running
  }
  const left = () => orders.filter(({ terms }) => bytes.get('orders-done')?.has(terms.id)).map(({ terms }) => terms.id)
  return { clock, bytes, store, orders, alive, stop, left }
}

describe('an order that has ended [L1-53]', () => {
  it('is kept for as long as the config says, then forgotten with all that finds it', async () => {
    const { clock, bytes, store, orders, left, stop } = await setUp([KEEP_MS - PRUNE_MS / 2, 0])
    await clock.settle()
    expect(left()).toHaveLength(2)
    await clock.advance(PRUNE_MS)
    await clock.settle()
    const [old, young] = orders
    expect(left()).toEqual([young?.terms.id])
    expect(await orderIdBy(store, 'address', 'address-0')).toBeUndefined()
    expect(await orderIdBy(store, 'hash', old?.terms.bolt11?.paymentHash ?? '')).toBeUndefined()
    expect([...(bytes.get('flight')?.keys() ?? [])]).toEqual([`${young?.terms.id}/1`])
    expect(bytes.get('orders-ended')?.size).toBe(1)
    expect(await orderIdBy(store, 'address', 'address-1')).toBe(young?.terms.id)
    await stop()
  })

  it('stays when something came for it meanwhile, with all that finds it', async () => {
    const { clock, store, orders, alive, left, stop } = await setUp([0, 0])
    const [first] = orders
    alive.add(first?.terms.id ?? '')
    await clock.advance(KEEP_MS + PRUNE_MS)
    await clock.settle()
    expect(left()).toEqual([first?.terms.id])
    expect(await orderIdBy(store, 'address', 'address-0')).toBe(first?.terms.id)
    await stop()
  })

  it('is forgotten also when there are more of them than one page has', async () => {
    const { clock, left, stop } = await setUp(Array.from({ length: 450 }, (_, n) => KEEP_MS + n + 1))
    await clock.settle(3_000)
    expect(left()).toEqual([])
    await stop()
  })

  it('is listed from the last to the first', async () => {
    const { store, orders, stop } = await setUp([3, 1, 2])
    const byId = new Map(orders.map((order) => [order.terms.id, order]))
    const get = async (id: string) => byId.get(id)
    const listed: (number | undefined)[] = []
    for await (const order of endedOrders(store, get)) listed.push(orders.indexOf(order))
    expect(listed).toEqual([1, 2, 0])
    const after: number[] = []
    for await (const order of endedOrders(store, get, orders[1])) after.push(orders.indexOf(order))
    expect(after).toEqual([2, 0])
    await stop()
  })
})
