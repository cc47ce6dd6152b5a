import type { Sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Coin, Outpoint } from '../lnd/port.ts'
import type { Facts } from './facts.ts'
import type { Opening } from './opening.ts'
import { type Depth, spendable, type UnconfirmedTx } from './unconfirmed.ts'

/** An opening that is counted. */
export type Held = {
  readonly opening: Opening
  /** Looks that had begun when it last changed: one that began later has seen what it means for the wallet. */
  readonly looks: number
  /** What leaves the wallet for it. */
  readonly need: Sat
  earned: boolean
}

/** Coins that are split ahead. `over`: they are not claimed any more once a later look has seen what became of them. */
export type HeldSplit = {
  readonly inputs: readonly Outpoint[]
  readonly looks: number
  readonly stage: 'decided' | 'locked' | 'over'
}

/** The answers of one look at the node; `look` is its number. */
export type Looked = Facts & {
  readonly at: Timestamp
  readonly look: number
  readonly unconfirmed: readonly UnconfirmedTx[]
}

export type WalletFacts = {
  readonly facts: Looked | undefined
  readonly openings: Iterable<Held>
  readonly splits: Iterable<HeldSplit>
}

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
export function walletOf({ facts, openings, splits }: WalletFacts, reserve: Sat, depth: Depth): Wallet {
  if (facts === undefined) return { coins: [], available: 0n, claims: 0, reserved: 0n }
  const claimed: (readonly Outpoint[])[] = []
  let claims = 0
  let reserved = 0n
  // What openings need for which lnd still selects coins: any of the free ones.
  let unnamed = 0n
  for (const { opening, looks, need } of openings) {
    if (opening.stage !== 'decided' && looks < facts.look) continue
    claims += 1
    reserved += need
    if (opening.coins !== undefined) claimed.push(opening.coins.inputs)
    if (opening.coins === undefined) unnamed += need
  }
  for (const { inputs, looks, stage } of splits) if (stage === 'decided' || looks >= facts.look) claimed.push(inputs)
  const taken = new Set(claimed.flat())
  const free = spendable(facts.coins, depth, facts.unconfirmed, claimed)
  const coins = free.filter(({ outpoint }) => !taken.has(outpoint))
  const total = coins.reduce((sum, { amount }) => sum + amount, 0n)
  const spare = total - reserve - facts.anchorReserve - unnamed
  return { coins, available: spare > 0n ? spare : 0n, claims, reserved }
}
