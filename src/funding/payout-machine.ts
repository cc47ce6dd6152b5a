import { sat } from '../../lsps/base/amount.ts'
import { assertNever, go, type Step, stay } from '../../lsps/base/machine.ts'
import type { Payout, PayoutEffect, PayoutEvent, PayoutNews, PayoutOrder, PayoutVersion } from './payout-states.ts'

/** So long without a confirmation, or since it was hurried last, a payout is hurried along. */
export const HURRY_AFTER_MS = 6 * 3_600_000
/** Transactions that may stand for one payout, of which each spends the same coins. */
export const MAX_VERSIONS = 5

type PayoutStep = Step<Payout, PayoutEffect>
type In<Tag extends Payout['tag']> = Extract<Payout, { tag: Tag }>
type Heard<Type extends PayoutEvent['type']> = Extract<PayoutEvent, { type: Type }>

const to = (payout: Payout, effects: readonly PayoutEffect[] = []): PayoutStep =>
  go<Payout, PayoutEffect>(payout, effects)
const notify = (news: PayoutNews): PayoutEffect => ({ type: 'notify', news })

/** A new payout: on disk before lnd hears of it. */
export function plan(order: PayoutOrder): PayoutStep {
  return to({ tag: 'planned', order }, [{ type: 'fund' }])
}

export function isTerminal({ tag }: Payout): boolean {
  return tag === 'paid' || tag === 'abandoned'
}

/**
 * Pure and total. Whatever is signed for a payout spends the same coins, so one of it confirms at most; others are taken
 * only after a foreign transaction spent them for good.
 */
export function step(payout: Payout, event: PayoutEvent): PayoutStep {
  const { order } = payout
  switch (payout.tag) {
    case 'planned':
      if (event.type === 'funded') return to({ tag: 'funded', order, draft: event.draft }, [{ type: 'sign' }])
      if (event.type === 'found') return onFound(payout, event)
      if (event.type !== 'abandoned') return stay(payout, `early: ${event.type}`)
      return to({ tag: 'abandoned', order, reason: event.reason }, [
        { type: 'release' },
        notify({ type: 'payout-abandoned', reason: event.reason }),
      ])
    case 'funded':
      return event.type === 'signed' ? onFirstSigned(payout, event) : stay(payout, `not signed yet: ${event.type}`)
    case 'signed':
      return onSigned(payout, event)
    case 'paid':
    case 'abandoned':
      return stay(payout, `terminal: ${event.type}`)
    default:
      return assertNever(payout)
  }
}

/** Followed like one of our own, but never made dearer. */
function onFound({ order }: In<'planned'>, { versions, at }: Heard<'found'>): PayoutStep {
  const [{ fee, satPerVbyte }] = versions
  const draft = { psbt: '', fee, satPerVbyte }
  return to({ tag: 'signed', order, draft, versions: [...versions], since: at }, [{ type: 'publish' }])
}

function onFirstSigned({ order, draft }: In<'funded'>, { txid, raw, at }: Heard<'signed'>): PayoutStep {
  const { fee, satPerVbyte } = draft
  return to({ tag: 'signed', order, draft, versions: [{ txid, raw, fee, satPerVbyte }], since: at }, [
    { type: 'publish' },
  ])
}

function onSigned(payout: In<'signed'>, event: PayoutEvent): PayoutStep {
  const { order, versions, mined } = payout
  switch (event.type) {
    case 'signed':
      return onNextSigned(payout, event)
    case 'published':
      if (payout.told === true) return stay(payout, 'its owner knows')
      return to({ ...payout, told: true }, tellPublished(payout))
    case 'unconfirmed': {
      if (mined === undefined) return stay(payout, 'already waiting')
      const { mined: _, ...waits } = payout
      return to(waits)
    }
    case 'mined':
      if (mined === event.txid || !isOurs(versions, event.txid)) return stay(payout, 'nothing new')
      return to({ ...payout, mined: event.txid, told: true }, tellPublished(payout))
    case 'confirmed': {
      const version = versions.find(({ txid }) => txid === event.txid)
      if (version === undefined) return stay(payout, `${event.txid} is not of this payout`)
      const { txid, fee } = version
      const news = notify({ type: 'payout-confirmed', txid, amount: sat(order.amount - fee), fee })
      return to({ tag: 'paid', order, txid, fee }, [...tellPublished(payout), news])
    }
    case 'stuck':
      return onStuck(payout, event)
    case 'replace':
      return onReplace(payout, event)
    case 'conflicted':
      if (mined !== undefined) return stay(payout, 'one of its versions is mined')
      if (isOurs(versions, event.spentBy)) return stay(payout, 'a version of its own')
      // None of its versions can confirm any more: their coins are gone, and what is owed is paid from others.
      return to({ tag: 'planned', order, again: true }, [{ type: 'fund' }])
    case 'funded':
    case 'found':
    case 'abandoned':
      return stay(payout, `late: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function isOurs(versions: readonly PayoutVersion[], wanted: string): boolean {
  return versions.some(({ txid }) => txid === wanted)
}

function tellPublished({ told, versions, order }: In<'signed'>): readonly PayoutEffect[] {
  const [first] = versions
  if (told === true || first === undefined) return []
  const { txid, fee } = first
  return [notify({ type: 'payout-published', txid, amount: sat(order.amount - fee), fee })]
}

function onNextSigned(payout: In<'signed'>, { txid, raw }: Heard<'signed'>): PayoutStep {
  const { next, versions, ...rest } = payout
  if (next === undefined || isOurs(versions, txid)) return stay(payout, 'nothing was to be signed')
  const { fee, satPerVbyte } = next
  return to({ ...rest, draft: next, versions: [...versions, { txid, raw, fee, satPerVbyte }] }, [{ type: 'publish' }])
}

function isTooSoon({ since, hurried, mined }: In<'signed'>, { at }: { readonly at: number }): boolean {
  return mined !== undefined || at - (hurried?.at ?? since) < HURRY_AFTER_MS
}

function onStuck(payout: In<'signed'>, event: Heard<'stuck'>): PayoutStep {
  const { at, satPerVbyte, change, budget } = event
  if (isTooSoon(payout, event)) return stay(payout, 'mined, or hurried a while ago')
  if (satPerVbyte <= (payout.hurried?.satPerVbyte ?? 0)) return stay(payout, 'hurried to that rate already')
  return to({ ...payout, hurried: { at, satPerVbyte } }, [{ type: 'bump', change, satPerVbyte, budget }])
}

function onReplace(payout: In<'signed'>, event: Heard<'replace'>): PayoutStep {
  const { at, draft } = event
  if (isTooSoon(payout, event) || payout.next !== undefined) return stay(payout, 'mined, or hurried a while ago')
  if (payout.versions.length >= MAX_VERSIONS) return stay(payout, 'replaced as often as may be')
  if (draft.satPerVbyte <= payout.draft.satPerVbyte) return stay(payout, 'not dearer')
  const hurried = { at, satPerVbyte: draft.satPerVbyte }
  return to({ ...payout, hurried, next: draft }, [{ type: 'sign-next' }])
}
