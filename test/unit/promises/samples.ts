import { sat } from '../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import type { Channel, ClosedChannel, PendingChannel } from '../../../src/lnd/port.ts'
import { type EarlyClose, Promises } from '../../../src/promises/ledger.ts'
import type { LifetimePromise } from '../../../src/promises/states.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import { CHANNEL, CLOSED } from '../funding/samples.ts'
import { NODE } from '../lsps/arbitraries.ts'

export const { outpoint: OUTPOINT, chanId: CHAN_ID } = CHANNEL
export const SALE = '16123456x7x8'
export const DAY_MS = 24 * 3_600_000
export const MADE_AT = 1_767_398_400_000 as Timestamp
export const FROM = 800_000
export const BLOCKS = 4320

/** The promise of a channel whose funding is deep in the chain. */
export const promised = (more: Partial<LifetimePromise> = {}): LifetimePromise => ({
  outpoint: OUTPOINT,
  peer: NODE,
  source: { type: 'jit', id: SALE },
  chanId: CHAN_ID,
  blocks: BLOCKS,
  fromHeight: FROM,
  deep: true,
  extensions: [],
  madeAt: MADE_AT,
  seenAt: MADE_AT,
  movedAt: MADE_AT,
  moved: { sent: sat(0n), received: sat(0n) },
  ...more,
})

export const NEW = { outpoint: OUTPOINT, peer: NODE, source: { type: 'jit', id: SALE }, blocks: BLOCKS } as const

/** What the node lists. */
export type Shown = {
  open: Channel[]
  pending: PendingChannel[]
  closed: ClosedChannel[]
  /** Of the funding. */
  confirmations: number | undefined
}

export const closed = (more: Partial<ClosedChannel> = {}): ClosedChannel => ({ ...CLOSED, ...more })
export const closing = (): PendingChannel => ({ peer: NODE, outpoint: OUTPOINT, memo: '', stage: 'closing' })

/** A ledger beside a node that shows what the test says. */
export function ledger(bytes: SyncedBytes = new Map()) {
  const shown: Shown = { open: [CHANNEL], pending: [], closed: [], confirmations: 6 }
  const clock = new ManualClock(MADE_AT)
  const store = openMemoryStore({ bytes })
  const early: EarlyClose[] = []
  const promises = new Promises({
    lnd: {
      listChannels: async () => shown.open,
      pendingChannels: async () => shown.pending,
      closedChannels: async () => shown.closed,
      confirmations: async () => shown.confirmations,
    },
    store,
    clock,
    log: silentLog,
    recordEarly: (told) => {
      early.push(told)
      return []
    },
  })
  const { signal } = new AbortController()
  const block = (height: number) => promises.onBlock(height, signal)
  return { promises, shown, clock, store, early, block, bytes }
}
