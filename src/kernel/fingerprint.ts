import { hash } from 'node:crypto'

/** SHA-256 of the bytes, as 32 characters of one byte each: as short as a text can be that no two have in common. */
export function fingerprint(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'binary')
}
