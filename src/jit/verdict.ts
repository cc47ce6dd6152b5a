import type { HtlcAnswer } from '../lnd/port.ts'
import { forwardedAmount } from './machine.ts'
import type { Sale } from './states.ts'

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
      if (sale.part?.circuit === circuit) return HOLD
      return refusal(sale, circuit, false) ?? { type: 'judge' }
    case 'forwarding': {
      if (sale.part.circuit !== circuit) return refusal(sale, circuit, true) ?? { type: 'judge' }
      if (!sale.bound) return HOLD
      return { type: 'resume-modified', amountOut: forwardedAmount(sale.deal, sale.part), extraFee: sale.deal.fee }
    }
    case 'owed':
      return refusal(sale, circuit, true) ?? { type: 'judge' }
    case 'paid':
    case 'abandoned':
    case 'unearned':
      // Unbound, this is unknown_next_peer to the payer; bound, an ordinary forward; in flight, lnd drops it.
      return RESUME
  }
}

function refusal(sale: Extract<Sale, { refused: unknown }>, circuit: string, mayBeBound: boolean): Verdict | undefined {
  const found = sale.refused.find((refused) => refused.circuit === circuit)
  if (found === undefined) return undefined
  // unknown_next_peer can only be said by resuming while the scid leads nowhere (L2-110).
  if (found.code === 'unknown_next_peer' && !mayBeBound) return RESUME
  return { type: 'fail' }
}
