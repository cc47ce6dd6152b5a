import { type Msat, msat } from '../../lsps/base/amount.ts'
import { go, type Step } from '../../lsps/base/machine.ts'
import { openingFee } from './fees.ts'
import { deduct, refuse, total, wholePayment } from './parts.ts'
import type { ChannelRef, Deal, Delivered, JitEffect, JitMoney, Part, Refusal, Sale } from './states.ts'

export type JitStep = Step<Sale, JitEffect, JitMoney>
export type In<Tag extends Sale['tag']> = Extract<Sale, { tag: Tag }>

export const to = (sale: Sale, effects: readonly JitEffect[] = [], money: readonly JitMoney[] = []): JitStep =>
  go<Sale, JitEffect, JitMoney>(sale, effects, money)

/** A sale whose channel stands, while nothing is being forwarded. */
export type Standing = {
  readonly deal: Deal
  readonly channel: ChannelRef
  readonly collected: Msat
  readonly parts: Part[]
  readonly bound: boolean
  readonly forwarded: string[]
  readonly delivered?: Delivered
  readonly refused: Refusal[]
}

/** A whole payment that is held is forwarded and pays what is left of the fee; without one the fee stays owed. */
export function onStanding(
  standing: Standing,
  effects: readonly JitEffect[] = [],
  money: readonly JitMoney[] = [],
): JitStep {
  const { deal, channel, collected, parts, bound, forwarded, delivered, refused } = standing
  const payment = wholePayment(deal, parts)
  if (payment === undefined) {
    return to({ tag: 'owed', deal, channel, collected, parts, bound, forwarded, delivered, refused }, effects, money)
  }
  const sent = deduct(deal, payment, collected)
  if (sent === undefined) {
    const why = `${payment.length} parts of ${total(payment)} msat cannot carry the fee`
    const left = refuse({ parts, refused }, payment, { code: 'temporary_channel_failure', why })
    return onStanding({ ...standing, ...left }, effects, money)
  }
  const forwarding: In<'forwarding'> = {
    tag: 'forwarding',
    deal,
    channel,
    fee: openingFee(deal, total(payment)) ?? msat(0n),
    collected,
    sent: [...sent],
    parts: parts.filter((part) => !payment.includes(part)),
    bound,
    forwarded,
    delivered,
    refused,
  }
  // The deductions are on disk before the alias exists: from then on a forward without them would be possible.
  const wanted: JitEffect[] = bound ? [] : [{ type: 'add-alias', chanId: channel.chanId }]
  return to(forwarding, [...effects, ...wanted], money)
}
