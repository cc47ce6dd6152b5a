import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Exposure } from './limits.ts'

/** How much of what may be held is. Values in msat. */
export type Usage = {
  readonly htlcs: number
  readonly value: Msat
  /** Of the client of whom most HTLCs are held. */
  readonly mostHtlcs: number
  /** Of the client of whom the most value is held. */
  readonly mostValue: Msat
}

/** What is held, in all and for one client, as `HeldLimits` bound it. */
export function usageOf(held: readonly Exposure[]): Usage {
  const byClient = new Map<Exposure['client'], Exposure[]>()
  for (const one of held) byClient.set(one.client, [...(byClient.get(one.client) ?? []), one])
  const clients = [...byClient.values()]
  return {
    htlcs: held.length,
    value: worth(held),
    mostHtlcs: Math.max(0, ...clients.map(({ length }) => length)),
    mostValue: clients.map(worth).reduce((one, other) => (other > one ? other : one), msat(0n)),
  }
}

function worth(held: readonly Exposure[]): Msat {
  return msat(held.reduce((sum, { amount }) => sum + amount, 0n))
}
