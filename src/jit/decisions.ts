import { formatDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import type { Decision } from '../journal/decisions.ts'
import type { Sale } from './states.ts'

/** Ended sales that are looked at for one answer. */
export const MAX_SALES_READ = 10_000

/** That a sale was made, and by which numbers: the sale itself is the record of it. */
export function soldDecision({ deal }: Sale): Decision {
  const { scid, client, token, priceList, paymentSize, fee, minFee, proportional, validUntil } = deal
  return {
    at: deal.createdAt,
    what: 'sold',
    detail: {
      sale: scid,
      client,
      ...(token === undefined ? {} : { token }),
      ...(priceList === undefined ? {} : { price_list: priceList }),
      payment_msat: `${paymentSize}`,
      fee_msat: `${fee}`,
      min_fee_msat: `${minFee}`,
      proportional: `${proportional}`,
      valid_until: formatDatetime(validUntil),
    },
  }
}

type Sales = { readonly live: Iterable<Sale>; readonly ended: AsyncIterable<Sale> }

/** What was sold since a time. A sale that was made since ended since, so the ended ones are read from the newest. */
export async function soldSince({ live, ended }: Sales, since: Timestamp): Promise<readonly Decision[]> {
  const sold: Decision[] = []
  const add = (sale: Sale) => {
    if (sale.deal.createdAt >= since) sold.push(soldDecision(sale))
  }
  for (const sale of live) add(sale)
  let read = 0
  for await (const sale of ended) {
    read += 1
    if (read > MAX_SALES_READ || ('at' in sale && sale.at < since)) break
    add(sale)
  }
  return sold
}
