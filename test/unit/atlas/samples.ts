import type { Batch, BatchEvent } from '../../../src/funding/batch-states.ts'
import type { Payout, PayoutEvent } from '../../../src/funding/payout-states.ts'
import type { Reclaim, ReclaimEvent } from '../../../src/funding/reclaim-states.ts'
import type { Funding, FundingEvent } from '../../../src/funding/states.ts'
import type { JitEvent, Sale } from '../../../src/jit/states.ts'
import * as batch from '../funding/batch-samples.ts'
import * as payout from '../funding/payout-samples.ts'
import * as back from '../funding/reclaim-samples.ts'
import * as fund from '../funding/samples.ts'
import * as jit from '../jit/samples.ts'

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
