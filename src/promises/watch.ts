import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Channel, ClosedChannel, LndPort, Outpoint, PendingChannel } from '../lnd/port.ts'
import { type Closer, type EndedPromise, isOver, type LifetimePromise, type Moment } from './states.ts'

/** Pure: what a look at lnd's channels changes of a promise. */

/** When a peer was connected and a channel used is written down once in this time: each block would be too often. */
export const NOTED_EVERY_MS = 24 * 3_600_000

/** lnd's lists at one block. A channel that is in none of them is between two of them: the next block shows it. */
export type Look = {
  readonly open: ReadonlyMap<Outpoint, Channel>
  readonly pending: ReadonlyMap<Outpoint, PendingChannel>
  readonly closed: ReadonlyMap<Outpoint, ClosedChannel>
}

export type Outcome =
  | { readonly type: 'same' }
  | { readonly type: 'noted'; readonly promise: LifetimePromise }
  | { readonly type: 'closing'; readonly promise: LifetimePromise; readonly early: boolean }
  | { readonly type: 'ended'; readonly ended: EndedPromise }

/**
 * Reads the open channels, and the other lists only when one of the wanted is not among them.
 * In this order: what is missing among the open ones is then pending, closing or closed, or shows at the next block.
 */
export async function lookFor(
  lnd: Pick<LndPort, 'listChannels' | 'pendingChannels' | 'closedChannels'>,
  wanted: Iterable<Outpoint>,
  signal: AbortSignal,
): Promise<Look> {
  const open = byOutpoint(await lnd.listChannels(signal))
  const isMissing = [...wanted].some((outpoint) => !open.has(outpoint))
  if (!isMissing) return { open, pending: new Map(), closed: new Map() }
  const pending = byOutpoint(await lnd.pendingChannels(signal))
  return { open, pending, closed: byOutpoint(await lnd.closedChannels(signal)) }
}

/** Total: whatever lnd lists, or does not. */
export function observe(promise: LifetimePromise, look: Look, moment: Moment): Outcome {
  const { outpoint, closing } = promise
  const channel = look.open.get(outpoint)
  if (channel !== undefined) return note(promise, channel, moment.now)
  const gone = look.closed.get(outpoint)
  if (gone !== undefined) return { type: 'ended', ended: end(promise, gone, moment) }
  if (look.pending.get(outpoint)?.stage !== 'closing' || closing !== undefined) return { type: 'same' }
  const early = !isOver(promise, moment)
  const seen = { at: moment.now, height: moment.height, early }
  return { type: 'closing', promise: { ...promise, closing: seen }, early }
}

function note(promise: LifetimePromise, channel: Channel, now: Timestamp): Outcome {
  const { seenAt, movedAt, moved, chanId, closing } = promise
  const { active, totalSent: sent, totalReceived: received } = channel
  const isDue = (at: Timestamp | undefined) => at === undefined || now - at >= NOTED_EVERY_MS
  const hasMoved = moved === undefined || moved.sent !== sent || moved.received !== received
  const noted: LifetimePromise = {
    ...promise,
    chanId: channel.chanId,
    ...(active && isDue(seenAt) ? { seenAt: now } : {}),
    ...(hasMoved && isDue(movedAt) ? { movedAt: now, moved: { sent, received } } : {}),
  }
  // lnd forgets a close that was not agreed on.
  const { closing: _, ...open } = noted
  const isNew = noted.chanId !== chanId || noted.seenAt !== seenAt || noted.movedAt !== movedAt || closing !== undefined
  return isNew ? { type: 'noted', promise: open } : { type: 'same' }
}

function end(promise: LifetimePromise, { closeType, initiator }: ClosedChannel, moment: Moment): EndedPromise {
  // What counts is when the close began. Where that was not seen (an outage), it counts as begun when it was found.
  const early = promise.closing?.early ?? !isOver(promise, moment)
  return { promise, at: moment.now, height: moment.height, closeType, by: closerOf({ closeType, initiator }), early }
}

function closerOf({ closeType, initiator }: Pick<ClosedChannel, 'closeType' | 'initiator'>): Closer {
  if (closeType === 'local_force' || closeType === 'abandoned') return 'us'
  if (closeType === 'remote_force' || closeType === 'breach') return 'peer'
  if (initiator === 'local') return 'us'
  return initiator === 'remote' ? 'peer' : 'unknown'
}

function byOutpoint<T extends { readonly outpoint: Outpoint }>(list: readonly T[]): ReadonlyMap<Outpoint, T> {
  return new Map(list.map((one) => [one.outpoint, one]))
}
