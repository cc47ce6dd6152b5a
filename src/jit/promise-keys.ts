import { createHmac } from 'node:crypto'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { createPromiseKey, type PromiseKey } from '../../lsps/lsps2/promise.ts'

/** A key signs for one week; offers live at most as long (config), so the one before is all that can still be due. */
export const EPOCH_MS = 7 * 24 * 3_600_000

/** The keys of offers: derived from the seed for each network and week, so there is nothing to store (L2-15, D16). */
export class PromiseKeys {
  readonly #seed: Uint8Array
  readonly #network: string
  #epoch = -1
  #keys: readonly [PromiseKey, PromiseKey] | undefined

  constructor(seed: Uint8Array, network: string) {
    this.#seed = seed
    this.#network = network
  }

  /** The key for new offers first, then the one before it. */
  at(now: Timestamp): readonly [PromiseKey, PromiseKey] {
    const epoch = Math.floor(now / EPOCH_MS)
    if (this.#keys === undefined || epoch !== this.#epoch) {
      this.#keys = [this.#derive(epoch), this.#derive(epoch - 1)]
      this.#epoch = epoch
    }
    return this.#keys
  }

  #derive(epoch: number): PromiseKey {
    const label = `sluice lsps2 promise ${this.#network} ${epoch}`
    return createPromiseKey(new Uint8Array(createHmac('sha256', this.#seed).update(label).digest()))
  }
}
