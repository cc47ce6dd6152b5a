import { msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { assertNever, stay } from '../../lsps/base/machine.ts'
import { onForwarding } from './forwarding.ts'
import { dropDue, dropPart, holdUntil, leadsToClient, takeParts, total, unheard, wholePayment } from './parts.ts'
import { type In, type JitStep, onStanding, to } from './standing.ts'
import type { Deal, JitEffect, JitEvent, Sale } from './states.ts'

/** Between two times at which an unwanted channel is asked back. */
export const ASK_BACK_MS = 10 * 60_000

/** A new sale. */
export function sell(deal: Deal): JitStep {
  return to({ tag: 'awaiting', deal, parts: [], refused: [] })
}

export function isTerminal(sale: Sale): boolean {
  return sale.tag === 'paid' || sale.tag === 'abandoned' || sale.tag === 'unearned'
}

/** Whether its payment may still come: sales of this kind are what a client may have only so many of. */
export function isUnpaid(sale: Sale): boolean {
  return !isTerminal(sale) && sale.tag !== 'reclaiming' && sale.tag !== 'unwanted'
}

/** When the sale must act by itself: held parts have waited long enough, or the offer ends. */
export function deadline(sale: Sale): Timestamp | undefined {
  switch (sale.tag) {
    case 'awaiting':
    case 'owed':
      return Math.min(holdUntil(sale.deal, sale.parts) ?? sale.deal.validUntil, sale.deal.validUntil) as Timestamp
    case 'opening':
      return holdUntil(sale.deal, sale.parts) ?? sale.deal.validUntil
    case 'forwarding':
      return holdUntil(sale.deal, sale.parts)
    case 'unwanted':
    case 'reclaiming':
      return sale.due
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
  if (isOfAnotherOrder(sale, event)) return stay(sale, `of another order: ${event.type}`)
  switch (sale.tag) {
    case 'awaiting':
      return onAwaiting(sale, event)
    case 'opening':
      return onOpening(sale, event)
    case 'forwarding':
      return onForwarding(sale, event)
    case 'owed':
      return onOwed(sale, event)
    case 'unwanted':
      return onUnwanted(sale, event)
    case 'reclaiming':
      return onReclaiming(sale, event)
    case 'paid':
    case 'abandoned':
    case 'unearned':
      return stay(sale, `terminal: ${event.type}`)
    default:
      return assertNever(sale)
  }
}

/** News come at least once: those of an order that ended may come again while the next one is under way. */
function isOfAnotherOrder(sale: Sale, event: JitEvent): boolean {
  if (event.type !== 'channel-active' && event.type !== 'channel-refused' && event.type !== 'channel-closed')
    return false
  const order = 'channel' in sale ? sale.channel : sale
  return 'pendingChannelId' in order && order.pendingChannelId !== event.pendingChannelId
}

function onAwaiting(sale: In<'awaiting'>, event: JitEvent): JitStep {
  const { deal } = sale
  switch (event.type) {
    case 'part-held': {
      const coming = unheard(sale, event)
      if (coming.length === 0) return stay(sale, 'part is known')
      const held = { ...sale, ...takeParts(sale, coming, { ...event, bound: leadsToClient(deal) }) }
      return (event.clientOnline ? openFor(held, event) : undefined) ?? to(held)
    }
    case 'client-online':
      // bLIP-52 payment collection: only while now < valid_until, strictly.
      if (event.at >= deal.validUntil) return stay(sale, 'the offer has ended')
      return openFor(sale, event) ?? stay(sale, 'no whole payment is held')
    case 'deadline': {
      if (event.at >= deal.validUntil) return to({ tag: 'abandoned', deal, why: 'expired', at: event.at })
      return giveBackDue(sale, event.at)
    }
    case 'part-expiring':
      return giveBack(sale, event.circuit, 'lnd was about to fail it')
    case 'failed':
    case 'part-gone':
      return giveBack(sale, event.circuit, 'lnd does not hold it any more')
    case 'channel-active':
    case 'channel-refused':
    case 'channel-closed':
    case 'alias-added':
    case 'settled':
    case 'reclaim-ordered':
      return stay(sale, `no channel was ordered: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onOpening(sale: In<'opening'>, event: JitEvent): JitStep {
  const { deal, parts, refused, pendingChannelId } = sale
  switch (event.type) {
    case 'part-held': {
      const coming = unheard(sale, event)
      if (coming.length === 0) return stay(sale, 'part is known')
      // The channel comes for the first payment; whatever is whole when it is there goes over it.
      return to({ ...sale, ...takeParts(sale, coming, { ...event, bound: leadsToClient(deal) }) })
    }
    case 'channel-active': {
      const channel = { outpoint: event.outpoint, chanId: event.chanId, pendingChannelId }
      const bound = leadsToClient(deal)
      return onStanding({ deal, channel, collected: msat(0n), parts, bound, forwarded: [], refused })
    }
    case 'channel-refused': {
      if (event.reason === 'client-refused')
        return to({ tag: 'abandoned', deal, why: `the client refused the channel: ${event.detail}`, at: event.at })
      // bLIP-52 channel opening: without funding_signed, fail with temporary_channel_failure and collect again.
      let again: In<'awaiting'> = { tag: 'awaiting', deal, parts, refused }
      for (const { circuit } of parts) again = { ...again, ...dropPart(again, circuit, event.reason) }
      return to(again)
    }
    case 'channel-closed':
      return to({ tag: 'unearned', deal, outpoint: event.outpoint, at: event.at })
    case 'deadline': {
      const left = dropDue(sale, event.at)
      if (left.parts.length > 0 || event.at < deal.validUntil) return giveBackDue(sale, event.at)
      return askBack({ tag: 'unwanted', deal, pendingChannelId, due: event.at, refused: left.refused }, event.at)
    }
    case 'part-expiring':
      return giveBack(sale, event.circuit, 'lnd was about to fail it')
    case 'failed':
    case 'part-gone':
      // Gone from lnd while it was held: nothing was forwarded, there was no channel to forward over.
      return giveBack(sale, event.circuit, 'lnd does not hold it any more')
    case 'client-online':
    case 'alias-added':
    case 'settled':
    case 'reclaim-ordered':
      return stay(sale, `opening: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onOwed(sale: In<'owed'>, event: JitEvent): JitStep {
  const { deal, channel, bound } = sale
  switch (event.type) {
    case 'part-held': {
      const coming = unheard(sale, event)
      if (coming.length === 0) return stay(sale, 'part is known')
      return onStanding({ ...sale, ...takeParts(sale, coming, { ...event, bound: true }) })
    }
    case 'alias-added':
      return bound ? stay(sale, 'already bound') : to({ ...sale, bound: true })
    case 'channel-closed':
      return to({ tag: 'unearned', deal, outpoint: channel.outpoint, at: event.at })
    case 'deadline':
      // No payment counts any more: a sale that stayed would use up its client's limit, and then everybody's.
      return event.at >= deal.validUntil ? endUnpaid(sale, event.at) : giveBackDue(sale, event.at)
    case 'part-expiring':
      return giveBack(sale, event.circuit, 'lnd was about to fail it')
    case 'failed':
    case 'part-gone':
      return giveBack(sale, event.circuit, 'lnd does not hold it any more')
    case 'client-online':
    case 'channel-active':
    case 'channel-refused':
    case 'settled':
    case 'reclaim-ordered':
      return stay(sale, `owed: ${event.type}`)
    default:
      return assertNever(event)
  }
}

/** The offer ended with the fee unpaid: what is held goes back, and after a while so does the channel (D22). */
function endUnpaid(sale: In<'owed'>, at: Timestamp): JitStep {
  const { deal, channel } = sale
  if (deal.reclaimAfter === undefined) return to({ tag: 'unearned', deal, outpoint: channel.outpoint, at })
  let held = sale
  for (const { circuit } of sale.parts) held = { ...held, ...dropPart(held, circuit, 'the offer has ended') }
  const { refused } = held
  // What was never published costs nothing to forget, and its coins are wanted.
  if (deal.trust === 'client-trusts-lsp') return reclaim({ tag: 'reclaiming', deal, channel, refused })
  const due = (deal.validUntil + deal.reclaimAfter) as Timestamp
  const waiting: In<'reclaiming'> = { tag: 'reclaiming', deal, channel, due, refused }
  return at >= due ? reclaim(waiting) : to(waiting)
}

function reclaim(sale: In<'reclaiming'>): JitStep {
  const wanted: JitEffect = { type: 'reclaim-channel', pendingChannelId: sale.channel.pendingChannelId }
  return to({ ...sale, due: undefined }, [wanted])
}

function onReclaiming(sale: In<'reclaiming'>, event: JitEvent): JitStep {
  const { deal, channel, due } = sale
  switch (event.type) {
    case 'deadline':
      return due === undefined || event.at < due ? stay(sale, 'not due') : reclaim(sale)
    case 'reclaim-ordered':
    case 'channel-closed':
      return to({ tag: 'unearned', deal, outpoint: channel.outpoint, at: event.at })
    case 'part-held':
    case 'client-online':
    case 'part-expiring':
    case 'part-gone':
    case 'channel-active':
    case 'channel-refused':
    case 'alias-added':
    case 'settled':
    case 'failed':
      return stay(sale, `reclaiming: ${event.type}`)
    default:
      return assertNever(event)
  }
}

/** Not heard of until the channel is there or gone: asked again, since what was asked of an open under way may be lost. */
function askBack(sale: In<'unwanted'>, at: Timestamp): JitStep {
  const wanted: JitEffect = { type: 'reclaim-channel', pendingChannelId: sale.pendingChannelId }
  return to({ ...sale, due: (at + ASK_BACK_MS) as Timestamp }, [wanted])
}

function onUnwanted(sale: In<'unwanted'>, event: JitEvent): JitStep {
  const { deal, pendingChannelId, refused, due } = sale
  switch (event.type) {
    case 'deadline':
      return event.at < due ? stay(sale, 'not due') : askBack(sale, event.at)
    case 'channel-active': {
      const channel = { outpoint: event.outpoint, chanId: event.chanId, pendingChannelId }
      return reclaim({ tag: 'reclaiming', deal, channel, refused })
    }
    case 'channel-closed':
      return to({ tag: 'unearned', deal, outpoint: event.outpoint, at: event.at })
    case 'channel-refused':
      return to({ tag: 'abandoned', deal, why: 'expired', at: event.at })
    case 'part-held':
    case 'client-online':
    case 'part-expiring':
    case 'part-gone':
    case 'alias-added':
    case 'settled':
    case 'failed':
    case 'reclaim-ordered':
      return stay(sale, `unwanted: ${event.type}`)
    default:
      return assertNever(event)
  }
}

type Opener = { readonly height: number; readonly pendingChannelId: string }

function openFor(sale: In<'awaiting'>, { height, pendingChannelId }: Opener): JitStep | undefined {
  const payment = wholePayment(sale.deal, sale.parts, height)
  if (payment === undefined) return undefined
  return to({ ...sale, tag: 'opening', pendingChannelId }, [
    { type: 'open-channel', pendingChannelId, amount: total(payment), parts: payment.length },
  ])
}

/** Only for circuits that cannot have been forwarded: those that the sale holds. */
function giveBack(sale: In<'awaiting' | 'opening' | 'owed'>, circuit: string, why: string): JitStep {
  const left = dropPart(sale, circuit, why)
  return left === undefined ? stay(sale, 'not a held part') : to({ ...sale, ...left })
}

function giveBackDue(sale: In<'awaiting' | 'opening' | 'owed'>, at: Timestamp): JitStep {
  const left = dropDue(sale, at)
  return left.parts.length === sale.parts.length ? stay(sale, 'not due') : to({ ...sale, ...left })
}
