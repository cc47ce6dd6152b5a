import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the range that systems take outgoing ports from (32768 and up on Linux): a daemon that is restarted finds its
 * port free again.
 */
const FIRST = 20_000
const LAST = 32_000
const TRIES = 100

const given = new Set<number>()

/** A TCP port of 127.0.0.1 that nobody listens on; never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = randomInt(FIRST, LAST)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} after ${TRIES} tries`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
