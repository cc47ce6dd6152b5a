import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { makePromise, type PromiseKey } from '../../lsps/lsps2/promise.ts'
import type { OpeningFeeParams } from '../../lsps/lsps2/schema.ts'
import type { ListInForce } from './price-book.ts'
import type { PricedOffer } from './pricing.ts'

/** chrono-based clients drop a fraction of zero and send another text back; never end on a whole second (L2-08). */
function withFraction(at: number): Timestamp {
  return (at % 1000 === 0 ? at + 1 : at) as Timestamp
}

/** What a promise tells us again when it is redeemed; nobody else needs to read it (L2-12). */
export type PromiseNote = { readonly priceList: string; readonly token?: string }

const BETWEEN = ':'

function writeNote({ id, list }: ListInForce): string {
  return list.token === undefined ? id : `${id}${BETWEEN}${list.token}`
}

/** Promises that carry no note were made by releases before there were price lists. */
export function readNote(note: string): PromiseNote | undefined {
  const [priceList = '', token] = note.split(BETWEEN)
  if (priceList === '') return undefined
  return token === undefined ? { priceList } : { priceList, token }
}

/** The menu for one client, each entry with a promise that only this client can redeem. */
export function menuFor(client: NodeId, prices: ListInForce, key: PromiseKey, now: Timestamp): OpeningFeeParams[] {
  const note = writeNote(prices)
  return prices.list.offers.map((offer) => {
    const terms = { ...termsOf(offer), valid_until: withFraction(now + offer.valid_for_seconds * 1000) }
    return { ...terms, promise: makePromise(key, client, terms, note) }
  })
}

/** The fields that the customer sees. */
function termsOf(offer: PricedOffer) {
  return {
    min_fee_msat: offer.min_fee_msat,
    proportional: offer.proportional,
    min_lifetime: offer.min_lifetime,
    max_client_to_self_delay: offer.max_client_to_self_delay,
    min_payment_size_msat: offer.min_payment_size_msat,
    max_payment_size_msat: offer.max_payment_size_msat,
  }
}
