const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const BITS = 5
/** BOLT 11: how much a bitcoin has of each; the smallest is ten times smaller than a millisatoshi. */
const MULTIPLIERS = [
  ['m', 1_000n],
  ['u', 1_000_000n],
  ['n', 1_000_000_000n],
  ['p', 1_000_000_000_000n],
] as const
const MSAT_PER_BTC = 100_000_000_000n

/**
 * Looks like a BOLT 11 invoice on regtest and says its amount like one; behind that stand only the hash and the payment
 * secret, and nobody signed it.
 */
export function invoiceText(invoice: {
  readonly paymentHash: string
  readonly amount: bigint
  readonly secret: string
}): string {
  return `lnbcrt${amountText(invoice.amount)}1${encode(invoice.paymentHash)}${encode(invoice.secret)}`
}

/** With the largest unit that leaves no fraction. */
function amountText(msat: bigint): string {
  for (const [letter, perBtc] of MULTIPLIERS) {
    const scaled = msat * perBtc
    if (scaled % MSAT_PER_BTC === 0n) return `${scaled / MSAT_PER_BTC}${letter}`
  }
  throw new Error(`unreachable: ${msat} msat is a whole number of pico-bitcoin`)
}

function encode(hex: string): string {
  const bits = Buffer.from(hex, 'hex').reduce((all, byte) => all + byte.toString(2).padStart(8, '0'), '')
  const groups = bits.match(new RegExp(`.{1,${BITS}}`, 'g')) ?? []
  return groups.map((group) => CHARSET[Number.parseInt(group.padEnd(BITS, '0'), 2)]).join('')
}
