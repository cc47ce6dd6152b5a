import type { SeededRandom } from '../../src/sandbox/random.ts'

const LARGEST = 65_533
const WHITESPACE = [0x20, 0x09, 0x0a, 0x0d]
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
const NOT_UTF8 = [0xff, 0xc0, 0xed, 0xf8, 0x80]

/** The same message with its bytes damaged, or only dressed in what may stand around it. */
export function frame(random: SeededRandom, bytes: Buffer, mostPadding: number): Buffer {
  const at = random.below(Math.max(1, bytes.length))
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  const insert = (...inserted: number[]) => Buffer.concat([before, Buffer.from(inserted), after])
  const kinds: readonly (() => Buffer)[] = [
    () => before,
    () => after,
    () => Buffer.alloc(0),
    () => insert(0),
    () => insert(NOT_UTF8[random.below(NOT_UTF8.length)] ?? 0xff),
    () => insert(random.below(256)),
    () => Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ (1 << random.below(8))]), after.subarray(1)]),
    () => Buffer.concat([BYTE_ORDER_MARK, bytes]),
    () => Buffer.concat([Buffer.from('\u00a0'), bytes]),
    () => Buffer.concat([bytes, bytes]),
    () => Buffer.concat([bytes, Buffer.from('x')]),
    () => Buffer.from(Uint8Array.from(bytes, (byte) => byte ^ 0x20)),
    () => random.bytes(1 + random.below(300)) as Buffer,
    () => padded(random, bytes, 1 + random.below(8)),
    () => padded(random, bytes, Math.max(1, LARGEST - bytes.length)),
    () => padded(random, bytes, Math.max(1, LARGEST + 1 - bytes.length)),
    () => padded(random, bytes, random.below(mostPadding)),
  ]
  return Buffer.from(kinds[random.below(kinds.length)]?.() ?? bytes)
}

/** Whitespace of JSON may stand on either side, up to the size of a message. */
function padded(random: SeededRandom, bytes: Buffer, length: number): Buffer {
  const padding = Buffer.alloc(length, WHITESPACE[random.below(WHITESPACE.length)])
  return random.below(2) === 0 ? Buffer.concat([padding, bytes]) : Buffer.concat([bytes, padding])
}
