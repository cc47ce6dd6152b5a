import * as z from 'zod'
import { Sat, sat } from '../../lsps/base/amount.ts'

/**
 * Pure: what came to the address of an order, and what of it is sold, to be refunded, or not yet known. An output is
 * used once: part of it sold and the rest sent back, or all of it sent back.
 */

const Uint = z.number().int().nonnegative()

/** Deeper than this is as deep: bLIP-51 has every payment count at 6 confirmations at the latest (L1-75). */
export const DEEPEST = 6
/** Outputs that one order knows of. Whoever sends more in so many pieces has them found in the log. */
export const MAX_DEPOSITS = 100

/** What lnd lists at an address now. */
export type Receipt = {
  readonly outpoint: string
  readonly amount: Sat
  readonly confirmations: number
  /** It says that it may be replaced (BIP 125), or another one spends the same coins. */
  readonly replaceable: boolean
}

/**
 * Money that goes back. `owed`: as soon as its output is confirmed; `asked`: decided; `sent`: published, by a transaction
 * that a dearer one may replace; `done`: deep in the chain.
 */
const Refund = z.object({
  amount: Sat,
  stage: z.enum(['owed', 'asked', 'sent', 'done', 'dust']),
  txid: z.string().optional(),
  fee: Sat.optional(),
})

export const Deposit = z.object({
  outpoint: z.string(),
  amount: Sat,
  confirmations: Uint,
  replaceable: z.boolean(),
  /** Not to be seen any more, although it was used. */
  gone: z.literal(true).optional(),
  /** In the journal. */
  booked: z.literal(true).optional(),
  /** How much of it paid for the order; absent while nothing was decided. */
  sold: Sat.optional(),
  refund: Refund.optional(),
})
export type Deposit = z.output<typeof Deposit>

export function sumOf(deposits: Iterable<{ readonly amount: Sat }>): Sat {
  let sum = 0n
  for (const { amount } of deposits) sum += amount
  return sat(sum)
}

/** Nothing was decided about it. */
export function isFree({ sold, refund }: Deposit): boolean {
  return sold === undefined && refund === undefined
}

/** It paid for something, or its refund was ordered: it stays on record, whatever becomes of it. */
function isUsed({ sold, refund, booked }: Deposit): boolean {
  return booked === true || (sold ?? 0n) > 0n || (refund !== undefined && refund.stage !== 'owed')
}

/**
 * The deposits after a look. What nobody used and is not to be seen any more was replaced, or never was; what was used
 * stays on record.
 */
export function withReceipts(known: readonly Deposit[], receipts: readonly Receipt[]): Deposit[] {
  const seen = new Map(receipts.map((receipt) => [receipt.outpoint, receipt]))
  const kept = known.flatMap((deposit): Deposit[] => {
    const receipt = seen.get(deposit.outpoint)
    seen.delete(deposit.outpoint)
    if (receipt !== undefined) {
      const { gone: _, ...here } = deposit
      return [{ ...here, ...depthOf(receipt) }]
    }
    return isUsed(deposit) ? [{ ...deposit, confirmations: 0, gone: true }] : []
  })
  const room = Math.max(0, MAX_DEPOSITS - kept.length)
  const fresh = [...seen.values()].slice(0, room).map((receipt) => {
    const { outpoint, amount } = receipt
    return { outpoint, amount, ...depthOf(receipt) }
  })
  return [...kept, ...fresh]
}

/** A block that only makes it deeper than it has to be changes nothing. */
function depthOf({ confirmations, replaceable }: Receipt): Pick<Deposit, 'confirmations' | 'replaceable'> {
  return { confirmations: Math.min(confirmations, DEEPEST), replaceable }
}

/** The same, seen from outside: nothing to write down. */
export function isSame(before: readonly Deposit[], after: readonly Deposit[]): boolean {
  if (before.length !== after.length) return false
  return before.every((deposit, index) => {
    const now = after[index]
    return (
      now !== undefined &&
      deposit.outpoint === now.outpoint &&
      deposit.confirmations === now.confirmations &&
      deposit.replaceable === now.replaceable &&
      deposit.gone === now.gone
    )
  })
}

export type Payable = {
  readonly total: Sat
  /** How deep a payment must be. */
  readonly confirmations: number
  /** What may be taken without a confirmation. */
  readonly zeroConfLeft: Sat
}

/**
 * Whether the order is paid for: enough is deep enough, or, where that may be, one transaction that cannot be replaced
 * pays all of it. Unconfirmed transactions are never added up: they may exclude each other (L1-75, L1-78).
 */
export function isPaid(deposits: readonly Deposit[], { total, confirmations, zeroConfLeft }: Payable): boolean {
  const free = deposits.filter((deposit) => isFree(deposit) && deposit.gone === undefined)
  const depth = Math.max(confirmations, 1)
  if (sumOf(free.filter((deposit) => deposit.confirmations >= depth)) >= total) return true
  if (confirmations > 0 || total > zeroConfLeft) return false
  return free.some(({ amount, replaceable }) => amount >= total && !replaceable)
}

/** Whether what was seen, confirmed or not, might still pay for the order. */
export function mayPay(deposits: readonly Deposit[], total: Sat): boolean {
  const free = deposits.filter((deposit) => isFree(deposit) && deposit.gone === undefined)
  const confirmed = sumOf(free.filter((deposit) => deposit.confirmations > 0))
  return free.some(({ amount, confirmations }) => confirmed + (confirmations > 0 ? 0n : amount) >= total)
}

/** Whether part of what was sold is in no block. */
export function isUnconfirmed(deposits: readonly Deposit[]): boolean {
  return deposits.some(({ sold, confirmations }) => sold !== undefined && sold > 0n && confirmations === 0)
}

/**
 * Takes the price from the deposits, the deepest first; the rest of the last one is owed back.
 * Call it only for an order that is paid for.
 */
export function sell(deposits: readonly Deposit[], total: Sat): Deposit[] {
  const order = deposits.filter(isFree).sort((a, b) => b.confirmations - a.confirmations)
  const shares = new Map<string, bigint>()
  let left: bigint = total
  for (const { outpoint, amount, gone } of order) {
    if (left === 0n || gone === true) continue
    const share = amount < left ? (amount as bigint) : left
    shares.set(outpoint, share)
    left -= share
  }
  return deposits.map((deposit): Deposit => {
    const share = shares.get(deposit.outpoint)
    if (share === undefined) return deposit
    const rest = deposit.amount - share
    return { ...deposit, sold: sat(share), ...(rest > 0n ? { refund: { amount: sat(rest), stage: 'owed' } } : {}) }
  })
}

/** Everything that nobody used is owed back. */
export function oweAll(deposits: readonly Deposit[]): Deposit[] {
  return deposits.map((deposit): Deposit => {
    if (!isFree(deposit)) return deposit
    return { ...deposit, sold: sat(0n), refund: { amount: deposit.amount, stage: 'owed' } }
  })
}

/** What is owed back and can be sent now: only what is as deep as a payment has to be is worth a refund. */
export function dueRefunds(deposits: readonly Deposit[], confirmations: number): readonly Deposit[] {
  const depth = Math.max(confirmations, 1)
  return deposits.filter(
    (deposit) => deposit.refund?.stage === 'owed' && deposit.confirmations >= depth && deposit.gone === undefined,
  )
}

/**
 * Nothing is to be done about any of it: what was sold is booked, and what goes back has arrived. What is owed back but
 * stands in no block may never be, and lnd lists it for as long as nobody tells it of what replaced it: no order waits
 * for that. One that got into a block after all lives again.
 */
export function isSettled(deposits: readonly Deposit[]): boolean {
  return deposits.every(
    ({ sold, refund, booked, confirmations }) =>
      sold !== undefined &&
      (sold === 0n || booked === true) &&
      (refund === undefined ||
        refund.stage === 'done' ||
        refund.stage === 'dust' ||
        (refund.stage === 'owed' && confirmations === 0 && booked === undefined)),
  )
}
