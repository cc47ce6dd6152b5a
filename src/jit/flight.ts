import type { FlightStep } from '../journal/flight.ts'
import { forwardedAmount, MAX_REFUSALS } from './machine.ts'
import type { JitEvent, Sale } from './states.ts'

/** One refusal too many: a payer may send HTLCs without end, and the record of a sale must not grow with them. */
export function isOneTooMany(before: Sale, after: Sale, event: JitEvent): boolean {
  if (event.type !== 'part-held' || !('refused' in before) || before.refused.length < MAX_REFUSALS) return false
  return !('part' in after) || after.part?.circuit !== event.part.circuit
}

/** What the flight record says of one event that changed a sale; the sentence names what happened, not how. */
export function describeStep(before: Sale, after: Sale, event: JitEvent): FlightStep {
  const newRefusal = 'refused' in after ? after.refused.at(-1) : undefined
  const knew = 'refused' in before && before.refused.some(({ circuit }) => circuit === newRefusal?.circuit)
  const refusal: Record<string, string> =
    newRefusal === undefined || knew ? {} : { refused: newRefusal.circuit, code: newRefusal.code, why: newRefusal.why }
  return {
    at: event.at,
    what: title(before, after, event),
    detail: { ...details(after, event), ...refusal, state: after.tag },
  }
}

function title(before: Sale, after: Sale, event: JitEvent): string {
  switch (event.type) {
    case 'part-held':
      if ('part' in after && after.part?.circuit === event.part.circuit) return 'payment held'
      return 'payment refused'
    case 'client-online':
      return 'client came back'
    case 'part-expiring':
      return 'payment failed before lnd would'
    case 'part-gone':
      return 'payment gone from lnd'
    case 'deadline':
      if (after.tag === 'unearned') return 'offer ended, fee not earned'
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
      return after.tag === 'paid' && after.earned < after.deal.fee
        ? 'payment settled, fee lost'
        : 'payment settled, fee earned'
    case 'failed':
      return 'payment failed by the client or on the way to it'
  }
}

function details(after: Sale, event: JitEvent): Record<string, string> {
  switch (event.type) {
    case 'part-held': {
      const { circuit, paymentHash, amountIn, amountOut, expiryIn, expiryOut, autoFailHeight } = event.part
      const held = {
        circuit,
        payment_hash: paymentHash,
        amount_in_msat: `${amountIn}`,
        amount_msat: `${amountOut}`,
        expiries: `in ${expiryIn}, out ${expiryOut}, failed by lnd at ${autoFailHeight}, now ${event.height}`,
        client: event.clientOnline ? 'online' : 'away',
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
      if (after.tag !== 'paid') return {}
      return { forwarded_msat: `${after.amountOut}`, earned_msat: `${after.earned}` }
    case 'failed':
      return { reason: event.reason }
    case 'client-online':
    case 'part-expiring':
    case 'part-gone':
    case 'deadline':
      return {}
  }
}

function forwarded({ deal, part }: Extract<Sale, { tag: 'forwarding' }>): Record<string, string> {
  return { forwarded_msat: `${forwardedAmount(deal, part)}`, fee_msat: `${deal.fee}` }
}
