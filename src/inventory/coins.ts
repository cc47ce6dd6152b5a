import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Coin } from '../lnd/port.ts'

/** Virtual bytes, rounded up: a transaction without inputs and outputs, one p2wpkh input, one output of any kind. */
const BASE_VBYTES = 11
const INPUT_VBYTES = 68
const OUTPUT_VBYTES = 43
/** A cooperative close: the 2-of-2 input and two outputs. What is reclaimed pays that. */
export const CLOSING_VBYTES = 200
/** Coins that one opening may consist of; a wallet of smaller ones has to be tidied up by its operator. */
export const MAX_INPUTS = 50
/** Change that is worth having: a stuck opening is bumped by spending it (funding.md, CPFP). */
export const BUMPING_CHANGE = 10_000n

/** The fee of a transaction with so many inputs that pays so many outputs. */
export function transactionFee(satPerVbyte: number, { inputs, outputs }: { inputs: number; outputs: number }): Sat {
  return sat(BigInt(Math.ceil(satPerVbyte * (BASE_VBYTES + inputs * INPUT_VBYTES + outputs * OUTPUT_VBYTES))))
}

/** What a channel costs on chain that is opened for nothing: its opening with change, and the close that reclaims it. */
export function unearnedCost(satPerVbyte: number, inputs: number): Sat {
  const opening = transactionFee(satPerVbyte, { inputs: Math.max(inputs, 1), outputs: 2 })
  return sat(opening + BigInt(Math.ceil(satPerVbyte * CLOSING_VBYTES)))
}

export type Picked = {
  readonly coins: readonly Coin[]
  /** What leaves the wallet: the payment and its fee. */
  readonly spent: Sat
  /** What comes back, once the transaction is in the chain. */
  readonly change: Sat
}

/**
 * Coins for a payment: the smallest one that does, so that large ones stay for others and parallel openings do not
 * wait for each other's change; otherwise the largest together. Undefined when they do not suffice.
 */
export function pickCoins(coins: readonly Coin[], pays: Sat, satPerVbyte: number): Picked | undefined {
  const ascending = [...coins].sort((a, b) => (a.amount === b.amount ? 0 : a.amount < b.amount ? -1 : 1))
  const alone = sat(pays + transactionFee(satPerVbyte, { inputs: 1, outputs: 2 }))
  const single =
    ascending.find(({ amount }) => amount >= alone + BUMPING_CHANGE) ?? ascending.find(({ amount }) => amount >= alone)
  if (single !== undefined) return { coins: [single], spent: alone, change: sat(single.amount - alone) }

  const together: Coin[] = []
  let total = 0n
  for (const coin of ascending.reverse().slice(0, MAX_INPUTS)) {
    together.push(coin)
    total += coin.amount
    const spent = sat(pays + transactionFee(satPerVbyte, { inputs: together.length, outputs: 2 }))
    if (total >= spent) return { coins: together, spent, change: sat(total - spent) }
  }
  return undefined
}

/** The most that these coins can pay in one opening. */
export function largestPayment(coins: readonly Coin[], satPerVbyte: number): Sat {
  const largest = coins
    .map(({ amount }) => amount as bigint)
    .sort((a, b) => (a === b ? 0 : a > b ? -1 : 1))
    .slice(0, MAX_INPUTS)
  let most = 0n
  let total = 0n
  for (const [index, amount] of largest.entries()) {
    total += amount
    const left = total - transactionFee(satPerVbyte, { inputs: index + 1, outputs: 2 })
    if (left > most) most = left
  }
  return sat(most)
}
