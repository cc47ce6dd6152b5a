import { sat } from '../../../lsps/base/amount.ts'
import type { Payout, PayoutDraft, PayoutEvent, PayoutOrder } from '../../../src/funding/payout-states.ts'

type In<Tag extends Payout['tag']> = Extract<Payout, { tag: Tag }>
type Heard<Type extends PayoutEvent['type']> = Extract<PayoutEvent, { type: Type }>

export const PAYOUT: PayoutOrder = {
  id: 'a refund',
  owner: 'order:7',
  address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  amount: sat(100_000n),
}
export const SIX_HOURS_MS = 6 * 3_600_000
export const TXID = 'ab'.repeat(32)
export const DEARER_TXID = 'ac'.repeat(32)
export const DRAFT: PayoutDraft = { psbt: 'psbt', fee: sat(300n), satPerVbyte: 2 }
export const DEARER: PayoutDraft = { psbt: 'dearer', fee: sat(900n), satPerVbyte: 6 }

export const planned = (): In<'planned'> => ({ tag: 'planned', order: PAYOUT })
export const fundedPayout = (): In<'funded'> => ({ tag: 'funded', order: PAYOUT, draft: DRAFT })
export const signedPayout = (more: Partial<In<'signed'>> = {}): In<'signed'> => ({
  tag: 'signed',
  order: PAYOUT,
  draft: DRAFT,
  versions: [{ txid: TXID, raw: '0200', fee: DRAFT.fee, satPerVbyte: DRAFT.satPerVbyte }],
  since: 0,
  ...more,
})
export const paidPayout = (): In<'paid'> => ({ tag: 'paid', order: PAYOUT, txid: TXID, fee: DRAFT.fee })
export const abandonedPayout = (): In<'abandoned'> => ({ tag: 'abandoned', order: PAYOUT, reason: 'dust' })

export const payoutFunded = (): Heard<'funded'> => ({ type: 'funded', draft: DRAFT })
export const payoutFound = (): Heard<'found'> => ({
  type: 'found',
  versions: [{ txid: TXID, raw: '0200', fee: DRAFT.fee, satPerVbyte: DRAFT.satPerVbyte }],
  at: 0,
})
export const payoutAbandoned = (): Heard<'abandoned'> => ({ type: 'abandoned', reason: 'dust' })
export const payoutSigned = (txid = TXID): Heard<'signed'> => ({ type: 'signed', txid, raw: '0200', at: 0 })
export const payoutStuck = (at = SIX_HOURS_MS): Heard<'stuck'> => ({
  type: 'stuck',
  at,
  change: 0,
  satPerVbyte: 20,
  budget: sat(5_000n),
})
export const payoutReplace = (at = SIX_HOURS_MS): Heard<'replace'> => ({ type: 'replace', at, draft: DEARER })
export const payoutConflicted = (spentBy = 'ee'.repeat(32)): Heard<'conflicted'> => ({ type: 'conflicted', spentBy })
