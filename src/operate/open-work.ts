import { formatDatetime } from '../../lsps/base/datetime.ts'
import type { Funding } from '../funding/states.ts'
import type { Sale } from '../jit/states.ts'
import type { Order } from '../orders/states.ts'

/** What is named one by one; the rest is only counted. */
export const MAX_NAMED = 20

/** What was begun and needs us until it has ended. */
export type OpenWork = {
  readonly sales: Iterable<Sale>
  readonly fundings: Iterable<Funding>
  readonly orders?: Iterable<Order>
  readonly heldHtlcs: number
  readonly outboxDepth: number
}

export type WaitsFor = { readonly thing: string; readonly id: string; readonly state: string; readonly until: string }

/** The first of what is still open, in words; `more` counts the rest. */
export type OpenWorkReport = {
  readonly done: boolean
  readonly sales: Record<string, number>
  readonly funding: Record<string, number>
  /** Left out when there are none. */
  readonly orders?: Record<string, number>
  readonly held_htlcs: number
  readonly outbox_depth: number
  readonly waits_for: readonly WaitsFor[]
  readonly more: number
}

/** Whether a drained daemon may be stopped for good, and if not, what it is still needed for. */
export function reportOpenWork({ sales, fundings, orders = [], heldHtlcs, outboxDepth }: OpenWork): OpenWorkReport {
  const open = [...sales]
  const openings = [...fundings]
  const ordered = [...orders]
  const waits = [...open.map(saleWaits), ...ordered.map(orderWaits), ...openings.map(fundingWaits)]
  return {
    done: waits.length === 0 && heldHtlcs === 0 && outboxDepth === 0,
    sales: countBy(open.map(({ tag }) => tag)),
    funding: countBy(openings.map(({ tag }) => tag)),
    ...(ordered.length === 0 ? {} : { orders: countBy(ordered.map(({ tag }) => tag)) }),
    held_htlcs: heldHtlcs,
    outbox_depth: outboxDepth,
    waits_for: waits.slice(0, MAX_NAMED),
    more: Math.max(0, waits.length - MAX_NAMED),
  }
}

export function countBy(tags: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const tag of tags) counts[tag] = (counts[tag] ?? 0) + 1
  return counts
}

function saleWaits({ tag, deal }: Sale): WaitsFor {
  const offerEnds = `its payment, or the end of its offer at ${formatDatetime(deal.validUntil)}`
  return { thing: 'sale', id: deal.scid, state: tag, until: tag in SALE_WAITS ? (SALE_WAITS[tag] ?? '') : offerEnds }
}

/** States that do not end with the offer. */
const SALE_WAITS: Readonly<Record<string, string>> = {
  opening: 'the channel, then its payment',
  forwarding: 'the end of the payment that was forwarded',
  unwanted: 'its channel, which is given up as soon as it is there',
  reclaiming: 'its channel to be taken back, as nobody paid for it',
}

function orderWaits({ tag, terms }: Order): WaitsFor {
  const until = tag === 'created' ? `its payment, or its end at ${formatDatetime(terms.expiresAt)}` : ORDER_WAITS[tag]
  return { thing: 'order', id: terms.id, state: tag, until }
}

const ORDER_WAITS = {
  paid: 'its client to connect, then its channel',
  opening: 'its channel to be published',
  completed: 'its payment to be taken, and the rest of what came to be sent back',
  failed: 'what came for it to be given back',
} as const

function fundingWaits(funding: Funding): WaitsFor {
  const id = 'outpoint' in funding ? funding.outpoint : funding.order.pendingChannelId
  return { thing: 'channel', id, state: funding.tag, until: FUNDING_WAITS[funding.tag] ?? 'the end of its opening' }
}

const FUNDING_WAITS: Readonly<Record<string, string>> = {
  opening: 'the answer of the client',
  funded: 'the signature of the client',
  standing: 'the confirmation of its funding transaction',
  discarding: 'its channel to be given up',
  conflicted: 'somebody to remove it from lnd: its funding can never confirm',
}
