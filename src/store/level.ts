import { mkdir } from 'node:fs/promises'
import { Level } from 'level'
import { SidecarError } from '../kernel/errors.ts'
import { GroupCommit } from './group-commit.ts'
import type { Range, Store, Write } from './port.ts'

/** Separates table and key; below every character that a key may hold, so tables never mix. */
const SEPARATOR = '\u0000'
const AFTER_SEPARATOR = '\u0001'
/** Sorts after every character that keys use (they are ASCII). */
const LAST = '\uffff'

function bounds(
  table: string,
  range: Range,
): { gt?: string; gte?: string; lt?: string; limit?: number; reverse?: boolean } {
  const start = `${table}${SEPARATOR}${range.prefix ?? ''}`
  const end = range.prefix === undefined ? `${table}${AFTER_SEPARATOR}` : `${start}${LAST}`
  const edge = range.after === undefined ? undefined : `${table}${SEPARATOR}${range.after}`
  const reverse = range.reverse === true
  return {
    ...(edge !== undefined && !reverse ? { gt: edge } : { gte: start }),
    lt: edge !== undefined && reverse ? edge : end,
    ...(range.limit === undefined ? {} : { limit: range.limit }),
    ...(reverse ? { reverse } : {}),
  }
}

async function open(path: string): Promise<Level<string, string>> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const db = new Level<string, string>(path, { keyEncoding: 'utf8', valueEncoding: 'utf8' })
  try {
    await db.open()
    return db
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if ((cause as { code?: string } | undefined)?.code === 'LEVEL_LOCKED') {
      throw new SidecarError({ code: 'STORE_LOCKED', path }, error)
    }
    throw new SidecarError({ code: 'STORE_FAILED', detail: `${path}: ${String(cause ?? error)}` }, error)
  }
}

/**
 * Opens (and creates) the database folder.
 * @throws SidecarError `STORE_LOCKED` when another process has it open, `STORE_FAILED` when it cannot be used
 */
export async function openLevelStore(path: string): Promise<Store> {
  const db = await open(path)
  const group = new GroupCommit(async (writes: readonly Write[]) => {
    // Chained: an array of operations costs four times the processor time.
    const batch = db.batch()
    for (const write of writes) {
      const key = `${write.table}${SEPARATOR}${write.key}`
      if (write.type === 'put') batch.put(key, write.value)
      else batch.del(key)
    }
    await batch.write({ sync: true })
  })
  const keyOf = (stored: string, table: string) => stored.slice(table.length + SEPARATOR.length)

  return {
    get: (table, key) => db.get(`${table}${SEPARATOR}${key}`),
    async *entries(table, range = {}) {
      for await (const [key, value] of db.iterator(bounds(table, range))) yield [keyOf(key, table), value] as const
    },
    async keys(table, range = {}) {
      const keys = await db.keys(bounds(table, range)).all()
      return keys.map((key) => keyOf(key, table))
    },
    commit: (writes) => group.commit(writes),
    async close() {
      await group.drained()
      await db.close()
    },
  }
}
