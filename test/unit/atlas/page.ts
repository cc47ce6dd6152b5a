import { isTerminal as batchEnds, step as batchStep } from '../../../src/funding/batch-machine.ts'
import type { Batch, BatchEffect, BatchEvent } from '../../../src/funding/batch-states.ts'
import { isTerminal as fundingEnds, step as fundingStep } from '../../../src/funding/machine.ts'
import { isTerminal as payoutEnds, step as payoutStep } from '../../../src/funding/payout-machine.ts'
import type { Payout, PayoutEffect, PayoutEvent } from '../../../src/funding/payout-states.ts'
import { isTerminal as reclaimEnds, step as reclaimStep } from '../../../src/funding/reclaim-machine.ts'
import type { Reclaim, ReclaimEffect, ReclaimEvent } from '../../../src/funding/reclaim-states.ts'
import type { Funding, FundingEffect, FundingEvent } from '../../../src/funding/states.ts'
import { isTerminal as saleEnds, step as saleStep } from '../../../src/jit/machine.ts'
import { wholePayment } from '../../../src/jit/parts.ts'
import type { JitEffect, JitEvent, JitMoney, Refusal, Sale, SentPart } from '../../../src/jit/states.ts'
import { verdict } from '../../../src/jit/verdict.ts'
import { isTerminal as orderEnds, step as orderStep } from '../../../src/orders/machine.ts'
import type { Deposit } from '../../../src/orders/onchain.ts'
import type { Order, OrderEffect, OrderEvent, OrderMoney } from '../../../src/orders/states.ts'
import { RULES } from '../architecture-rules.ts'
import { OUTPOINT } from '../funding/samples.ts'
import { PART, refusal } from '../jit/samples.ts'
import { drawMachine, eventsOf, samplesOf } from './atlas.ts'
import {
  BATCH_EVENTS,
  BATCHES,
  FUNDING_EVENTS,
  FUNDINGS,
  JIT_EVENTS,
  ORDER_EVENTS,
  ORDERS,
  PAYOUT_EVENTS,
  PAYOUTS,
  RECLAIM_EVENTS,
  RECLAIMS,
  SALES,
} from './samples.ts'

/** What stands between the markers of ARCHITECTURE.md, by section. */
export const SECTIONS: Readonly<Record<string, () => string>> = {
  'import rules': drawRules,
  'sale machine': drawSale,
  'answers to lnd': drawAnswers,
  'order machine': drawOrder,
  'funding machine': drawFunding,
  'batch machine': drawBatch,
  'payout machine': drawPayout,
  'reclaim machine': drawReclaim,
}

export const begin = (section: string) => `<!-- generated: ${section} -->`
export const end = (section: string) => `<!-- end of ${section} -->`

/** The page with every generated section as the code has it now. */
export function regenerate(page: string): string {
  let result = page
  for (const [section, draw] of Object.entries(SECTIONS)) {
    const from = result.indexOf(begin(section))
    const to = result.indexOf(end(section))
    if (from < 0 || to < from) throw new Error(`ARCHITECTURE.md has no section between "${begin(section)}" and its end`)
    result = `${result.slice(0, from + begin(section).length)}\n\n${draw()}\n\n${result.slice(to)}`
  }
  return result
}

function drawRules(): string {
  const rows = RULES.map(
    ([place, allowed]) => `| \`${place}\` | ${allowed.map((prefix) => `\`${prefix}\``).join(', ')} |`,
  )
  return ['| place | may import, besides its own folder |', '|---|---|', ...rows].join('\n')
}

function drawSale(): string {
  return drawMachine<Sale, JitEvent, JitEffect, JitMoney>({
    first: 'awaiting',
    states: samplesOf<Sale>(SALES),
    events: eventsOf<JitEvent>(JIT_EVENTS),
    step: saleStep,
    isTerminal: saleEnds,
    nameState: nameSale,
    nameChange: (before, after) => nameRefusal(refusedOf(before), refusedOf(after)),
    nameEffect: ({ type }) => type,
    nameMoney: () => 'a journal entry',
  })
}

function nameSale(sale: Sale): string {
  switch (sale.tag) {
    case 'awaiting':
    case 'opening':
      return `${sale.tag}, ${nameHeld(sale)}`
    case 'forwarding':
      return `${sale.tag} ${namesOf(sale.sent)}, ${nameBound(sale)}${nameWaiting(sale)}`
    case 'owed':
      return `${sale.tag}, ${nameBound(sale)}${nameWaiting(sale)}`
    case 'reclaiming':
      return `${sale.tag}, ${sale.due === undefined ? 'asked for' : 'not due yet'}`
    case 'unwanted':
    case 'paid':
    case 'abandoned':
    case 'unearned':
      return sale.tag
  }
}

function nameHeld({ parts, deal }: Extract<Sale, { tag: 'awaiting' | 'opening' }>): string {
  if (parts.length === 0) return 'nothing held'
  return `${namesOf(parts)} held${wholePayment(deal, parts) === undefined ? ' (too small)' : ''}`
}

function nameBound({ bound }: { readonly bound: boolean }): string {
  return bound ? 'bound' : 'not bound'
}

function nameWaiting({ parts }: Extract<Sale, { parts: unknown }>): string {
  return parts.length === 0 ? '' : `, ${namesOf(parts)} held`
}

function namesOf(parts: readonly { readonly circuit: string; readonly end?: SentPart['end'] }[]): string {
  const name = (circuit: string) => (circuit === PART.circuit ? 'our part' : 'the new part')
  return parts.map(({ circuit, end }) => `${name(circuit)}${end === undefined ? '' : ` (${end.type})`}`).join(' and ')
}

function refusedOf(sale: Sale): readonly Refusal[] {
  return 'refused' in sale ? sale.refused : []
}

function nameRefusal(before: readonly Refusal[], after: readonly Refusal[]): string {
  return after
    .filter(({ circuit }) => !before.some((known) => known.circuit === circuit))
    .map(({ circuit, code }) => `${circuit === PART.circuit ? 'our part' : 'the new part'} is refused, ${code}`)
    .join('; ')
}

const REFUSED_FOR_NOW = '9:1'
const REFUSED_AS_UNKNOWN = '9:2'

function drawAnswers(): string {
  const circuits = [
    ['our part', PART.circuit],
    ['refused, temporary_channel_failure', REFUSED_FOR_NOW],
    ['refused, unknown_next_peer', REFUSED_AS_UNKNOWN],
    ['not heard of', '9:9'],
  ] as const
  const rows = samplesOf<Sale>(SALES).map((sale) => {
    const refusing = 'refused' in sale ? { ...sale, refused: [...sale.refused, ...REFUSALS] } : sale
    return `| ${nameSale(sale)} | ${circuits.map(([, circuit]) => verdict(refusing, circuit).type).join(' | ')} |`
  })
  return [
    `| state | ${circuits.map(([title]) => title).join(' | ')} |`,
    `|---|${circuits.map(() => '---|').join('')}`,
    ...rows,
  ].join('\n')
}

const REFUSALS: readonly Refusal[] = [refusal(REFUSED_FOR_NOW), refusal(REFUSED_AS_UNKNOWN, 'unknown_next_peer')]

function drawOrder(): string {
  return drawMachine<Order, OrderEvent, OrderEffect, OrderMoney>({
    first: 'created',
    states: samplesOf<Order>(ORDERS),
    events: eventsOf<OrderEvent>(ORDER_EVENTS),
    step: orderStep,
    isTerminal: orderEnds,
    nameState: nameOrder,
    nameChange: () => '',
    nameEffect: ({ type }) => type,
    nameMoney: ({ type }) => `journal: ${type}`,
  })
}

function nameOrder(order: Order): string {
  const { invoice, deposits } = order.payment
  const what = order.terms.purpose.type === 'extension' ? `${order.tag} (extension)` : order.tag
  const lost = order.tag === 'completed' && order.lost !== undefined ? ', lost' : ''
  const more = order.tag === 'opening' && order.withdrawn !== undefined ? ', withdrawn' : lost
  const again = order.tag === 'paid' && order.retryAt !== undefined ? ', to be tried again' : more
  const by = 'by' in order ? `, by ${order.by}` : ''
  const came = deposits.length === 0 ? '' : `, on chain ${deposits.map(nameDeposit).join(' and ')}`
  return `${what}${by}${again}, invoice ${invoice}${came}`
}

function nameDeposit({ confirmations, gone, sold, refund }: Deposit): string {
  if (refund !== undefined) return `refund ${refund.stage}`
  if (gone === true) return 'gone'
  const state = sold === undefined ? 'seen' : 'sold'
  return confirmations === 0 ? `${state} (unconfirmed)` : state
}

function drawFunding(): string {
  return drawMachine<Funding, FundingEvent, FundingEffect, never>({
    first: 'opening',
    states: samplesOf<Funding>(FUNDINGS),
    events: eventsOf<FundingEvent>(FUNDING_EVENTS),
    step: fundingStep,
    isTerminal: fundingEnds,
    nameState: nameFunding,
    nameChange: (_, after) => ('outpoint' in after && after.outpoint !== OUTPOINT ? 'the outpoint is new' : ''),
    nameEffect: (effect) => (effect.type === 'notify' ? `notify: ${effect.news.type}` : effect.type),
    nameMoney: () => '',
  })
}

function drawReclaim(): string {
  return drawMachine<Reclaim, ReclaimEvent, ReclaimEffect, never>({
    first: 'asked',
    states: samplesOf<Reclaim>(RECLAIMS),
    events: eventsOf<ReclaimEvent>(RECLAIM_EVENTS),
    step: reclaimStep,
    isTerminal: reclaimEnds,
    nameState: nameReclaim,
    nameChange: () => '',
    nameEffect: ({ type }) => type,
    nameMoney: () => '',
  })
}

function drawBatch(): string {
  return drawMachine<Batch, BatchEvent, BatchEffect, never>({
    first: 'gathering',
    states: samplesOf<Batch>(BATCHES),
    events: eventsOf<BatchEvent>(BATCH_EVENTS),
    step: batchStep,
    isTerminal: batchEnds,
    nameState: (batch) => (batch.tag === 'burning' ? `burning, ${batch.stage}` : batch.tag),
    nameChange: () => '',
    nameEffect: ({ type }) => type,
    nameMoney: () => '',
  })
}

function drawPayout(): string {
  return drawMachine<Payout, PayoutEvent, PayoutEffect, never>({
    first: 'planned',
    states: samplesOf<Payout>(PAYOUTS),
    events: eventsOf<PayoutEvent>(PAYOUT_EVENTS),
    step: payoutStep,
    isTerminal: payoutEnds,
    nameState: namePayout,
    nameChange: () => '',
    nameEffect: (effect) => (effect.type === 'notify' ? `notify: ${effect.news.type}` : effect.type),
    nameMoney: () => '',
  })
}

function namePayout(payout: Payout): string {
  if (payout.tag !== 'signed') return payout.tag
  const told = payout.told === true ? ', published' : ''
  const next = payout.next === undefined ? '' : ', being replaced'
  return `signed${told}${next}${payout.mined === undefined ? '' : ', mined'}`
}

function nameReclaim(reclaim: Reclaim): string {
  if (reclaim.tag === 'asked') return `asked, ${reclaim.how}`
  if (reclaim.tag === 'waiting') return `waiting, then ${reclaim.terms.afterwards}`
  return reclaim.tag
}

function nameFunding(funding: Funding): string {
  if (funding.tag === 'discarding') return `discarding, ${funding.stage}`
  const { broadcast, batch } = funding.order
  if (broadcast === 'when-pending' && funding.tag !== 'standing')
    return `${funding.tag}, ordered${batch === undefined ? '' : ' in a batch'}`
  const due = broadcast === 'due' ? ', due' : ''
  if (funding.tag !== 'standing') return `${funding.tag}${due}`
  const active = funding.chanId === undefined ? 'not active yet' : 'active'
  const withheld = broadcast === 'when-due' ? ', withheld' : broadcast === 'when-pending' ? ', ordered' : due
  const bumped = 'bump' in funding.tx && funding.tx.bump !== undefined ? ' (bumped)' : ''
  return `standing, ${funding.tx.stage}${bumped}, ${active}${withheld}${funding.closed === true ? ', closed' : ''}`
}
