import type { SeededRandom } from '../../src/sandbox/random.ts'

export function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)] as T
}

export function shuffled<T>(random: SeededRandom, from: readonly T[]): T[] {
  const rest = [...from]
  return from.map(() => rest.splice(random.below(rest.length), 1)[0] as T)
}

export function asText(value: unknown): string {
  return JSON.stringify(value)
}

/** The same string with each character as an escape. */
export function escaped(text: string): string {
  return `"${[...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`
}

/** JSON values that somebody forgot to think of, as text: some of them no language would write by itself. */
export const NASTY: readonly string[] = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '-1',
  '1.0',
  '1.5',
  '1e2',
  '1e400',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '""',
  '"0"',
  '"00"',
  '"-1"',
  '"+1"',
  '" 1"',
  '"1.0"',
  '"1e3"',
  '"0x10"',
  '"18446744073709551615"',
  '"18446744073709551616"',
  '"99999999999999999999999999999999"',
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"é"',
  '"👩‍👩‍👧"',
  '"\u202etxet"',
  '"\u2028\u2029"',
  '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
  '[]',
  '{}',
  '[[[]]]',
  '[null]',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"a":1,"a":2}',
  '{"toString":1,"valueOf":1,"toJSON":1}',
  '["lsps2.buy"]',
  '{"method":"lsps2.buy"}',
  `"${'x'.repeat(5000)}"`,
  `"${'é'.repeat(2000)}"`,
  `${'['.repeat(500)}${']'.repeat(500)}`,
  `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`,
  `${'['.repeat(15_000)}${']'.repeat(15_000)}`,
]

/** Ids of every kind that is one, and some that are none. */
export function idText(random: SeededRandom, used: readonly string[]): string {
  const kind = random.below(100)
  if (kind < 40) return `"${random.hex(16)}"`
  if (kind < 70) return `"request ${random.next()}"`
  if (kind < 76) return `${random.next()}`
  if (kind < 80 && used.length > 0) return pick(random, used)
  if (kind < 82) return `"${'i'.repeat(506)}${random.hex(3)}"` // 512 bytes: the longest that is one
  if (kind < 83) return `"${'i'.repeat(507)}${random.hex(3)}"`
  if (kind < 84) return `"${'é'.repeat(253)}${random.hex(3)}"`
  if (kind < 85) return `"${'é'.repeat(254)}${random.hex(3)}"`
  if (kind < 87) return `-${random.next()}`
  if (kind < 90) return `"\\u0061\\"\\\\ ${random.hex(2)} \\ud800 \\u0000 é"`
  if (kind < 91) return `"${random.hex(2)}"`
  if (kind < 92) return pick(random, NASTY)
  return `"${random.hex(10)}"`
}

type Limits = Readonly<Record<string, unknown>>

export function sizeText(random: SeededRandom, offer: Limits): string | undefined {
  const { min_payment_size_msat, max_payment_size_msat, min_fee_msat } = offer
  const least = BigInt(String(min_payment_size_msat))
  const most = BigInt(String(max_payment_size_msat))
  const fee = BigInt(String(min_fee_msat))
  const sizes = [least, least - 1n, most, most + 1n, fee, fee + 1n, 0n, 1n, 2n ** 64n - 1n, 2n ** 63n, 10n ** 17n]
  const kind = random.below(sizes.length + 3)
  if (kind < sizes.length) return `"${sizes[kind]}"`
  return kind === sizes.length ? undefined : kind === sizes.length + 1 ? 'null' : `${least}`
}
