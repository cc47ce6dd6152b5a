import { msat } from '../../lsps/base/amount.ts'
import type { FlightStep } from '../journal/flight.ts'
import { MAX_FORWARDED, MAX_REFUSALS, total } from './parts.ts'
import type { JitEvent, Sale } from './states.ts'
import { forwardedAmount } from './verdict.ts'

/**
 * A payer may send HTLCs without end, and the client may fail them; the record of a sale must not grow with them. Once
 * it tells of so many, only what changes the sale is added, and of the payments that the client fails nothing but the end.
 */
export function isOneTooMany(before: Sale, after: Sale, event: JitEvent): boolean {
  if (event.type === 'settled' || event.type === 'alias-added') return false
  const isOpen = (sale: Sale) => sale.tag === 'owed' || sale.tag === 'forwarding'
  if ('forwarded' in before && before.forwarded.length >= MAX_FORWARDED && isOpen(after)) return true
  return before.tag === after.tag && 'refused' in before && before.refused.length >= MAX_REFUSALS
}

function isCounted(sale: Sale, circuit: string): boolean {
  const isIt = (part: { circuit: string }) => part.circuit === circuit
  return ('parts' in sale && sale.parts.some(isIt)) || ('sent' in sale && sale.sent.some(isIt))
}

/** What the flight record says of one event that changed a sale; the sentence names what happened, not how. */
export function describeStep(before: Sale, after: Sale, event: JitEvent): FlightStep {
  const knew = new Set('refused' in before ? before.refused.map(({ circuit }) => circuit) : [])
  const news = 'refused' in after ? after.refused.filter(({ circuit }) => !knew.has(circuit)) : []
  const [first] = news
  const refusal: Record<string, string> =
    first === undefined
      ? {}
      : { refused: news.map(({ circuit }) => circuit).join(' '), code: first.code, why: first.why }
  return {
    at: event.at,
    what: title(before, after, event),
    detail: { ...details(after, event), ...refusal, state: after.tag },
  }
}

function title(before: Sale, after: Sale, event: JitEvent): string {
  switch (event.type) {
    case 'part-held':
      if (!isCounted(after, event.part.circuit)) return 'payment refused'
      return heldPart(after, event.part.paymentHash) ? 'part of a payment held' : 'payment held'
    case 'client-online':
      return 'client came back'
    case 'part-expiring':
      return 'payment failed before lnd would'
    case 'part-gone':
      return 'payment gone from lnd'
    case 'deadline':
      if (before.tag === 'reclaiming' || before.tag === 'unwanted') return 'channel to be taken back'
      if (after.tag === 'unwanted') return 'offer ended, channel not wanted any more'
      if (after.tag === 'unearned' || after.tag === 'reclaiming') return 'offer ended, fee not earned'
      return after.tag === 'abandoned' ? 'offer ended' : 'payment held long enough'
    case 'channel-active':
      return 'channel active'
    case 'channel-refused':
      return 'channel refused'
    case 'channel-closed':
      return 'channel closed'
    case 'alias-added':
      return before.tag === 'forwarding' ? 'alias bound, payment forwarded' : 'alias bound'
    case 'settled':
      if (after.tag !== 'paid') return 'part of a payment settled'
      return after.earned < (after.fee ?? 0n) ? 'payment settled, fee lost' : 'payment settled, fee earned'
    case 'failed':
      return 'payment failed by the client or on the way to it'
    case 'reclaim-ordered':
      return 'channel is being taken back'
  }
}

/** Whether the payment is not all here yet, or came in several parts. */
function heldPart(after: Sale, hash: string): boolean {
  const { paymentSize } = after.deal
  if (paymentSize === undefined || !('parts' in after)) return false
  const sent = 'sent' in after ? after.sent : []
  const parts = [...sent, ...after.parts].filter(({ paymentHash }) => paymentHash === hash)
  return parts.length > 1
}

function details(after: Sale, event: JitEvent): Record<string, string> {
  switch (event.type) {
    case 'part-held': {
      const { circuit, paymentHash, amountIn, amountOut, expiryIn, expiryOut, autoFailHeight } = event.part
      const { further = [] } = event
      const held = {
        circuit,
        payment_hash: paymentHash,
        amount_in_msat: `${amountIn}`,
        amount_msat: `${amountOut}`,
        expiries: `in ${expiryIn}, out ${expiryOut}, failed by lnd at ${autoFailHeight}, now ${event.height}`,
        client: event.clientOnline ? 'online' : 'away',
        ...(further.length === 0
          ? {}
          : { with: further.map((part) => `${part.circuit} ${part.amountOut}`).join(', ') }),
      }
      // Over a channel that stands already it goes on at once.
      return after.tag === 'forwarding' && after.bound ? { ...held, ...forwarded(after) } : held
    }
    case 'channel-active':
      return { outpoint: event.outpoint, chan_id: `${event.chanId}` }
    case 'channel-refused':
      return { reason: event.reason, detail: event.detail }
    case 'channel-closed':
      return { outpoint: event.outpoint }
    case 'alias-added':
      return after.tag === 'forwarding' ? forwarded(after) : {}
    case 'settled':
      if (after.tag !== 'paid') return { circuit: event.circuit, forwarded_msat: `${event.amountOut}` }
      return { forwarded_msat: `${after.amountOut}`, earned_msat: `${after.earned}` }
    case 'failed':
      return { circuit: event.circuit, reason: event.reason }
    case 'client-online':
    case 'part-expiring':
    case 'part-gone':
    case 'deadline':
    case 'reclaim-ordered':
      return {}
  }
}

function forwarded({ sent }: Extract<Sale, { tag: 'forwarding' }>): Record<string, string> {
  const amount = sent.reduce((sum, part) => sum + forwardedAmount(part), 0n)
  const fee = msat(total(sent) - amount)
  const parts: Record<string, string> = sent.length === 1 ? {} : { parts: `${sent.length}` }
  return { forwarded_msat: `${amount}`, fee_msat: `${fee}`, ...parts }
}
