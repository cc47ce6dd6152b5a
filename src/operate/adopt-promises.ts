import { doneSales } from '../jit/records.ts'
import type { LndPort, Outpoint } from '../lnd/port.ts'
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
 * Promises that ought to be on record: of channels that lnd lists by our memo, and whose sale was paid for. Those of
 * older releases, which kept no ledger, and those that an older copy of the database lost. Reads the records of channels
 * without a promise only: paid ones are found once, the others were never paid for and are few.
 */
export async function missingPromises(
  { lnd, store, promised }: AdoptDeps,
  signal: AbortSignal,
): Promise<readonly NewPromise[]> {
  const candidates = (await lnd.listChannels(signal)).flatMap(({ memo, outpoint }) => {
    const parsed = parseMemo(memo)
    return parsed?.kind === 'jit' && !promised.has(outpoint) ? [{ scid: parsed.owner, outpoint }] : []
  })
  const found: NewPromise[] = []
  for (let first = 0; first < candidates.length; first += LOOKUPS_AT_ONCE) {
    const some = candidates.slice(first, first + LOOKUPS_AT_ONCE)
    found.push(...(await Promise.all(some.map((one) => promiseOf(store, one)))).flat())
  }
  return found
}

async function promiseOf(
  store: Store,
  { scid, outpoint }: { readonly scid: string; readonly outpoint: Outpoint },
): Promise<readonly NewPromise[]> {
  const sale = await doneSales.get(store, scid)
  if (sale?.tag !== 'paid' || sale.channel.outpoint !== outpoint) return []
  const { client: peer, minLifetime: blocks } = sale.deal
  return [{ outpoint, peer, source: { type: 'jit', id: scid }, blocks, madeAt: sale.at }]
}
