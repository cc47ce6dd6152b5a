import { hash } from 'node:crypto'

const SHORT_DIGITS = 8

/** SHA-256 of the bytes, as 32 characters of one byte each: as short as a text can be that no two have in common. */
export function fingerprint(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'binary')
}

/** The first eight hex digits: tells people a few secrets apart, and gives none away. */
export function shortFingerprint(text: string): string {
  return hash('sha256', text, 'hex').slice(0, SHORT_DIGITS)
}
