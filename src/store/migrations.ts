import { SidecarError } from '../kernel/errors.ts'
import type { Store, Write } from './port.ts'

/** Brings a store from the format before it to its own: reads what it needs, returns what changes. */
export type Migration = { readonly to: number; readonly migrate: (store: Store) => Promise<readonly Write[]> }

const META = 'meta'
const FORMAT = 'format'

/** The migrations of this release, ascending. Format 1 is the first one: an empty store just gets its number. */
export const MIGRATIONS: readonly Migration[] = [{ to: 1, migrate: async () => [] }]

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
