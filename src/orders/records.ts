import * as z from 'zod'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { Lsps1Options } from '../../lsps/lsps1/schema.ts'
import type { Store, Write } from '../store/port.ts'
import { Table } from '../store/table.ts'
import { Order, OrderEffect } from './states.ts'

/** Digits of a time in an index key, so that keys sort by it. */
const TIME_DIGITS = 15
/** Rows read at a time. */
const PAGE = 200
const ENDED = 'orders-ended'
const BY_ADDRESS = 'orders-by-address'
const BY_HASH = 'orders-by-hash'
const FLIGHT = 'flight'

export const liveOrders = new Table('orders-live', Order)
export const doneOrders = new Table('orders-done', Order)
export const orderOutbox = new Table('orders-outbox', OrderEffect)

/** What is sold, as it was last published (L1-02). */
export const publishedOptions = new Table(
  'orders-options',
  z.object({ options: Lsps1Options, changedAt: z.custom<Timestamp>((v) => Number.isSafeInteger(v)) }),
)

/** Up to which block the addresses of orders were looked through. */
export const scanned = new Table('orders-scanned', z.object({ height: z.number().int().nonnegative() }))

function endedKey(at: number, id: string): string {
  return `${at.toString().padStart(TIME_DIGITS, '0')}/${id}`
}

/** What finds an order again: by its address and its payment hash from the start, by time once it has ended. */
export function indexWrites(before: Order | undefined, order: Order): readonly Write[] {
  const { id, onchain, bolt11 } = order.terms
  const writes: Write[] = []
  if (before === undefined && onchain !== undefined)
    writes.push({ type: 'put', table: BY_ADDRESS, key: onchain.address, value: id })
  if (before === undefined && bolt11 !== undefined)
    writes.push({ type: 'put', table: BY_HASH, key: bolt11.paymentHash, value: id })
  if ('at' in order && before?.tag !== order.tag)
    writes.push({ type: 'put', table: ENDED, key: endedKey(order.at, id), value: '' })
  return writes
}

/** The order that an address was made for, or that a payment hash belongs to. */
export function orderIdBy(store: Store, by: 'address' | 'hash', value: string): Promise<string | undefined> {
  return store.get(by === 'address' ? BY_ADDRESS : BY_HASH, value)
}

/** Ended orders, the one that ended last first. `after` is one of them: only those that ended before it. */
export async function* endedOrders(
  store: Store,
  get: (id: string) => Promise<Order | undefined>,
  after?: Order,
): AsyncIterable<Order> {
  let edge = after !== undefined && 'at' in after ? endedKey(after.at, after.terms.id) : undefined
  for (;;) {
    const keys = await store.keys(ENDED, { reverse: true, limit: PAGE, ...(edge === undefined ? {} : { after: edge }) })
    for (const key of keys) {
      const order = await get(key.slice(TIME_DIGITS + 1))
      if (order !== undefined) yield order
    }
    edge = keys.at(-1)
    if (keys.length < PAGE) return
  }
}

/** A finished order that is old enough to be forgotten; `writes` delete all that finds it. */
export type Prunable = { readonly id: string; readonly writes: readonly Write[] }

/**
 * Some of the finished orders that ended before a time. What comes to their addresses once they are forgotten is the
 * node's own.
 */
export async function prunable(store: Store, before: number, after?: string): Promise<PrunablePage> {
  const edge = endedKey(before, '')
  const keys = await store.keys(ENDED, { limit: PAGE, ...(after === undefined ? {} : { after }) })
  const orders: Prunable[] = []
  for (const key of keys) {
    if (key >= edge) return { orders, next: undefined }
    const id = key.slice(TIME_DIGITS + 1)
    const order = await doneOrders.get(store, id)
    if (order === undefined) continue // it lives again: something came for it
    const { onchain, bolt11 } = order.terms
    const writes: Write[] = [{ type: 'del', table: ENDED, key }]
    if (onchain !== undefined) writes.push({ type: 'del', table: BY_ADDRESS, key: onchain.address })
    if (bolt11 !== undefined) writes.push({ type: 'del', table: BY_HASH, key: bolt11.paymentHash })
    const steps = await store.keys(FLIGHT, { prefix: `${id}/` })
    orders.push({ id, writes: [...writes, ...steps.map((step): Write => ({ type: 'del', table: FLIGHT, key: step }))] })
  }
  return { orders, next: keys.length < PAGE ? undefined : keys.at(-1) }
}

/** `next`: from where to go on. */
export type PrunablePage = { readonly orders: readonly Prunable[]; readonly next: string | undefined }
