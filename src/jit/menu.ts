import type { Msat, Ppm } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { makePromise, type PromiseKey } from '../../lsps/lsps2/promise.ts'
import type { OpeningFeeParams } from '../../lsps/lsps2/schema.ts'

/** An offer as the operator wrote it (config `lsps2.offers`), in the order of the menu. */
export type PricedOffer = {
  readonly min_fee_msat: Msat
  readonly proportional: Ppm
  readonly min_lifetime: number
  readonly max_client_to_self_delay: number
  readonly min_payment_size_msat: Msat
  readonly max_payment_size_msat: Msat
  readonly valid_for_seconds: number
}

/** chrono-based clients drop a fraction of zero and send another text back; never end on a whole second (L2-08). */
function withFraction(at: number): Timestamp {
  return (at % 1000 === 0 ? at + 1 : at) as Timestamp
}

/** The menu for one client, each entry with a promise that only this client can redeem. */
export function menuFor(
  client: NodeId,
  offers: readonly PricedOffer[],
  key: PromiseKey,
  now: Timestamp,
): OpeningFeeParams[] {
  return offers.map(({ valid_for_seconds, ...offer }) => {
    const terms = { ...offer, valid_until: withFraction(now + valid_for_seconds * 1000) }
    return { ...terms, promise: makePromise(key, client, terms) }
  })
}
