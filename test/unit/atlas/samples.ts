import type { Batch, BatchEvent } from '../../../src/funding/batch-states.ts'
import type { Payout, PayoutEvent } from '../../../src/funding/payout-states.ts'
import type { Reclaim, ReclaimEvent } from '../../../src/funding/reclaim-states.ts'
import type { Funding, FundingEvent } from '../../../src/funding/states.ts'
import type { JitEvent, Sale } from '../../../src/jit/states.ts'
import type { Order, OrderEvent } from '../../../src/orders/states.ts'
import * as batch from '../funding/batch-samples.ts'
import * as payout from '../funding/payout-samples.ts'
import * as back from '../funding/reclaim-samples.ts'
import * as fund from '../funding/samples.ts'
import * as jit from '../jit/samples.ts'
import * as order from '../orders/samples.ts'

/** Samples of every state, and of every event by what is special about it: one that is missing is a type error. */
type States<State extends { readonly tag: string }> = {
  readonly [Tag in State['tag']]: readonly [Extract<State, { tag: Tag }>, ...Extract<State, { tag: Tag }>[]]
}
type Events<Event extends { readonly type: string }> = {
  readonly [Type in Event['type']]: Readonly<Record<string, Extract<Event, { type: Type }>>>
}

const AFTER_OFFER = { heldAt: jit.VALID_UNTIL }
const { circuit: ours } = jit.PART

export const SALES: States<Sale> = {
  awaiting: [jit.awaiting(), jit.awaiting(jit.PART), jit.awaiting(jit.SMALL_PART)],
  opening: [jit.opening(), jit.openingWithoutPart()],
  forwarding: [jit.forwarding(false), jit.forwarding(true)],
  owed: [jit.owed(false), jit.owed(true)],
  unwanted: [jit.unwanted()],
  reclaiming: [jit.reclaiming(), { ...jit.reclaiming(), due: undefined }],
  paid: [jit.paid()],
  abandoned: [jit.abandoned()],
  unearned: [jit.unearned()],
}

export const JIT_EVENTS: Events<JitEvent> = {
  'part-held': {
    'a new part that pays, client online': jit.partHeld({ circuit: jit.OTHER }),
    'a new part that pays, client away': jit.partHeld({ circuit: jit.OTHER }, { clientOnline: false }),
    'a new part that is too small': jit.partHeld({ ...jit.SMALL_PART, circuit: jit.OTHER }),
    'a new part of another payment': jit.partHeld({ circuit: jit.OTHER, paymentHash: jit.OTHER_HASH }),
    'a new part that asks to forward more than came in': jit.partHeld({
      circuit: jit.OTHER,
      amountIn: jit.SMALL_PART.amountIn,
    }),
    'a new part after the offer ended': jit.partHeld({ circuit: jit.OTHER, ...AFTER_OFFER }),
    'a new part that expires too soon': jit.partHeld({ circuit: jit.OTHER, autoFailHeight: jit.HEIGHT }),
    'our part again': jit.partHeld(),
  },
  'client-online': {
    'before the offer ends': jit.clientOnline(),
    'after the offer ended': jit.clientOnline(jit.VALID_UNTIL),
  },
  'part-expiring': { 'our part': jit.partExpiring(ours), 'another part': jit.partExpiring(jit.OTHER) },
  'part-gone': { 'our part': jit.partGone(ours), 'another part': jit.partGone(jit.OTHER) },
  deadline: {
    'too early': jit.due(jit.HELD_AT),
    'the hold is over': jit.due(jit.HELD_AT + jit.HOLD_MS),
    'the offer is over': jit.due(jit.VALID_UNTIL),
    'the channel is to go back': jit.due(jit.RECLAIM_AT),
  },
  'channel-active': { '': jit.channelActive() },
  'channel-refused': {
    'by the client': jit.channelRefused('client-refused'),
    'for a reason that may pass': jit.channelRefused('client-gone'),
  },
  'channel-closed': { '': jit.channelClosed() },
  'alias-added': { '': jit.aliasAdded() },
  settled: { 'our part': jit.settled(ours), 'another part': jit.settled(jit.OTHER) },
  failed: { 'our part': jit.failed(ours), 'another part': jit.failed(jit.OTHER) },
  'reclaim-ordered': { '': jit.reclaimOrdered() },
}

export const FUNDINGS: States<Funding> = {
  opening: [fund.opening(), fund.ordered(fund.opening()), fund.ordered(fund.opening(), 'batch')],
  funded: [fund.funded(), fund.ordered(fund.funded())],
  standing: [
    fund.ordered(fund.standing(fund.SIGNING)),
    fund.ordered(fund.standing(fund.PUBLISHED)),
    fund.ordered(fund.standing(fund.MINED)),
    fund.standing(fund.UNSIGNED),
    fund.withheld(),
    fund.standing(fund.SIGNING, fund.CHAN_ID),
    fund.standing(fund.SIGNED, fund.CHAN_ID),
    fund.standing(fund.PUBLISHED, fund.CHAN_ID),
    fund.standing(fund.BUMPED, fund.CHAN_ID),
    fund.standing(fund.MINED, fund.CHAN_ID),
  ],
  discarding: [fund.discarding('closing'), fund.discarding('abandoning')],
  confirmed: [fund.confirmed()],
  refused: [fund.refused()],
  lost: [fund.lost()],
  conflicted: [fund.conflicted()],
}

export const FUNDING_EVENTS: Events<FundingEvent> = {
  'psbt-funded': { '': fund.psbtFunded(fund.OTHER_OUTPOINT) },
  'channel-found': { 'our outpoint': fund.channelFound(), 'another outpoint': fund.channelFound(fund.OTHER_OUTPOINT) },
  'channel-active': { '': fund.channelActive() },
  'channel-closing': { '': fund.channelClosing() },
  'channel-closed': { '': fund.channelClosed() },
  refused: { '': fund.refusedWith('client-refused') },
  signed: { '': fund.signed() },
  published: { '': fund.published() },
  mined: { '': fund.minedNow() },
  unconfirmed: { '': fund.unconfirmed() },
  stuck: { '': fund.stuck(), 'a moment later': fund.stuck(121, 40), 'much later, the rate rose': fund.stuck(130, 40) },
  bumped: { '': fund.bumped() },
  confirmed: { '': fund.confirmedNow() },
  conflicted: { '': fund.conflictedBy() },
  'publish-due': { '': fund.publishDue() },
  discard: { '': fund.discard() },
  'discard-refused': { '': fund.discardRefused() },
  withdraw: { '': fund.withdraw() },
  'batch-complete': { '': fund.batchComplete() },
}

export const RECLAIMS: States<Reclaim> = {
  asked: [back.asked(), back.asked('force')],
  waiting: [back.waiting(), back.waiting(back.FORCE)],
  closing: [back.closing()],
  closed: [back.closed()],
  kept: [back.kept()],
}

export const RECLAIM_EVENTS: Events<ReclaimEvent> = {
  block: {
    'the peer is there': back.block(back.SINCE + 1, 'there'),
    'the peer is away': back.block(back.SINCE + 1, 'away'),
    'the time is over': back.block(back.SINCE + back.KEEP.withinBlocks, 'away'),
  },
  'not-now': { '': back.notNow },
  'in-use': { '': back.inUse },
  promised: { '': back.promised },
  closing: { '': back.closingNow },
  closed: { '': back.closedNow },
}

export const PAYOUTS: States<Payout> = {
  planned: [payout.planned()],
  funded: [payout.fundedPayout()],
  signed: [
    payout.signedPayout(),
    payout.signedPayout({ told: true }),
    payout.signedPayout({ told: true, next: payout.DEARER }),
    payout.signedPayout({ told: true, mined: payout.TXID }),
  ],
  paid: [payout.paidPayout()],
  abandoned: [payout.abandonedPayout()],
}

export const PAYOUT_EVENTS: Events<PayoutEvent> = {
  funded: { '': payout.payoutFunded() },
  found: { '': payout.payoutFound() },
  abandoned: { '': payout.payoutAbandoned() },
  signed: { '': payout.payoutSigned(), 'the dearer one': payout.payoutSigned(payout.DEARER_TXID) },
  published: { '': { type: 'published' } },
  stuck: { 'too early': payout.payoutStuck(0), 'after six hours': payout.payoutStuck() },
  replace: { 'after six hours': payout.payoutReplace() },
  unconfirmed: { '': { type: 'unconfirmed' } },
  mined: { '': { type: 'mined', txid: payout.TXID } },
  confirmed: { '': { type: 'confirmed', txid: payout.TXID } },
  conflicted: { '': payout.payoutConflicted() },
}

export const BATCHES: States<Batch> = {
  gathering: [batch.gathering()],
  funded: [batch.fundedBatch()],
  complete: [batch.complete()],
  burning: [batch.burning('discarding'), batch.burning('burning')],
  done: [batch.doneBatch()],
}

export const BATCH_EVENTS: Events<BatchEvent> = {
  gathered: { 'some answered': batch.gathered(), 'nobody answered': batch.nobody() },
  thinned: { 'one is left': batch.thinned(), 'nobody is left': batch.emptied() },
  whole: { '': { type: 'whole' } },
  broken: { 'one stands': batch.broken(), 'none stands': batch.dead() },
  'handed-out': { '': { type: 'handed-out' } },
  discarded: { '': { type: 'discarded' } },
  burnt: { '': { type: 'burnt' } },
  'burn-failed': { '': { type: 'burn-failed' } },
}

const WHOLE = order.receipt(1, order.TOTAL)
type OrderIn<Tag extends Order['tag']> = Extract<Order, { tag: Tag }>

/** An order that heard these events, in the state that it is a sample of. */
function orderIn<Tag extends Order['tag']>(tag: Tag, terms: typeof order.TERMS, ...events: readonly OrderEvent[]) {
  const reached = order.after(terms, ...events)
  if (reached.tag !== tag) throw new Error(`a sample of ${tag} is ${reached.tag}`)
  return reached as OrderIn<Tag>
}

const AWAY = { clientOnline: false }
const SENT_TWICE = order.receipt(2, order.TOTAL)

export const ORDERS: States<Order> = {
  created: [
    orderIn('created', order.TERMS),
    orderIn('created', order.TERMS, order.receipts([{ ...WHOLE, confirmations: 0 }])),
    orderIn('created', order.TERMS, order.accepted({ heldUntil: order.HEIGHT + order.SAFETY })),
  ],
  paid: [
    orderIn('paid', order.TERMS, order.accepted(AWAY)),
    orderIn('paid', order.TERMS, order.receipts([WHOLE], AWAY)),
    orderIn('paid', order.TERMS, order.accepted(), order.refused('client-gone')),
    orderIn('paid', order.EXTENSION, order.accepted({ received: order.FEE * 1000n })),
  ],
  opening: [
    orderIn('opening', order.TERMS, order.accepted()),
    orderIn('opening', order.TERMS, order.receipts([WHOLE])),
    orderIn('opening', order.TERMS, order.accepted(), order.cancelOrder()),
  ],
  completed: [
    orderIn('completed', order.TERMS, order.accepted(), order.published()),
    orderIn('completed', order.TERMS, order.accepted(), order.published(), order.settledNow()),
    orderIn('completed', order.TERMS, order.receipts([WHOLE]), order.published()),
    orderIn('completed', order.TERMS, order.receipts([WHOLE]), order.published(), order.receipts([WHOLE, SENT_TWICE])),
    orderIn('completed', order.ZERO_CONF, zeroConfPayment(), order.published()),
  ],
  failed: [
    orderIn('failed', order.TERMS, order.accepted(AWAY), order.cancelOrder()),
    orderIn('failed', order.TERMS, order.receipts([WHOLE], AWAY), order.cancelOrder()),
    orderIn('failed', order.TERMS, order.deadlineAt(order.EXPIRES_AT), order.cancelledNow()),
  ],
}

function zeroConfPayment() {
  const seen = order.receipt(1, order.FEE, { confirmations: 0, replaceable: false })
  return order.receipts([seen], { zeroConfLeft: order.FEE })
}

export const ORDER_EVENTS: Events<OrderEvent> = {
  invoice: {
    'paid, client online': heard('invoice', order.accepted()),
    'paid, client away': heard('invoice', order.accepted(AWAY)),
    'paid in part': heard('invoice', order.accepted({ received: 1n })),
    'paid, and about to expire': heard('invoice', order.accepted({ heldUntil: order.HEIGHT + order.SAFETY })),
    'cancelled by lnd': heard('invoice', order.invoice('canceled')),
    'settled, and not by us': heard('invoice', order.invoice('settled')),
  },
  receipts: {
    'all of it, confirmed': heard('receipts', order.receipts([WHOLE])),
    'all of it, in no block': heard('receipts', order.receipts([{ ...WHOLE, confirmations: 0 }])),
    'half of it': heard('receipts', order.receipts([order.receipt(3, order.TOTAL / 2n)])),
    'twice as much': heard('receipts', order.receipts([WHOLE, SENT_TWICE])),
    nothing: heard('receipts', order.receipts([])),
  },
  deadline: {
    'too early': heard('deadline', order.deadlineAt(order.NOW)),
    'another attempt is due': heard('deadline', order.deadlineAt(order.NOW + 30_000)),
    'the time to pay is over': heard('deadline', order.deadlineAt(order.EXPIRES_AT)),
    'a month later': heard('deadline', order.deadlineAt(order.NOW + 30 * 86_400_000)),
  },
  block: {
    'there is time': heard('block', order.blockAt(order.HEIGHT)),
    'too late to begin': heard('block', order.blockAt(order.HELD_UNTIL - order.SAFETY - order.OPEN_BLOCKS)),
    'about to expire': heard('block', order.blockAt(order.HELD_UNTIL - order.SAFETY)),
  },
  'client-online': { '': heard('client-online', order.clientOnline()) },
  'channel-published': { '': heard('channel-published', order.published()) },
  'channel-refused': {
    'by the client': heard('channel-refused', order.refused('client-refused')),
    'for a reason that may pass': heard('channel-refused', order.refused('no-coins')),
    'it can never be': heard('channel-refused', order.refused('failed')),
    'it closed': heard('channel-refused', order.refused('closed')),
  },
  extended: { '': heard('extended', order.extended()) },
  'extend-refused': { '': heard('extend-refused', order.extendRefused()) },
  'invoice-settled': { '': heard('invoice-settled', order.settledNow()) },
  'invoice-cancelled': { '': heard('invoice-cancelled', order.cancelledNow()) },
  'refund-sent': { '': heard('refund-sent', order.refundSent(1)) },
  'refund-done': { '': heard('refund-done', order.refundDone(1)) },
  'refund-dust': { '': heard('refund-dust', order.refundDust(1)) },
  cancel: { '': heard('cancel', order.cancelOrder()) },
}

/** The samples are of any event: what each is for is said here. */
function heard<Type extends OrderEvent['type']>(type: Type, event: OrderEvent): Extract<OrderEvent, { type: Type }> {
  if (event.type !== type) throw new Error(`a sample of ${type} is ${event.type}`)
  return event as Extract<OrderEvent, { type: Type }>
}
