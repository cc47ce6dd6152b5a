import type { HtlcOffer } from '../lnd/port.ts'
import type { Held } from './held.ts'
import type { PendingCircuits } from './pending.ts'

/** Before lnd fails a held HTLC by itself, we do: so many blocks ahead. */
export const EXPIRY_MARGIN_BLOCKS = 3

/** lnd fails it by itself with this block; an answer that comes too late ends the stream for the whole node. */
export function isLnds({ autoFailHeight }: HtlcOffer, height: number): boolean {
  return height >= autoFailHeight - 1
}

/** So near to where lnd fails it that it is not held any longer. */
export function isExpiring({ autoFailHeight }: Pick<HtlcOffer, 'autoFailHeight'>, height: number): boolean {
  return height >= autoFailHeight - EXPIRY_MARGIN_BLOCKS
}

export type RefusingDeps = {
  /** lnd's own list, not older than the question. */
  readonly pending: (signal: AbortSignal) => Promise<PendingCircuits>
  /** Best block that we know of. */
  readonly height: () => number
}

/**
 * Fails a held HTLC of which our own record says that it was never forwarded. FAIL of one that is in flight would lose
 * its amount, so lnd's own list must say the same (lnd.md 1.5); what that shows as forwarded is resumed, which lnd drops.
 * @throws SidecarError when lnd does not say; nothing is answered then
 */
export async function refuse(held: Held, { pending, height }: RefusingDeps, signal: AbortSignal): Promise<void> {
  const { circuit } = held.offer
  const found = (await pending(signal)).get(circuit)
  if (found === undefined || isLnds(held.offer, height())) return // gone, or going: an answer would end the stream
  held.stream.answer(circuit, { type: found.forwarded ? 'resume' : 'fail' })
}
