import type { FlightRecord, Quote } from '../admin/schema.ts'
import {
  type Cell,
  formatMsat,
  formatSeconds,
  formatTime,
  type Paint,
  pairs,
  plural,
  table,
  thousands,
  wrap,
} from './format.ts'

type Price = NonNullable<FlightRecord['price']>
type Breakdown = NonNullable<Price['breakdown']>
type Row = readonly [string, Cell]

const PPM_PER_PERCENT = 10_000

/** The formula with its numbers, a line for each term: whoever reads it can add it up. */
function formula(breakdown: Breakdown): string {
  const { open_vbytes, sat_per_vbyte, close_vbytes, close_sat_per_vbyte, margin_ppm } = breakdown
  const terms = [
    ['', `${thousands(open_vbytes)} vB x ${thousands(sat_per_vbyte)} sat/vB to open`, breakdown.open_msat],
    ['+', `${thousands(close_vbytes)} vB x ${thousands(close_sat_per_vbyte)} sat/vB to close`, breakdown.close_msat],
    ['+', `${margin_ppm / PPM_PER_PERCENT} % of both`, breakdown.margin_msat],
    ['=', 'least fee by the chain', breakdown.least_fee_msat],
  ]
  const columns = [{ title: '' }, { title: '' }, { title: '', align: 'right' as const }]
  const rows = terms.map(([sign = '', what = '', amount = '0']) => [sign, what, formatMsat(amount)])
  return table(columns, rows, (_style, text) => text)
}

/** A value of several lines among names and values. */
function lines(name: string, text: string): Row[] {
  return text.split('\n').map((line, index) => [index === 0 ? name : '', line])
}

/** How the price of a sale came about. */
export function priceFacts(price: Price | undefined): Row[] {
  if (price === undefined) return []
  const { list, token, breakdown, floor_msat: floor } = price
  const of: Row = ['price list', token === undefined ? list : `${list}, token ${token}`]
  if (breakdown === undefined) {
    if (floor === undefined) return [of, ['least fee', 'how it came about is no longer on record']]
    return [of, ['least fee', `${formatMsat(floor)}, fixed by the config`]]
  }
  return [of, ...lines('least fee', formula(breakdown)), ...(floor === undefined ? [] : [floorFact(floor)])]
}

function floorFact(floor: string): Row {
  return ['', `the larger of that and ${formatMsat(floor)}, the floor of the offer`]
}

/** The answer to `sluice quote`. */
export function renderQuote(quote: Quote, now: number, paint: Paint): string {
  const { stops, warnings } = quote
  const said = [
    ...warnings.map((warning) => wrap(`warning  ${warning}`, '         ')),
    ...stops.map(
      ({ what, fix }) =>
        `${paint('red', wrap(`stop     ${what}`, '         '))}\n${wrap(`         fix: ${fix}`, '         ')}`,
    ),
  ]
  const parts = [
    ...said,
    pairs(quoteFacts(quote, now), paint),
    ...(quote.menu.length === 0 ? [] : [menu(quote, paint)]),
  ]
  return parts.join('\n\n')
}

function quoteFacts({ at, token, stops, feerate, price, menu: offers }: Quote, now: number): Row[] {
  const { second } = feerate
  return [
    ['at', formatTime(at, now)],
    ...(token === undefined ? [] : [['token', token] as const]),
    ['sold now', stops.length === 0 ? { text: plural(offers.length, 'offer'), style: 'green' } : nothing(stops.length)],
    ['feerate', `${estimate(feerate)} by lnd; nothing is sold above ${thousands(feerate.ceiling_sat_per_vbyte)}`],
    ...(second === undefined
      ? []
      : lines(
          'second',
          `${estimate(second)}; nothing is sold when over ${second.max_ratio} times apart\n${second.url}`,
        )),
    ...(price === undefined ? [] : ([['price list', price.list]] as const)),
    ...(price === undefined
      ? []
      : price.breakdown === undefined
        ? [['least fee', 'fixed by the config'] as const]
        : lines('least fee', formula(price.breakdown))),
  ]
}

function nothing(reasons: number): Cell {
  return { text: `nothing, for ${plural(reasons, 'reason')}`, style: 'red' }
}

type Estimate = { readonly sat_per_vbyte?: number | undefined; readonly age_seconds?: number | undefined }

function estimate({ sat_per_vbyte: rate, age_seconds: age }: Estimate): string {
  if (rate === undefined) return 'not known'
  return `${rate} sat/vB${age === undefined ? '' : ` of ${formatSeconds(age)} ago`}`
}

/** What the customer sees, and beside it what one payment would cost. */
function menu({ menu: offers, amount_msat: amount }: Quote, paint: Paint): string {
  const right = { align: 'right' as const }
  const columns = [
    { title: 'least fee', ...right },
    { title: 'ppm', ...right },
    { title: 'payments from', ...right },
    { title: 'to', ...right },
    { title: 'valid for' },
    ...(amount === undefined ? [] : [{ title: `fee of ${formatMsat(amount)}`, ...right }]),
  ]
  const rows = offers.map((offer): Cell[] => [
    formatMsat(offer.min_fee_msat),
    thousands(offer.proportional),
    formatMsat(offer.min_payment_size_msat),
    formatMsat(offer.max_payment_size_msat),
    formatSeconds(offer.valid_for_seconds),
    ...(amount === undefined ? [] : [answer(offer)]),
  ])
  return table(columns, rows, paint)
}

function answer({ fee_msat: fee, refusal }: Quote['menu'][number]): Cell {
  if (fee !== undefined) return { text: formatMsat(fee), style: 'green' }
  return { text: refusal === undefined ? '-' : `refused (${refusal.code})`, style: 'red' }
}
