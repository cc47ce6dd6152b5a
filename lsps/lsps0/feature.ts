/** The feature bit by which a node says that it serves LSPS; clients never set it (L0-50, L0-51). */
export const OPTION_SUPPORTS_LSPS = 729

const BITS_PER_BYTE = 8

/** A feature vector with only this bit set, as BOLT9 writes it: big-endian, no leading zero byte. */
export function featureVector(bit: number): Uint8Array {
  const bytes = new Uint8Array(Math.floor(bit / BITS_PER_BYTE) + 1)
  bytes[0] = 1 << (bit % BITS_PER_BYTE)
  return bytes
}

/** Whether a feature vector has this bit. */
export function hasFeature(vector: Uint8Array, bit: number): boolean {
  const byte = vector[vector.length - 1 - Math.floor(bit / BITS_PER_BYTE)] ?? 0
  return (byte & (1 << (bit % BITS_PER_BYTE))) !== 0
}
