import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { hashes, recoverPublicKey, sign } from '@noble/secp256k1'
import type { NodeId } from './node-id.ts'
import { decodeZbase32, encodeZbase32 } from './zbase32.ts'

hashes.sha256 = sha256
hashes.hmacSha256 = (key, message) => hmac(sha256, key, message)

const PREFIX = utf8ToBytes('Lightning Signed Message:')
const SIGNATURE_BYTES = 65
/** 27 of compact signatures, 4 for a compressed key (L0-77). */
const HEADER = 31
const MAX_RECOVERY_ID = 3

function digest(message: Uint8Array): Uint8Array {
  return sha256(sha256(concatBytes(PREFIX, message)))
}

/** Signs like lnd's SignMessage: 104 characters, the same ones each time (L0-77, RFC 6979). */
export function signMessage(message: Uint8Array, secretKey: Uint8Array): string {
  const signature = sign(digest(message), secretKey, { prehash: false, format: 'recovered' })
  signature[0] = HEADER + (signature[0] ?? 0)
  return encodeZbase32(signature)
}

/** The node whose key made the signature (L0-77); undefined when it is malformed. Any other text recovers another node. */
export function recoverSigner(message: Uint8Array, signature: string): NodeId | undefined {
  const bytes = decodeZbase32(signature)
  if (bytes?.length !== SIGNATURE_BYTES) return undefined
  const recovery = (bytes[0] ?? 0) - HEADER
  if (recovery < 0 || recovery > MAX_RECOVERY_ID) return undefined
  bytes[0] = recovery
  try {
    return bytesToHex(recoverPublicKey(bytes, digest(message), { prehash: false })) as NodeId
  } catch {
    return undefined // r or s outside the group's order
  }
}
