import type { Msat } from '../lsps/base/amount.ts'
import { satToMsat } from '../lsps/base/amount.ts'
import type { Clock } from '../lsps/base/clock.ts'
import type { Scid } from '../lsps/base/scid.ts'
import type { Config } from './config/schema.ts'
import type { Payout } from './funding/payout-states.ts'
import type { PayoutConfig } from './funding/payouts.ts'
import { inputsOf, transactionId } from './funding/psbt.ts'
import type { FundingConfig, FundingService } from './funding/service.ts'
import type { Funding } from './funding/states.ts'
import type { FailedSale } from './inventory/cooldowns.ts'
import { type Claim, Inventory, type InventoryDeps } from './inventory/inventory.ts'
import type { Opening, Wanted } from './inventory/opening.ts'
import { ReadyCoins, type ReadyCoinsDeps } from './inventory/ready-coins.ts'
import type { Split } from './inventory/split-states.ts'
import type { UnconfirmedTx } from './inventory/unconfirmed.ts'
import { type CapacityRule, largestCarried } from './jit/capacity.ts'
import type { ChannelOrderFor, OpenRefusal } from './jit/effects.ts'
import { describeStep, isOneTooMany } from './jit/flight.ts'
import type { JitEvent, Sale } from './jit/states.ts'
import { flightStep } from './journal/flight.ts'
import { promiseOfSale } from './lifetimes.ts'
import type { Promises } from './promises/ledger.ts'
import type { Write } from './store/port.ts'

/** Where features, inventory and funding meet: what is opened is claimed first, and what was opened is counted. */

export function createInventory(config: Config, deps: InventoryDeps): Inventory {
  const { inventory, funding, lsps2 } = config
  return new Inventory(deps, {
    reserve: inventory.reserve_sat,
    caps: {
      channelsPerPeer: inventory.max_channels_per_peer,
      capacityPerPeer: inventory.max_capacity_per_peer_sat,
      capacityPerToken: inventory.max_capacity_per_token_sat,
      capacity: inventory.max_capacity_sat,
    },
    budget: inventory.unearned_budget_sat_per_hour,
    whenBudgetSpent: lsps2.when_budget_spent,
    cooldown: { firstMs: inventory.cooldown_seconds * 1000, longestMs: inventory.max_cooldown_seconds * 1000 },
    depth: { minConfs: funding.min_confs, most: inventory.max_unconfirmed_depth },
    smallestChannel: lsps2.min_channel_sat,
  })
}

export function createReadyCoins(config: Config, deps: Omit<ReadyCoinsDeps, 'transactionId'>): ReadyCoins {
  const { inventory, funding } = config
  const { count, size_sat: size } = inventory.ready_coins
  const options = { count, size, leaseSeconds: funding.lease_seconds, minConfs: funding.min_confs }
  return new ReadyCoins({ ...deps, transactionId }, options)
}

/** What the funding service tells of its orders, for the inventory. */
export function countOpenings(inventory: Inventory) {
  return {
    writesFor: (before: Funding | undefined, after: Funding) =>
      inventory.writesFor(before && openingOf(before), openingOf(after)),
    onCommitted: (after: Funding) => {
      inventory.follow(openingOf(after))
      // What is paid for first is bounded by its payment, and over HTTP anybody may order for somebody else's node.
      const failure = isPrepaid(after) ? undefined : failureOf(after)
      if (failure !== undefined) inventory.failed(after.order.peer, failure)
    },
  }
}

/** How a sale went, for the cooldown of its client; when its fee was paid in full, the budget has its chain fee back. */
function countOutcome(inventory: Inventory, before: Sale, after: Sale, event: JitEvent): readonly Write[] {
  const { client } = after.deal
  // Whoever knows the scid of a purchase could have its client wait: another channel of it is bounded by itself.
  if (event.type === 'failed' && before.tag === 'forwarding' && before.bound && before.deal.via === undefined)
    inventory.failed(client, 'failed the payment')
  if (after.tag !== 'paid' || before.tag === 'paid') return []
  inventory.succeeded(client)
  return inventory.earned(after.deal.scid)
}

/** What is committed with each step of a sale: what it means for the inventory, its promise, its line of the flight record. */
export function recorder(inventory: Inventory, promises: Promises) {
  return (scid: Scid, before: Sale, after: Sale, event: JitEvent): readonly Write[] => {
    const counted = [...countOutcome(inventory, before, after, event), ...promiseOfSale(promises, before, after)]
    if (isOneTooMany(before, after, event)) return counted
    return [...counted, flightStep(scid, describeStep(before, after, event))]
  }
}

export type OpenerDeps = {
  readonly inventory: Inventory
  readonly funding: FundingService
  readonly feerate: () => number | undefined
  readonly clock: Clock
  /** Ends the wait for lnd. */
  readonly signal: AbortSignal
}

/**
 * Orders the channels of a feature: claims coins and caps, then has it on disk.
 * @throws SidecarError when lnd could not be asked for coins that may have come meanwhile
 */
export function opener({ inventory, funding, feerate, clock, signal }: OpenerDeps) {
  return async (order: ChannelOrderFor, first: boolean): Promise<OpenRefusal | undefined> => {
    // An order that stands since before a crash goes on whatever is left now: refused, it would be made twice.
    if (!first && (await funding.get(order.pendingChannelId)) !== undefined) return undefined
    if (clock.now() >= order.beginBefore)
      return { reason: 'failed', detail: 'the offer ended before the channel was ordered' }
    const satPerVbyte = feerate()
    if (satPerVbyte === undefined) return { reason: 'no-feerate', detail: 'no usable feerate' }
    const { pendingChannelId: id, owner, peer, capacity } = order
    const wanted = { id, owner, peer, capacity, token: order.token ?? '', satPerVbyte, broadcast: order.broadcast }
    // Without waiting for anything where it can: a payment is held for this.
    const reserved = inventory.reserve(wanted)
    const claimed = reserved.ok ? reserved : await claim(inventory, wanted, signal)
    if (!claimed.ok) return { reason: claimed.reason, detail: claimed.detail }
    const coins = claimed.coins && { ...claimed.coins, inputs: [...claimed.coins.inputs] }
    await funding.openNew({ ...order, satPerVbyte, placedAt: clock.now(), ...(coins === undefined ? {} : { coins }) })
    return undefined
  }
}

/** Coins and caps for a channel, also of coins that came since lnd was asked last. */
export async function claim(inventory: Inventory, wanted: Wanted, signal: AbortSignal): Promise<Claim> {
  const claimed = inventory.reserve(wanted)
  if (claimed.ok || claimed.reason !== 'no-coins') return claimed
  await inventory.refresh(signal)
  return inventory.reserve(wanted)
}

/** The largest payment that reaches a client: it has to get to the node, and a channel must be able to carry it. */
export function receivable(inventory: Inventory, rule: CapacityRule): Msat {
  const carried = largestCarried(inventory.largestChannel(), rule)
  const inbound = satToMsat(inventory.inbound)
  return carried < inbound ? carried : inbound
}

/** What the inventory counts of an order that the funding service has on disk. */
export function openingOf(funding: Funding): Opening {
  const { order } = funding
  return {
    id: order.pendingChannelId,
    owner: order.owner,
    peer: order.peer,
    token: order.token ?? '',
    capacity: order.capacity,
    satPerVbyte: order.satPerVbyte,
    broadcast: isWithheld(funding) || isPrepaid(funding) ? 'when-due' : 'at-once',
    coins: order.coins,
    stage: stageOf(funding),
    // Placed without a time by an older sluice: what it spends was never counted.
    spends: order.placedAt !== undefined && !isPrepaid(funding) && mayReachChain(funding),
    placedAt: order.placedAt,
  }
}

function isWithheld({ order }: Funding): boolean {
  return order.broadcast === 'when-due' || order.broadcast === 'due'
}

/** Paid for before it is opened: it takes nothing of the budget for channels that earned nothing yet. */
function isPrepaid({ order }: Funding): boolean {
  return order.broadcast === 'when-pending' || order.withdrawn === true
}

/** An order that is published at once spends from when it is decided; a withheld one from when it is signed. */
function mayReachChain(funding: Funding): boolean {
  if (!isWithheld(funding)) return true
  return funding.tag === 'standing' ? funding.tx.stage !== 'unsigned' : funding.tag === 'confirmed'
}

/** What was published and is not final: change of it may pay for more, as far as the operator lets it. */
export function unconfirmedOf(
  fundings: Iterable<Funding>,
  splits: Iterable<Split>,
  payouts: Iterable<Payout>,
): readonly UnconfirmedTx[] {
  const found: UnconfirmedTx[] = []
  for (const funding of fundings) {
    if (funding.tag !== 'standing' || !('raw' in funding.tx)) continue
    found.push({ txid: transactionId(funding.tx.raw), inputs: inputsOf(funding.tx.raw) })
  }
  for (const split of splits) if (split.tag === 'signed') found.push({ txid: split.txid, inputs: split.plan.inputs })
  for (const payout of payouts) {
    if (payout.tag !== 'signed') continue
    // What has change is never replaced: of several versions none has any.
    for (const { txid, raw } of payout.versions) found.push({ txid, inputs: inputsOf(raw) })
  }
  return found
}

function stageOf(funding: Funding): Opening['stage'] {
  switch (funding.tag) {
    case 'opening':
      return 'decided'
    case 'funded':
    case 'standing':
    case 'discarding':
      return 'locked'
    // Its coins are spent, by another transaction; whatever fee that paid counts like one of ours.
    case 'conflicted':
    case 'confirmed':
      return 'ended'
    case 'refused':
    case 'lost':
      return 'nothing'
  }
}

/** How the peer let its order fail; undefined when it did not. */
export function failureOf(funding: Funding): FailedSale | undefined {
  if (funding.tag !== 'refused') return undefined
  if (funding.reason === 'client-refused') return 'refused the channel'
  return funding.reason === 'client-gone' ? 'vanished' : undefined
}

/** What the funding service is told. */
export function fundingConfig({ funding }: Config): FundingConfig {
  return {
    leaseSeconds: funding.lease_seconds,
    minConfs: funding.min_confs,
    confTarget: funding.conf_target,
    bumpAfterBlocks: funding.cpfp_after_blocks,
    bumpLimits: { maxSat: funding.cpfp_max_sat, maxSatPerVbyte: funding.cpfp_max_feerate_sat_per_vbyte },
    reclaim: {
      withinBlocks: funding.reclaim_within_blocks,
      afterwards: funding.reclaim_afterwards,
      maxSatPerVbyte: funding.max_feerate_sat_per_vbyte,
    },
  }
}

/** What the payout service is told. */
export function payoutConfig({ funding }: Config): PayoutConfig {
  return {
    leaseSeconds: funding.lease_seconds,
    minConfs: funding.min_confs,
    confTarget: funding.conf_target,
    maxSatPerVbyte: funding.max_feerate_sat_per_vbyte,
    bumpLimits: { maxSat: funding.cpfp_max_sat, maxSatPerVbyte: funding.cpfp_max_feerate_sat_per_vbyte },
  }
}

/** Ids of the channels of sales that are not over. */
export function* channelsOf(sales: Iterable<Sale>): Iterable<string> {
  for (const sale of sales) if ('channel' in sale) yield sale.channel.pendingChannelId
}
