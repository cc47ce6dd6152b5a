import type { OrderOutcome, OrderRecord, OrderSummary } from '../admin/schema-orders.ts'
import {
  type Cell,
  formatMsat,
  formatSat,
  formatTime,
  type Paint,
  pairs,
  plural,
  type Style,
  shortId,
  shortOutpoint,
  table,
  thousands,
  wrap,
} from './format.ts'
import { renderSteps } from './render-steps.ts'

type Row = readonly [string, Cell]

const STATE_STYLE: Readonly<Record<OrderSummary['state'], Style>> = {
  created: 'cyan',
  paid: 'yellow',
  opening: 'yellow',
  completed: 'green',
  failed: 'dim',
}
const PPM_PER_PERCENT = 10_000
/** Room beside the names of facts. */
const INDENT = '              '

/** The answer to `sluice orders list`. */
export function renderOrders(orders: readonly OrderSummary[], now: number, paint: Paint): string {
  if (orders.length === 0) return 'no orders'
  const rows = orders.map((order): Cell[] => [
    order.id,
    stateCell(order),
    order.purpose,
    thousands(order.fee_sat),
    formatTime(order.created_at, now).replace(/^.*\((.*)\)$/, '$1'),
  ])
  const columns = [
    { title: 'order' },
    { title: 'state' },
    { title: 'for' },
    { title: 'fee in sat', align: 'right' as const },
    { title: 'ordered', align: 'right' as const },
  ]
  return table(columns, rows, paint)
}

/** The answer to `sluice orders show`: one order from its price to its channel or its refund. */
export function renderOrder(order: OrderRecord, now: number, paint: Paint): string {
  const parts = [
    pairs(orderFacts(order, now), paint),
    pairs(lines('price', renderPrice(order.price)), paint),
    pairs(paymentFacts(order), paint),
    ...(order.failures.length === 0 ? [] : [renderFailures(order, paint)]),
    renderSteps(order.steps, paint),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function orderFacts(order: OrderRecord, now: number): Row[] {
  const { channel, wanted } = order
  const given: (readonly [string, Cell | undefined])[] = [
    ['order', order.id],
    ['state', { text: `${order.state} (${order.order_state})`, style: STATE_STYLE[order.state] }],
    ['reason', order.reason === undefined ? undefined : wrap(INDENT + order.reason, INDENT).trimStart()],
    ['lost', order.lost === undefined ? undefined : { text: order.lost, style: 'red' }],
    ['client', order.client],
    ['by', order.origin === 'peer' ? 'its own node' : 'HTTP: nobody proved to be this node'],
    ['ordered', formatTime(order.created_at, now)],
    ['payable until', formatTime(order.expires_at, now)],
    ['token', order.token],
    ...wantedFacts(wanted),
    ['attempts', order.attempts === undefined ? undefined : thousands(order.attempts)],
    ['withdrawn', order.withdrawn],
    ['channel', channel === undefined ? undefined : channel.outpoint.split(':')[0]],
    ['output', channel?.outpoint.split(':')[1]],
    ['funded', channel === undefined ? undefined : formatTime(channel.funded_at, now)],
    // An extension is an order of its own: `sluice promises` tells what the channel was promised in all.
    ['at least until', channel === undefined ? undefined : formatTime(channel.expires_at, now)],
  ]
  return given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}

function wantedFacts(wanted: OrderRecord['wanted']): Row[] {
  if ('outpoint' in wanted) {
    return [
      ['for', `${thousands(wanted.blocks)} blocks more of channel ${wanted.short_channel_id}`],
      ['new end', `block ${thousands(wanted.new_expiry_height)}`],
    ]
  }
  const { lsp_balance_sat: ours, client_balance_sat: theirs, confirmations, confirms_within: within, blocks } = wanted
  return [
    ['for', `${formatSat(ours)} of ours, ${formatSat(theirs)} of the client's`],
    [
      'usable',
      `after ${plural(confirmations, 'confirmation')}, funded within ${plural(within, 'block')}, ${
        wanted.announce ? 'announced' : 'private'
      }`,
    ],
    ['lifetime', `${thousands(blocks)} blocks`],
  ]
}

/** The formula with its numbers, a line for each term: whoever reads it can add it up. */
export function renderPrice(price: OrderRecord['price']): string {
  const {
    capital_ppm_per_year: capital,
    client_ppm: client,
    sat_per_vbyte: rate,
    close_sat_per_vbyte: closeRate,
  } = price
  const terms: (readonly [string, string, string])[] = [
    ['', 'of every order', price.base_sat],
    ['+', `${formatSat(price.lsp_balance_sat)} x ${thousands(price.blocks)} blocks`, price.capital_sat],
    ['', `  x ${thousands(capital)} ppm a year of 52,560 blocks`, ''],
    ...(client === 0 || price.client_balance_sat === '0'
      ? []
      : ([['+', `${formatSat(price.client_balance_sat)} x ${thousands(client)} ppm`, price.client_sat]] as const)),
    ...(rate === 0
      ? []
      : ([
          ['+', `${thousands(price.open_vbytes)} vB x ${thousands(rate)} sat/vB to open`, price.open_sat],
          ['+', `${thousands(price.close_vbytes)} vB x ${thousands(closeRate)} sat/vB to close`, price.close_sat],
          ['+', `${price.margin_ppm / PPM_PER_PERCENT} % of both`, price.margin_sat],
        ] as const)),
    ...(price.discount_ppm === undefined
      ? []
      : ([['-', `${price.discount_ppm / PPM_PER_PERCENT} % by its token`, price.discount_sat ?? '0']] as const)),
    ['=', 'fee', price.fee_sat],
  ]
  const columns = [{ title: '' }, { title: '' }, { title: '', align: 'right' as const }]
  const rows = terms.map(([sign, what, amount]) => [sign, what, amount === '' ? '' : formatSat(amount)])
  return table(columns, rows, (_style, text) => text)
}

/** A value of several lines among names and values. */
function lines(name: string, text: string): Row[] {
  return text.split('\n').map((line, index) => [index === 0 ? name : '', line])
}

/** What was asked, what came, and what went back. */
function paymentFacts({ total_sat: total, paid_by: by, bolt11, onchain, booked }: OrderRecord): Row[] {
  const taken = booked === true ? ', in the journal' : ''
  return [
    ['to pay', formatSat(total)],
    ['paid by', by === undefined ? 'nobody yet' : `${by === 'bolt11' ? 'Lightning' : 'a payment on chain'}${taken}`],
    ...(bolt11 === undefined ? [] : bolt11Facts(bolt11)),
    ...(onchain === undefined ? [] : onchainFacts(onchain)),
  ]
}

function bolt11Facts({
  state,
  invoice_state: invoice,
  payment_hash: hash,
  received_msat: received,
  held_until_height: until,
}: NonNullable<OrderRecord['bolt11']>): Row[] {
  return [
    ['Lightning', `${state} (invoice ${invoice})`],
    ...(received === undefined ? [] : [['  received', formatMsat(received)] as const]),
    ...(until === undefined ? [] : [['  held until', `block ${thousands(until)}`] as const]),
    ['  hash', hash],
  ]
}

function onchainFacts({
  state,
  address,
  confirmations,
  received_sat: received,
  refund_address: refund,
  deposits,
}: NonNullable<OrderRecord['onchain']>): Row[] {
  return [
    ['on chain', `${state}, ${formatSat(received)} received, taken at ${plural(confirmations, 'confirmation')}`],
    ['  address', address],
    ...(refund === undefined ? [] : [['  refunds to', refund] as const]),
    ...deposits.flatMap((deposit): Row[] => [
      ['  output', `${shortOutpoint(deposit.outpoint)}, ${formatSat(deposit.amount_sat)}, ${depthOf(deposit)}`],
      ...(deposit.sold_sat === undefined || deposit.sold_sat === '0'
        ? []
        : [['', `${formatSat(deposit.sold_sat)} of it paid for the order`] as const]),
      ...(deposit.refund === undefined ? [] : refundFacts(deposit.refund)),
    ]),
  ]
}

type Deposit = NonNullable<OrderRecord['onchain']>['deposits'][number]

function depthOf({ confirmations, gone }: Deposit): string {
  if (gone === true) return 'not to be seen any more'
  return confirmations === 0 ? 'unconfirmed' : plural(confirmations, 'confirmation')
}

function refundFacts({ stage, amount_sat: amount, txid, chain_fee_sat: fee }: NonNullable<Deposit['refund']>): Row[] {
  const what = formatSat(amount)
  if (stage === 'owed') return [['', `${what} of it go back once it is confirmed`]]
  if (stage === 'asked') return [['', `${what} of it are being sent back`]]
  if (stage === 'dust') return [['', `${what} of it are too little to be sent back`]]
  return [
    [
      '',
      `${what} of it sent back${stage === 'done' ? ', confirmed' : ''}${fee === undefined ? '' : `, of which ${formatSat(fee)} to miners`}`,
    ],
    ...(txid === undefined ? [] : [['', `by ${txid}`] as const]),
  ]
}

function renderFailures({ failures }: OrderRecord, paint: Paint): string {
  return failures
    .map(({ at, reason, detail }) => wrap(`${at}  not opened: ${reason}: ${detail}`, '  '))
    .map((text) => paint('yellow', text))
    .join('\n')
}

/** The answer to `sluice orders cancel` and `refund`. */
export function renderOutcome({ action, done, does, order }: OrderOutcome, paint: Paint): string {
  const each = does.map((what) => wrap(`  ${what}`, '    '))
  if (done) return [`order ${order.id} is ${order.state}`, ...each].join('\n')
  return [
    `order ${shortId(order.id)}: nothing was done yet. This would happen:`,
    ...each,
    '',
    paint('bold', `sluice orders ${action} ${order.id} --yes`),
  ].join('\n')
}

function stateCell({ state, lost }: OrderSummary): Cell {
  return lost === undefined ? { text: state, style: STATE_STYLE[state] } : { text: `${state}, lost`, style: 'red' }
}
