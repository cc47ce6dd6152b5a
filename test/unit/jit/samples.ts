import { msat, type Ppm } from '../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { Scid } from '../../../lsps/base/scid.ts'
import { ASK_BACK_MS } from '../../../src/jit/machine.ts'
import type { ChannelRef, Deal, JitEvent, Part, Refusal, Sale, SentPart } from '../../../src/jit/states.ts'
import { NODE } from '../lsps/arbitraries.ts'

export const time = (ms: number) => ms as Timestamp

const MINUTE_MS = 60_000
export const HEIGHT = 800_000
export const SIZE = msat(100_000_000n)
export const FEE = msat(1_000_000n)
export const HOLD_MS = 90_000
export const VALID_UNTIL = time(60 * MINUTE_MS)
export const RECLAIM_AT = time(2 * VALID_UNTIL)
/** When parts are held, unless a test says otherwise. */
export const HELD_AT = time(10 * MINUTE_MS)
/** Any moment at which neither the offer nor the hold of a part has ended. */
export const NOW = time(HELD_AT + 1000)

export const RECLAIM_MS = 60 * MINUTE_MS
export const DEAL = {
  scid: '16123456x7x8' as Scid,
  client: NODE,
  minFee: msat(1_000_000n),
  proportional: 2500 as Ppm,
  validUntil: VALID_UNTIL,
  minLifetime: 4320,
  maxClientToSelfDelay: 2016,
  paymentSize: SIZE,
  fee: FEE,
  cltvExpiryDelta: 144,
  htlcMinimum: msat(1000n),
  partHold: HOLD_MS,
  reclaimAfter: RECLAIM_MS,
  createdAt: time(0),
} satisfies Deal

/** An invoice without an amount. */
export const ANY_AMOUNT: Deal = (({ paymentSize: _, fee: __, ...deal }) => ({
  ...deal,
  minPayment: msat(10_000_000n),
  maxPayment: msat(1_000_000_000n),
}))(DEAL)

/** Another channel under a purchase that was paid. */
export const ANOTHER: Deal = { ...ANY_AMOUNT, via: '16200000x1x2' as Scid }

/** A part that is the whole payment. */
export const PART: Part = {
  circuit: '1:7',
  paymentHash: 'ab'.repeat(32),
  amountIn: SIZE,
  amountOut: SIZE,
  expiryIn: HEIGHT + 400,
  expiryOut: HEIGHT + 200,
  autoFailHeight: HEIGHT + 390,
  heldAt: HELD_AT,
}
export const SMALL_PART: Part = { ...PART, amountIn: msat(SIZE - 1n), amountOut: msat(SIZE - 1n) }
export const OTHER = '1:8'
export const OTHER_HASH = '99'.repeat(32)

/** The payment in two parts of one hash: neither is enough alone. */
export const HALVES: readonly [Part, Part] = [
  { ...PART, circuit: '1:10', amountIn: msat(60_000_000n), amountOut: msat(60_000_000n) },
  { ...PART, circuit: '1:11', amountIn: msat(40_000_000n), amountOut: msat(40_000_000n), heldAt: time(HELD_AT + 500) },
]

export const PENDING_ID = 'cd'.repeat(32)
export const CHANNEL: ChannelRef = {
  outpoint: `${'ef'.repeat(32)}:1`,
  chanId: 17_592n << 40n,
  pendingChannelId: PENDING_ID,
}

type In<Tag extends Sale['tag']> = Extract<Sale, { tag: Tag }>

export const awaiting = (part?: Part, refused: Refusal[] = []): In<'awaiting'> => ({
  tag: 'awaiting',
  deal: DEAL,
  parts: part === undefined ? [] : [part],
  refused,
})
export const opening = (part: Part = PART, refused: Refusal[] = []): In<'opening'> => ({
  tag: 'opening',
  deal: DEAL,
  pendingChannelId: PENDING_ID,
  parts: [part],
  refused,
})
/** Opening, and its part had to be failed. */
export const openingWithoutPart = (): In<'opening'> => ({
  ...opening(),
  parts: [],
  refused: [refusal(PART.circuit)],
})
export const forwarding = (bound: boolean): In<'forwarding'> => ({
  tag: 'forwarding',
  deal: DEAL,
  channel: CHANNEL,
  fee: FEE,
  collected: msat(0n),
  sent: [sent(PART)],
  parts: [],
  bound,
  forwarded: [],
  refused: [],
})
/** A part on its way, of which `fee` is deducted. */
export const sent = (part: Part, fee = FEE, end?: SentPart['end']): SentPart => ({
  ...part,
  fee,
  ...(end === undefined ? {} : { end }),
})
export const owed = (bound: boolean): In<'owed'> => ({
  tag: 'owed',
  deal: DEAL,
  channel: CHANNEL,
  collected: msat(0n),
  parts: [],
  bound,
  forwarded: [],
  refused: [],
})
export const unwanted = (): In<'unwanted'> => ({
  tag: 'unwanted',
  deal: DEAL,
  pendingChannelId: PENDING_ID,
  due: time(VALID_UNTIL + ASK_BACK_MS),
  refused: [],
})
export const reclaiming = (due: Timestamp | undefined = RECLAIM_AT): In<'reclaiming'> => ({
  tag: 'reclaiming',
  deal: DEAL,
  channel: CHANNEL,
  due,
  refused: [],
})
export const paid = (): In<'paid'> => ({
  tag: 'paid',
  deal: DEAL,
  channel: CHANNEL,
  paymentHash: PART.paymentHash,
  amountIn: SIZE,
  amountOut: msat(SIZE - FEE),
  fee: FEE,
  earned: FEE,
  at: NOW,
})
export const abandoned = (): In<'abandoned'> => ({ tag: 'abandoned', deal: DEAL, why: 'expired', at: NOW })
export const unearned = (): In<'unearned'> => ({ tag: 'unearned', deal: DEAL, outpoint: CHANNEL.outpoint, at: NOW })

export const refusal = (circuit: string, code: Refusal['code'] = 'temporary_channel_failure'): Refusal => ({
  circuit,
  code,
  why: 'a test',
})

export type Heard<Type extends JitEvent['type']> = Extract<JitEvent, { type: Type }>

export const partHeld = (part: Partial<Part> = {}, facts: Partial<Heard<'part-held'>> = {}): Heard<'part-held'> => ({
  type: 'part-held',
  part: { ...PART, ...part },
  height: HEIGHT,
  clientOnline: true,
  pendingChannelId: PENDING_ID,
  at: part.heldAt ?? PART.heldAt,
  ...facts,
})
export const clientOnline = (at = NOW): Heard<'client-online'> => ({
  type: 'client-online',
  height: HEIGHT,
  pendingChannelId: PENDING_ID,
  at,
})
export const partExpiring = (circuit = PART.circuit): Heard<'part-expiring'> => ({
  type: 'part-expiring',
  circuit,
  at: NOW,
})
export const partGone = (circuit = PART.circuit): Heard<'part-gone'> => ({ type: 'part-gone', circuit, at: NOW })
export const due = (at: number): Heard<'deadline'> => ({ type: 'deadline', at: time(at) })
export const channelActive = (): Heard<'channel-active'> => ({
  type: 'channel-active',
  pendingChannelId: PENDING_ID,
  outpoint: CHANNEL.outpoint,
  chanId: CHANNEL.chanId,
  at: NOW,
})
export const channelRefused = (reason: Heard<'channel-refused'>['reason']): Heard<'channel-refused'> => ({
  type: 'channel-refused',
  pendingChannelId: PENDING_ID,
  reason,
  detail: 'its words',
  at: NOW,
})
export const channelClosed = (): Heard<'channel-closed'> => ({
  type: 'channel-closed',
  pendingChannelId: PENDING_ID,
  outpoint: CHANNEL.outpoint,
  at: NOW,
})
/** What is told once more of an order that ended before this one. */
export const ofEarlierOrder = <Event extends Heard<'channel-active' | 'channel-refused' | 'channel-closed'>>(
  event: Event,
): Event => ({ ...event, pendingChannelId: '01'.repeat(32) })
export const aliasAdded = (): Heard<'alias-added'> => ({ type: 'alias-added', at: NOW })
export const settled = (circuit = PART.circuit, amountOut = msat(SIZE - FEE)): Heard<'settled'> => ({
  type: 'settled',
  circuit,
  amountOut,
  at: NOW,
})
export const failed = (circuit = PART.circuit): Heard<'failed'> => ({
  type: 'failed',
  circuit,
  reason: 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS',
  at: NOW,
})
export const reclaimOrdered = (): Heard<'reclaim-ordered'> => ({ type: 'reclaim-ordered', at: NOW })
