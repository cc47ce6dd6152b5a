import { doneSales } from '../jit/records.ts'
import type { LndPort, Outpoint } from '../lnd/port.ts'
import { doneOrders, liveOrders } from '../orders/records.ts'
import type { NewPromise } from '../promises/ledger.ts'
import type { Store } from '../store/port.ts'
import { parseMemo } from './memo.ts'

/** Sales whose record is read at the same time. */
const LOOKUPS_AT_ONCE = 100

export type AdoptDeps = {
  readonly lnd: Pick<LndPort, 'listChannels'>
  readonly store: Store
  /** Channels that have their promise on record. */
  readonly promised: { readonly has: (outpoint: Outpoint) => boolean }
}

/**
 * Promises that ought to be on record: of channels that lnd lists by our memo, and whose sale or order was paid for. Those of
 * older releases, which kept no ledger, and those that an older copy of the database lost. Reads the records of channels
 * without a promise only: paid ones are found once, the others were never paid for and are few.
 */
export async function missingPromises(
  { lnd, store, promised }: AdoptDeps,
  signal: AbortSignal,
): Promise<readonly NewPromise[]> {
  const candidates = (await lnd.listChannels(signal)).flatMap(({ memo, outpoint }) => {
    const parsed = parseMemo(memo)
    return parsed === undefined || promised.has(outpoint) ? [] : [{ kind: parsed.kind, owner: parsed.owner, outpoint }]
  })
  const found: NewPromise[] = []
  for (let first = 0; first < candidates.length; first += LOOKUPS_AT_ONCE) {
    const some = candidates.slice(first, first + LOOKUPS_AT_ONCE)
    found.push(...(await Promise.all(some.map((one) => promiseOf(store, one)))).flat())
  }
  return found
}

type Candidate = { readonly kind: string; readonly owner: string; readonly outpoint: Outpoint }

function promiseOf(store: Store, candidate: Candidate): Promise<readonly NewPromise[]> {
  return candidate.kind === 'order' ? promiseOfOrder(store, candidate) : promiseOfSale(store, candidate)
}

async function promiseOfSale(store: Store, { owner: id, outpoint }: Candidate): Promise<readonly NewPromise[]> {
  const sale = await doneSales.get(store, id)
  if (sale?.tag !== 'paid' || sale.channel.outpoint !== outpoint) return []
  const { client: peer, minLifetime: blocks } = sale.deal
  return [{ outpoint, peer, source: { type: 'jit', id }, blocks, madeAt: sale.at }]
}

/** Also of an order whose payment was taken by a newer database than this one: what was paid for is promised. */
async function promiseOfOrder(store: Store, { owner: id, outpoint }: Candidate): Promise<readonly NewPromise[]> {
  const order = (await liveOrders.get(store, id)) ?? (await doneOrders.get(store, id))
  if (order?.terms.purpose.type !== 'channel') return []
  const { client: peer, purpose } = order.terms
  const made = { outpoint, peer, source: { type: 'order', id }, blocks: purpose.expiryBlocks } as const
  if (order.tag === 'completed' && order.channel.outpoint === outpoint)
    return [{ ...made, madeAt: order.channel.fundedAt, notBefore: order.channel.expiresAt }]
  return order.tag === 'failed' && order.payment.invoice === 'settled' ? [{ ...made, madeAt: order.at }] : []
}
