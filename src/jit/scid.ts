import { type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import type { Entropy } from '../kernel/entropy.ts'

/** lnd routes aliases in [16,000,000, 16,250,000) and hands out its own from the first block of it (D13). */
const FIRST_BLOCK = 16_000_001n
const BLOCKS = 16_250_000n - FIRST_BLOCK
const RANDOM_BYTES = 16
const LOWER_BITS = 40n

/** A random short channel id that nobody can guess and lnd accepts as an alias. */
export function mintScid(entropy: Entropy): Scid {
  const random = BigInt(`0x${Buffer.from(entropy(RANDOM_BYTES)).toString('hex')}`)
  const block = FIRST_BLOCK + ((random >> LOWER_BITS) % BLOCKS)
  return scidFromNumber((block << LOWER_BITS) | (random & ((1n << LOWER_BITS) - 1n)))
}

/** Whether a number is one that only `mintScid` makes: neither a channel's place on chain nor an alias of lnd's own. */
export function isMinted(scid: bigint): boolean {
  const block = scid >> LOWER_BITS
  return block >= FIRST_BLOCK && block < FIRST_BLOCK + BLOCKS
}
