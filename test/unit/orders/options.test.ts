import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import type { Lsps1Options } from '../../../lsps/lsps1/schema.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { LEAST_BETWEEN_CHANGES_MS, type OptionsConfig, PublishedOptions } from '../../../src/orders/options.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import { OPTIONS } from '../lsps/lsps1/orders.ts'

const SMALLER: Lsps1Options = { ...OPTIONS, max_channel_balance_sat: sat(60_000n) }
const LARGER: Lsps1Options = { ...OPTIONS, max_channel_balance_sat: sat(200_000_000n) }

/** The options as a start of the daemon with this config has them. */
async function start(
  bytes: SyncedBytes,
  clock: ManualClock,
  wanted: Lsps1Options,
  change: OptionsConfig['change'] = 'daily',
) {
  const fatal: unknown[] = []
  const options = new PublishedOptions(
    { store: openMemoryStore({ bytes }), clock, log: silentLog, onFatal: (error) => fatal.push(error) },
    { wanted, change },
  )
  await options.load()
  await clock.settle()
  expect(fatal).toEqual([])
  return options
}

describe('what can be ordered', () => {
  it('[L1-02] is the config at the first start', async () => {
    const options = await start(new Map(), new ManualClock(), OPTIONS)
    expect(options.current()).toEqual(OPTIONS)
    expect(options.dueAt).toBeUndefined()
  })

  it('[L1-02] changes a day after it changed last, to the config of that moment, restarts or not', async () => {
    const bytes: SyncedBytes = new Map()
    const clock = new ManualClock()
    const changedAt = clock.now()
    await start(bytes, clock, OPTIONS)
    await clock.advance(LEAST_BETWEEN_CHANGES_MS / 2)
    expect((await start(bytes, clock, LARGER)).current()).toEqual(OPTIONS)
    const options = await start(bytes, clock, SMALLER)
    await clock.advance(LEAST_BETWEEN_CHANGES_MS / 2 - 1)
    expect(options.current()).toEqual(OPTIONS)
    expect(options.dueAt).toBe(changedAt + LEAST_BETWEEN_CHANGES_MS)
    await clock.advance(1)
    expect(options.current()).toEqual(SMALLER)
    expect(options.dueAt).toBeUndefined()
    await clock.settle()
    // ... and that was a change: the next one waits for a day again.
    expect((await start(bytes, clock, LARGER)).current()).toEqual(SMALLER)
  })

  it('[L1-02] goes back within the day without a change when the config does', async () => {
    const bytes: SyncedBytes = new Map()
    const clock = new ManualClock()
    await start(bytes, clock, OPTIONS)
    await start(bytes, clock, LARGER)
    const options = await start(bytes, clock, OPTIONS)
    expect(options.current()).toEqual(OPTIONS)
    expect(options.dueAt).toBeUndefined()
  })

  it('changes at once when the operator says so', async () => {
    const bytes: SyncedBytes = new Map()
    const clock = new ManualClock()
    await start(bytes, clock, OPTIONS)
    expect((await start(bytes, clock, SMALLER, 'at-once')).current()).toEqual(SMALLER)
  })
})
