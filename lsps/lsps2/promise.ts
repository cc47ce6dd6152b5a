import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { NodeId } from '../base/node-id.ts'
import { type FeeTerms, MAX_PROMISE_BYTES } from './schema.ts'

/** Length of the secret that promises are made with (L2-15). */
export const PROMISE_KEY_BYTES = 32
const PREFIX = utf8ToBytes('lsps2-promise-v1\0')
/** As long as the other one: a promise that carries a note is about other bytes than any that carries none. */
const NOTE_PREFIX = utf8ToBytes('lsps2-promise-v2\0')
const NODE_ID_BYTES = 33
const NUMBERS_BYTES = 8 + 4 + 8 + 4 + 4 + 8 + 8
const MESSAGE_BYTES = PREFIX.length + NODE_ID_BYTES + NUMBERS_BYTES
const MAC_CHARACTERS = 64
const SEPARATOR = '.'
/** Longest note that still fits into a promise (L2-11, L2-12). */
export const MAX_NOTE_CHARACTERS = MAX_PROMISE_BYTES - MAC_CHARACTERS - SEPARATOR.length
/** Letters, digits and a few signs: nothing that JSON escapes, and never the separator. */
const NOTE = /^[A-Za-z0-9:_~-]*$/

/** HMAC-SHA-256 of a message under one secret, as 64 lower-case hex characters. */
export type Mac = (message: Uint8Array) => string

/** A secret, ready for use. */
export type PromiseKey = { readonly mac: Mac }

/**
 * `keyedMac` takes the place of the portable HMAC where the system has a faster one.
 * @throws RangeError when the secret is not 32 bytes long
 */
export function createPromiseKey(secret: Uint8Array, keyedMac: (secret: Uint8Array) => Mac = portableMac): PromiseKey {
  if (secret.length !== PROMISE_KEY_BYTES) throw new RangeError(`a promise key has ${PROMISE_KEY_BYTES} bytes`)
  return { mac: keyedMac(secret) }
}

/** Keeps the state of the HMAC after the key, so that a promise costs three blocks of SHA-256. */
function portableMac(secret: Uint8Array): Mac {
  const keyed = hmac.create(sha256, secret)
  return (message) => bytesToHex(keyed.clone().update(message).digest())
}

/**
 * Fixed widths, big-endian: no two sets of terms have the same bytes, and the text that carried them has no influence
 * (L2-14, L2-16). A note comes last, so that its width need not be fixed.
 */
export function promiseMessage(nodeId: NodeId, terms: FeeTerms, note = ''): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES + note.length)
  bytes.set(note === '' ? PREFIX : NOTE_PREFIX)
  for (let i = 0; i < NODE_ID_BYTES; i++) bytes[PREFIX.length + i] = hexByte(nodeId, 2 * i)
  const numbers = new DataView(bytes.buffer, PREFIX.length + NODE_ID_BYTES)
  numbers.setBigUint64(0, terms.min_fee_msat)
  numbers.setUint32(8, terms.proportional)
  numbers.setBigUint64(12, BigInt(terms.valid_until))
  numbers.setUint32(20, terms.min_lifetime)
  numbers.setUint32(24, terms.max_client_to_self_delay)
  numbers.setBigUint64(28, terms.min_payment_size_msat)
  numbers.setBigUint64(36, terms.max_payment_size_msat)
  for (let i = 0; i < note.length; i++) bytes[MESSAGE_BYTES + i] = note.charCodeAt(i) // ASCII, see NOTE
  return bytes
}

const DIGIT_ZERO = 0x30
const DIGIT_NINE = 0x39
/** What turns the code of "a" into ten. */
const LETTERS_FROM = 0x57

/** Written out, like the note above: each message makes two of them, and the general ones leave garbage. */
function hexByte(lowerHex: string, at: number): number {
  return hexDigit(lowerHex.charCodeAt(at)) * 16 + hexDigit(lowerHex.charCodeAt(at + 1))
}

function hexDigit(code: number): number {
  return code <= DIGIT_NINE ? code - DIGIT_ZERO : code - LETTERS_FROM
}

/** Takes the same time wherever two texts of one length differ. */
function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

/**
 * The proof that these terms were offered to this node: 64 lower-case hex characters (L2-14). A note travels before
 * them, readable and under the same proof (L2-12): it must not influence the fee.
 * @throws RangeError for a note that is too long or has characters that a promise may not have
 */
export function makePromise(key: PromiseKey, nodeId: NodeId, terms: FeeTerms, note = ''): string {
  if (note.length > MAX_NOTE_CHARACTERS || !NOTE.test(note)) throw new RangeError(`"${note}" cannot be in a promise`)
  const proof = key.mac(promiseMessage(nodeId, terms, note))
  return note === '' ? proof : `${note}${SEPARATOR}${proof}`
}

/**
 * The note of a promise that one of the keys, the current or a rotated one, made to this node (L2-15), empty when it
 * carries none; undefined for every other text.
 */
export function readPromise(
  keys: readonly PromiseKey[],
  nodeId: NodeId,
  terms: FeeTerms,
  promise: string,
): string | undefined {
  const noteEnd = promise.length - MAC_CHARACTERS - SEPARATOR.length
  const note = noteEnd > 0 ? promise.slice(0, noteEnd) : ''
  if (note.length > MAX_NOTE_CHARACTERS || !NOTE.test(note)) return undefined
  const proof = note === '' ? promise : promise.slice(noteEnd + SEPARATOR.length)
  if (note !== '' && promise[noteEnd] !== SEPARATOR) return undefined
  const message = promiseMessage(nodeId, terms, note)
  return keys.some((key) => equalInConstantTime(key.mac(message), proof)) ? note : undefined
}

/** Whether one of the keys, the current or a rotated one, made this promise to this node (L2-15). */
export function verifyPromise(keys: readonly PromiseKey[], nodeId: NodeId, terms: FeeTerms, promise: string): boolean {
  return readPromise(keys, nodeId, terms, promise) !== undefined
}
