import { describe, expect, it } from 'vitest'
import { msat, type Ppm } from '../../../lsps/base/amount.ts'
import { MAX_PRICE_LISTS, type MenuRule, PriceBook } from '../../../src/jit/price-book.ts'
import { priceListId, priceLists, priceListTime } from '../../../src/jit/price-list.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'

const OFFER = {
  min_fee_msat: msat(1_000_000n),
  proportional: 2500 as Ppm,
  min_lifetime: 4320,
  max_client_to_self_delay: 2016,
  min_payment_size_msat: msat(10_000_000n),
  max_payment_size_msat: msat(1_000_000_000n),
  valid_for_seconds: 3600,
}
const PRICING = {
  mode: 'live' as const,
  open_vbytes: 165,
  close_vbytes: 235,
  margin_ppm: 0 as Ppm,
  volatility_ppm: 500_000 as Ppm,
  volatile_valid_for_seconds: 600,
}
const at = (satPerVbyte: number) => ({ satPerVbyte, lowest: satPerVbyte, highest: satPerVbyte })

function setUp({ bytes = new Map(), menus = [{ offers: [OFFER] }] }: { bytes?: SyncedBytes; menus?: MenuRule[] } = {}) {
  const clock = new ManualClock()
  let batches = 0
  const store = openMemoryStore({
    bytes,
    onBatch: async (stage) => {
      if (stage === 'before') batches += 1
    },
  })
  const config = { pricing: PRICING, menus, htlcMinimum: msat(1000n) }
  const book = new PriceBook({ store, clock, log: silentLog }, config)
  return { book, clock, store, bytes, batches: () => batches }
}

describe('the price book', () => {
  it('has nothing to sell before the first feerate', () => {
    expect(setUp().book.current()).toBeUndefined()
  })

  it('has a list on disk before it is sold from', async () => {
    const { book, store } = setUp()
    const updated = book.update(at(10))
    expect(book.current()).toBeUndefined()
    await updated
    const { id, list } = book.current() ?? {}
    expect(list?.offers).toMatchObject([{ min_fee_msat: 4_000_000n, floor: 1_000_000n }])
    expect(await priceLists.get(store, id ?? '')).toEqual(list)
  })

  it('writes each distinct list once, however often the feerate comes back to it', async () => {
    const { book, bytes, batches, clock } = setUp()
    for (const rate of [10, 11, 10, 11, 11, 10]) {
      await clock.advance(60_000)
      await book.update(at(rate))
    }
    expect([bytes.get('jit-prices')?.size, batches()]).toEqual([2, 2])
  })

  it('knows its lists again after a restart', async () => {
    const { book, bytes } = setUp()
    await book.update(at(10))
    const again = setUp({ bytes })
    await again.book.update(at(10))
    expect(again.book.current()?.id).toBe(book.current()?.id)
    expect(again.batches()).toBe(0)
  })

  it('has a menu for each token, with its own margin', async () => {
    const menus = [{ offers: [OFFER] }, { token: 'partner', offers: [OFFER], margin_ppm: 1_000_000 as Ppm }]
    const { book } = setUp({ menus })
    await book.update(at(10))
    expect(book.current()?.list.offers[0]?.min_fee_msat).toBe(4_000_000n)
    expect(book.current('partner')?.list).toMatchObject({ token: 'partner', offers: [{ min_fee_msat: 8_000_000n }] })
    expect(book.current('partner')?.id).not.toBe(book.current()?.id)
    expect(book.current('stranger')).toBeUndefined()
  })

  it('keeps a bounded number of lists, the newest and those in force', async () => {
    const first = setUp()
    await first.book.update(at(10))
    const { bytes } = first
    const table = bytes.get('jit-prices') as Map<string, string>
    const [[kept, text = ''] = ['']] = table
    for (let n = 1; n <= MAX_PRICE_LISTS + 5; n += 1)
      table.set(priceListId((n + 1) as never), text.replace('2500', `${10_000 + n}`))
    const { book } = setUp({ bytes })
    await book.update(at(10))
    expect(table.size).toBe(MAX_PRICE_LISTS)
    expect(table.has(kept)).toBe(true)
    expect(table.has(priceListId(2 as never))).toBe(false)
  })

  it('names a list by the time at which it was first in force', () => {
    const id = priceListId(1_893_456_000_123 as never)
    expect(priceListTime(id)).toBe(1_893_456_000_123)
    expect(priceListId(1_893_456_000_124 as never) > id).toBe(true)
    expect(priceListTime('nothing')).toBeUndefined()
  })
})
