import type { Sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Coin, Outpoint } from '../lnd/port.ts'
import type { Facts } from './facts.ts'
import type { Opening } from './opening.ts'

/** An opening that is counted. */
export type Held = {
  readonly opening: Opening
  /** Looks that had begun when it last changed: one that began later has seen what it means for the wallet. */
  readonly looks: number
  /** What leaves the wallet for it. */
  readonly need: Sat
  earned: boolean
}

/** The answers of one look at the node; `look` is its number. */
export type Looked = Facts & { readonly at: Timestamp; readonly look: number }

export type Wallet = {
  /** The coins that no opening has claimed. */
  readonly coins: readonly Coin[]
  /** What of them may be spent. */
  readonly available: bigint
  readonly claims: number
  readonly reserved: bigint
}

/**
 * Pure: what is free in the wallet. A claim counts until a look that began after lnd had locked its coins: then they
 * are not in lnd's list any more.
 */
export function walletOf(facts: Looked | undefined, held: Iterable<Held>, reserve: Sat): Wallet {
  if (facts === undefined) return { coins: [], available: 0n, claims: 0, reserved: 0n }
  const claimed = new Set<Outpoint>()
  let claims = 0
  let reserved = 0n
  // What openings need for which lnd still selects coins: any of the free ones.
  let unnamed = 0n
  for (const { opening, looks, need } of held) {
    if (opening.stage !== 'decided' && looks < facts.look) continue
    claims += 1
    reserved += need
    for (const input of opening.coins?.inputs ?? []) claimed.add(input)
    if (opening.coins === undefined) unnamed += need
  }
  const coins = facts.coins.filter(({ outpoint }) => !claimed.has(outpoint))
  const free = coins.reduce((sum, { amount }) => sum + amount, 0n)
  const spare = free - reserve - facts.anchorReserve - unnamed
  return { coins, available: spare > 0n ? spare : 0n, claims, reserved }
}
