import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { hashes, sign } from '@noble/secp256k1'

hashes.sha256 = sha256
hashes.hmacSha256 = (key, message) => hmac(sha256, key, message)

const PREFIX = 'lnbcrt'
const PICO_PER_MSAT = 10n
const WORD_BITS = 5n
/** BOLT9: variable onion (8) and payment secret (14) required. */
const FEATURES = (1n << 8n) | (1n << 14n)
/** BOLT9: payments in several parts, optional. */
const BASIC_MPP = 1n << 17n
const TIMESTAMP_WORDS = 7

/** One private hop before the payee. Fees in millisatoshi and parts per million. */
export type HopHint = {
  readonly nodeId: string
  readonly scid: bigint
  readonly feeBaseMsat: number
  readonly feePpm: number
  readonly cltvDelta: number
}

export type InvoiceFields = {
  readonly paymentHash: Uint8Array
  readonly paymentSecret: Uint8Array
  readonly description: string
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly expirySeconds: number
  readonly minFinalCltvDelta: number
  /** Any amount when undefined. */
  readonly amountMsat?: bigint
  readonly hint?: HopHint
  /** Whether it may be paid in several parts. Default: yes. */
  readonly basicMpp?: boolean
}

/** A signed BOLT11 invoice for regtest; LDK's bindings have no builder that takes our own route hint. */
export function encodeInvoice(fields: InvoiceFields, secretKey: Uint8Array): string {
  const amount = fields.amountMsat === undefined ? '' : `${fields.amountMsat * PICO_PER_MSAT}p`
  const humanPart = PREFIX + amount
  const data = [
    ...numberWords(BigInt(fields.timestamp), TIMESTAMP_WORDS),
    ...tagged('p', bytesToWords(fields.paymentHash)),
    ...tagged('s', bytesToWords(fields.paymentSecret)),
    ...tagged('d', bytesToWords(Buffer.from(fields.description, 'utf8'))),
    ...tagged('x', numberWords(BigInt(fields.expirySeconds))),
    ...tagged('c', numberWords(BigInt(fields.minFinalCltvDelta))),
    ...(fields.hint === undefined ? [] : tagged('r', bytesToWords(hintBytes(fields.hint)))),
    ...tagged('9', numberWords(fields.basicMpp === false ? FEATURES : FEATURES | BASIC_MPP)),
  ]
  const message = Buffer.concat([Buffer.from(humanPart, 'utf8'), wordsToBytes(data)])
  const signature = sign(sha256(message), secretKey, { prehash: false, format: 'recovered' })
  // The library puts the recovery id first, BOLT11 last.
  const ordered = Buffer.concat([signature.subarray(1), signature.subarray(0, 1)])
  return bech32(humanPart, [...data, ...bytesToWords(ordered)])
}

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

function tagged(tag: string, words: readonly number[]): number[] {
  return [ALPHABET.indexOf(tag), words.length >> 5, words.length & 31, ...words]
}

function hintBytes(hint: HopHint): Uint8Array {
  const bytes = Buffer.alloc(33 + 8 + 4 + 4 + 2)
  bytes.write(hint.nodeId, 0, 'hex')
  bytes.writeBigUInt64BE(hint.scid, 33)
  bytes.writeUInt32BE(hint.feeBaseMsat, 41)
  bytes.writeUInt32BE(hint.feePpm, 45)
  bytes.writeUInt16BE(hint.cltvDelta, 49)
  return bytes
}

/** Big-endian 5-bit words, as few as needed or exactly `length`. */
function numberWords(value: bigint, length?: number): number[] {
  const words: number[] = []
  for (let rest = value; rest > 0n; rest >>= WORD_BITS) words.unshift(Number(rest & 31n))
  while (length !== undefined && words.length < length) words.unshift(0)
  return words
}

/** Zero bits fill the last word. */
function bytesToWords(bytes: Uint8Array): number[] {
  return regroup(bytes, 8, 5)
}

/** Zero bits fill the last byte: what BOLT11 signs. */
function wordsToBytes(words: readonly number[]): Uint8Array {
  return Uint8Array.from(regroup(words, 5, 8))
}

function regroup(values: Iterable<number>, from: number, to: number): number[] {
  const result: number[] = []
  let held = 0
  let bits = 0
  for (const value of values) {
    held = (held << from) | value
    bits += from
    while (bits >= to) {
      bits -= to
      result.push((held >> bits) & ((1 << to) - 1))
    }
    held &= (1 << bits) - 1
  }
  if (bits > 0) result.push((held << (to - bits)) & ((1 << to) - 1))
  return result
}

const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]

function polymod(values: readonly number[]): number {
  let checksum = 1
  for (const value of values) {
    const top = checksum >>> 25
    checksum = ((checksum & 0x1ffffff) << 5) ^ value
    GENERATOR.forEach((generator, bit) => {
      if ((top >> bit) & 1) checksum ^= generator
    })
  }
  return checksum
}

/** BIP173 without its length limit, as BOLT11 wants it. */
function bech32(humanPart: string, words: readonly number[]): string {
  const codes = [...Buffer.from(humanPart, 'utf8')]
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
  const checksum = polymod([...expanded, ...words, 0, 0, 0, 0, 0, 0]) ^ 1
  const tail = [0, 1, 2, 3, 4, 5].map((at) => (checksum >> (5 * (5 - at))) & 31)
  return `${humanPart}1${[...words, ...tail].map((word) => ALPHABET[word]).join('')}`
}
