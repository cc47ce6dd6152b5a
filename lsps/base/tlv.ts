const MAX_ONE_BYTE = 0xfcn
const MAX_U16 = 0xffffn
const MAX_U32 = 0xffff_ffffn
const PREFIX_U16 = 0xfd
const PREFIX_U32 = 0xfe
const PREFIX_U64 = 0xff

/** Bytes that are not the BOLT1 encoding that they claim to be. */
export class TlvError extends Error {
  override readonly name = 'TlvError'
}

/** One record of a TLV stream. */
export type TlvRecord = { readonly type: bigint; readonly value: Uint8Array }

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The shortest BigSize of an unsigned 64-bit integer (BOLT1). */
export function encodeBigSize(n: bigint): Uint8Array {
  if (n <= MAX_ONE_BYTE) return Uint8Array.of(Number(n))
  const bytes = new Uint8Array(n <= MAX_U16 ? 3 : n <= MAX_U32 ? 5 : 9)
  const out = view(bytes)
  if (bytes.length === 3) out.setUint16(1, Number(n))
  if (bytes.length === 5) out.setUint32(1, Number(n))
  if (bytes.length === 9) out.setBigUint64(1, n)
  bytes[0] = bytes.length === 3 ? PREFIX_U16 : bytes.length === 5 ? PREFIX_U32 : PREFIX_U64
  return bytes
}

/**
 * Reads one BigSize at `offset`.
 * @throws TlvError when it is truncated or not the shortest form
 */
export function decodeBigSize(bytes: Uint8Array, offset: number): { readonly value: bigint; readonly next: number } {
  const first = bytes[offset]
  if (first === undefined) throw new TlvError('truncated')
  if (first < PREFIX_U16) return { value: BigInt(first), next: offset + 1 }
  const width = first === PREFIX_U16 ? 2 : first === PREFIX_U32 ? 4 : 8
  const next = offset + 1 + width
  if (next > bytes.length) throw new TlvError('truncated')
  const value = decodeUnsigned(bytes.subarray(offset + 1, next))
  const smallest = width === 2 ? MAX_ONE_BYTE + 1n : width === 4 ? MAX_U16 + 1n : MAX_U32 + 1n
  if (value < smallest) throw new TlvError('non-canonical: not the shortest form')
  return { value, next }
}

function decodeUnsigned(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}

/** One record: type, length, value (BOLT1). */
export function encodeTlvRecord({ type, value }: TlvRecord): Uint8Array {
  const head = [encodeBigSize(type), encodeBigSize(BigInt(value.length))]
  return Uint8Array.from([...head.flatMap((part) => [...part]), ...value])
}

/**
 * Reads a whole stream.
 * @throws TlvError when it is truncated, a number is not in its shortest form, or types do not strictly increase
 */
export function decodeTlvStream(bytes: Uint8Array): readonly TlvRecord[] {
  const records: TlvRecord[] = []
  let offset = 0
  while (offset < bytes.length) {
    const type = decodeBigSize(bytes, offset)
    const before = records.at(-1)
    if (before !== undefined && type.value === before.type) throw new TlvError('duplicate type')
    if (before !== undefined && type.value < before.type) throw new TlvError('types are not in increasing order')
    const length = decodeBigSize(bytes, type.next)
    if (length.value > BigInt(bytes.length - length.next)) throw new TlvError('truncated')
    offset = length.next + Number(length.value)
    records.push({ type: type.value, value: bytes.subarray(length.next, offset) })
  }
  return records
}

const U64_BYTES = 8

/** A truncated integer: big-endian without leading zero bytes; zero is empty (BOLT1 tu64). */
export function encodeTu64(n: bigint): Uint8Array {
  const bytes = encodeU64(n)
  const start = bytes.findIndex((byte) => byte !== 0)
  return start === -1 ? new Uint8Array() : bytes.subarray(start)
}

/** @throws TlvError when it is longer than 8 bytes or has a leading zero byte */
export function decodeTu64(bytes: Uint8Array): bigint {
  if (bytes.length > U64_BYTES) throw new TlvError('longer than 8 bytes')
  if (bytes[0] === 0) throw new TlvError('non-minimal: a leading zero byte')
  return decodeUnsigned(bytes)
}

/** Exactly 8 bytes, big-endian. */
export function encodeU64(n: bigint): Uint8Array {
  const bytes = new Uint8Array(U64_BYTES)
  view(bytes).setBigUint64(0, n)
  return bytes
}

/** @throws TlvError unless there are exactly 8 bytes */
export function decodeU64(bytes: Uint8Array): bigint {
  if (bytes.length < U64_BYTES) throw new TlvError('shorter than 8 bytes')
  if (bytes.length > U64_BYTES) throw new TlvError('longer than 8 bytes')
  return view(bytes).getBigUint64(0)
}
