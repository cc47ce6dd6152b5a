import * as z from 'zod'
import { Msat, msat, type Ppm } from '../../lsps/base/amount.ts'
import { orderMenu } from '../../lsps/lsps2/menu.ts'

const PPM = 1_000_000n
const MSAT_PER_SAT = 1000n

/** An offer as the operator wrote it (config `lsps2.offers`), or as it is priced, in the order of the menu. */
export type PricedOffer = {
  readonly min_fee_msat: Msat
  readonly proportional: Ppm
  readonly min_lifetime: number
  readonly max_client_to_self_delay: number
  readonly min_payment_size_msat: Msat
  readonly max_payment_size_msat: Msat
  readonly valid_for_seconds: number
}

/** How least fees follow the chain (config `lsps2.pricing`). */
export type PricingRule = {
  /** fixed: the least fees are those of the offers. live: they also cover the chain. */
  readonly mode: 'fixed' | 'live'
  readonly open_vbytes: number
  readonly close_vbytes: number
  /** What a close will cost per vbyte, some day; absent: as much as now. */
  readonly close_sat_per_vbyte?: number | undefined
  readonly margin_ppm: Ppm
  /** An estimate that moved by more than this within the hour shortens promises. */
  readonly volatility_ppm: Ppm
  readonly volatile_valid_for_seconds: number
}

/** The feerate now, and between what it moved within the last hour; satoshi per virtual byte, whole numbers. */
export type FeerateNow = { readonly satPerVbyte: number; readonly lowest: number; readonly highest: number }

/**
 * How a least fee came about, to be recomputed by hand:
 * `openCost = openVbytes x satPerVbyte`, `closeCost = closeVbytes x closeSatPerVbyte`, each x 1000 for msat;
 * `leastFee = openCost + closeCost + margin`, where `margin` is `marginPpm` millionths of both costs, rounded up.
 */
export const PriceBreakdown = z.object({
  satPerVbyte: z.number(),
  openVbytes: z.number(),
  openCost: Msat,
  closeSatPerVbyte: z.number(),
  closeVbytes: z.number(),
  closeCost: Msat,
  marginPpm: z.number(),
  margin: Msat,
  leastFee: Msat,
})
export type PriceBreakdown = z.output<typeof PriceBreakdown>

/** @throws OverflowError when an amount leaves 64 bits */
function chainCost(vbytes: number, satPerVbyte: number): Msat {
  return msat(msat(BigInt(vbytes) * BigInt(satPerVbyte)) * MSAT_PER_SAT)
}

/**
 * What opening a channel and its later close cost at this feerate, with the margin.
 * @throws OverflowError when an amount leaves 64 bits
 */
export function breakDown(rule: PricingRule, satPerVbyte: number): PriceBreakdown {
  const { open_vbytes: openVbytes, close_vbytes: closeVbytes, margin_ppm: marginPpm } = rule
  const closeSatPerVbyte = rule.close_sat_per_vbyte ?? satPerVbyte
  const openCost = chainCost(openVbytes, satPerVbyte)
  const closeCost = chainCost(closeVbytes, closeSatPerVbyte)
  const costs = msat(openCost + closeCost)
  const margin = msat((msat(costs * BigInt(marginPpm)) + PPM - 1n) / PPM)
  return {
    satPerVbyte,
    openVbytes,
    openCost,
    closeSatPerVbyte,
    closeVbytes,
    closeCost,
    marginPpm,
    margin,
    leastFee: msat(costs + margin),
  }
}

/**
 * The smallest payment of which `left` remains after the fee: a smaller one could be bought and never be delivered.
 * Undefined when the fee takes all of any payment.
 */
export function leastPayment(offer: Pick<PricedOffer, 'min_fee_msat' | 'proportional'>, left: Msat): Msat | undefined {
  const kept = PPM - BigInt(offer.proportional)
  if (kept <= 0n) return undefined
  const byRate = (left * PPM + kept - 1n) / kept
  const byLeastFee = offer.min_fee_msat + left
  return msat(byRate > byLeastFee ? byRate : byLeastFee)
}

/** Whether the feerate moved so much within the hour that a price is promised for a shorter time. */
export function isVolatile(rule: Pick<PricingRule, 'volatility_ppm'>, { lowest, highest }: FeerateNow): boolean {
  const moved = BigInt(highest - lowest)
  return moved >= LEAST_MOVE && moved * PPM > BigInt(lowest) * BigInt(rule.volatility_ppm)
}

/** Satoshi per virtual byte. Below it an estimate that is rounded to whole numbers moves by itself. */
const LEAST_MOVE = 2n

/** An offer as it is sold now, beside the least fee that the operator asks in any case. */
export type LiveOffer = PricedOffer & { readonly floor: Msat }

/** `dropped`: what cannot be sold at this feerate; the order of the menu or its own limits forbid it (L2-05, L2-07). */
export type LiveMenu = {
  /** Absent when prices are fixed. */
  readonly breakdown?: PriceBreakdown
  readonly offers: readonly LiveOffer[]
  readonly dropped: readonly LiveOffer[]
}

/**
 * The offers at a feerate: no least fee is below the floor of its offer, nor, when prices are live, below what the
 * channel costs. Limits of payments rise with the fees (L2-07).
 * @throws OverflowError when an amount leaves 64 bits
 */
export function priceMenu(
  offers: readonly PricedOffer[],
  rule: PricingRule,
  feerate: FeerateNow,
  htlcMinimum: Msat,
): LiveMenu {
  const volatile = isVolatile(rule, feerate)
  const promised = offers.map((offer) => ({
    ...offer,
    floor: offer.min_fee_msat,
    valid_for_seconds: volatile
      ? Math.min(offer.valid_for_seconds, rule.volatile_valid_for_seconds)
      : offer.valid_for_seconds,
  }))
  if (rule.mode === 'fixed') return { offers: promised, dropped: [] }
  const breakdown = breakDown(rule, feerate.satPerVbyte)
  const { menu, dropped } = orderMenu(promised.map((offer) => raise(offer, breakdown.leastFee, htlcMinimum)))
  return { breakdown, offers: menu, dropped }
}

function raise(offer: LiveOffer, leastFee: Msat, htlcMinimum: Msat): LiveOffer {
  if (leastFee <= offer.floor) return offer
  const least = leastPayment({ ...offer, min_fee_msat: leastFee }, htlcMinimum) ?? msat(leastFee + htlcMinimum)
  const raised = least > offer.min_payment_size_msat ? least : offer.min_payment_size_msat
  return { ...offer, min_fee_msat: leastFee, min_payment_size_msat: raised }
}
