const HEIGHT_BITS = 40n
const INDEX_BITS = 16n
const MIX = 0x9e3779b97f4a7c15n
const SLOT_SHIFT = 42n
const SLOTS = 2 ** 22
const FULL = (SLOTS * 3) / 4

/** Every short channel id that was ever sold, outside of the heap that is measured. */
export class SeenScids {
  readonly #slots = new BigUint64Array(SLOTS)
  #size = 0

  /** False when it was sold before. */
  add(scid: string): boolean {
    const [height, transaction, output] = scid.split('x').map((part) => BigInt(part)) as [bigint, bigint, bigint]
    const number = (height << HEIGHT_BITS) | (transaction << INDEX_BITS) | output
    let slot = Number(BigInt.asUintN(64, number * MIX) >> SLOT_SHIFT)
    for (let found = this.#slots[slot]; found !== 0n && found !== undefined; found = this.#slots[slot]) {
      if (found === number) return false
      slot = (slot + 1) % SLOTS
    }
    this.#size += 1
    if (this.#size > FULL) throw new RangeError(`more than ${FULL} short channel ids`)
    this.#slots[slot] = number
    return true
  }
}
