import * as z from 'zod'
import { Msat, Ppm } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { Table } from '../store/table.ts'
import { PriceBreakdown } from './pricing.ts'

const Uint = z.number().int().nonnegative()

const Offer = z.object({
  /** The least fee that the operator asks in any case. */
  floor: Msat,
  min_fee_msat: Msat,
  proportional: Ppm,
  min_lifetime: Uint,
  max_client_to_self_delay: Uint,
  min_payment_size_msat: Msat,
  max_payment_size_msat: Msat,
  valid_for_seconds: Uint,
})

/** What was offered, to whom, and how the prices came about. Each distinct one is stored once. */
export const PriceList = z.object({
  /** The short name of the token that selects it; absent: for everybody. */
  token: z.string().optional(),
  /** Absent when prices are fixed. */
  breakdown: PriceBreakdown.optional(),
  offers: z.array(Offer),
})
export type PriceList = z.output<typeof PriceList>

export const priceLists = new Table('jit-prices', PriceList)

/** Base 36: nine characters hold the milliseconds of three thousand years, and sort as they do. */
const ID_CHARACTERS = 9
const RADIX = 36

/** The id of a price list that is first in force at this time. */
export function priceListId(at: Timestamp): string {
  return at.toString(RADIX).padStart(ID_CHARACTERS, '0')
}

/** When a price list was first in force; undefined for what is no id. */
export function priceListTime(id: string): Timestamp | undefined {
  if (!/^[0-9a-z]{9}$/.test(id)) return undefined
  return Number.parseInt(id, RADIX) as Timestamp
}
