import * as z from 'zod'

declare const brand: unique symbol

/** Short channel id in its text form, `BBBxTTTxOOO` (24, 24 and 16 bits). */
export type Scid = string & { readonly [brand]: 'scid' }

const SCID = /^(0|[1-9]\d{0,7})x(0|[1-9]\d{0,7})x(0|[1-9]\d{0,4})$/
const MAX_24 = 0xff_ffff
const MAX_16 = 0xffff

/** Undefined when the text is not a short channel id (L0-73). */
export function parseScid(text: string): Scid | undefined {
  const match = SCID.exec(text)
  if (match === null) return undefined
  const [, block, transaction, output] = match
  const fits = Number(block) <= MAX_24 && Number(transaction) <= MAX_24 && Number(output) <= MAX_16
  return fits ? (text as Scid) : undefined
}

/** Builds the text form from the 64-bit number that lnd and BOLT7 use. */
export function scidFromNumber(n: bigint): Scid {
  return `${n >> 40n}x${(n >> 16n) & 0xff_ffffn}x${n & 0xffffn}` as Scid
}

/** The 64-bit number that lnd and BOLT7 use. */
export function scidToNumber(scid: Scid): bigint {
  const [block, transaction, output] = scid.split('x')
  return (BigInt(block ?? 0) << 40n) | (BigInt(transaction ?? 0) << 16n) | BigInt(output ?? 0)
}

/** The codec of the wire form. */
export const Scid = z.custom<Scid>((v) => typeof v === 'string' && parseScid(v) !== undefined, {
  message: 'not a short channel id of the form 000x000x000',
})
