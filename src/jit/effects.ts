import type { Sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type Scid, scidToNumber } from '../../lsps/base/scid.ts'
import { refusedWith } from '../kernel/errors.ts'
import type { LndPort } from '../lnd/port.ts'
import { type CapacityRule, channelCapacity } from './capacity.ts'
import { openingFee } from './fees.ts'
import type { Deal, JitEffect, JitEvent, RefusedChannel, Sale } from './states.ts'

/** What the funding service is asked for; it reports back through `JitService.onFunding`. */
export type ChannelOrderFor = {
  readonly pendingChannelId: string
  readonly owner: string
  readonly peer: NodeId
  readonly capacity: Sat
  readonly memo: string
  readonly maxLocalCsv: number
  /** Name of the token that it was bought with. */
  readonly token?: string
  /** From then on it is not begun any more: bLIP-52 opens only while the offer stands. */
  readonly beginBefore: Timestamp
  /** `when-due`: the client trusts us, and the funding is published only once it was paid (L2-86). */
  readonly broadcast: 'at-once' | 'when-due'
}

export type OpenRefusal = { readonly reason: RefusedChannel; readonly detail: string }

export type EffectDeps = {
  readonly lnd: Pick<LndPort, 'addAlias' | 'listAliases'>
  readonly clock: Clock
  /**
   * Why no channel is opened now; undefined: it is ordered. Resolved when the order is on disk. `first`: nothing was
   * ever ordered under this id; unless something is missing, the order is then written in this very tick.
   */
  readonly openChannel: (order: ChannelOrderFor, first: boolean) => Promise<OpenRefusal | undefined>
  /** The funding of a channel is published from now on. Resolved when that is on disk. */
  readonly publishFunding: (pendingChannelId: string) => Promise<void>
  /** The channel is given up: forgotten where nothing of it was published, else closed. Resolved when that is on disk. */
  readonly reclaimChannel: (pendingChannelId: string) => Promise<void>
  readonly capacity: CapacityRule
}

/** Does one effect of a sale; its outcome is the sale's next event. */
export async function executeEffect(
  deps: EffectDeps,
  effect: JitEffect,
  sale: Sale,
  signal: AbortSignal,
): Promise<JitEvent | undefined> {
  switch (effect.type) {
    case 'open-channel':
      // Idempotent by pending_chan_id: the funding service keeps the first order of an id.
      return orderChannel(deps, sale.deal, effect, false)
    case 'publish-funding':
      // Idempotent: the funding service keeps that it is due; said twice, it changes nothing.
      await deps.publishFunding(effect.pendingChannelId)
      return undefined
    case 'reclaim-channel':
      // Idempotent: the funding service keeps that it is wanted; said twice, it changes nothing.
      await deps.reclaimChannel(effect.pendingChannelId)
      return { type: 'reclaim-ordered', at: deps.clock.now() }
    case 'add-alias':
      // Idempotent: the alias is there afterwards, whoever added it, and on our base.
      await bindAlias(deps, effect.chanId, sale.deal.scid, signal)
      return { type: 'alias-added', at: deps.clock.now() }
  }
}

type OrderDeps = Pick<EffectDeps, 'openChannel' | 'capacity' | 'clock'>
export type OpenChannel = Extract<JitEffect, { type: 'open-channel' }>

export async function orderChannel(
  { openChannel, capacity, clock }: OrderDeps,
  deal: Deal,
  { pendingChannelId, amount, parts }: OpenChannel,
  first: boolean,
): Promise<JitEvent | undefined> {
  const order: ChannelOrderFor = {
    pendingChannelId,
    owner: deal.scid,
    peer: deal.client,
    capacity: channelCapacity(amount, capacity, parts),
    memo: `sluice1:jit:${pendingChannelId}:${deal.scid}:${openingFee(deal, amount) ?? 0n}`,
    maxLocalCsv: deal.maxClientToSelfDelay,
    beginBefore: deal.validUntil,
    ...(deal.token === undefined ? {} : { token: deal.token }),
    broadcast: deal.trust === 'client-trusts-lsp' ? 'when-due' : 'at-once',
  }
  const refusal = await openChannel(order, first)
  return refusal && { type: 'channel-refused', pendingChannelId, ...refusal, at: clock.now() }
}

/** The alias leads to the channel afterwards, whoever added it. */
export async function bindAlias(
  { lnd }: Pick<EffectDeps, 'lnd'>,
  base: bigint,
  scid: Scid,
  signal: AbortSignal,
): Promise<void> {
  const alias = scidToNumber(scid)
  try {
    await lnd.addAlias({ base, alias }, signal)
  } catch (error) {
    // Also when the link is not up: lnd keeps the alias then and uses it when the link comes (lnd.md 2.1).
    if (!refusedWith(error, /already exists|link not found/)) throw error
    const known = await lnd.listAliases(signal)
    const bound = known.some((entry) => entry.base === base && entry.aliases.includes(alias))
    if (!bound) throw error
  }
}
