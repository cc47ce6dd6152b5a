import { bytesToHex } from '@noble/hashes/utils.js'

/** 128 bits: more than the 80 that LSPS0 asks for (L0-40). */
const ID_BYTES = 16

/**
 * Makes the ids of requests: 32 hex characters from fresh random bytes, so that nobody can guess the next one (L0-40,
 * L0-41). `entropy` returns that many bytes of a cryptographic generator, such as `crypto.getRandomValues`.
 * The function that it returns throws RangeError when it got another number of bytes, or the same ones as before.
 */
export function requestIds(entropy: (length: number) => Uint8Array): () => string {
  let before: string | undefined
  return () => {
    const bytes = entropy(ID_BYTES)
    if (bytes.length !== ID_BYTES) throw new RangeError(`asked for ${ID_BYTES} random bytes, got ${bytes.length}`)
    const id = bytesToHex(bytes)
    if (id === before) throw new RangeError('the random bytes repeat: two requests would have one id')
    before = id
    return id
  }
}
