import { randomBytes } from 'node:crypto'

/** Randomness as a port: `length` unpredictable bytes. Tests pass a seeded one. */
export type Entropy = (length: number) => Uint8Array

/** Drawn at once: a call of the system's generator costs more than all else that a few bytes are needed for. */
const POOL_BYTES = 4096

let pool: Uint8Array = new Uint8Array(0)
let used = 0

/** The operating system's generator. No byte is given out twice. */
export const systemEntropy: Entropy = (length) => {
  if (used + length > pool.length) {
    pool = new Uint8Array(randomBytes(Math.max(length, POOL_BYTES)))
    used = 0
  }
  const bytes = pool.slice(used, used + length)
  pool.fill(0, used, used + length) // whoever reads our memory finds what is to come, not what was
  used += length
  return bytes
}
