import { type Msat, msat } from '../../lsps/base/amount.ts'

/** What the memo of a channel of ours says (D29): enough to know it again without our database. */
export type Memo = {
  /** `jit` today. */
  readonly kind: string
  readonly pendingChannelId: string
  /** Of the sale or order that it was opened for; a sale's is its short channel id. */
  readonly owner: string
  /** What that agreed to pay for it; undefined when it was not known yet. */
  readonly fee: Msat | undefined
}

const MEMO = /^sluice1:([a-z]+):([0-9a-f]{64}):([^:]+):(\d{1,20}|undefined|)$/

/** Undefined for every channel that is not ours. */
export function parseMemo(memo: string): Memo | undefined {
  const match = MEMO.exec(memo)
  if (match === null) return undefined
  const [, kind = '', pendingChannelId = '', owner = '', fee = ''] = match
  return { kind, pendingChannelId, owner, fee: /^\d/.test(fee) ? msat(BigInt(fee)) : undefined }
}
