import { SidecarError } from '../kernel/errors.ts'
import type { Store, Write } from './port.ts'

/** Brings a store from the format before it to its own: reads what it needs, returns what changes. */
export type Migration = { readonly to: number; readonly migrate: (store: Store) => Promise<readonly Write[]> }

const META = 'meta'
const FORMAT = 'format'

/** The migrations of this release, ascending. Format 1 is the first one: an empty store just gets its number. */
export const MIGRATIONS: readonly Migration[] = [
  { to: 1, migrate: async () => [] },
  { to: 2, migrate: salesOfSeveralParts },
]

/**
 * Brings the store to the newest format, each step in one commit together with its number: a crash between two
 * steps continues with the next one.
 * @throws SidecarError `STORE_NEWER` when a newer sluice wrote it
 */
export async function migrate(store: Store, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const known = migrations.at(-1)?.to ?? 0
  const found = Number((await store.get(META, FORMAT)) ?? 0)
  if (found > known) throw new SidecarError({ code: 'STORE_NEWER', found, known })
  for (const migration of migrations) {
    if (migration.to <= found) continue
    const writes = await migration.migrate(store)
    await store.commit([...writes, { type: 'put', table: META, key: FORMAT, value: String(migration.to) }])
  }
}

type StoredSale = { readonly tag: string; readonly deal: { readonly fee: string }; readonly part?: object }

/** Format 2: an unfinished sale holds any number of parts, where it held one at most; finished ones are as they were. */
async function salesOfSeveralParts(store: Store): Promise<readonly Write[]> {
  const table = 'jit-live'
  const writes: Write[] = []
  for await (const [key, text] of store.entries(table)) {
    const { v, record } = JSON.parse(text) as { v: number; record: StoredSale }
    writes.push({ type: 'put', table, key, value: JSON.stringify({ v, record: withParts(record) }) })
  }
  return writes
}

function withParts({ part, ...sale }: StoredSale): object {
  const parts = part === undefined ? [] : [part]
  if (sale.tag === 'forwarding') {
    const { fee } = sale.deal
    return { ...sale, fee, collected: '0', sent: parts.map((sent) => ({ ...sent, fee })), parts: [], forwarded: [] }
  }
  return sale.tag === 'owed' ? { ...sale, collected: '0', parts: [], forwarded: [] } : { ...sale, parts }
}
