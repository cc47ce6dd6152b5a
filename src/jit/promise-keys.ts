import { createHmac, createSecretKey } from 'node:crypto'
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

/** Twice as fast as the portable one and without its garbage: two promises are made or checked for each sale. */
function systemMac(secret: Uint8Array): Mac {
  const key = createSecretKey(secret)
  return (message) => createHmac('sha256', key).update(message).digest('hex')
}
