import type { Sat } from '../../lsps/base/amount.ts'
import type { Inventory } from './inventory.ts'
import type { ReadyCoins } from './ready-coins.ts'

/** What may still be sold, as an operator sees it: amounts are decimal strings in satoshi. */
export function reportInventory(inventory: Inventory, readyCoins: ReadyCoins) {
  const { budget, caps, largest, ...known } = inventory.report()
  const { wanted, ready, coming, size } = readyCoins.report()
  return {
    coins: known.coins,
    free_sat: `${known.free}`,
    available_sat: `${known.available}`,
    reserve_sat: `${known.reserve}`,
    anchor_reserve_sat: `${known.anchorReserve}`,
    reservations: known.reservations,
    reserved_sat: `${known.reserved}`,
    largest_channel_sat: `${inventory.largestChannel()}`,
    inbound_sat: `${known.inbound}`,
    ...(wanted === 0 ? {} : { ready_coins: { wanted, ready, coming, size_sat: `${size}` } }),
    channels: known.channels,
    capacity_sat: `${known.capacity}`,
    bounds: [
      ...bound('inventory.unearned_budget_sat_per_hour', budget.spent, budget.limit),
      ...bound('inventory.max_capacity_per_peer_sat', largest.peerCapacity, caps.capacityPerPeer),
      ...bound('inventory.max_capacity_per_token_sat', largest.tokenCapacity, caps.capacityPerToken),
      ...bound('inventory.max_capacity_sat', known.capacity, caps.capacity),
    ],
    ...(budget.nextReleaseMs === undefined
      ? {}
      : { budget_next_release_seconds: Math.ceil(budget.nextReleaseMs / 1000) }),
    sells: budget.sells ?? ('nothing' as const),
    cooling_peers: known.cooling,
  }
}

function bound(name: string, used: bigint, max: Sat | undefined) {
  return max === undefined ? [] : [{ name, used_sat: `${used}`, max_sat: `${max}` }]
}
