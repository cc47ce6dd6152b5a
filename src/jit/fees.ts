import { type Msat, msat } from '../../lsps/base/amount.ts'
import { openingFee as promisedFee } from '../../lsps/lsps2/fee.ts'
import type { Deal } from './states.ts'

const PPM = 1_000_000n

/** What the sale costs when this is paid, in msat; undefined when that cannot be said in 64 bits (L2-67). */
export function openingFee(deal: Deal, payment: Msat): Msat | undefined {
  if (deal.fee !== undefined) return deal.fee // on what was sold, also when more came (L2-92)
  const promised = promisedFee({ min_fee_msat: deal.minFee, proportional: deal.proportional }, payment)
  const { lenientSkimFloor: floor } = deal
  if (promised === undefined || floor === undefined) return promised
  const lenient = lenientFee(deal.proportional, payment)
  return lenient >= floor && lenient < promised ? lenient : promised
}

/**
 * The largest fee that ldk-node 0.7 lets a server keep of a payment without an agreed amount: it compares it with its
 * rate on what is left, rounded up, and knows no minimum (D11). The largest f with f <= ceil(ppm * (payment - f) / 1e6).
 */
export function lenientFee(proportional: number, payment: Msat): Msat {
  const rate = BigInt(proportional)
  const fits = (fee: bigint) => fee * PPM < rate * (payment - fee) + PPM // f <= ceil(x) is f < x + 1
  let fee = (payment * rate + PPM - 1n) / (PPM + rate) // solves it without rounding; one more may fit
  while (fee > 0n && !fits(fee)) fee -= 1n
  while (fee < payment && fits(fee + 1n)) fee += 1n
  return msat(fee)
}
