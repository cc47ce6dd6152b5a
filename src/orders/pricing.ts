import * as z from 'zod'
import { type Ppm, Sat, sat } from '../../lsps/base/amount.ts'

const MILLION = 1_000_000n
/** 144 blocks a day, 365 days. */
export const BLOCKS_PER_YEAR = 52_560

const LEAST_FEE = sat(1n)

const Uint = z.number().int().nonnegative()

/** How orders are priced (config `orders.pricing`). Amounts in sat, shares in millionths. */
export type PricingRule = {
  readonly base: Sat
  /** Of the LSP's balance, for each year that it is bound. */
  readonly capitalPpmPerYear: Ppm
  /** Of the client's balance. */
  readonly clientPpm: Ppm
  readonly openVbytes: number
  readonly closeVbytes: number
  /** What a close will cost per vbyte, some day; absent: as much as now. */
  readonly closeSatPerVbyte?: number | undefined
  readonly marginPpm: Ppm
}

/** What is priced. */
export type Priced = {
  readonly lspBalance: Sat
  readonly clientBalance: Sat
  readonly blocks: number
  /** Satoshi per virtual byte; for what needs no transaction: 0. */
  readonly satPerVbyte: number
  /** Off the whole price, in millionths. */
  readonly discountPpm?: Ppm | undefined
}

/**
 * How a price came about, to be recomputed by hand; amounts in sat:
 * `capital = lspBalance x blocks x capitalPpmPerYear / (52560 x 1000000)`, `client = clientBalance x clientPpm /
 * 1000000`, `openCost = openVbytes x satPerVbyte`, `closeCost = closeVbytes x closeSatPerVbyte`, `margin = (openCost +
 * closeCost) x marginPpm / 1000000`, each rounded up; `discount` is `discountPpm` millionths of the sum of `base` and
 * these, rounded down; `fee` is the sum less the discount, and 1 at least: no invoice asks for nothing.
 */
export const Price = z.object({
  base: Sat,
  lspBalance: Sat,
  blocks: Uint,
  capitalPpmPerYear: Uint,
  capital: Sat,
  clientBalance: Sat,
  clientPpm: Uint,
  client: Sat,
  satPerVbyte: Uint,
  openVbytes: Uint,
  openCost: Sat,
  closeSatPerVbyte: Uint,
  closeVbytes: Uint,
  closeCost: Sat,
  marginPpm: Uint,
  margin: Sat,
  discountPpm: Uint.optional(),
  discount: Sat.optional(),
  fee: Sat,
})
export type Price = z.output<typeof Price>

function ceil(numerator: bigint, denominator: bigint): Sat {
  return sat((numerator + denominator - 1n) / denominator)
}

/**
 * The price of an order.
 * @throws OverflowError when an amount leaves 64 bits
 */
export function priceOf(rule: PricingRule, priced: Priced): Price {
  const { base, capitalPpmPerYear, clientPpm, openVbytes, closeVbytes, marginPpm } = rule
  const { lspBalance, clientBalance, blocks, satPerVbyte, discountPpm } = priced
  const closeSatPerVbyte = satPerVbyte === 0 ? 0 : (rule.closeSatPerVbyte ?? satPerVbyte)
  const capital = ceil(lspBalance * BigInt(blocks) * BigInt(capitalPpmPerYear), BigInt(BLOCKS_PER_YEAR) * MILLION)
  const client = ceil(clientBalance * BigInt(clientPpm), MILLION)
  const openCost = sat(BigInt(openVbytes) * BigInt(satPerVbyte))
  const closeCost = sat(BigInt(closeVbytes) * BigInt(closeSatPerVbyte))
  const margin = ceil((openCost + closeCost) * BigInt(marginPpm), MILLION)
  const whole = sat(base + capital + client + openCost + closeCost + margin)
  const discount = discountPpm === undefined ? undefined : sat((whole * BigInt(discountPpm)) / MILLION)
  const due = whole - (discount ?? 0n)
  return {
    base,
    lspBalance,
    blocks,
    capitalPpmPerYear,
    capital,
    clientBalance,
    clientPpm,
    client,
    satPerVbyte,
    openVbytes,
    openCost,
    closeSatPerVbyte,
    closeVbytes,
    closeCost,
    marginPpm,
    margin,
    ...(discountPpm === undefined ? {} : { discountPpm, discount }),
    fee: due < LEAST_FEE ? LEAST_FEE : sat(due),
  }
}
