import * as z from 'zod'

declare const brand: unique symbol

/** Satoshi per 1000 weight units. */
export type SatPerKw = number & { readonly [brand]: 'sat-per-kw' }

/** Below this no node relays a transaction; about 1 satoshi per virtual byte (L0-71). */
export const FEE_RATE_FLOOR = 253
const KW_PER_VBYTE = 250

/** LSPS0 onchain_fee_rate: a JSON integer, 253 or more (L0-71). */
export const SatPerKw = z.custom<SatPerKw>((v) => Number.isSafeInteger(v) && (v as number) >= FEE_RATE_FLOOR, {
  message: `not an integer of ${FEE_RATE_FLOOR} or more`,
})

/** Rounds up, and lifts what is below the floor onto it. */
export function satPerKwFromVbyte(satPerVbyte: number): SatPerKw {
  return Math.max(FEE_RATE_FLOOR, Math.ceil(satPerVbyte * KW_PER_VBYTE)) as SatPerKw
}
