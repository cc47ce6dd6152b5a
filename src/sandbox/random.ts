import type { NodeId } from '../../lsps/base/node-id.ts'

const GOLDEN = 0x9e3779b9

/** A reproducible source of "random" bytes: never for a real secret. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 32 unsigned bits (the splitmix32 sequence). */
  next(): number {
    this.#state = (this.#state + GOLDEN) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }

  /** An integer from 0 to `bound - 1`. */
  below(bound: number): number {
    return this.next() % bound
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let index = 0; index < length; index += 1) bytes[index] = this.next() >>> 24
    return bytes
  }

  hex(length: number): string {
    return Buffer.from(this.bytes(length)).toString('hex')
  }

  nodeId(): NodeId {
    return `0${2 + this.below(2)}${this.hex(32)}` as NodeId
  }
}
