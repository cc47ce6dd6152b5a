import type { Msat } from '../../lsps/base/amount.ts'
import { formatDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import type { FlightStep } from '../journal/flight.ts'
import { openingFee } from './fees.ts'
import { belongTogether, total } from './parts.ts'
import type { Sale } from './states.ts'
import { forwardedAmount } from './verdict.ts'

/** A sale as an operator sees it: amounts are decimal strings in msat, times UTC datetimes. */
export type SaleSummaryReport = {
  readonly id: string
  readonly state: string
  readonly client: string
  readonly scid: string
  /** Of another channel under a purchase: the scid that was bought. */
  readonly via?: string
  readonly created_at: string
  readonly updated_at: string
  /** Absent for an invoice without an amount, until it is paid. */
  readonly payment_msat?: string
  readonly fee_msat?: string
  readonly earned_msat?: string
  readonly payment_hash?: string
  readonly funding_txid?: string
}

/** `steps`: of its flight record, the last one last. */
export function summarize(sale: Sale, steps: readonly FlightStep[]): SaleSummaryReport {
  const { deal } = sale
  const [part] = [...('sent' in sale ? sale.sent : []), ...('parts' in sale ? sale.parts : [])]
  const updated = steps.at(-1)?.at ?? deal.createdAt
  const hash = sale.tag === 'paid' ? sale.paymentHash : part?.paymentHash
  const outpoint = outpointOf(sale)
  return {
    id: deal.scid,
    state: sale.tag,
    client: deal.client,
    scid: deal.scid,
    ...(deal.via === undefined ? {} : { via: deal.via }),
    created_at: formatDatetime(deal.createdAt),
    updated_at: formatDatetime(updated),
    ...priceOf(sale),
    ...(sale.tag === 'paid' ? { earned_msat: `${sale.earned}` } : {}),
    ...(hash === undefined ? {} : { payment_hash: hash }),
    ...(outpoint === undefined ? {} : { funding_txid: outpoint.split(':')[0] ?? outpoint }),
  }
}

/** What was sold; for an invoice without an amount, what it came to. */
function priceOf(sale: Sale): { payment_msat?: string; fee_msat?: string } {
  const { deal } = sale
  const payment = deal.paymentSize ?? paidWith(sale)
  if (payment === undefined) return {}
  const fee = (sale.tag === 'paid' ? sale.fee : undefined) ?? openingFee(deal, payment)
  return { payment_msat: `${payment}`, ...(fee === undefined ? {} : { fee_msat: `${fee}` }) }
}

function paidWith(sale: Sale): Msat | undefined {
  if (sale.tag === 'paid') return sale.amountIn
  const [first, ...further] = 'sent' in sale ? sale.sent : 'parts' in sale ? sale.parts : []
  if (first === undefined) return undefined
  return total([first, ...further.filter((part) => belongTogether(sale.deal, first, part))])
}

function outpointOf(sale: Sale): string | undefined {
  if ('channel' in sale) return sale.channel.outpoint
  return sale.tag === 'unearned' ? sale.outpoint : undefined
}

/** The flight record of one sale. */
export function describeSale(sale: Sale, steps: readonly FlightStep[], capacitySat?: bigint) {
  const { deal } = sale
  const outpoint = outpointOf(sale)
  const first = deal.createdAt
  const sold: FlightStep = { at: first, what: 'sold', detail: { client: deal.client } }
  return {
    ...summarize(sale, steps),
    terms: {
      min_fee_msat: `${deal.minFee}`,
      proportional: deal.proportional as number,
      valid_until: formatDatetime(deal.validUntil),
      min_lifetime: deal.minLifetime,
      max_client_to_self_delay: deal.maxClientToSelfDelay,
      lsp_cltv_expiry_delta: deal.cltvExpiryDelta,
      client_trusts_lsp: deal.trust === 'client-trusts-lsp',
    },
    ...amountsOf(sale),
    ...(outpoint === undefined ? {} : { funding_outpoint: outpoint }),
    ...(capacitySat === undefined ? {} : { capacity_sat: `${capacitySat}` }),
    ...('channel' in sale ? { chan_id: `${sale.channel.chanId}` } : {}),
    ...(sale.tag === 'abandoned' ? { reason: sale.why } : {}),
    steps: [sold, ...steps].map((step) => describe(step, first)),
  }
}

function amountsOf(sale: Sale): { amount_in_msat?: string; amount_out_msat?: string } {
  if (sale.tag === 'paid') return { amount_in_msat: `${sale.amountIn}`, amount_out_msat: `${sale.amountOut}` }
  if (sale.tag !== 'forwarding') return {}
  const sum = (amounts: readonly bigint[]) => `${amounts.reduce((all, amount) => all + amount, 0n)}`
  return {
    amount_in_msat: sum(sale.sent.map(({ amountIn }) => amountIn)),
    amount_out_msat: sum(sale.sent.map(forwardedAmount)),
  }
}

function describe({ at, what, detail }: FlightStep, first: Timestamp) {
  return { at: formatDatetime(at), offset_ms: Math.max(0, at - first), what, detail }
}
