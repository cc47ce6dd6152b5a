import type { Msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { validateBuy } from '../../lsps/lsps2/validate-buy.ts'
import type { Stop } from '../kernel/stop.ts'
import type { Store } from '../store/port.ts'
import type { ListInForce } from './price-book.ts'
import { type PriceList, priceLists } from './price-list.ts'
import type { LiveOffer, PriceBreakdown } from './pricing.ts'
import type { Deal } from './states.ts'

/** How a price came about, as an operator reads it; amounts are decimal strings in msat. */
export function reportBreakdown(breakdown: PriceBreakdown) {
  return {
    open_vbytes: breakdown.openVbytes,
    sat_per_vbyte: breakdown.satPerVbyte,
    open_msat: `${breakdown.openCost}`,
    close_vbytes: breakdown.closeVbytes,
    close_sat_per_vbyte: breakdown.closeSatPerVbyte,
    close_msat: `${breakdown.closeCost}`,
    margin_ppm: breakdown.marginPpm,
    margin_msat: `${breakdown.margin}`,
    least_fee_msat: `${breakdown.leastFee}`,
  }
}

function reportList(id: string, { token, breakdown }: Pick<PriceList, 'token' | 'breakdown'>) {
  return {
    list: id,
    ...(token === undefined ? {} : { token }),
    ...(breakdown === undefined ? {} : { breakdown: reportBreakdown(breakdown) }),
  }
}

export type Quoted = {
  readonly prices: ListInForce | undefined
  /** What a payment of this size would cost. */
  readonly amount?: Msat | undefined
  readonly now: Timestamp
  /** Why nothing is sold now: the customer's menu is empty then. */
  readonly stops: readonly Stop[]
}

/** The menu that a customer would get now, and how its prices came about. */
export function reportQuote({ prices, amount, now, stops }: Quoted) {
  if (prices === undefined) return { menu: [] }
  const { id, list } = prices
  const menu = stops.length > 0 ? [] : list.offers.map((offer) => reportOffer(offer, amount, now))
  return { price: reportList(id, list), menu }
}

function reportOffer(offer: LiveOffer, amount: Msat | undefined, now: Timestamp) {
  return {
    floor_msat: `${offer.floor}`,
    min_fee_msat: `${offer.min_fee_msat}`,
    proportional: offer.proportional as number,
    min_payment_size_msat: `${offer.min_payment_size_msat}`,
    max_payment_size_msat: `${offer.max_payment_size_msat}`,
    min_lifetime: offer.min_lifetime,
    max_client_to_self_delay: offer.max_client_to_self_delay,
    valid_for_seconds: offer.valid_for_seconds,
    ...(amount === undefined ? {} : answerTo(offer, amount, now)),
  }
}

/** What `lsps2.buy` would answer. */
function answerTo(offer: LiveOffer, paymentSize: Msat, now: Timestamp) {
  const terms = { ...offer, valid_until: now, promise: '' }
  const verdict = validateBuy({ offer: terms, paymentSize, now, promiseHolds: () => true })
  if ('fault' in verdict) return { refusal: { code: verdict.fault.code, message: verdict.fault.message } }
  return { fee_msat: `${verdict.fee}` }
}

/** How the price of a sale came about; undefined for sales of releases that did not keep it. */
export async function reportPrice(store: Store, deal: Deal) {
  if (deal.priceList === undefined) return undefined
  const list = await priceLists.get(store, deal.priceList)
  const token = deal.token === undefined ? {} : { token: deal.token }
  if (list === undefined) return { list: deal.priceList, ...token } // the oldest lists are not kept
  const bought = list.offers.find(
    ({ min_fee_msat, proportional, min_lifetime }) =>
      min_fee_msat === deal.minFee && proportional === deal.proportional && min_lifetime === deal.minLifetime,
  )
  return {
    ...reportList(deal.priceList, list),
    ...token,
    ...(bought === undefined ? {} : { floor_msat: `${bought.floor}` }),
  }
}
