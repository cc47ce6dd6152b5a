import * as z from 'zod'
import { Msat, msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Range, Store, Write } from '../store/port.ts'
import { Table } from '../store/table.ts'

const SEQUENCE_DIGITS = 16
const TOTALS_KEY = 'totals'

const At = z.custom<Timestamp>((v) => Number.isSafeInteger(v))

/** Money that came to us or left us, once each, in the commit of the state that made it true. Append-only. */
export const MoneyEvent = z.object({
  type: z.literal('jit-fee'),
  sale: z.string(),
  client: z.string(),
  paymentHash: z.string(),
  /** The HTLC that settled: with its circuit in lnd's forwarding history. Entries of the first format lack it. */
  circuit: z.string().optional(),
  /** What the node keeps of the payment; equals the fee in lnd's forwarding history. */
  earned: Msat,
  /** The part of it that was sold as opening fee. */
  openingFee: Msat,
  at: At,
  /** Found again in lnd's records after an older database took the place of ours (`at` is when). */
  refound: z.literal(true).optional(),
})
export type MoneyEvent = z.output<typeof MoneyEvent>

const Totals = z.object({
  count: z.number().int(),
  /** Sales that were paid for in full. Totals of the first format lack it: each sale had one entry then. */
  sales: z.number().int().optional(),
  earned: Msat,
  openingFees: Msat,
})
export type Totals = z.output<typeof Totals> & { readonly sales: number }

/** The money journal: what was earned, when, from whom; running totals stand beside it. */
export class Journal {
  readonly #events = new Table('journal', MoneyEvent)
  readonly #totalsTable = new Table('journal-totals', Totals)
  readonly #store: Store
  #totals: Totals = { count: 0, sales: 0, earned: msat(0n), openingFees: msat(0n) }

  constructor(store: Store) {
    this.#store = store
  }

  async load(): Promise<void> {
    const totals = await this.#totalsTable.get(this.#store, TOTALS_KEY)
    if (totals !== undefined) this.#totals = { ...totals, sales: totals.sales ?? totals.count }
  }

  get totals(): Totals {
    return this.#totals
  }

  /**
   * The writes that append these events; they count from the commit that holds them. A failed commit ends the process.
   * `paid`: how many sales end with them as paid for; several HTLCs may have paid for one.
   */
  append(events: readonly MoneyEvent[], paid: number): readonly Write[] {
    if (events.length === 0 && paid === 0) return []
    this.#totals = { ...this.#totals, sales: this.#totals.sales + paid }
    const writes: Write[] = []
    for (const event of events) {
      const { count, earned, openingFees } = this.#totals
      this.#totals = {
        ...this.#totals,
        count: count + 1,
        earned: msat(earned + event.earned),
        openingFees: msat(openingFees + event.openingFee),
      }
      writes.push(this.#events.put(this.#totals.count.toString().padStart(SEQUENCE_DIGITS, '0'), event))
    }
    return [...writes, this.#totalsTable.put(TOTALS_KEY, this.#totals)]
  }

  /** Oldest first, unless `reverse`. */
  async *entries(range?: Range): AsyncIterable<MoneyEvent> {
    for await (const [, event] of this.#events.entries(this.#store, range)) yield event
  }
}
