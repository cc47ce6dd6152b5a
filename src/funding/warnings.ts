import type { Funding } from './states.ts'

/** So many blocks without a confirmation are worth a word. */
export const LONG_UNCONFIRMED_BLOCKS = 36

/** What a person has to know of a funding: none or one line, with the fix. */
export function warningOf(funding: Funding, height: number): readonly string[] {
  if (funding.tag === 'conflicted') {
    return [
      `the funding of channel ${funding.outpoint} (${funding.order.capacity} sat) can never confirm: ${funding.spentBy} ` +
        "spent its coins. Settle the customer's balance, then remove the channel: lncli abandonchannel",
    ]
  }
  if (funding.tag !== 'standing' || funding.tx.stage !== 'published' || funding.tx.since === undefined) return []
  const waited = height - funding.tx.since
  if (waited < LONG_UNCONFIRMED_BLOCKS) return []
  return [
    `the funding ${funding.outpoint} is unconfirmed for ${waited} blocks: raise funding.cpfp_max_sat, or bump it by hand`,
  ]
}
