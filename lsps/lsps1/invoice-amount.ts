import { type Msat, msat, U64_MAX } from '../base/amount.ts'

/** BOLT11: network, digits, multiplier. The longest prefix comes first. */
const PREFIX = /^ln(?:bcrt|bc|tbs|tb|sb)([1-9]\d{0,19})([munp]?)$/
const SEPARATOR = '1'
/** In tenths of a millisatoshi, the unit of `p`. */
const TENTHS: Readonly<Record<string, bigint>> = {
  '': 1_000_000_000_000n,
  m: 1_000_000_000n,
  u: 1_000_000n,
  n: 1000n,
  p: 1n,
}
const TENTHS_PER_MSAT = 10n

/**
 * What a BOLT11 invoice asks for, in msat, by its first characters; undefined when it names no amount, or none that
 * can be paid. Nothing else of the invoice is looked at, not its checksum either: that is for whoever pays it.
 */
export function invoiceAmount(invoice: string): Msat | undefined {
  const lower = invoice.toLowerCase()
  const match = PREFIX.exec(lower.slice(0, Math.max(lower.lastIndexOf(SEPARATOR), 0)))
  if (match === null) return undefined
  const [, digits = '', multiplier = ''] = match
  const tenths = BigInt(digits) * (TENTHS[multiplier] ?? 0n)
  const amount = tenths / TENTHS_PER_MSAT
  return tenths % TENTHS_PER_MSAT === 0n && amount <= U64_MAX ? msat(amount) : undefined
}
