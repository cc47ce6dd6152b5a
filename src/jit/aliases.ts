import { type Scid, scidToNumber } from '../../lsps/base/scid.ts'
import type { Log } from '../kernel/log.ts'
import type { LndPort } from '../lnd/port.ts'
import { bindAlias } from './effects.ts'
import { leadsToClient } from './parts.ts'
import type { Sale } from './states.ts'

export type AliasDeps = { readonly lnd: Pick<LndPort, 'addAlias' | 'listAliases'>; readonly log: Log }

/** Adds the aliases of sales again that lnd does not know any more (D1); returns all that it knew. */
export async function bindMissing(
  deps: AliasDeps,
  sales: ReadonlyMap<string, Sale>,
  signal: AbortSignal,
): Promise<ReadonlySet<bigint>> {
  const known = new Set<bigint>()
  /** Base and alias as one text: there may be thousands of both. */
  const bound = new Set<string>()
  for (const { base, aliases } of await deps.lnd.listAliases(signal)) {
    for (const alias of aliases) {
      known.add(alias)
      bound.add(`${base}/${alias}`)
    }
  }
  for (const sale of sales.values()) {
    // What leads to the client by the name of another sale was never bound.
    if (!('bound' in sale) || !sale.bound || leadsToClient(sale.deal)) continue
    const { chanId } = sale.channel
    const scid: Scid = sale.deal.scid
    if (bound.has(`${chanId}/${scidToNumber(scid)}`)) continue
    try {
      await bindAlias(deps, chanId, scid, signal)
    } catch (error) {
      deps.log.warn({ scid, err: error }, 'alias is missing at lnd and could not be added again')
    }
  }
  return known
}
