import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { HtlcAnswer } from '../lnd/port.ts'
import { leadsToClient } from './parts.ts'
import type { Sale, SentPart } from './states.ts'

/** `judge` is for a circuit that the sale has not heard of: it has to become an event first. */
export type Verdict = { readonly type: 'hold' } | { readonly type: 'judge' } | HtlcAnswer

const HOLD: Verdict = { type: 'hold' }
const RESUME: Verdict = { type: 'resume' }

/**
 * The answer to an offered circuit, computed from what is on disk and nothing else: the same circuit gets the same
 * answer however often lnd offers it. FAIL is said only of circuits that are on record as never forwarded.
 */
export function verdict(sale: Sale, circuit: string): Verdict {
  switch (sale.tag) {
    case 'awaiting':
    case 'opening':
      if (sale.parts.some((part) => part.circuit === circuit)) return HOLD
      return refusal(sale, circuit, 'leads nowhere') ?? { type: 'judge' }
    case 'forwarding': {
      const sent = sale.sent.find((part) => part.circuit === circuit)
      if (sent === undefined) return waiting(sale, circuit)
      return sale.bound ? forward(sent) : HOLD
    }
    case 'owed':
      return waiting(sale, circuit)
    case 'unwanted':
      return refusal(sale, circuit, 'leads nowhere') ?? RESUME
    case 'reclaiming':
      return refusal(sale, circuit, 'may lead to the client') ?? RESUME
    case 'paid':
    case 'abandoned':
    case 'unearned':
      // Unbound, this is unknown_next_peer to the payer; bound, an ordinary forward; in flight, lnd drops it.
      return RESUME
  }
}

/** What is forwarded of a part: its amount less what is deducted of it. */
export function forwardedAmount({ amountOut, fee }: SentPart): Msat {
  return msat(amountOut - fee)
}

function forward(sent: SentPart): Verdict {
  // No record of a deduction where there is none (L2-94). Also what has ended: lnd drops it.
  if (sent.fee === 0n || sent.end !== undefined) return RESUME
  return { type: 'resume-modified', amountOut: forwardedAmount(sent), extraFee: sent.fee }
}

function waiting(sale: Extract<Sale, { forwarded: unknown }>, circuit: string): Verdict {
  if (sale.parts.some((part) => part.circuit === circuit)) return HOLD
  if (sale.forwarded.includes(circuit)) return RESUME // it has ended, and lnd drops it: nothing else is safe to say
  return refusal(sale, circuit, 'may lead to the client') ?? { type: 'judge' }
}

function refusal(
  { deal, refused }: Extract<Sale, { refused: unknown }>,
  circuit: string,
  scid: 'leads nowhere' | 'may lead to the client',
): Verdict | undefined {
  const found = refused.find((other) => other.circuit === circuit)
  if (found === undefined) return undefined
  // unknown_next_peer can only be said by resuming while the scid leads nowhere (L2-110).
  if (found.code === 'unknown_next_peer' && scid === 'leads nowhere' && !leadsToClient(deal)) return RESUME
  return { type: 'fail' }
}
