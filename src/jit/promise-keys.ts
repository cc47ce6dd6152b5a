import { createHmac, hash } from 'node:crypto'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { createPromiseKey, type Mac, type PromiseKey } from '../../lsps/lsps2/promise.ts'

/** A key signs for one week; offers live at most as long (config), so the one before is all that can still be due. */
export const EPOCH_MS = 7 * 24 * 3_600_000

/** For new offers; the one before it; and the one after it, for a clock that was ahead and has been set back. */
export type KeysNow = readonly [current: PromiseKey, previous: PromiseKey, next: PromiseKey]

/** The keys of offers: derived from the seed for each network and week, so there is nothing to store (L2-15, D16). */
export class PromiseKeys {
  readonly #seed: Uint8Array
  readonly #network: string
  #epoch = -1
  #keys: KeysNow | undefined

  constructor(seed: Uint8Array, network: string) {
    this.#seed = seed
    this.#network = network
  }

  /** Every offer that has not ended was made with one of them, also across restarts and a change of the clock by a week. */
  at(now: Timestamp): KeysNow {
    const epoch = Math.floor(now / EPOCH_MS)
    if (this.#keys === undefined || epoch !== this.#epoch) {
      this.#keys = [this.#derive(epoch), this.#derive(epoch - 1), this.#derive(epoch + 1)]
      this.#epoch = epoch
    }
    return this.#keys
  }

  #derive(epoch: number): PromiseKey {
    const label = `sluice lsps2 promise ${this.#network} ${epoch}`
    return createPromiseKey(new Uint8Array(createHmac('sha256', this.#seed).update(label).digest()), systemMac)
  }
}

const BLOCK_BYTES = 64
const HASH_BYTES = 32
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c

/**
 * HMAC-SHA-256 (RFC 2104) of two plain hashes, three times as fast as the portable one. The system's own is as fast but
 * leaves an object with a finalizer for each promise, which every collection of garbage has to look at: with thousands
 * of purchases a second that was an eighth of each pause.
 */
function systemMac(secret: Uint8Array): Mac {
  const inner = padded(secret, INNER_PAD)
  const outer = Buffer.concat([padded(secret, OUTER_PAD), Buffer.alloc(HASH_BYTES)])
  return (message) => {
    outer.set(hash('sha256', Buffer.concat([inner, message]), 'buffer'), BLOCK_BYTES)
    return hash('sha256', outer, 'hex')
  }
}

/** The key as long as a block of the hash, each byte with the pad: a promise key is shorter than a block. */
function padded(secret: Uint8Array, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES, pad)
  secret.forEach((byte, at) => {
    block[at] = byte ^ pad
  })
  return block
}
