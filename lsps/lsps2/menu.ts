import type { FeeTerms } from './schema.ts'

type Price = Pick<FeeTerms, 'min_fee_msat' | 'proportional'>
type Offer = Price & Pick<FeeTerms, 'min_payment_size_msat' | 'max_payment_size_msat'>

/** Whether `later` may follow `earlier`: one price larger and the other not smaller (L2-05). */
export function mayFollow(earlier: Price, later: Price): boolean {
  const feeRises = later.min_fee_msat >= earlier.min_fee_msat
  const rateRises = later.proportional >= earlier.proportional
  const same = later.min_fee_msat === earlier.min_fee_msat && later.proportional === earlier.proportional
  return feeRises && rateRises && !same
}

/** Whether every entry may follow the one before (L2-05). */
export function isOrdered(menu: readonly Price[]): boolean {
  return menu.every((offer, i) => {
    const before = menu[i - 1]
    return before === undefined || mayFollow(before, offer)
  })
}

function byPrice(a: Price, b: Price): number {
  if (a.min_fee_msat !== b.min_fee_msat) return a.min_fee_msat < b.min_fee_msat ? -1 : 1
  return a.proportional - b.proportional
}

/** An ordered menu and what could not be part of it. */
export type OrderedMenu<Entry> = { readonly menu: readonly Entry[]; readonly dropped: readonly Entry[] }

/** Cheapest first; entries that no order allows, and those whose limits admit no payment, are dropped (L2-05, L2-07). */
export function orderMenu<Entry extends Offer>(entries: readonly Entry[]): OrderedMenu<Entry> {
  const menu: Entry[] = []
  const dropped: Entry[] = []
  for (const entry of entries.toSorted(byPrice)) {
    const before = menu.at(-1)
    const sellable = entry.min_payment_size_msat <= entry.max_payment_size_msat
    const fits = before === undefined || mayFollow(before, entry)
    ;(sellable && fits ? menu : dropped).push(entry)
  }
  return { menu, dropped }
}
