import type { Sat } from '../../lsps/base/amount.ts'
import type { Payment, Terms } from './states.ts'

/** Pure: what may still be done with a payment that is held, by the blocks that are left until its first HTLC expires. */

const MSAT_PER_SAT = 1000n

type Held = { readonly terms: Pick<Terms, 'limits'>; readonly payment: Pick<Payment, 'heldUntil'> }

function blocksLeft({ payment }: Held, height: number): number {
  return (payment.heldUntil ?? 0) - height
}

/** Whether a channel may be begun for it: it must be there, and the payment settled, before the payment goes back. */
export function mayBegin(held: Held, height: number): boolean {
  const { safetyBlocks, openBlocks } = held.terms.limits
  return blocksLeft(held, height) > safetyBlocks + openBlocks
}

/** The first height at which it may not. */
export function heightOfEnd({ terms, payment }: Held): number {
  return (payment.heldUntil ?? 0) - terms.limits.safetyBlocks - terms.limits.openBlocks
}

/** Whether a channel that was begun for it may still be published (L1-70). */
export function mayPublish(held: Held, height: number): boolean {
  return blocksLeft(held, height) > held.terms.limits.safetyBlocks
}

/** Whether what is held is at least what was asked. */
export function isWhole(received: bigint, total: Sat): boolean {
  return received >= total * MSAT_PER_SAT
}
