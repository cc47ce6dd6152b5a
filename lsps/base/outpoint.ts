import * as z from 'zod'

declare const brand: unique symbol

/** A transaction id as explorers show it: 64 lower-case hex characters (L0-80). */
export type Txid = string & { readonly [brand]: 'txid' }

/** A transaction's output (L0-82). */
export type Outpoint = { readonly txid: Txid; readonly index: number }

const TXID = /^[0-9a-f]{64}$/
const OUTPOINT = /^([0-9a-fA-F]{64}):(0|[1-9]\d{0,4})$/
const MAX_INDEX = 0xffff

/** Reads either case and normalises to lower case; undefined when it is not a transaction id. */
export function parseTxid(text: string): Txid | undefined {
  const lower = text.toLowerCase()
  return TXID.test(lower) ? (lower as Txid) : undefined
}

/** Undefined when the text is not `txid:index` with an index of 16 bits (L0-81, L0-82). */
export function parseOutpoint(text: string): Outpoint | undefined {
  const match = OUTPOINT.exec(text)
  const txid = parseTxid(match?.[1] ?? '')
  const index = +(match?.[2] ?? '')
  return txid !== undefined && index <= MAX_INDEX ? { txid, index } : undefined
}

/** `txid:index`, as lnd writes a channel point. */
export function formatOutpoint({ txid, index }: Outpoint): string {
  return `${txid}:${index}`
}

/** The codec of the wire form. */
export const Outpoint = z.codec(
  z.string(),
  z.custom<Outpoint>((v) => typeof v === 'object' && v !== null),
  {
    decode(text, ctx) {
      const outpoint = parseOutpoint(text)
      if (outpoint !== undefined) return outpoint
      ctx.issues.push({ code: 'custom', input: text, message: 'not an outpoint of the form txid:index' })
      return z.NEVER
    },
    encode: formatOutpoint,
  },
)
