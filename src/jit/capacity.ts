import { type Msat, msatToSatCeil, type Sat, sat, satToMsat } from '../../lsps/base/amount.ts'

const PPM = 1_000_000n

/** How channels are sized (config `lsps2`). */
export type CapacityRule = {
  /** Reserve, commitment fee with its buffer, and anchors (lnd.md 3). */
  readonly headroom: Sat
  readonly headroomPpm: number
  readonly least: Sat
  readonly most: Sat
}

/** The largest payment that a channel of this size can carry: the inverse of `channelCapacity`. */
export function largestCarried(capacity: Sat, { headroom, headroomPpm, least, most }: CapacityRule): Msat {
  const size = capacity > most ? most : capacity
  if (size < least || size <= headroom) return satToMsat(sat(0n))
  // Rounded down twice: one satoshi less is never one too many.
  return satToMsat(sat(((size - headroom) * PPM) / (PPM + BigInt(headroomPpm))))
}

/** What the channel must hold so that this amount can be sent over it once it is open (L2-80). */
export function channelCapacity(amount: Msat, { headroom, headroomPpm, least, most }: CapacityRule): Sat {
  const payment = msatToSatCeil(amount)
  const wanted = payment + (payment * BigInt(headroomPpm) + PPM - 1n) / PPM + headroom
  if (wanted < least) return least
  return wanted > most ? most : sat(wanted)
}
