import type { Msat, Ppm } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Decision } from '../journal/decisions.ts'
import type { Log } from '../kernel/log.ts'
import type { Store, Write } from '../store/port.ts'
import { type PriceList, priceListId, priceLists } from './price-list.ts'
import { type FeerateNow, type LiveOffer, type PricedOffer, type PricingRule, priceMenu } from './pricing.ts'

/** Distinct price lists on record; the oldest go first. A feerate in whole numbers makes few. */
export const MAX_PRICE_LISTS = 5_000

/** One menu of the config: for everybody, or for those who show a token. */
export type MenuRule = {
  /** The token's short name. */
  readonly token?: string
  readonly offers: readonly PricedOffer[]
  /** Instead of the margin of the rule. */
  readonly margin_ppm?: Ppm | undefined
}

export type PriceBookConfig = {
  readonly pricing: PricingRule
  readonly menus: readonly MenuRule[]
  readonly htlcMinimum: Msat
}

export type PriceBookDeps = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** What else is written with a change of prices. */
  readonly recordChange?: (decision: Decision) => Write
}

/** A price list that is sold from now, and is on disk. */
export type ListInForce = { readonly id: string; readonly list: PriceList }

/**
 * The prices of now. They change with the feerate and not with questions: a list is written once, before it is first
 * told to anybody, so that a sale can name it.
 */
export class PriceBook {
  readonly #deps: PriceBookDeps
  readonly #config: PriceBookConfig
  /** The record of each list on disk, and its id; oldest first. */
  readonly #known = new Map<string, string>()
  #inForce: ReadonlyMap<string | undefined, ListInForce> = new Map()
  #loaded = false

  constructor(deps: PriceBookDeps, config: PriceBookConfig) {
    this.#deps = deps
    this.#config = config
  }

  /** What is sold to everybody, or to those with a token; undefined before the first feerate. */
  current(token?: string): ListInForce | undefined {
    return this.#inForce.get(token)
  }

  /** Puts the prices for this feerate into force; resolved when they are on disk. Calls must not overlap. */
  async update(feerate: FeerateNow): Promise<void> {
    const { store, clock, log } = this.#deps
    if (!this.#loaded) await this.#load()
    const writes: Write[] = []
    const next = new Map<string | undefined, ListInForce>()
    for (const menu of this.#config.menus) {
      const { list, dropped } = this.#priced(menu, feerate)
      const { value } = asPut(priceLists.put('', list))
      const id = this.#known.get(value) ?? this.#add(value, clock.now(), writes)
      next.set(menu.token, { id, list })
      if (dropped.length > 0 && this.#inForce.get(menu.token)?.id !== id) this.#warn(menu.token, dropped)
    }
    this.#prune(new Set([...next.values()].map(({ id }) => id)), writes)
    const changed = [...next].some(([token, { id }]) => this.#inForce.get(token)?.id !== id)
    const { recordChange } = this.#deps
    if (changed && recordChange !== undefined) writes.push(recordChange(describeChange(next, feerate, clock.now())))
    if (writes.length > 0) await store.commit(writes)
    this.#inForce = next
    if (changed) log.info({ ...feerate, lists: [...next.values()].map(({ id }) => id) }, 'prices changed')
  }

  #priced({ token, offers, margin_ppm: margin }: MenuRule, feerate: FeerateNow) {
    const { pricing, htlcMinimum } = this.#config
    const rule = margin === undefined ? pricing : { ...pricing, margin_ppm: margin }
    const { breakdown, offers: sold, dropped } = priceMenu(offers, rule, feerate, htlcMinimum)
    const list: PriceList = {
      ...(token === undefined ? {} : { token }),
      ...(breakdown === undefined ? {} : { breakdown }),
      offers: [...sold],
    }
    return { list, dropped }
  }

  #warn(token: string | undefined, dropped: readonly LiveOffer[]): void {
    const fix =
      'give each offer of lsps2.offers a larger `proportional` than the one before, and a higher largest payment'
    this.#deps.log.warn(
      { token, offers: dropped.map(({ floor, proportional }) => ({ floor: floor.toString(), proportional })), fix },
      'offers cannot be sold at this feerate',
    )
  }

  /** @returns the id of a list that is new */
  #add(value: string, now: Timestamp, writes: Write[]): string {
    const taken = new Set(this.#known.values())
    let at = now
    while (taken.has(priceListId(at))) at = (at + 1) as Timestamp
    const id = priceListId(at)
    this.#known.set(value, id)
    writes.push({ type: 'put', table: priceLists.name, key: id, value })
    return id
  }

  #prune(inForce: ReadonlySet<string>, writes: Write[]): void {
    let tooMany = this.#known.size - MAX_PRICE_LISTS
    for (const [value, id] of this.#known) {
      if (tooMany <= 0) return
      if (inForce.has(id)) continue
      tooMany -= 1
      this.#known.delete(value)
      writes.push(priceLists.del(id))
    }
  }

  async #load(): Promise<void> {
    for await (const [id, value] of this.#deps.store.entries(priceLists.name)) this.#known.set(value, id)
    this.#loaded = true
  }
}

/** Which lists are in force from now, by the names of their tokens, and the feerate that made them. */
function describeChange(
  lists: ReadonlyMap<string | undefined, ListInForce>,
  { satPerVbyte, lowest, highest }: FeerateNow,
  at: Timestamp,
): Decision {
  const names = [...lists].map(([token, { id }]) => [token === undefined ? 'price_list' : `price_list of ${token}`, id])
  const feerates = { sat_per_vbyte: `${satPerVbyte}`, lowest: `${lowest}`, highest: `${highest}` }
  return { at, what: 'prices', detail: { ...feerates, ...Object.fromEntries(names) } }
}

function asPut(write: Write): Extract<Write, { type: 'put' }> {
  if (write.type === 'put') return write
  throw new Error('a put is no put')
}
