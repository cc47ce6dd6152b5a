import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { refusedWith } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { LndPort } from '../lnd/port.ts'
import { BLOCK_MS, openBy } from './opening.ts'
import { preimageOf, refundId } from './preimage.ts'
import type { Moment, OpenFailure, Order, OrderEffect, OrderEvent, Terms } from './states.ts'

/** The most that a peer may impose on our outputs, in blocks: two weeks, what LDK and lnd ask at most. */
export const MAX_LOCAL_CSV = 2016

/** The channel that an order wants; what became of it is told through `OrdersService.onFunding`. */
export type OrderedChannel = {
  readonly pendingChannelId: string
  readonly owner: string
  readonly peer: NodeId
  readonly capacity: Sat
  readonly push: Sat
  readonly visibility: 'private' | 'announced'
  readonly confirmation: 'zero-conf' | 'ordinary'
  /** Blocks that are left for it to confirm within: of the payment, not of the open (L1-91). */
  readonly confirmsWithin: number
  readonly memo: string
  readonly maxLocalCsv: number
  readonly token?: string
  /** From then on it is not begun any more. */
  readonly beginBefore: Timestamp
}

export type OpenRefusal = { readonly reason: OpenFailure; readonly detail: string }

/** What became of a longer life that was asked for: on disk with the order's completion, or refused. */
export type Extended = { readonly expiresAt: Timestamp; readonly fundedAt: Timestamp } | { readonly refused: string }

export type EffectDeps = {
  readonly lnd: Pick<LndPort, 'settleInvoice' | 'cancelInvoice'>
  readonly log: Log
  readonly seed: Uint8Array
  /** Why no channel is opened now; undefined: it is ordered. Resolved when the order is on disk. */
  readonly openChannel: (channel: OrderedChannel) => Promise<OpenRefusal | undefined>
  /** The channel is not wanted any more. Resolved when that is on disk; its owner hears what it came to. */
  readonly withdrawChannel: (pendingChannelId: string) => Promise<void>
  /** Whether the channel can be kept for longer; it is written down with the order's completion. */
  readonly extend: (terms: Terms) => Promise<Extended>
  /** Pays from the wallet, less the fee; the same id again is the same payout. Resolved when it is on disk. */
  readonly pay: (payout: {
    readonly id: string
    readonly owner: string
    readonly address: string
    readonly amount: Sat
  }) => Promise<void>
}

/** Who is told of a channel or payout of an order. */
export function ownerOf(orderId: string): string {
  return `order:${orderId}`
}

/** Does one effect of an order; its outcome is the order's next event. */
export async function executeEffect(
  deps: EffectDeps,
  effect: OrderEffect,
  order: Order,
  now: Moment,
  signal: AbortSignal,
): Promise<OrderEvent | undefined> {
  const { terms } = order
  switch (effect.type) {
    case 'open-channel':
      // Idempotent by pending_chan_id: the funding service keeps the first order of an id.
      return openChannel(deps, order, effect.pendingChannelId, now)
    case 'withdraw-channel':
      // Idempotent: the funding service keeps that it is not wanted; said twice, it changes nothing.
      await deps.withdrawChannel(effect.pendingChannelId)
      return undefined
    case 'extend': {
      // Idempotent: it only looks; what it allows is written down with the order, once.
      const extended = await deps.extend(terms)
      if ('refused' in extended) return { ...now, type: 'extend-refused', detail: extended.refused }
      return { ...now, type: 'extended', ...extended }
    }
    case 'settle-invoice':
      // Idempotent: success also when it is settled already.
      return settle(deps, terms, now, signal)
    case 'cancel-invoice':
      // Idempotent: success also when it is cancelled already.
      return cancel(deps, terms, now, signal)
    case 'refund': {
      // Idempotent by the output that is sent back: the payout service keeps the first payout of an id.
      const { outpoint, amount } = effect
      const address = terms.refundAddress ?? ''
      await deps.pay({ id: refundId(outpoint), owner: ownerOf(terms.id), address, amount })
      return undefined
    }
  }
}

async function openChannel(
  deps: EffectDeps,
  order: Order,
  pendingChannelId: string,
  now: Moment,
): Promise<OrderEvent | undefined> {
  const { terms } = order
  if (order.tag !== 'opening' || terms.purpose.type !== 'channel') return undefined
  const { lspBalance, clientBalance, confirmations, confirmsWithin, announce } = terms.purpose
  const refusal = await deps.openChannel({
    pendingChannelId,
    owner: ownerOf(terms.id),
    peer: terms.client,
    capacity: sat(lspBalance + clientBalance),
    push: clientBalance,
    visibility: announce ? 'announced' : 'private',
    confirmation: confirmations === 0 ? 'zero-conf' : 'ordinary',
    confirmsWithin: Math.max(1, confirmsWithin - blocksSince(order.paidAt, now.at)),
    memo: `sluice1:order:${pendingChannelId}:${terms.id}:${terms.fee * 1000n}`,
    maxLocalCsv: MAX_LOCAL_CSV,
    // Withdrawn before it was ordered: it is over, unless the funding service knows it already.
    beginBefore: order.withdrawn === undefined ? openBy(order) : now.at,
    ...(terms.tokenName === undefined ? {} : { token: terms.tokenName }),
  })
  return refusal && { ...now, type: 'channel-refused', ...refusal, pendingChannelId }
}

function blocksSince(then: Timestamp, now: Timestamp): number {
  return Math.max(0, Math.floor((now - then) / BLOCK_MS))
}

async function settle(deps: EffectDeps, { id }: Terms, now: Moment, signal: AbortSignal): Promise<OrderEvent> {
  try {
    await deps.lnd.settleInvoice(preimageOf(deps.seed, id).preimage, signal)
    return { ...now, type: 'invoice-settled' }
  } catch (error) {
    if (!refusedWith(error, /already canceled|unable to locate/)) throw error
    deps.log.error({ order: id, err: error }, 'the channel is open and its payment cannot be taken any more')
    return { ...now, ...NOTHING_HELD, type: 'invoice', state: 'canceled' }
  }
}

async function cancel(deps: EffectDeps, { id }: Terms, now: Moment, signal: AbortSignal): Promise<OrderEvent> {
  try {
    await deps.lnd.cancelInvoice(preimageOf(deps.seed, id).hash, signal)
  } catch (error) {
    if (refusedWith(error, /already settled/)) {
      deps.log.error({ order: id, err: error }, 'the payment of an order that ended without a channel was taken')
      return { ...now, ...NOTHING_HELD, type: 'invoice', state: 'settled' }
    }
    // lnd may be told to forget cancelled invoices.
    if (!refusedWith(error, /unable to locate/)) throw error
  }
  return { ...now, type: 'invoice-cancelled' }
}

const NOTHING_HELD = { received: 0n as never, heldUntil: 0 } as const
