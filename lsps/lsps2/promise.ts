import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { NodeId } from '../base/node-id.ts'
import type { FeeTerms } from './schema.ts'

/** Length of the secret that promises are made with (L2-15). */
export const PROMISE_KEY_BYTES = 32
const PREFIX = utf8ToBytes('lsps2-promise-v1\0')
const NODE_ID_BYTES = 33
const NUMBERS_BYTES = 8 + 4 + 8 + 4 + 4 + 8 + 8
const MESSAGE_BYTES = PREFIX.length + NODE_ID_BYTES + NUMBERS_BYTES

/** A secret, ready for use: the state of the HMAC after the key is kept, so that a promise costs three blocks of SHA-256. */
export type PromiseKey = { readonly keyed: ReturnType<typeof hmac.create> }

/** @throws RangeError when the secret is not 32 bytes long */
export function createPromiseKey(secret: Uint8Array): PromiseKey {
  if (secret.length !== PROMISE_KEY_BYTES) throw new RangeError(`a promise key has ${PROMISE_KEY_BYTES} bytes`)
  return { keyed: hmac.create(sha256, secret) }
}

/** Fixed widths, big-endian: no two sets of terms have the same bytes, and the text that carried them has no influence (L2-14, L2-16). */
export function promiseMessage(nodeId: NodeId, terms: FeeTerms): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES)
  bytes.set(PREFIX)
  bytes.set(hexToBytes(nodeId), PREFIX.length)
  const numbers = new DataView(bytes.buffer, PREFIX.length + NODE_ID_BYTES)
  numbers.setBigUint64(0, terms.min_fee_msat)
  numbers.setUint32(8, terms.proportional)
  numbers.setBigUint64(12, BigInt(terms.valid_until))
  numbers.setUint32(20, terms.min_lifetime)
  numbers.setUint32(24, terms.max_client_to_self_delay)
  numbers.setBigUint64(28, terms.min_payment_size_msat)
  numbers.setBigUint64(36, terms.max_payment_size_msat)
  return bytes
}

function mac(key: PromiseKey, message: Uint8Array): string {
  return bytesToHex(key.keyed.clone().update(message).digest())
}

/** Takes the same time wherever two texts of one length differ. */
function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

/** The proof that these terms were offered to this node: 64 lower-case hex characters (L2-14). */
export function makePromise(key: PromiseKey, nodeId: NodeId, terms: FeeTerms): string {
  return mac(key, promiseMessage(nodeId, terms))
}

/** Whether one of the keys, the current or a rotated one, made this promise to this node (L2-15). */
export function verifyPromise(keys: readonly PromiseKey[], nodeId: NodeId, terms: FeeTerms, promise: string): boolean {
  const message = promiseMessage(nodeId, terms)
  return keys.some((key) => equalInConstantTime(mac(key, message), promise))
}
