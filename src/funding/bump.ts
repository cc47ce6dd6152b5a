import { Transaction } from 'bitcoinjs-lib'
import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Outpoint } from '../lnd/port.ts'

/** Virtual bytes of a transaction with one input and one output of the wallet, rounded up for either script type. */
export const CHILD_VBYTES = 120
/** What the change must keep after the child's fee, in satoshi: less is not worth an output. */
export const LEAST_CHANGE_SAT = 1_000n
const P2WPKH_BYTES = 22
const P2TR_BYTES = 34
const OP_0 = 0x00
const OP_1 = 0x51

export type BumpLimits = {
  /** The most that a child may cost. */
  readonly maxSat: Sat
  /** The most that parent and child together are raised to. */
  readonly maxSatPerVbyte: number
}

export type BumpPlan = { readonly change: number; readonly satPerVbyte: number; readonly budget: Sat }
export type BumpProblem = 'no-change' | 'rate-is-enough' | 'budget-too-small'

/**
 * How a child of the funding transaction lifts both to a feerate. lnd counts the child alone, so the child pays what its
 * parent lacks; the parent's own rate is the order's.
 */
export function planBump(
  funding: { readonly raw: string; readonly outpoint: Outpoint; readonly satPerVbyte: number },
  wantedSatPerVbyte: number,
  limits: BumpLimits,
): BumpPlan | BumpProblem {
  const target = Math.min(wantedSatPerVbyte, limits.maxSatPerVbyte)
  if (target <= funding.satPerVbyte) return 'rate-is-enough'
  const parent = Transaction.fromHex(funding.raw)
  const change = changeOf(parent, Number(funding.outpoint.split(':')[1]))
  if (change === undefined) return 'no-change'
  const spendable = change.value - LEAST_CHANGE_SAT
  const budget = spendable < limits.maxSat ? spendable : limits.maxSat
  const lacking = target * CHILD_VBYTES + (target - funding.satPerVbyte) * parent.virtualSize()
  const affordable = Math.floor(Number(budget) / CHILD_VBYTES)
  const satPerVbyte = Math.min(Math.ceil(lacking / CHILD_VBYTES), affordable)
  // A child that pays less than its parent makes nothing faster.
  if (satPerVbyte <= funding.satPerVbyte) return 'budget-too-small'
  return { change: change.index, satPerVbyte, budget: sat(budget) }
}

/** The wallet's output: neither the channel's, nor another channel's of the same transaction (those are 2-of-2 scripts). */
function changeOf(
  parent: Transaction,
  channel: number,
): { readonly index: number; readonly value: bigint } | undefined {
  const index = parent.outs.findIndex(({ script }, at) => at !== channel && isKeyScript(script))
  const output = parent.outs[index]
  return output === undefined ? undefined : { index, value: output.value }
}

function isKeyScript(script: Uint8Array): boolean {
  return (script.length === P2WPKH_BYTES && script[0] === OP_0) || (script.length === P2TR_BYTES && script[0] === OP_1)
}
