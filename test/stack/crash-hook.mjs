import { appendFileSync } from 'node:fs'
import { Level } from 'level'

/**
 * Loaded into sluiced by `node --import` (see `crash-points.ts`): kills processes with SIGKILL right before or right
 * after the first synced write that holds a given record. The product knows nothing of it.
 */
const point = JSON.parse(process.env.SLUICE_CRASH_POINT ?? 'null')

if (point !== null) {
  const pattern = new RegExp(point.record)
  const prefix = `${point.table}\u0000`
  const holdsIt = (operations) =>
    operations.some(({ type, key, value }) => type === 'put' && key.startsWith(prefix) && pattern.test(value))

  const { batch } = Level.prototype
  let reached = false

  const kill = () => {
    reached = true
    appendFileSync(point.file, `${new Date().toISOString()} ${point.when} ${point.table} ${point.record}\n`)
    for (const victim of point.victims) process.kill(victim === 'sluiced' ? process.pid : victim, 'SIGKILL')
  }

  Level.prototype.batch = async function crashing(operations, options) {
    const here = !reached && Array.isArray(operations) && options?.sync === true && holdsIt(operations)
    if (here && point.when === 'before') kill()
    await batch.call(this, operations, options)
    if (here && point.when === 'after') kill()
  }
}
