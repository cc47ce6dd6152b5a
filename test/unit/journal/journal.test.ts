import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { Journal, type MoneyEvent } from '../../../src/journal/journal.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import { NODE } from '../lsps/arbitraries.ts'

const fee = (earned: bigint, n = 1): MoneyEvent => ({
  type: 'jit-fee',
  sale: `16123456x7x${n}`,
  client: NODE,
  paymentHash: n.toString(16).padStart(64, '0'),
  earned: msat(earned),
  openingFee: msat(earned - (earned % 1000n)),
  at: 1_700_000_000_000 as Timestamp,
})

async function open(bytes: SyncedBytes = new Map()) {
  const store = openMemoryStore({ bytes })
  const journal = new Journal(store)
  await journal.load()
  return { store, journal, bytes }
}

async function read(entries: AsyncIterable<MoneyEvent>): Promise<MoneyEvent[]> {
  const found: MoneyEvent[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

describe('the money journal', () => {
  it('starts with nothing', async () => {
    const { journal } = await open()
    expect(journal.totals).toEqual({ count: 0, sales: 0, earned: 0n, openingFees: 0n })
    expect(await read(journal.entries())).toEqual([])
  })

  it('writes nothing when nothing was earned', async () => {
    const { journal } = await open()
    expect(journal.append([], 0)).toEqual([])
  })

  it('is on disk with the commit that holds its writes, and not before', async () => {
    const { store, journal } = await open()
    const writes = journal.append([fee(1500n)], 1)
    expect(await read(journal.entries())).toEqual([])
    await store.commit(writes)
    expect(await read(journal.entries())).toEqual([fee(1500n)])
  })

  it('keeps entries in the order in which they were made', async () => {
    const { store, journal } = await open()
    for (let n = 1; n <= 12; n += 1) await store.commit(journal.append([fee(BigInt(n), n)], 1))
    const earned = (entries: readonly MoneyEvent[]) => entries.map((entry) => Number(entry.earned))
    expect(earned(await read(journal.entries()))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(earned(await read(journal.entries({ reverse: true, limit: 2 })))).toEqual([12, 11])
  })

  it('has totals that are the sum of its entries, also across restarts', async () => {
    const step = fc.record({
      amounts: fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { maxLength: 3 }),
      paid: fc.nat({ max: 2 }),
      restart: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        let { store, journal, bytes } = await open()
        for (const { amounts, paid, restart } of steps) {
          await store.commit(
            journal.append(
              amounts.map((amount) => fee(amount)),
              paid,
            ),
          )
          if (restart) ({ store, journal, bytes } = await open(bytes))
        }
        const entries = await read(journal.entries())
        const sum = (of: (entry: MoneyEvent) => bigint) => entries.reduce((total, entry) => total + of(entry), 0n)
        expect(journal.totals).toEqual({
          count: entries.length,
          sales: steps.reduce((sales, { paid }) => sales + paid, 0),
          earned: sum(({ earned }) => earned),
          openingFees: sum(({ openingFee }) => openingFee),
        })
        expect(entries).toHaveLength(steps.reduce((count, { amounts }) => count + amounts.length, 0))
      }),
      { numRuns: 50 },
    )
  })

  it('reads totals of the first format: each entry was a sale', async () => {
    const { store } = await open()
    const [, totals] = new Journal(store).append([fee(1500n)], 1)
    if (totals?.type !== 'put') throw new Error('no totals were written')
    const { v, record } = JSON.parse(totals.value)
    const { sales: _, ...first } = record
    await store.commit([{ ...totals, value: JSON.stringify({ v, record: { ...first, count: 7 } }) }])
    const journal = new Journal(store)
    await journal.load()
    expect(journal.totals).toMatchObject({ count: 7, sales: 7 })
  })
})
