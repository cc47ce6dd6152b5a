import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Coin, Outpoint } from '../lnd/port.ts'
import { MAX_INPUTS, transactionFee } from './coins.ts'

/** Outputs of one split: 100 make a transaction of 4.4 kB. The next one makes the rest. */
export const MAX_SPLIT_OUTPUTS = 100
/** A coin of less than twice the size is a ready one: an opening that takes it leaves no great change. */
const LARGEST_READY = 2n
/** The fee of a split is at most one part in so many of what it makes: dust is not gathered when the chain is dear. */
export const SMALLEST_FEE_SHARE = 50n

export type ReadyCoinsConfig = {
  readonly count: number
  readonly size: Sat
  /** Confirmations that a coin needs to be split. */
  readonly minConfs: number
}

export function isReady({ amount }: Coin, { size }: Pick<ReadyCoinsConfig, 'size'>): boolean {
  return amount >= size && amount < size * LARGEST_READY
}

export type PlannedSplit = { readonly inputs: readonly Outpoint[]; readonly outputs: number; readonly fee: Sat }

/**
 * Pure: which coins to split into how many. Undefined while at least half of the ready coins are there (a transaction
 * for each opening would cost more than it saves), nothing is there to split, or the fee is out of proportion. Ready
 * coins are not split.
 */
export function planSplit(
  coins: readonly Coin[],
  config: ReadyCoinsConfig,
  satPerVbyte: number,
): PlannedSplit | undefined {
  const missing = config.count - coins.filter((coin) => isReady(coin, config)).length
  if (missing <= 0 || missing * 2 < config.count) return undefined
  const wanted = Math.min(missing, MAX_SPLIT_OUTPUTS)
  const rest = coins
    .filter((coin) => coin.confirmations >= config.minConfs && !isReady(coin, config))
    .sort((a, b) => (a.amount === b.amount ? 0 : a.amount > b.amount ? -1 : 1))
  const inputs: Outpoint[] = []
  let total = 0n
  let best: PlannedSplit | undefined
  for (const { outpoint, amount } of rest.slice(0, MAX_INPUTS)) {
    inputs.push(outpoint)
    total += amount
    const outputs = outputsOf(total, { inputs: inputs.length, wanted, size: config.size }, satPerVbyte)
    if (outputs <= (best?.outputs ?? 0)) continue
    const fee = transactionFee(satPerVbyte, { inputs: inputs.length, outputs: outputs + 1 })
    if (fee * SMALLEST_FEE_SHARE > config.size * BigInt(outputs)) continue
    best = { inputs: [...inputs], outputs, fee }
    if (outputs === wanted) return best
  }
  return best
}

function outputsOf(
  total: bigint,
  { inputs, wanted, size }: { inputs: number; wanted: number; size: Sat },
  satPerVbyte: number,
): number {
  for (let outputs = wanted; outputs > 0; outputs -= 1) {
    const fee = transactionFee(satPerVbyte, { inputs, outputs: outputs + 1 })
    if (total >= sat(size * BigInt(outputs)) + fee) return outputs
  }
  return 0
}
