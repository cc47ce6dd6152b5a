import type { RawPeer } from './raw.ts'

/**
 * Pure: the answer of ListPeers, read by hand. Each peer comes with some twenty features that hardly anybody asks for;
 * made into objects, those of thousands of peers would hold up the node's forwards for half a second.
 */

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
const MAX_VARINT_BYTES = 10
/** Numbers of fields in lnd's lightning.proto. */
const PEERS = 1
const PUB_KEY = 1
const INBOUND = 8
const FEATURES = 11
const MAP_KEY = 1

/** @throws RangeError when the bytes are no such answer */
export function readPeers(bytes: Uint8Array): { readonly peers: readonly RawPeer[] } {
  const peers: RawPeer[] = []
  for (const answer = new Fields(bytes, 0, bytes.length); answer.next(); ) {
    if (answer.number === PEERS) peers.push(readPeer(bytes, answer.start, answer.end))
  }
  return { peers }
}

function readPeer(bytes: Uint8Array, start: number, end: number): RawPeer {
  let pub_key = ''
  let inbound = false
  for (const peer = new Fields(bytes, start, end); peer.next(); ) {
    if (peer.number === PUB_KEY) pub_key = Buffer.from(bytes.subarray(peer.start, peer.end)).toString('latin1')
    if (peer.number === INBOUND) inbound = peer.value !== 0
  }
  return { pub_key, inbound, features: () => readFeatures(bytes, start, end) }
}

function readFeatures(bytes: Uint8Array, start: number, end: number): readonly number[] {
  const bits: number[] = []
  for (const peer = new Fields(bytes, start, end); peer.next(); ) {
    if (peer.number !== FEATURES) continue
    // A key of 0 does not stand on the wire.
    let bit = 0
    for (const entry = new Fields(bytes, peer.start, peer.end); entry.next(); ) {
      if (entry.number === MAP_KEY) bit = entry.value
    }
    bits.push(bit)
  }
  return bits.sort((a, b) => a - b) // lnd sends them in the order of a Go map: another one each time
}

/** Walks over the fields of a protobuf message. */
class Fields {
  number = 0
  /** Of a varint. */
  value = 0
  /** Of bytes: from `start` to before `end`. */
  start = 0
  end = 0
  readonly #bytes: Uint8Array
  readonly #last: number
  #at: number

  constructor(bytes: Uint8Array, at: number, last: number) {
    this.#bytes = bytes
    this.#at = at
    this.#last = last
  }

  next(): boolean {
    if (this.#at >= this.#last) return false
    const tag = this.#varint()
    this.number = Math.floor(tag / 8)
    switch (tag % 8) {
      case VARINT:
        this.value = this.#varint()
        return true
      case BYTES:
        this.#skip(this.#varint())
        return true
      case FIXED64:
        this.#skip(8)
        return true
      case FIXED32:
        this.#skip(4)
        return true
      default:
        throw new RangeError(`a protobuf field of kind ${tag % 8}`)
    }
  }

  #skip(length: number): void {
    this.start = this.#at
    this.end = this.#at + length
    if (this.end > this.#last) throw new RangeError('a protobuf message that is cut short')
    this.#at = this.end
  }

  /** Exact up to 53 bits: no field that is read has more. */
  #varint(): number {
    let value = 0
    for (let index = 0, unit = 1; index < MAX_VARINT_BYTES; index += 1, unit *= 128) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined || this.#at >= this.#last) throw new RangeError('a protobuf message that is cut short')
      this.#at += 1
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value
    }
    throw new RangeError('a protobuf number that is too long')
  }
}
