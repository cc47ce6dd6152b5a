import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { assertNever, go, type Step, stay } from '../../lsps/base/machine.ts'
import { checkPart } from './part-checks.ts'
import type { Deal, JitEffect, JitEvent, JitMoney, Part, Refusal, Sale } from './states.ts'

/** Refused circuits that a sale remembers; an older one that is offered again is judged anew, which is safe. */
export const MAX_REFUSALS = 16

type JitStep = Step<Sale, JitEffect, JitMoney>
type In<Tag extends Sale['tag']> = Extract<Sale, { tag: Tag }>

const to = (sale: Sale, effects: readonly JitEffect[] = [], money: readonly JitMoney[] = []): JitStep =>
  go<Sale, JitEffect, JitMoney>(sale, effects, money)

/** A new sale. */
export function sell(deal: Deal): JitStep {
  return to({ tag: 'awaiting', deal, refused: [] })
}

export function isTerminal(sale: Sale): boolean {
  return sale.tag === 'paid' || sale.tag === 'abandoned' || sale.tag === 'unearned'
}

/** When the sale must act by itself: a held part has waited long enough, or the offer ends. */
export function deadline(sale: Sale): Timestamp | undefined {
  switch (sale.tag) {
    case 'awaiting':
      if (sale.part === undefined) return sale.deal.validUntil
      return Math.min(holdUntil(sale.deal, sale.part), sale.deal.validUntil) as Timestamp
    case 'opening':
      return sale.part === undefined ? undefined : holdUntil(sale.deal, sale.part)
    case 'owed':
      return sale.deal.validUntil
    case 'forwarding':
    case 'paid':
    case 'abandoned':
    case 'unearned':
      return undefined
    default:
      return assertNever(sale)
  }
}

/** One JIT sale of LSPS2 (bLIP-52): pure and total. Amounts and times come with the events. */
export function step(sale: Sale, event: JitEvent): JitStep {
  switch (sale.tag) {
    case 'awaiting':
      return onAwaiting(sale, event)
    case 'opening':
      return onOpening(sale, event)
    case 'forwarding':
      return onForwarding(sale, event)
    case 'owed':
      return onOwed(sale, event)
    case 'paid':
    case 'abandoned':
    case 'unearned':
      return stay(sale, `terminal: ${event.type}`)
    default:
      return assertNever(sale)
  }
}

function onAwaiting(sale: In<'awaiting'>, event: JitEvent): JitStep {
  const { deal, part } = sale
  switch (event.type) {
    case 'part-held': {
      if (isKnown(sale, event.part.circuit)) return stay(sale, 'part is known')
      const fault = checkPart(deal, event.part, { height: event.height, at: event.at, bound: false })
      if (fault !== undefined)
        return to({ ...sale, refused: withRefusal(sale.refused, event.part, fault.code, fault.why) })
      if (part !== undefined && (isWhole(deal, part) || !isWhole(deal, event.part)))
        return refuseSecond(sale, event.part)
      // A part that is too small gives way: else whoever knows the scid could keep the payment out with a millisatoshi.
      const free = part === undefined ? sale : dropPart(sale, part, 'temporary_channel_failure', 'a whole payment came')
      const held = { ...free, part: event.part }
      return event.clientOnline && isWhole(deal, event.part)
        ? openFor(held, event.part, event.pendingChannelId)
        : to(held)
    }
    case 'client-online':
      if (part === undefined || !isWhole(deal, part)) return stay(sale, 'no whole payment is held')
      // bLIP-52 payment collection: only while now < valid_until, strictly.
      if (event.at >= deal.validUntil) return stay(sale, 'the offer has ended')
      return openFor(sale, part, event.pendingChannelId)
    case 'part-expiring':
      if (part?.circuit !== event.circuit) return stay(sale, 'not the held part')
      return to(dropPart(sale, part, 'temporary_channel_failure', 'lnd was about to fail it'))
    case 'deadline':
      if (event.at >= deal.validUntil) return to({ tag: 'abandoned', deal, why: 'expired', at: event.at })
      if (part === undefined || event.at < holdUntil(deal, part)) return stay(sale, 'not due')
      return to(
        dropPart(sale, part, 'temporary_channel_failure', 'held long enough without a whole payment and its client'),
      )
    case 'failed':
    case 'part-gone':
      if (part?.circuit !== event.circuit) return stay(sale, 'not the held part')
      return to(dropPart(sale, part, 'temporary_channel_failure', 'lnd does not hold it any more'))
    case 'channel-active':
    case 'channel-refused':
    case 'channel-closed':
    case 'alias-added':
    case 'settled':
      return stay(sale, `no channel was ordered: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onOpening(sale: In<'opening'>, event: JitEvent): JitStep {
  const { deal, part, pendingChannelId, refused } = sale
  switch (event.type) {
    case 'part-held': {
      if (isKnown(sale, event.part.circuit)) return stay(sale, 'part is known')
      const fault = checkPart(deal, event.part, { height: event.height, at: event.at, bound: false })
      if (fault !== undefined) return to({ ...sale, refused: withRefusal(refused, event.part, fault.code, fault.why) })
      if (part !== undefined || !isWhole(deal, event.part)) return refuseSecond(sale, event.part)
      return to({ ...sale, part: event.part }) // the channel comes for the first part; this one takes it over
    }
    case 'channel-active': {
      const channel = { outpoint: event.outpoint, chanId: event.chanId, pendingChannelId }
      if (part === undefined) return to({ tag: 'owed', deal, channel, bound: false, refused })
      // The deduction is on disk before the alias exists: from then on a forward without it would be possible.
      return to({ tag: 'forwarding', deal, channel, part, bound: false, refused }, [
        { type: 'add-alias', chanId: event.chanId },
      ])
    }
    case 'channel-refused': {
      const final = event.reason === 'client-refused'
      if (final)
        return to({ tag: 'abandoned', deal, why: `the client refused the channel: ${event.detail}`, at: event.at })
      // bLIP-52 channel opening: without funding_signed, fail with temporary_channel_failure and collect again.
      const again: In<'awaiting'> = { tag: 'awaiting', deal, part, refused }
      return to(part === undefined ? again : dropPart(again, part, 'temporary_channel_failure', event.reason))
    }
    case 'channel-closed':
      return to({ tag: 'unearned', deal, outpoint: event.outpoint, at: event.at })
    case 'part-expiring':
      if (part?.circuit !== event.circuit) return stay(sale, 'not the held part')
      return to(dropPart(sale, part, 'temporary_channel_failure', 'lnd was about to fail it'))
    case 'deadline':
      if (part === undefined || event.at < holdUntil(deal, part)) return stay(sale, 'not due')
      return to(dropPart(sale, part, 'temporary_channel_failure', 'the channel took too long'))
    case 'failed':
    case 'part-gone':
      // Gone from lnd while it was held: nothing was forwarded, there was no channel to forward over.
      if (part?.circuit !== event.circuit) return stay(sale, 'not the held part')
      return to(dropPart(sale, part, 'temporary_channel_failure', 'lnd does not hold it any more'))
    case 'client-online':
    case 'alias-added':
    case 'settled':
      return stay(sale, `opening: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onForwarding(sale: In<'forwarding'>, event: JitEvent): JitStep {
  const { deal, channel, part, bound, refused } = sale
  switch (event.type) {
    case 'part-held':
      if (isKnown(sale, event.part.circuit)) return stay(sale, 'part is known')
      return refuseSecond(sale, event.part)
    case 'alias-added':
      return bound ? stay(sale, 'already bound') : to({ ...sale, bound: true })
    case 'settled': {
      if (event.circuit !== part.circuit) return stay(sale, 'not our part')
      // Parts are taken only when they carry what they forward; whatever lnd says, a loss is not booked as a fee.
      const earned = msat(event.amountOut < part.amountIn ? part.amountIn - event.amountOut : 0n)
      const { circuit: _, ...payment } = { ...part, amountOut: event.amountOut }
      const { paymentHash, amountIn, amountOut } = payment
      const paid: Sale = { tag: 'paid', deal, channel, paymentHash, amountIn, amountOut, earned, at: event.at }
      const openingFee = earned < deal.fee ? earned : deal.fee
      return to(
        paid,
        [],
        [{ type: 'jit-fee', sale: deal.scid, client: deal.client, paymentHash, earned, openingFee, at: event.at }],
      )
    }
    case 'failed':
      if (event.circuit !== part.circuit) return stay(sale, 'not our part')
      // The wallet (or the way to it) failed the payment: the channel stays, the fee stays owed.
      return to({ tag: 'owed', deal, channel, bound, refused })
    case 'part-gone':
      // Once bound it may have been forwarded and settled: only lnd's records tell.
      if (event.circuit !== part.circuit || bound) return stay(sale, 'may be forwarded already')
      // On record as refused: an answer to a circuit that lnd does not hold would end the stream for the whole node.
      return to({
        tag: 'owed',
        deal,
        channel,
        bound,
        refused: withRefusal(refused, part, 'temporary_channel_failure', 'lnd does not hold it any more'),
      })
    case 'part-expiring':
      // Only a part that cannot have been forwarded may be failed: without the alias nothing reaches the client.
      if (event.circuit !== part.circuit || bound) return stay(sale, 'may be forwarded already')
      return to({
        tag: 'owed',
        deal,
        channel,
        bound,
        refused: withRefusal(refused, part, 'temporary_channel_failure', 'lnd was about to fail it'),
      })
    case 'deadline':
    case 'client-online':
    case 'channel-active':
    case 'channel-refused':
    case 'channel-closed':
      return stay(sale, `forwarding: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onOwed(sale: In<'owed'>, event: JitEvent): JitStep {
  const { deal, channel, bound, refused } = sale
  switch (event.type) {
    case 'part-held': {
      if (isKnown(sale, event.part.circuit)) return stay(sale, 'part is known')
      const fault = checkPart(deal, event.part, { height: event.height, at: event.at, bound: true })
      if (fault !== undefined) return to({ ...sale, refused: withRefusal(refused, event.part, fault.code, fault.why) })
      if (!isWhole(deal, event.part)) return refuseSecond(sale, event.part)
      const effects: JitEffect[] = bound ? [] : [{ type: 'add-alias', chanId: channel.chanId }]
      return to({ tag: 'forwarding', deal, channel, part: event.part, bound, refused }, effects)
    }
    case 'alias-added':
      return bound ? stay(sale, 'already bound') : to({ ...sale, bound: true })
    case 'channel-closed':
      return to({ tag: 'unearned', deal, outpoint: channel.outpoint, at: event.at })
    case 'deadline':
      // No payment counts any more: a sale that stayed would use up its client's limit, and then everybody's.
      if (event.at < deal.validUntil) return stay(sale, 'not due')
      return to({ tag: 'unearned', deal, outpoint: channel.outpoint, at: event.at })
    case 'client-online':
    case 'part-expiring':
    case 'part-gone':
    case 'channel-active':
    case 'channel-refused':
    case 'settled':
    case 'failed':
      return stay(sale, `owed: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function openFor(sale: In<'awaiting'>, part: Part, pendingChannelId: string): JitStep {
  const { deal, refused } = sale
  return to({ tag: 'opening', deal, pendingChannelId, part, refused }, [
    { type: 'open-channel', pendingChannelId, amount: part.amountOut },
  ])
}

function isWhole(deal: Deal, part: Part): boolean {
  return part.amountOut >= deal.paymentSize
}

function holdUntil(deal: Deal, part: Part): Timestamp {
  return (part.heldAt + deal.partHold) as Timestamp
}

function isKnown(sale: { part?: Part | undefined; refused: readonly Refusal[] }, circuit: string): boolean {
  return sale.part?.circuit === circuit || sale.refused.some((refusal) => refusal.circuit === circuit)
}

function refuseSecond(sale: Extract<Sale, { refused: Refusal[] }>, part: Part): JitStep {
  const why = 'payments in several parts are not served'
  return to({ ...sale, refused: withRefusal(sale.refused, part, 'temporary_channel_failure', why) })
}

function withRefusal(refused: readonly Refusal[], { circuit }: Part, code: Refusal['code'], why: string): Refusal[] {
  return [...refused, { circuit, code, why }].slice(-MAX_REFUSALS)
}

function dropPart<S extends In<'awaiting' | 'opening'>>(sale: S, part: Part, code: Refusal['code'], why: string): S {
  return { ...sale, part: undefined, refused: withRefusal(sale.refused, part, code, why) }
}

/** What is forwarded of a part: its amount less the fee (one part carries all of it). */
export function forwardedAmount(deal: Deal, part: Part): Msat {
  return msat(part.amountOut - deal.fee)
}
