import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Msat, msat } from '../../../lsps/base/amount.ts'
import { Sale } from '../../../src/jit/states.ts'
import { openLevelStore } from '../../../src/store/level.ts'
import { openMemoryStore } from '../../../src/store/memory.ts'
import { MIGRATIONS, migrate } from '../../../src/store/migrations.ts'
import type { Store } from '../../../src/store/port.ts'
import { Table } from '../../../src/store/table.ts'
import { awaiting, forwarding, opening, owed, PART } from '../jit/samples.ts'

const folders: string[] = []
const stores: Store[] = []

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-store-'))
  folders.push(path)
  return path
}

function opened(store: Store): Store {
  stores.push(store)
  return store
}

const put = (table: string, key: string, value = key) => ({ type: 'put', table, key, value }) as const

describe.each([
  ['in memory', async () => opened(openMemoryStore())],
  ['on disk', async () => opened(await openLevelStore(join(folder(), 'db')))],
])('a store %s', (_, open) => {
  it('keeps what was committed, and tables apart', async () => {
    const store = await open()
    await store.commit([put('a', 'k', '1'), put('ab', 'k', '2')])
    expect(await store.get('a', 'k')).toBe('1')
    expect(await store.get('ab', 'k')).toBe('2')
    expect(await store.keys('a')).toEqual(['k'])
    await store.commit([{ type: 'del', table: 'a', key: 'k' }])
    expect(await store.get('a', 'k')).toBeUndefined()
  })

  it('lists keys in order, by prefix, after an edge, backwards and at most so many', async () => {
    const store = await open()
    await store.commit(['b/1', 'a/2', 'a/1', 'c', 'a/3'].map((key) => put('t', key)))
    expect(await store.keys('t')).toEqual(['a/1', 'a/2', 'a/3', 'b/1', 'c'])
    expect(await store.keys('t', { prefix: 'a/' })).toEqual(['a/1', 'a/2', 'a/3'])
    expect(await store.keys('t', { after: 'a/2' })).toEqual(['a/3', 'b/1', 'c'])
    expect(await store.keys('t', { reverse: true, limit: 2 })).toEqual(['c', 'b/1'])
    expect(await store.keys('t', { reverse: true, after: 'b/1' })).toEqual(['a/3', 'a/2', 'a/1'])
    expect(await store.keys('t', { prefix: 'a/', after: 'a/1', limit: 1 })).toEqual(['a/2'])
  })

  it('applies commits in the order of the calls, however they are grouped', async () => {
    const store = await open()
    await Promise.all(Array.from({ length: 200 }, (_unused, n) => store.commit([put('t', 'k', `${n}`)])))
    expect(await store.get('t', 'k')).toBe('199')
  })
})

describe('the store on disk', () => {
  it('is there again after it was closed', async () => {
    const path = join(folder(), 'db')
    const first = await openLevelStore(path)
    await first.commit([put('t', 'k', 'v')])
    await first.close()
    expect(await opened(await openLevelStore(path)).get('t', 'k')).toBe('v')
  })

  it('tells a second daemon that the first one has it open', async () => {
    const path = join(folder(), 'db')
    opened(await openLevelStore(path))
    await expect(openLevelStore(path)).rejects.toMatchObject({ failure: { code: 'STORE_LOCKED' } })
  })
})

describe('a failed batch', () => {
  it('fails every commit that was in it or waited for it, and all later ones', async () => {
    let writes = 0
    const store = openMemoryStore({
      onBatch: async () => {
        writes += 1
        if (writes > 2) throw new Error('no space left on device')
      },
    })
    await store.commit([put('t', '1')])
    const both = await Promise.allSettled([store.commit([put('t', '2')]), store.commit([put('t', '3')])])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(store.commit([put('t', '4')])).rejects.toMatchObject({ failure: { code: 'STORE_FAILED' } })
  })
})

describe('a table', () => {
  const table = new Table('t', z.object({ amount: Msat }))

  it('reads what it wrote', async () => {
    const store = openMemoryStore()
    await store.commit([table.put('k', { amount: msat(5n) })])
    expect(await table.get(store, 'k')).toEqual({ amount: 5n })
  })

  it.each([
    ['a newer version', JSON.stringify({ v: 2, record: { amount: '5' } })],
    ['a damaged record', JSON.stringify({ v: 1, record: { amount: 5 } })],
    ['no JSON', '{'],
  ])('refuses %s, naming table and key', async (_, value) => {
    const store = openMemoryStore()
    await store.commit([put('t', 'k', value)])
    await expect(table.get(store, 'k')).rejects.toMatchObject({
      failure: { code: 'RECORD_UNREADABLE', table: 't', key: 'k' },
    })
  })
})

describe('migrations', () => {
  it('run once each, in one commit with their number', async () => {
    const store = openMemoryStore()
    const done: number[] = []
    const migrations = [1, 2].map((to) => ({
      to,
      migrate: async () => {
        done.push(to)
        return [put('t', `${to}`)]
      },
    }))
    await migrate(store, migrations.slice(0, 1))
    await migrate(store, migrations)
    await migrate(store, migrations)
    expect(done).toEqual([1, 2])
    expect(await store.keys('t')).toEqual(['1', '2'])
  })

  it('give the sales of format 1 their parts: one held, one on its way, one owed its fee', async () => {
    const store = openMemoryStore()
    await migrate(store, MIGRATIONS.slice(0, 1))
    const part = { ...(z.encode(Sale, awaiting(PART)) as { parts: object[] }).parts[0] }
    const stored = (sale: object, more: object) => {
      const {
        parts: _,
        sent: __,
        fee: ___,
        collected: ____,
        forwarded: _____,
        ...record
      } = sale as Record<string, unknown>
      return JSON.stringify({ v: 1, record: { ...record, ...more } })
    }
    const put = (key: string, value: string) => ({ type: 'put' as const, table: 'jit-live', key, value })
    await store.commit([
      put('a', stored(z.encode(Sale, awaiting()), {})),
      put('b', stored(z.encode(Sale, opening()), { part })),
      put('c', stored(z.encode(Sale, forwarding(true)), { part })),
      put('d', stored(z.encode(Sale, owed(true)), {})),
    ])
    await migrate(store)
    const sales = []
    for await (const [, sale] of new Table('jit-live', Sale).entries(store)) sales.push(sale)
    expect(sales).toEqual([awaiting(), opening(), forwarding(true), owed(true)])
  })

  it('refuse a store of a newer release', async () => {
    const store = openMemoryStore()
    await migrate(store, [{ to: 9, migrate: async () => [] }])
    await expect(migrate(store)).rejects.toMatchObject({
      failure: { code: 'STORE_NEWER', found: 9, known: MIGRATIONS.length },
    })
  })
})
