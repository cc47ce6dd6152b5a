import { Transaction } from 'bitcoinjs-lib'
import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Channel } from '../lnd/port.ts'

/** Upper byte of a commitment's sequence (BOLT3): a cooperative close has another one. */
const COMMITMENT_MARK = 0x80
const SEQUENCE_SHIFT = 24
/** A commitment without payments, to one side only: that side's output and its anchor. */
const EMPTY_COMMITMENT_OUTPUTS = 2
const EMPTY_CLOSE_OUTPUTS = 1

/** Nothing ever went over it to the peer, and nothing is on its way. */
export function isEmpty({ pendingHtlcs, remoteBalance, totalSent }: Channel): boolean {
  return pendingHtlcs.length === 0 && remoteBalance === 0n && totalSent === 0n
}

/** The peer has what was pushed to it, and nothing ever moved. */
export function isUntouched(channel: Channel, push: Sat): boolean {
  const { remoteBalance, totalReceived } = channel
  return remoteBalance === push && totalReceived === 0n && isEmpty({ ...channel, remoteBalance: sat(0n) })
}

/**
 * Whether a closing transaction of a channel that we funded pays us and nobody else: then the peer loses nothing when
 * it never confirms. Dust (354 sat) has no output. An agreed close has no payments in it; a commitment may have some that
 * are dust and not to be seen, which the payer's channel would wait for: so it counts only where `payments` are ruled out.
 * What we pushed to the peer, to the satoshi, is nothing that it ever paid for: it may have that output.
 */
export function paysOnlyUs(closingTx: string, payments: 'ruled-out' | 'possible', push: Sat = sat(0n)): boolean {
  const { ins, outs } = Transaction.fromHex(closingTx)
  const isPushed = push > 0n && outs.some(({ value }) => value === push)
  const theirs = isPushed ? 1 : 0
  const isCommitment = (ins[0]?.sequence ?? 0) >>> SEQUENCE_SHIFT === COMMITMENT_MARK
  if (!isCommitment) return outs.length <= EMPTY_CLOSE_OUTPUTS + theirs
  // Whoever has an output of its own has an anchor as well.
  return payments === 'ruled-out' && outs.length <= EMPTY_COMMITMENT_OUTPUTS + 2 * theirs
}
