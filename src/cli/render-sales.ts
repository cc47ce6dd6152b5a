import type { FlightRecord, SaleSummary } from '../admin/schema.ts'
import {
  type Cell,
  formatMsat,
  formatSat,
  formatTime,
  type Paint,
  pairs,
  type Style,
  shortId,
  table,
  thousands,
} from './format.ts'
import { priceFacts } from './render-price.ts'
import { renderSteps } from './render-steps.ts'

const STATE_STYLE: Readonly<Record<string, Style>> = {
  paid: 'green',
  abandoned: 'dim',
  owed: 'yellow',
  reclaiming: 'yellow',
  unwanted: 'yellow',
  unearned: 'red',
}

/** The answer to `sluice jit list`. */
export function renderSales(sales: readonly SaleSummary[], now: number, paint: Paint): string {
  if (sales.length === 0) return 'no sales'
  const rows = sales.map((sale): Cell[] => [
    sale.id,
    stateCell(sale.state),
    sale.payment_msat === undefined ? 'any' : formatMsat(sale.payment_msat),
    sale.fee_msat === undefined ? '-' : formatMsat(sale.fee_msat),
    sale.earned_msat === undefined ? '-' : formatMsat(sale.earned_msat),
    shortId(sale.client),
    formatTime(sale.created_at, now),
  ])
  const columns = [
    { title: 'sale' },
    { title: 'state' },
    { title: 'payment', align: 'right' as const },
    { title: 'fee', align: 'right' as const },
    { title: 'earned', align: 'right' as const },
    { title: 'client' },
    { title: 'sold' },
  ]
  return table(columns, rows, paint)
}

/** The answer to `sluice jit show`: one sale from offer to settlement. */
export function renderRecord(record: FlightRecord, now: number, paint: Paint): string {
  return [pairs(recordFacts(record, now), paint), renderSteps(record.steps, paint)].join('\n\n')
}

function recordFacts(record: FlightRecord, now: number): (readonly [string, Cell])[] {
  const { terms } = record
  const given: (readonly [string, Cell | undefined])[] = [
    ['sale', record.id],
    ['state', stateCell(record.state)],
    ['reason', record.reason],
    ['client', record.client],
    ['scid', record.scid],
    ['another channel under', record.via],
    ['sold', formatTime(record.created_at, now)],
    ['valid until', formatTime(terms.valid_until, now)],
    ['payment', record.payment_msat === undefined ? 'any amount' : formatMsat(record.payment_msat)],
    [
      'fee agreed',
      `${agreedFee(record)}${thousands(terms.proportional)} ppm, at least ${formatMsat(terms.min_fee_msat)}`,
    ],
    ...priceFacts(record.price),
    ['trust', terms.client_trusts_lsp === true ? 'the client trusts us: published when it was paid' : undefined],
    ['came in', optional(record.amount_in_msat, formatMsat)],
    ['client got', optional(record.amount_out_msat, formatMsat)],
    ['earned', optional(record.earned_msat, (amount) => ({ text: formatMsat(amount), style: 'green' }))],
    ['payment hash', record.payment_hash],
    ['funding', record.funding_outpoint ?? record.funding_txid],
    ['capacity', optional(record.capacity_sat, formatSat)],
    ['channel', record.chan_id],
    [
      'promised',
      `${thousands(terms.min_lifetime)} blocks of lifetime, to_self_delay at most ${thousands(terms.max_client_to_self_delay)} blocks`,
    ],
  ]
  return given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}

function agreedFee({ fee_msat: fee }: FlightRecord): string {
  return fee === undefined ? '' : `${formatMsat(fee)}: `
}

function stateCell(state: string): Cell {
  return { text: state, style: STATE_STYLE[state] ?? 'cyan' }
}

function optional<T>(value: string | undefined, format: (value: string) => T): T | undefined {
  return value === undefined ? undefined : format(value)
}
