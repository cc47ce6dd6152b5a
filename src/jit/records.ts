import type { Store, Write } from '../store/port.ts'
import { Table } from '../store/table.ts'
import { openParts } from './parts.ts'
import { JitEffect, Sale } from './states.ts'

/** Digits of a time in an index key, so that keys sort by it. */
const TIME_DIGITS = 15
/** Rows read at a time while looking for the next sales of a list. */
const PAGE = 200
const ENDED = 'jit-ended'
const BY_HASH = 'jit-by-hash'

export const liveSales = new Table('jit-live', Sale)
export const doneSales = new Table('jit-done', Sale)
export const outboxTable = new Table('jit-outbox', JitEffect)

function endedKey(at: number, scid: string): string {
  return `${at.toString().padStart(TIME_DIGITS, '0')}/${scid}`
}

/** What finds an ended sale again: by time, and by payment hash when it was paid. */
export function indexWrites(sale: Sale): readonly Write[] {
  if (!('at' in sale)) return []
  const { scid } = sale.deal
  const writes: Write[] = [{ type: 'put', table: ENDED, key: endedKey(sale.at, scid), value: '' }]
  if (sale.tag === 'paid') writes.push({ type: 'put', table: BY_HASH, key: sale.paymentHash, value: scid })
  return writes
}

/** The sale that this hash paid for, or is held for. */
export async function saleByHash(store: Store, live: Iterable<Sale>, hash: string): Promise<Sale | undefined> {
  for (const sale of live) if (openParts(sale).some(({ paymentHash }) => paymentHash === hash)) return sale
  const scid = await store.get(BY_HASH, hash)
  return scid === undefined ? undefined : doneSales.get(store, scid)
}

/** Ended sales, the one that ended last first. `after` is one of them: only those that ended before it. */
export async function* endedSales(store: Store, after?: Sale): AsyncIterable<Sale> {
  let edge = after !== undefined && 'at' in after ? endedKey(after.at, after.deal.scid) : undefined
  for (;;) {
    const keys = await store.keys(ENDED, { reverse: true, limit: PAGE, ...(edge === undefined ? {} : { after: edge }) })
    for (const key of keys) {
      const sale = await doneSales.get(store, key.slice(TIME_DIGITS + 1))
      if (sale !== undefined) yield sale
    }
    edge = keys.at(-1)
    if (keys.length < PAGE) return
  }
}
