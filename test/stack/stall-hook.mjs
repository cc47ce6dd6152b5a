import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Level } from 'level'

/**
 * Loaded into sluiced by `node --import` (see `stalled.ts`): whoever reads the records of a table waits until there is a
 * file. Single records and the keys of a table are read as ever. The product knows nothing of it.
 */
const { SLUICE_STALL_WAITING: waiting = '', SLUICE_STALL_UNTIL: until = '' } = process.env
const POLL_MS = 20

const { iterator } = Level.prototype
Level.prototype.iterator = function stalled(...range) {
  const records = iterator.apply(this, range)
  const read = records[Symbol.asyncIterator].bind(records)
  records[Symbol.asyncIterator] = async function* wait() {
    while (!existsSync(until)) {
      writeFileSync(waiting, 'a table is to be read')
      await sleep(POLL_MS)
    }
    yield* { [Symbol.asyncIterator]: read }
  }
  return records
}
