import { GroupCommit } from './group-commit.ts'
import type { Range, Store, Write } from './port.ts'

/** What was synced: the only thing that a crash leaves. Give it to the next store to restart from it. */
export type SyncedBytes = Map<string, Map<string, string>>

export type MemoryStoreOptions = {
  readonly bytes?: SyncedBytes
  /** Called before and after each batch becomes durable; may wait, throw, or never return (a crash at this point). */
  readonly onBatch?: (stage: 'before' | 'after', batch: readonly Write[]) => Promise<void>
}

function apply(bytes: SyncedBytes, batch: readonly Write[]): void {
  for (const write of batch) {
    const rows = bytes.get(write.table) ?? new Map<string, string>()
    bytes.set(write.table, rows)
    if (write.type === 'put') rows.set(write.key, write.value)
    else rows.delete(write.key)
  }
}

function select(rows: ReadonlyMap<string, string>, range: Range): string[] {
  const { prefix = '', after, limit, reverse = false } = range
  const beyond = (key: string) => after === undefined || (reverse ? key < after : key > after)
  const keys = [...rows.keys()].filter((key) => key.startsWith(prefix) && beyond(key)).sort()
  if (reverse) keys.reverse()
  return limit === undefined ? keys : keys.slice(0, limit)
}

/** A store for tests: same group commit as on disk, and a crash leaves exactly `bytes`. */
export function openMemoryStore({ bytes = new Map(), onBatch }: MemoryStoreOptions = {}): Store {
  const rowsOf = (table: string) => bytes.get(table) ?? new Map<string, string>()
  const group = new GroupCommit(async (batch) => {
    await onBatch?.('before', batch)
    apply(bytes, batch)
    await onBatch?.('after', batch)
  })
  return {
    get: async (table, key) => rowsOf(table).get(key),
    async *entries(table, range = {}) {
      const rows = rowsOf(table)
      for (const key of select(rows, range)) {
        const value = rows.get(key)
        if (value !== undefined) yield [key, value] as const
      }
    },
    keys: async (table, range = {}) => select(rowsOf(table), range),
    commit: (writes) => group.commit(writes),
    close: () => group.drained(),
  }
}
