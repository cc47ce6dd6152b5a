import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, sat } from '../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { type JitFee, Journal, type MoneyEvent } from '../../../src/journal/journal.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import { NODE } from '../lsps/arbitraries.ts'

const fee = (earned: bigint, n = 1): JitFee => ({
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

async function read<Entry extends MoneyEvent>(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const found: Entry[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

describe('the money journal', () => {
  it('starts with nothing', async () => {
    const { journal } = await open()
    expect(journal.totals).toMatchObject({ count: 0, sales: 0, earned: 0n, openingFees: 0n })
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
    const earned = (entries: readonly JitFee[]) => entries.map((entry) => Number(entry.earned))
    expect(earned(await read(journal.jitFees()))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(earned(await read(journal.jitFees({ reverse: true, limit: 2 })))).toEqual([12, 11])
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
        const entries = await read(journal.jitFees())
        const sum = (of: (entry: JitFee) => bigint) => entries.reduce((total, entry) => total + of(entry), 0n)
        expect(journal.totals).toMatchObject({
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

  it("counts orders apart from sales: lnd's forwarding history knows nothing of them", async () => {
    const { store, journal, bytes } = await open()
    const order = { order: 'bb4b5d0a-8334-49d8-9463-90a6d413af7c', client: NODE, at: 1_700_000_000_000 as Timestamp }
    const outpoint = `${'ab'.repeat(32)}:0`
    const events: MoneyEvent[] = [
      { ...order, type: 'order-deposit', outpoint, amount: sat(12_000n) },
      {
        ...order,
        type: 'order-fee',
        purpose: 'channel',
        by: 'onchain',
        received: msat(10_000_000n),
        pushed: sat(4_000n),
        earned: msat(6_000_000n),
      },
      { ...order, type: 'order-refund', outpoint, txid: 'cd'.repeat(32), amount: sat(2_000n), chainFee: sat(300n) },
      { ...order, type: 'order-loss', amount: sat(5n), why: 'a payment that never came' },
    ]
    await store.commit(journal.append([fee(1500n), ...events], 1))
    const totals = { count: 5, sales: 1, earned: 1500n, orders: 1, orderFees: 6_000_000n, refunded: 2_000n, lost: 5n }
    expect(journal.totals).toMatchObject(totals)
    const again = await open(bytes)
    expect(again.journal.totals).toMatchObject(totals)
    expect(await read(again.journal.entries())).toEqual([fee(1500n), ...events])
    expect(await read(again.journal.jitFees())).toEqual([fee(1500n)])
  })
})
