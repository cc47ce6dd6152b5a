import { msat, sat } from '../../../lsps/base/amount.ts'
import type { ChannelOrder, Funding, FundingEvent, RefusalReason } from '../../../src/funding/states.ts'
import type { Channel, ClosedChannel } from '../../../src/lnd/port.ts'
import { NODE } from '../lsps/arbitraries.ts'

export const PENDING_ID = 'cd'.repeat(32)
export const OUTPOINT = `${'ef'.repeat(32)}:1`
export const OTHER_OUTPOINT = `${'ee'.repeat(32)}:0`
export const CHAN_ID = 17_592n << 40n

export const ORDER: ChannelOrder = {
  pendingChannelId: PENDING_ID,
  owner: '16123456x7x8',
  peer: NODE,
  capacity: sat(200_000n),
  memo: `sluice1:jit:${PENDING_ID}:16123456x7x8:1000000`,
  maxLocalCsv: 2016,
  satPerVbyte: 5,
}

/** The open channel of the order, as lnd lists it. */
export const CHANNEL: Channel = {
  peer: NODE,
  outpoint: OUTPOINT,
  chanId: CHAN_ID,
  active: true,
  private: true,
  initiator: true,
  capacity: ORDER.capacity,
  localBalance: ORDER.capacity,
  remoteBalance: sat(0n),
  sendable: msat(0n),
  totalSent: sat(0n),
  totalReceived: sat(0n),
  lifetimeSeconds: 0,
  uptimeSeconds: 0,
  memo: ORDER.memo,
  pendingHtlcs: [],
}

/** The channel of the order once its end is final. */
export const CLOSED: ClosedChannel = {
  peer: NODE,
  outpoint: OUTPOINT,
  closeType: 'cooperative',
  initiator: 'remote',
}

type In<Tag extends Funding['tag']> = Extract<Funding, { tag: Tag }>
type Tx = In<'standing'>['tx']
type Heard<Type extends FundingEvent['type']> = Extract<FundingEvent, { type: Type }>

export const opening = (): In<'opening'> => ({ tag: 'opening', order: ORDER })
export const funded = (): In<'funded'> => ({ tag: 'funded', order: ORDER, psbt: 'psbt', outpoint: OUTPOINT })
export const standing = (tx: Tx, chanId?: bigint): In<'standing'> => ({
  tag: 'standing',
  order: ORDER,
  outpoint: OUTPOINT,
  ...(chanId === undefined ? {} : { chanId }),
  tx,
})
export const UNSIGNED: Tx = { stage: 'unsigned', psbt: 'psbt' }
export const SIGNING: Tx = { stage: 'signing', psbt: 'psbt' }
export const SIGNED: Tx = { stage: 'signed', raw: '0200' }
export const PUBLISHED: Tx = { stage: 'published', raw: '0200' }
export const WAITING: Tx = { stage: 'published', raw: '0200', since: 101 }
export const BUMPED: Tx = {
  ...WAITING,
  bump: { change: 0, satPerVbyte: 30, budget: sat(5_000n), height: 120 },
}
export const MINED: Tx = { stage: 'mined', raw: '0200' }
export const WITHHELD_ORDER: ChannelOrder = { ...ORDER, broadcast: 'when-due' }
export const withheld = (chanId: bigint | undefined = CHAN_ID): In<'standing'> => ({
  ...standing(UNSIGNED, chanId),
  order: WITHHELD_ORDER,
})
export const ORDERED: ChannelOrder = {
  ...ORDER,
  owner: 'order:7',
  memo: `sluice1:order:${PENDING_ID}:7:1000000`,
  push: sat(50_000n),
  visibility: 'announced',
  confirmation: 'ordinary',
  broadcast: 'when-pending',
}
/** The same of an order that is published as soon as the peer has signed, alone or in a batch. */
export const ordered = <F extends Funding>(funding: F, batch?: string): F => ({
  ...funding,
  order: batch === undefined ? ORDERED : { ...ORDERED, batch },
})
export const discarding = (stage: In<'discarding'>['stage']): In<'discarding'> => ({
  tag: 'discarding',
  order: WITHHELD_ORDER,
  outpoint: OUTPOINT,
  psbt: 'psbt',
  chanId: CHAN_ID,
  stage,
  by: 'owner',
})
export const conflicted = (): In<'conflicted'> => ({
  tag: 'conflicted',
  order: ORDER,
  outpoint: OUTPOINT,
  chanId: CHAN_ID,
  raw: '0200',
  spentBy: 'ab'.repeat(32),
})
export const confirmed = (): In<'confirmed'> => ({
  tag: 'confirmed',
  order: ORDER,
  outpoint: OUTPOINT,
  chanId: CHAN_ID,
})
export const refused = (reason: RefusalReason = 'client-refused'): In<'refused'> => ({
  tag: 'refused',
  order: ORDER,
  reason,
  detail: 'its words',
})
export const lost = (): In<'lost'> => ({ tag: 'lost', order: ORDER, outpoint: OUTPOINT })

export const psbtFunded = (outpoint = OUTPOINT): Heard<'psbt-funded'> => ({
  type: 'psbt-funded',
  psbt: 'psbt',
  outpoint,
})
export const channelFound = (outpoint = OUTPOINT): Heard<'channel-found'> => ({ type: 'channel-found', outpoint })
export const channelActive = (): Heard<'channel-active'> => ({ type: 'channel-active', chanId: CHAN_ID })
export const channelClosed = (): Heard<'channel-closed'> => ({ type: 'channel-closed' })
export const refusedWith = (reason: RefusalReason): Heard<'refused'> => ({
  type: 'refused',
  reason,
  detail: 'its words',
})
export const signed = (): Heard<'signed'> => ({ type: 'signed', raw: '0200' })
export const published = (): Heard<'published'> => ({ type: 'published' })
export const confirmedNow = (): Heard<'confirmed'> => ({ type: 'confirmed' })
export const minedNow = (): Heard<'mined'> => ({ type: 'mined' })
export const unconfirmed = (height = 101): Heard<'unconfirmed'> => ({ type: 'unconfirmed', height })
export const stuck = (height = 120, satPerVbyte = 30): Heard<'stuck'> => ({
  type: 'stuck',
  height,
  change: 0,
  satPerVbyte,
  budget: sat(5_000n),
})
export const bumped = (): Heard<'bumped'> => ({ type: 'bumped' })
export const channelClosing = (): Heard<'channel-closing'> => ({ type: 'channel-closing' })
export const publishDue = (): Heard<'publish-due'> => ({ type: 'publish-due' })
export const discard = (): Heard<'discard'> => ({ type: 'discard' })
export const withdraw = (): Heard<'withdraw'> => ({ type: 'withdraw' })
export const batchComplete = (outpoint = OUTPOINT): Heard<'batch-complete'> => ({
  type: 'batch-complete',
  psbt: 'psbt',
  outpoint,
})
export const discardRefused = (): Heard<'discard-refused'> => ({ type: 'discard-refused' })
export const conflictedBy = (): Heard<'conflicted'> => ({ type: 'conflicted', spentBy: 'ab'.repeat(32) })

/** What the service is told in tests. */
export const FUNDING_CONFIG = {
  leaseSeconds: 3600,
  minConfs: 1,
  confTarget: 6,
  bumpAfterBlocks: 3,
  bumpLimits: { maxSat: sat(5_000n), maxSatPerVbyte: 100 },
  reclaim: { withinBlocks: 10, afterwards: 'keep', maxSatPerVbyte: 100 },
} as const
