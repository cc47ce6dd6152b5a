import * as z from 'zod'

declare const brand: unique symbol

/** A SegWit address that can be paid to, P2WPKH, P2WSH or P2TR, in lower case (L0-76). */
export type OnchainAddress = string & { readonly [brand]: 'onchain-address' }

/** Bitcoin networks in lnd's words, and how addresses on them begin. */
const PREFIXES = { mainnet: 'bc', testnet: 'tb', testnet4: 'tb', signet: 'tb', regtest: 'bcrt', simnet: 'sb' } as const

/** A Bitcoin network in lnd's words. */
export type BitcoinNetwork = keyof typeof PREFIXES

const KNOWN_PREFIXES: ReadonlySet<string> = new Set(Object.values(PREFIXES))
const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const SEPARATOR = '1'
const CHECKSUM_CHARACTERS = 6
/** What the checksum of a correct address comes to: BIP173 for version 0, BIP350 above. */
const BECH32 = 1
const BECH32M = 0x2bc8_30a3
const GENERATORS = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
/** Characters of a program of 20 and of 32 bytes. */
const HASH_CHARACTERS = 32
const LONG_CHARACTERS = 52
/** Bits of the last character of a program of 32 bytes that carry nothing and must be zero. */
const PADDING = 0b1111

function checksum(values: readonly number[]): number {
  let sum = 1
  for (const value of values) {
    const top = sum >>> 25
    sum = ((sum & 0x1ff_ffff) << 5) ^ value
    GENERATORS.forEach((generator, bit) => {
      if (((top >>> bit) & 1) === 1) sum ^= generator
    })
  }
  return sum
}

function prefixValues(prefix: string): readonly number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0))
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)]
}

function isPayable(version: number, program: readonly number[]): boolean {
  if (program.length === HASH_CHARACTERS) return version === 0
  const lastIsPadded = ((program.at(-1) ?? 0) & PADDING) === 0
  return program.length === LONG_CHARACTERS && lastIsPadded && version <= 1
}

/**
 * Reads lower case or upper case, never mixed, and normalises to lower case. Undefined for what no known network has,
 * for a wrong checksum, and for outputs that nobody may own: witness versions without rules, P2A, base58.
 */
export function parseAddress(text: string): OnchainAddress | undefined {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) return undefined
  const separator = lower.lastIndexOf(SEPARATOR)
  const prefix = lower.slice(0, Math.max(separator, 0))
  if (!KNOWN_PREFIXES.has(prefix)) return undefined
  const values = Array.from(lower.slice(separator + 1), (character) => CHARSET.indexOf(character))
  const [version = -1, ...rest] = values
  if (version < 0 || values.includes(-1)) return undefined
  if (!isPayable(version, rest.slice(0, -CHECKSUM_CHARACTERS))) return undefined
  const wanted = version === 0 ? BECH32 : BECH32M
  return checksum([...prefixValues(prefix), ...values]) === wanted ? (lower as OnchainAddress) : undefined
}

/** Whether an address is one of this network; testnet, testnet4 and signet cannot be told apart. */
export function isAddressOf(address: OnchainAddress, network: BitcoinNetwork): boolean {
  return address.startsWith(PREFIXES[network] + SEPARATOR)
}

/** The codec of the wire form (L0-76). */
export const OnchainAddress = z.codec(
  z.string(),
  z.custom<OnchainAddress>((v) => typeof v === 'string'),
  {
    decode(text, ctx) {
      const address = parseAddress(text)
      if (address !== undefined) return address
      ctx.issues.push({ code: 'custom', input: text, message: 'not a SegWit address (P2WPKH, P2WSH or P2TR)' })
      return z.NEVER
    },
    encode: (address) => address,
  },
)
