import * as z from 'zod'
import { Msat, msat, Sat, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Range, Store, Write } from '../store/port.ts'
import { Table } from '../store/table.ts'

const SEQUENCE_DIGITS = 16
const TOTALS_KEY = 'totals'

const At = z.custom<Timestamp>((v) => Number.isSafeInteger(v))

const JitFee = z.object({
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
export type JitFee = z.output<typeof JitFee>

const entry = { order: z.string(), client: z.string(), at: At }

/** An order of LSPS1 or LSPS7 is paid for and served; `pushed` was handed on to the customer in the channel. */
const OrderFee = z.object({
  type: z.literal('order-fee'),
  ...entry,
  purpose: z.enum(['channel', 'extension']),
  by: z.enum(['bolt11', 'onchain']),
  paymentHash: z.string().optional(),
  received: Msat,
  pushed: Sat,
  earned: Msat,
})
/** An output at the address of an order, once it is deep enough to be reckoned with. */
const OrderDeposit = z.object({ type: z.literal('order-deposit'), ...entry, outpoint: z.string(), amount: Sat })
/** All or the rest of such an output went back; `amount` includes what miners took. */
const OrderRefund = z.object({
  type: z.literal('order-refund'),
  ...entry,
  outpoint: z.string(),
  txid: z.string(),
  amount: Sat,
  chainFee: Sat,
})
/** So little was to go back that it stays. */
const OrderDust = z.object({ type: z.literal('order-dust'), ...entry, outpoint: z.string(), amount: Sat })
/** Counted on, and never came. */
const OrderLoss = z.object({ type: z.literal('order-loss'), ...entry, amount: Sat, why: z.string() })

/** Money that came to us or left us, once each, in the commit of the state that made it true. Append-only. */
export const MoneyEvent = z.discriminatedUnion('type', [
  JitFee,
  OrderFee,
  OrderDeposit,
  OrderRefund,
  OrderDust,
  OrderLoss,
])
export type MoneyEvent = z.output<typeof MoneyEvent>

const Totals = z.object({
  count: z.number().int(),
  /** Sales that were paid for in full. Totals of the first format lack it: each sale had one entry then. */
  sales: z.number().int().optional(),
  /** Of sales; what orders earned is apart, since lnd's forwarding history knows nothing of it. */
  earned: Msat,
  openingFees: Msat,
  /** Of orders. Totals of earlier formats lack them. */
  orders: z.number().int().optional(),
  orderFees: Msat.optional(),
  refunded: Sat.optional(),
  lost: Sat.optional(),
})
type StoredTotals = z.output<typeof Totals>
/** All of them, whatever the format of what is stored. */
export type Totals = { readonly [Name in keyof StoredTotals]-?: NonNullable<StoredTotals[Name]> }

const NOTHING: Totals = {
  count: 0,
  sales: 0,
  earned: msat(0n),
  openingFees: msat(0n),
  orders: 0,
  orderFees: msat(0n),
  refunded: sat(0n),
  lost: sat(0n),
}

function completed(totals: StoredTotals): Totals {
  const { sales = totals.count, orders = 0, orderFees = msat(0n), refunded = sat(0n), lost = sat(0n) } = totals
  return { ...totals, sales, orders, orderFees, refunded, lost }
}

/** Pure: the sums with one more event in them. */
function withEvent(totals: Totals, event: MoneyEvent): Totals {
  const counted = { ...totals, count: totals.count + 1 }
  switch (event.type) {
    case 'jit-fee': {
      const earned = msat(totals.earned + event.earned)
      return { ...counted, earned, openingFees: msat(totals.openingFees + event.openingFee) }
    }
    case 'order-fee':
      return { ...counted, orders: totals.orders + 1, orderFees: msat(totals.orderFees + event.earned) }
    case 'order-refund':
      return { ...counted, refunded: sat(totals.refunded + event.amount) }
    case 'order-loss':
      return { ...counted, lost: sat(totals.lost + event.amount) }
    case 'order-deposit':
    case 'order-dust':
      return counted
  }
}

/** The money journal: what was earned, when, from whom; running totals stand beside it. */
export class Journal {
  readonly #events = new Table('journal', MoneyEvent)
  readonly #totalsTable = new Table('journal-totals', Totals)
  readonly #store: Store
  #totals: Totals = NOTHING

  constructor(store: Store) {
    this.#store = store
  }

  async load(): Promise<void> {
    const totals = await this.#totalsTable.get(this.#store, TOTALS_KEY)
    if (totals !== undefined) this.#totals = completed(totals)
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
      this.#totals = withEvent(this.#totals, event)
      writes.push(this.#events.put(this.#totals.count.toString().padStart(SEQUENCE_DIGITS, '0'), event))
    }
    return [...writes, this.#totalsTable.put(TOTALS_KEY, this.#totals)]
  }

  /** Oldest first, unless `reverse`. */
  async *entries(range?: Range): AsyncIterable<MoneyEvent> {
    for await (const [, event] of this.#events.entries(this.#store, range)) yield event
  }

  /** Those of just-in-time sales: what lnd's forwarding history has as well. */
  async *jitFees(range?: Range): AsyncIterable<JitFee> {
    for await (const event of this.entries(range)) if ('sale' in event) yield event
  }
}
