import { sat } from '../../../lsps/base/amount.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { Inventory, type InventoryConfig } from '../../../src/inventory/inventory.ts'
import type { Opening, Wanted } from '../../../src/inventory/opening.ts'
import type { UnconfirmedTx } from '../../../src/inventory/unconfirmed.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import type { Channel, Coin } from '../../../src/lnd/port.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import type { Write } from '../../../src/store/port.ts'

export const { signal } = new AbortController()

export const peerOf = (n: number) => `02${n.toString(16).padStart(64, '0')}` as NodeId
export const idOf = (n: number) => n.toString(16).padStart(64, '0')
export const coinOf = (n: number, amount: bigint, confirmations = 6): Coin => ({
  outpoint: `${idOf(n)}:0`,
  amount: sat(amount),
  confirmations,
})

export function wantedOf(n: number, overrides: Partial<Wanted> = {}): Wanted {
  return {
    id: idOf(n),
    owner: `owner-${n}`,
    peer: peerOf(n),
    token: '',
    capacity: sat(200_000n),
    satPerVbyte: 2,
    broadcast: 'at-once',
    ...overrides,
  }
}

/** The order that follows a claim, as the funding service has it. */
export function placed(wanted: Wanted, inventory: Inventory, stage: Opening['stage'] = 'decided'): Opening {
  const claim = inventory.reserve(wanted)
  const coins = claim.ok ? claim.coins : undefined
  return { ...wanted, coins, stage, spends: wanted.broadcast === 'at-once', placedAt: 1 }
}

const CONFIG: InventoryConfig = {
  reserve: sat(25_000n),
  caps: { channelsPerPeer: 10, capacityPerPeer: undefined, capacityPerToken: undefined, capacity: undefined },
  budget: sat(1_000_000n),
  whenBudgetSpent: 'empty_menu',
  cooldown: { firstMs: 10_000, longestMs: 60_000 },
  depth: { minConfs: 1, most: 0 },
  smallestChannel: sat(20_000n),
}

/** An inventory over a node that says what the test says. */
export class Shop {
  readonly clock = new ManualClock()
  readonly bytes: SyncedBytes
  readonly store
  coins: Coin[]
  channels: Channel[] = []
  anchorReserve = sat(0n)
  feerate: number | undefined = 2
  unconfirmed: UnconfirmedTx[] = []
  onLooked: () => void = () => undefined
  tokens = new Map<string, string>()
  readonly inventory: Inventory

  constructor(coins: Coin[], config: Partial<InventoryConfig> = {}, bytes: SyncedBytes = new Map()) {
    this.coins = coins
    this.bytes = bytes
    this.store = openMemoryStore({ bytes })
    this.inventory = new Inventory(
      {
        lnd: {
          listUnspent: async () => [...this.coins],
          anchorReserve: async () => this.anchorReserve,
          listChannels: async () => this.channels,
        },
        store: this.store,
        clock: this.clock,
        log: silentLog,
        feerate: () => this.feerate,
        unconfirmed: () => this.unconfirmed,
        onLooked: () => this.onLooked(),
        tokenOf: async (id) => this.tokens.get(id) ?? '',
      },
      { ...CONFIG, ...config },
    )
  }

  async opened(): Promise<this> {
    await this.inventory.load([])
    await this.inventory.refresh(signal)
    return this
  }

  /** As the funding service does it: the order is on disk, then it is counted. */
  async place(wanted: Wanted): Promise<Opening> {
    const opening = placed(wanted, this.inventory)
    await this.commit(this.inventory.writesFor(undefined, opening))
    this.inventory.follow(opening)
    return opening
  }

  async move(opening: Opening, stage: Opening['stage']): Promise<Opening> {
    const after = { ...opening, stage }
    await this.commit(this.inventory.writesFor(opening, after))
    this.inventory.follow(after)
    return after
  }

  async commit(writes: readonly Write[]): Promise<void> {
    if (writes.length > 0) await this.store.commit(writes)
  }
}
