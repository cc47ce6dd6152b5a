import type { Coin, Outpoint } from '../lnd/port.ts'

/**
 * Unconfirmed transactions that may descend from one: Bitcoin Core relays 25 together with it. What its owner bumps
 * needs room too.
 */
export const MAX_DESCENDANTS = 20

/** A transaction of ours that is in no block. */
export type UnconfirmedTx = { readonly txid: string; readonly inputs: readonly Outpoint[] }

export type Depth = {
  /** Confirmations that a coin needs. */
  readonly minConfs: number
  /** Unconfirmed transactions of ours that a coin may depend on; 0: only coins with enough confirmations. */
  readonly most: number
}

/**
 * Pure: the coins that may be spent. A coin of a transaction that is not ours is never spent unconfirmed: its sender
 * could replace it. `claimed`: what openings will spend that are not in the list of transactions yet.
 */
export function spendable(
  coins: readonly Coin[],
  { minConfs, most }: Depth,
  txs: readonly UnconfirmedTx[],
  claimed: readonly (readonly Outpoint[])[] = [],
): readonly Coin[] {
  if (most === 0) return coins.filter(({ confirmations }) => confirmations >= minConfs)
  const ours = new Map(txs.map((tx) => [tx.txid, tx]))
  const families = new Map<string, ReadonlySet<string>>()
  const ancestors = (txid: string): ReadonlySet<string> => {
    const known = families.get(txid)
    if (known !== undefined) return known
    const family = new Set([txid])
    families.set(txid, family) // a transaction cannot depend on itself; a list that says so must not hang us
    for (const input of ours.get(txid)?.inputs ?? []) {
      const parent = parentOf(input)
      if (ours.has(parent)) for (const each of ancestors(parent)) family.add(each)
    }
    return family
  }
  const descendants = new Map<string, number>()
  const count = (inputs: readonly Outpoint[]) => {
    const all = new Set(
      inputs
        .map(parentOf)
        .filter((txid) => ours.has(txid))
        .flatMap((txid) => [...ancestors(txid)]),
    )
    for (const txid of all) descendants.set(txid, (descendants.get(txid) ?? 0) + 1)
  }
  for (const { inputs } of txs) count(inputs)
  for (const inputs of claimed) count(inputs)
  return coins.filter(({ outpoint, confirmations }) => {
    if (confirmations >= minConfs) return true
    const txid = parentOf(outpoint)
    if (!ours.has(txid)) return false
    const family = [...ancestors(txid)]
    return family.length <= most && family.every((each) => (descendants.get(each) ?? 0) < MAX_DESCENDANTS)
  })
}

function parentOf(outpoint: Outpoint): string {
  return outpoint.slice(0, outpoint.indexOf(':'))
}
