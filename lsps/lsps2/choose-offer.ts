import { type Msat, msat, U64_MAX } from '../base/amount.ts'
import type { Timestamp } from '../base/datetime.ts'
import { openingFee } from './fee.ts'
import { type FeeCap, highestFee } from './fee-cap.ts'
import type { FeeTerms, OpeningFeeParams } from './schema.ts'

/** What a wallet asks of an offer. */
export type Wanted = {
  /** The payment that it is to carry, before the fee, in msat. */
  readonly payment: Msat
  readonly maxFee: FeeCap
  /** The offer must not end before this: the invoice may not outlive it (L2-55). */
  readonly validUntil: Timestamp
  /** The LSP must promise to keep the channel for at least this many blocks. */
  readonly lifetimeBlocks: number
  /** The `to_self_delay` that the wallet demands of its peers, in blocks; the LSP must agree to it (L2-81). */
  readonly toSelfDelayBlocks: number
}

/** An offer that a wallet may buy, and its fee for the payment, in msat. */
export type Choice = { readonly offer: OpeningFeeParams; readonly fee: Msat }

/** Why no offer of a menu will do: what is wrong with the one that came closest. Amounts in msat. */
export type NoChoice =
  | { readonly code: 'no-offers' }
  | { readonly code: 'ends-too-soon'; readonly latest: Timestamp }
  | { readonly code: 'closes-too-soon'; readonly longestLifetimeBlocks: number }
  | { readonly code: 'delay-too-short'; readonly longestDelayBlocks: number }
  /** `smallest`: what these offers carry, undefined when no payment pays for them. */
  | { readonly code: 'too-small'; readonly smallest: Msat | undefined }
  | { readonly code: 'too-large'; readonly largest: Msat | undefined }
  /** `cheapest`: the fee that would do for this payment; `cap`: what was allowed. */
  | { readonly code: 'too-expensive'; readonly cheapest: Msat; readonly cap: Msat }

const MILLION = 1_000_000n

/** The smallest payment that an offer admits and that is more than its fee (L2-42); undefined when there is none. */
export function smallestPayment(offer: FeeTerms): Msat | undefined {
  const keeps = MILLION - BigInt(offer.proportional)
  if (keeps <= 0n) return undefined
  const aboveRate = (MILLION + keeps - 1n) / keeps
  const aboveMinimum = offer.min_fee_msat + 1n
  const least = [offer.min_payment_size_msat, aboveRate, aboveMinimum].reduce((a, b) => (a > b ? a : b))
  return least <= offer.max_payment_size_msat && least <= U64_MAX ? msat(least) : undefined
}

function byFee(a: Choice, b: Choice): number {
  if (a.fee !== b.fee) return a.fee < b.fee ? -1 : 1
  return b.offer.valid_until - a.offer.valid_until
}

function leastOf(amounts: readonly (Msat | undefined)[]): Msat | undefined {
  const known = amounts.filter((amount) => amount !== undefined)
  return known.toSorted((a, b) => (a < b ? -1 : 1)).at(0)
}

/**
 * The cheapest offer that the wallet accepts for this payment; of two with one fee the one that holds longer. The
 * order of the menu is not relied on (L2-05), nor is any number in it. Otherwise, the reason: each test is made on
 * those offers that passed the ones before, so the reason is about the offers that came closest.
 */
export function chooseOffer(
  menu: readonly OpeningFeeParams[],
  { payment, maxFee, validUntil, lifetimeBlocks, toSelfDelayBlocks }: Wanted,
): Choice | NoChoice {
  if (menu.length === 0) return { code: 'no-offers' }

  const inTime = menu.filter((offer) => offer.valid_until >= validUntil)
  if (inTime.length === 0) {
    return { code: 'ends-too-soon', latest: maximum(menu, (offer) => offer.valid_until) as Timestamp }
  }

  const lasting = inTime.filter((offer) => offer.min_lifetime >= lifetimeBlocks)
  if (lasting.length === 0) {
    return { code: 'closes-too-soon', longestLifetimeBlocks: maximum(inTime, (offer) => offer.min_lifetime) }
  }

  const fair = lasting.filter((offer) => offer.max_client_to_self_delay >= toSelfDelayBlocks)
  if (fair.length === 0) {
    return { code: 'delay-too-short', longestDelayBlocks: maximum(lasting, (offer) => offer.max_client_to_self_delay) }
  }

  const carried = fair.filter(({ max_payment_size_msat: largest }) => payment <= largest)
  const priced = carried.flatMap((offer) => {
    const fee = openingFee(offer, payment)
    return fee === undefined ? [] : [{ offer, fee }]
  })
  if (priced.length === 0) {
    const [largest] = fair.map((offer) => offer.max_payment_size_msat).toSorted((a, b) => (a > b ? -1 : 1))
    return { code: 'too-large', largest: carried.length === 0 ? largest : undefined }
  }

  const worthwhile = priced.filter(({ offer, fee }) => payment >= offer.min_payment_size_msat && fee < payment)
  const [best] = worthwhile.toSorted(byFee)
  if (best === undefined)
    return { code: 'too-small', smallest: leastOf(priced.map(({ offer }) => smallestPayment(offer))) }

  const cap = highestFee(maxFee, payment)
  return best.fee <= cap ? best : { code: 'too-expensive', cheapest: best.fee, cap }
}

function maximum(offers: readonly OpeningFeeParams[], value: (offer: OpeningFeeParams) => number): number {
  return offers.reduce((most, offer) => Math.max(most, value(offer)), 0)
}
