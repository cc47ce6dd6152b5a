import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { Store, Write } from '../store/port.ts'
import { leadsToClient, nameOf } from './parts.ts'
import type { Sale } from './states.ts'

/** Names that are known at once; further ones are paid over the channels that there are, and over no others. */
export const MAX_STANDING_NAMES = 100_000
/** Between two looks for names whose offers are over. */
export const PRUNE_EVERY_MS = 10 * 60_000
/** Rows deleted in one commit. */
const PAGE = 1_000
/** Digits of a time in a key, so that keys sort by it. */
const TIME_DIGITS = 15
const TABLE = 'jit-standing'

/** What happens to a payment to a purchase that was paid, when no channel of its client carries it (config). */
export type SecondChannelPolicy = 'fail' | 'agreed-terms'

type Standing = { readonly client: NodeId; readonly until: Timestamp }

function keyOf(until: number, scid: string): string {
  return `${until.toString().padStart(TIME_DIGITS, '0')}/${scid}`
}

/**
 * The scids that payers use, each with the sale that is under way there, and those under which further channels may be
 * sold: of purchases that were paid, while their offers stand. There may be a million of ended sales; this is what of
 * them has to be in memory. A name is struck out for good when a channel that was sold under it was not paid for (L2-90).
 */
export class StandingNames {
  /** By name, what is under way there: at most one sale. */
  readonly #underWay = new Map<Scid, Sale>()
  readonly #names = new Map<Scid, Standing>()
  #prunedAt = Number.NEGATIVE_INFINITY
  readonly #clock: Clock
  readonly #policy: SecondChannelPolicy

  constructor(clock: Clock, policy: SecondChannelPolicy) {
    this.#clock = clock
    this.#policy = policy
  }

  /** Reads the names whose offers stand, and deletes the others. */
  async load(store: Store, live: Iterable<Sale>): Promise<void> {
    this.#underWay.clear()
    for (const sale of live) this.#underWay.set(nameOf(sale.deal), sale)
    this.#names.clear()
    this.#prunedAt = Number.NEGATIVE_INFINITY
    await this.prune(store)
    if (this.#policy === 'fail') return
    for await (const [key, client] of store.entries(TABLE, { limit: MAX_STANDING_NAMES })) {
      const [until, scid] = key.split('/')
      this.#names.set(scid as Scid, { client: client as NodeId, until: Number(until) as Timestamp })
    }
  }

  /** The sale that a payment to this name belongs to: what was sold under it, or another channel of that purchase. */
  underWay(name: Scid): Sale | undefined {
    return this.#underWay.get(name)
  }

  /** Whether payments to any name may have been let go as ordinary forwards. */
  get mayHaveLetGo(): boolean {
    return this.#names.size > 0 || [...this.#underWay.values()].some(({ deal }) => leadsToClient(deal))
  }

  /** Whether further channels may be sold under the name. */
  isStanding(name: Scid): boolean {
    const standing = this.#names.get(name)
    return standing !== undefined && this.#clock.now() < standing.until
  }

  /** Whom the name leads to; undefined when a payment to it can be nothing but an ordinary forward. */
  clientOf(name: Scid): NodeId | undefined {
    return this.#underWay.get(name)?.deal.client ?? (this.isStanding(name) ? this.#names.get(name)?.client : undefined)
  }

  /** To be committed with the state of a sale. */
  writesFor(sale: Sale): readonly Write[] {
    const { scid, via, client, validUntil } = sale.deal
    if (this.#mayStand(sale)) return [{ type: 'put', table: TABLE, key: keyOf(validUntil, scid), value: client }]
    if (via !== undefined && endedUnpaid(sale)) return [{ type: 'del', table: TABLE, key: keyOf(validUntil, via) }]
    return []
  }

  /** The state of a sale is on disk; `ended`: and nothing is under way any more. */
  follow(sale: Sale, ended: boolean): void {
    const name = nameOf(sale.deal)
    if (ended) this.#underWay.delete(name)
    else this.#underWay.set(name, sale)
    const { scid, via, client, validUntil: until } = sale.deal
    if (via !== undefined && endedUnpaid(sale)) this.#names.delete(via)
    if (this.#mayStand(sale) && this.#names.size < MAX_STANDING_NAMES) this.#names.set(scid, { client, until })
  }

  /** Forgets the names whose offers are over; does nothing when it did so lately. */
  async prune(store: Store): Promise<void> {
    const now = this.#clock.now()
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return
    this.#prunedAt = now
    for (const [name, { until }] of this.#names) if (until <= now) this.#names.delete(name)
    for (;;) {
      const keys = await store.keys(TABLE, { limit: PAGE })
      const over = keys.filter((key) => key < keyOf(now, ''))
      if (over.length > 0) await store.commit(over.map((key) => ({ type: 'del', table: TABLE, key })))
      if (over.length < PAGE) return
    }
  }

  #mayStand(sale: Sale): boolean {
    const { via, validUntil } = sale.deal
    return this.#policy === 'agreed-terms' && sale.tag === 'paid' && via === undefined && sale.at < validUntil
  }
}

function endedUnpaid({ tag }: Sale): boolean {
  return tag === 'abandoned' || tag === 'unearned'
}
