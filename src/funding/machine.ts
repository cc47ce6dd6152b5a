import { assertNever, go, type Step, stay } from '../../lsps/base/machine.ts'
import type { ChannelOrder, Funding, FundingEffect, FundingEvent, FundingNews, Transaction } from './states.ts'

/** Between two bumps of one funding: time for the first to work. */
export const REBUMP_BLOCKS = 6

/** A new order: persisted under its own pending_chan_id before lnd hears of it (D20). */
export function place(order: ChannelOrder): Step<Funding, FundingEffect> {
  // A batch negotiates for its members: their transaction is one.
  return go<Funding, FundingEffect>({ tag: 'opening', order }, order.batch === undefined ? [{ type: 'negotiate' }] : [])
}

/** The one funding path of funding.md as a machine: pure, total, and never signing before the channel was seen. */
export function step(funding: Funding, event: FundingEvent): Step<Funding, FundingEffect> {
  switch (funding.tag) {
    case 'opening':
      return onOpening(funding, event)
    case 'funded':
      return onFunded(funding, event)
    case 'standing':
      return onStanding(funding, event)
    case 'discarding':
      return onDiscarding(funding, event)
    case 'confirmed':
    case 'refused':
    case 'lost':
      return stay(funding, `terminal: ${event.type}`)
    case 'conflicted':
      if (event.type !== 'channel-closed' || funding.closed === true) return stay(funding, `conflicted: ${event.type}`)
      return go<Funding, FundingEffect>({ ...funding, closed: true })
    default:
      return assertNever(funding)
  }
}

export function isTerminal(funding: Funding): boolean {
  const { tag } = funding
  if (tag === 'conflicted') return funding.closed === true
  return tag === 'confirmed' || tag === 'refused' || tag === 'lost'
}

type In<Tag extends Funding['tag']> = Extract<Funding, { tag: Tag }>
type Heard<Type extends FundingEvent['type']> = Extract<FundingEvent, { type: Type }>

function notify(news: FundingNews): FundingEffect {
  return { type: 'notify', news }
}

function onOpening(funding: In<'opening'>, event: FundingEvent): Step<Funding, FundingEffect> {
  const { order } = funding
  switch (event.type) {
    case 'psbt-funded':
      if (order.batch !== undefined) return stay(funding, 'its batch has the transaction')
      if (order.withdrawn === true) return giveUp(funding)
      return go<Funding, FundingEffect>({ tag: 'funded', order, psbt: event.psbt, outpoint: event.outpoint }, [
        { type: 'verify' },
      ])
    case 'batch-complete':
      if (order.batch === undefined) return stay(funding, 'it is in no batch')
      return signPending({ order, outpoint: event.outpoint, psbt: event.psbt })
    case 'refused':
      return refuse(funding, event)
    case 'publish-due':
      return makeDue(funding)
    case 'withdraw':
      return withdraw(funding)
    default:
      return stay(funding, `early: ${event.type}`)
  }
}

function onFunded(funding: In<'funded'>, event: FundingEvent): Step<Funding, FundingEffect> {
  const { order, psbt, outpoint } = funding
  switch (event.type) {
    case 'psbt-funded':
      // Recovery proved the earlier transaction dead: it was never signed, and no channel names its outpoint.
      if (order.withdrawn === true) return giveUp(funding)
      return go<Funding, FundingEffect>({ ...funding, psbt: event.psbt, outpoint: event.outpoint }, [
        { type: 'verify' },
      ])
    case 'channel-found': {
      if (event.outpoint !== outpoint) return stay(funding, `not our outpoint: ${event.outpoint}`)
      if (order.withdrawn === true) return abandon({ order, outpoint, psbt, chanId: undefined, by: 'owner' })
      if (order.broadcast === 'when-pending') return signPending({ order, outpoint, psbt })
      const tx = { stage: 'unsigned', psbt } as const
      return go<Funding, FundingEffect>({ tag: 'standing', order, outpoint, tx }, [{ type: 'watch-active' }])
    }
    case 'refused':
      return refuse(funding, event)
    case 'channel-closing':
      return abandon({ order, outpoint, psbt, chanId: undefined, by: 'others' })
    case 'channel-closed':
      return lose(funding)
    case 'publish-due':
      return makeDue(funding)
    case 'withdraw':
      return withdraw(funding)
    default:
      return stay(funding, `early: ${event.type}`)
  }
}

function onStanding(funding: In<'standing'>, event: FundingEvent): Step<Funding, FundingEffect> {
  const { tx, outpoint, order } = funding
  switch (event.type) {
    case 'channel-active':
      return activate(funding, event.chanId)
    case 'publish-due':
      if (tx.stage !== 'unsigned') return stay(funding, `already ${tx.stage}`)
      return funding.chanId === undefined ? makeDue(funding) : sign(funding, tx.psbt)
    case 'discard':
      if (tx.stage !== 'unsigned') return stay(funding, `it is ${tx.stage}: only a close ends the channel`)
      if (order.broadcast === 'due') return stay(funding, 'money depends on it')
      return go<Funding, FundingEffect>(
        { tag: 'discarding', order, outpoint, psbt: tx.psbt, chanId: funding.chanId, stage: 'closing', by: 'owner' },
        [{ type: 'close' }],
      )
    case 'signed':
      if (tx.stage !== 'signing') return stay(funding, `already ${tx.stage}`)
      return go<Funding, FundingEffect>({ ...funding, tx: { stage: 'signed', raw: event.raw } }, [{ type: 'publish' }])
    case 'published':
      if (tx.stage !== 'signed') return stay(funding, `transaction is ${tx.stage}`)
      return go<Funding, FundingEffect>({ ...funding, tx: { stage: 'published', raw: tx.raw } }, [
        notify({ type: 'published', outpoint }),
      ])
    case 'unconfirmed':
    case 'mined':
    case 'confirmed':
    case 'conflicted':
      return onChain(funding, event)
    case 'stuck':
    case 'bumped':
      return onBump(funding, event)
    case 'channel-closing':
    case 'channel-closed':
      return onClose(funding, event.type)
    case 'withdraw':
      return withdrawStanding(funding)
    case 'psbt-funded':
    case 'batch-complete':
    case 'channel-found':
    case 'refused':
    case 'discard-refused':
      return stay(funding, `late: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function activate(funding: In<'standing'>, chanId: bigint): Step<Funding, FundingEffect> {
  const { tx, outpoint, order } = funding
  if (funding.chanId !== undefined) return stay(funding, 'already active')
  const news = notify({ type: 'channel-active', outpoint, chanId })
  const waits = tx.stage !== 'unsigned' || order.broadcast === 'when-due'
  if (waits) return go<Funding, FundingEffect>({ ...funding, chanId }, [news])
  // The sale goes on beside signing and publishing (D20); both start from this one commit.
  return go<Funding, FundingEffect>({ ...funding, chanId, tx: { stage: 'signing', psbt: tx.psbt } }, [
    news,
    { type: 'sign' },
  ])
}

/** What the chain says of the transaction. Final is only what is deep in it: a reorganisation undoes the rest. */
function onChain(
  funding: In<'standing'>,
  event: Heard<'unconfirmed' | 'mined' | 'confirmed' | 'conflicted'>,
): Step<Funding, FundingEffect> {
  const { tx, outpoint, order, chanId } = funding
  if (tx.stage === 'unsigned' || tx.stage === 'signing') return stay(funding, `transaction is ${tx.stage}`)
  if (event.type === 'conflicted') {
    if (tx.stage === 'mined') return stay(funding, 'transaction is mined')
    const { spentBy } = event
    return go<Funding, FundingEffect>({ tag: 'conflicted', order, outpoint, chanId, raw: tx.raw, spentBy }, [
      { type: 'release' },
      notify({ type: 'conflicted', outpoint, spentBy }),
    ])
  }
  if (tx.stage === 'signed') return stay(funding, 'transaction is signed')
  if (event.type === 'unconfirmed') return onUnconfirmed(funding, tx, event.height)
  const fee = event.childFee === undefined ? {} : { childFee: event.childFee }
  const news = tx.stage === 'mined' ? [] : [notify({ type: 'confirmed', outpoint, ...fee })]
  // An ordinary channel may become active long after: its peer is away, or wants to see more blocks.
  const waits = isOrdered(order) && chanId === undefined && funding.closed !== true
  if (event.type === 'confirmed' && !waits) {
    return go<Funding, FundingEffect>({ tag: 'confirmed', order, outpoint, chanId, ...fee }, news)
  }
  if (tx.stage === 'mined') return stay(funding, 'already mined')
  const { raw, bump } = tx
  return go<Funding, FundingEffect>({ ...funding, tx: { stage: 'mined', raw, ...(bump && { bump }) } }, news)
}

function onUnconfirmed(
  funding: In<'standing'>,
  tx: Extract<Transaction, { stage: 'published' | 'mined' }>,
  height: number,
): Step<Funding, FundingEffect> {
  const waits = { ...funding, tx: { ...tx, stage: 'published', since: height } } as const
  if (tx.stage === 'mined') {
    return go<Funding, FundingEffect>(waits, [notify({ type: 'reorganised', outpoint: funding.outpoint })])
  }
  return tx.since === undefined ? go<Funding, FundingEffect>(waits) : stay(funding, 'already waiting')
}

/** One child at a time: the next replaces it, after some blocks and at a higher rate. */
function onBump(funding: In<'standing'>, event: Heard<'stuck' | 'bumped'>): Step<Funding, FundingEffect> {
  const { tx, outpoint } = funding
  if (tx.stage !== 'published') return stay(funding, `transaction is ${tx.stage}`)
  if (event.type === 'bumped') {
    if (tx.bump === undefined) return stay(funding, 'no bump was asked for')
    const { satPerVbyte, budget } = tx.bump
    return go<Funding, FundingEffect>(funding, [notify({ type: 'bumped', outpoint, satPerVbyte, budget })])
  }
  const { type: _, ...bump } = event
  const { bump: last } = tx
  if (last !== undefined && bump.height - last.height < REBUMP_BLOCKS) return stay(funding, 'bumped a moment ago')
  if (last !== undefined && bump.satPerVbyte <= last.satPerVbyte) return stay(funding, 'bumped to that rate already')
  return go<Funding, FundingEffect>({ ...funding, tx: { ...tx, bump } }, [{ type: 'bump' }])
}

function onClose(funding: In<'standing'>, how: 'channel-closing' | 'channel-closed'): Step<Funding, FundingEffect> {
  const { tx, outpoint, order, chanId } = funding
  if (tx.stage === 'unsigned') {
    if (how === 'channel-closed') return lose(funding)
    if (order.broadcast === 'due') return sign(funding, tx.psbt)
    return abandon({ order, outpoint, psbt: tx.psbt, chanId, by: 'others' })
  }
  if (tx.stage === 'signing') {
    // Until it is signed nobody has the transaction. A close that waits for it is signed for: something may be in it.
    return how === 'channel-closed' ? lose(funding) : stay(funding, 'closing, and its funding is about to be signed')
  }
  // Once signed, the transaction has to confirm whatever became of the channel: its closing spends from it.
  if (funding.closed === true) return stay(funding, 'its owner knows')
  return go<Funding, FundingEffect>({ ...funding, closed: true }, [notify({ type: 'channel-closed', outpoint })])
}

function onDiscarding(funding: In<'discarding'>, event: FundingEvent): Step<Funding, FundingEffect> {
  switch (event.type) {
    case 'channel-closing':
      if (funding.stage === 'abandoning') return stay(funding, 'already closing')
      return abandon(funding)
    case 'channel-closed':
      return lose(funding)
    case 'publish-due':
      // What is about to be abandoned was seen to be empty, or is published when it turns out not to be.
      return funding.stage === 'abandoning' ? stay(funding, 'nothing is in it') : sign(funding, funding.psbt)
    case 'discard-refused':
      return sign(funding, funding.psbt)
    default:
      return stay(funding, `being discarded: ${event.type}`)
  }
}

/** Signed as soon as the peer has: an ordinary channel waits for the blocks of its funding (D28). */
function signPending({
  order,
  outpoint,
  psbt,
}: Pick<In<'funded'>, 'order' | 'outpoint' | 'psbt'>): Step<Funding, FundingEffect> {
  return go<Funding, FundingEffect>({ tag: 'standing', order, outpoint, tx: { stage: 'signing', psbt } }, [
    { type: 'watch-active' },
    { type: 'sign' },
  ])
}

function withdraw(funding: In<'opening' | 'funded'>): Step<Funding, FundingEffect> {
  if (funding.order.withdrawn === true) return stay(funding, 'already withdrawn')
  return go<Funding, FundingEffect>({ ...funding, order: { ...funding.order, withdrawn: true } })
}

/** Until its signature is on disk nobody has it. A channel that is to be published at once has nothing else to lose. */
function withdrawStanding(funding: In<'standing'>): Step<Funding, FundingEffect> {
  const { tx, order, outpoint, chanId } = funding
  if (order.broadcast !== 'when-pending') return stay(funding, 'a channel of this kind is discarded')
  if (order.batch !== undefined) return stay(funding, 'others share its transaction')
  if (tx.stage !== 'signing') return stay(funding, `it is ${tx.stage}: the channel will be`)
  return abandon({ order: { ...order, withdrawn: true }, outpoint, psbt: tx.psbt, chanId, by: 'owner' })
}

/** Withdrawn before lnd was told of a transaction, or when that one is proven dead. */
function giveUp(funding: In<'opening' | 'funded'>): Step<Funding, FundingEffect> {
  const why = { reason: 'failed', detail: 'withdrawn by its owner' } as const
  return go<Funding, FundingEffect>({ tag: 'refused', order: funding.order, ...why }, [
    { type: 'cancel' },
    notify({ type: 'refused', ...why }),
  ])
}

/** Money depends on the transaction: from here on it is signed as soon as that may be. */
function makeDue(funding: In<'opening' | 'funded' | 'standing'>): Step<Funding, FundingEffect> {
  const { broadcast } = funding.order
  if (broadcast === 'due' || broadcast === 'when-pending') return stay(funding, `already ${broadcast}`)
  return go<Funding, FundingEffect>({ ...funding, order: { ...funding.order, broadcast: 'due' } })
}

/** Of a channel order, which says when its channel may be used, whatever became of its broadcast. */
function isOrdered({ confirmation }: ChannelOrder): boolean {
  return confirmation !== undefined
}

function sign(funding: In<'standing' | 'discarding'>, psbt: string): Step<Funding, FundingEffect> {
  const { order, outpoint, chanId } = funding
  const due = { ...order, broadcast: 'due' as const }
  // Whoever wanted an ordered channel may be told yet that it can be used.
  const watch: FundingEffect[] = isOrdered(order) && chanId === undefined ? [{ type: 'watch-active' }] : []
  return go<Funding, FundingEffect>({ tag: 'standing', order: due, outpoint, chanId, tx: { stage: 'signing', psbt } }, [
    ...watch,
    { type: 'sign' },
  ])
}

function abandon(
  channel: Pick<In<'discarding'>, 'order' | 'outpoint' | 'psbt' | 'chanId' | 'by'>,
): Step<Funding, FundingEffect> {
  const { order, outpoint, psbt, chanId, by } = channel
  return go<Funding, FundingEffect>({ tag: 'discarding', order, outpoint, psbt, chanId, stage: 'abandoning', by }, [
    { type: 'abandon' },
  ])
}

function refuse(funding: In<'opening' | 'funded'>, { reason, detail }: Heard<'refused'>): Step<Funding, FundingEffect> {
  return go<Funding, FundingEffect>({ tag: 'refused', order: funding.order, reason, detail }, [
    notify({ type: 'refused', reason, detail }),
  ])
}

function lose({ order, outpoint }: In<'funded' | 'standing' | 'discarding'>): Step<Funding, FundingEffect> {
  return go<Funding, FundingEffect>({ tag: 'lost', order, outpoint }, [
    { type: 'release' },
    notify({ type: 'channel-closed', outpoint }),
  ])
}
