import { type Msat, msatToSatCeil, type Sat, sat, satToMsat } from '../../lsps/base/amount.ts'

const PPM = 1_000_000n
/**
 * Each HTLC on the commitment costs its weight: 172 of it, at lnd's ceiling of 2,500 sat per kilo-weight for anchor
 * channels, twice for the fee buffer, are 860 sat (lnd.md 3). The headroom is enough for the first.
 */
export const FURTHER_PART = 1_000n

/** How channels are sized (config `lsps2`). */
export type CapacityRule = {
  /** Reserve, commitment fee with its buffer, and anchors (lnd.md 3). */
  readonly headroom: Sat
  readonly headroomPpm: number
  readonly least: Sat
  readonly most: Sat
}

/** The largest payment that a channel of this size can carry in so many parts: the inverse of `channelCapacity`. */
export function largestCarried(capacity: Sat, rule: CapacityRule, parts = 1): Msat {
  const { headroomPpm, least, most } = rule
  const size = capacity > most ? most : capacity
  const beside = besidePayment(rule, parts)
  if (size < least || size <= beside) return satToMsat(sat(0n))
  // Rounded down twice: one satoshi less is never one too many.
  return satToMsat(sat(((size - beside) * PPM) / (PPM + BigInt(headroomPpm))))
}

/** What the channel must hold so that this amount can be sent over it in so many parts once it is open (L2-80). */
export function channelCapacity(amount: Msat, rule: CapacityRule, parts = 1): Sat {
  const { headroomPpm, least, most } = rule
  const payment = msatToSatCeil(amount)
  const wanted = payment + (payment * BigInt(headroomPpm) + PPM - 1n) / PPM + besidePayment(rule, parts)
  if (wanted < least) return least
  return wanted > most ? most : sat(wanted)
}

function besidePayment({ headroom }: CapacityRule, parts: number): bigint {
  return headroom + BigInt(Math.max(parts - 1, 0)) * FURTHER_PART
}
