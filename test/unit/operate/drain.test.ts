import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { Drain } from '../../../src/operate/drain.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'

function shop(bytes: SyncedBytes = new Map(), onBatch?: () => Promise<void>) {
  const clock = new ManualClock()
  const fatal: unknown[] = []
  const store = openMemoryStore({ bytes, ...(onBatch === undefined ? {} : { onBatch }) })
  return { clock, fatal, drain: new Drain({ store, clock, log: silentLog, onFatal: (error) => fatal.push(error) }) }
}

describe('a drain', () => {
  it('is on disk when it begins: the next process knows it, and since when', async () => {
    const bytes: SyncedBytes = new Map()
    const first = shop(bytes)
    await first.drain.load()
    expect(first.drain.since).toBeUndefined()
    await first.drain.begin()
    expect(first.drain.since).toBe(first.clock.now())

    const second = shop(bytes)
    await second.drain.load()
    expect(second.drain.since).toBe(first.drain.since)
  })

  it('keeps the time of the first word', async () => {
    const { drain, clock } = shop()
    await drain.begin()
    const since = drain.since
    await clock.advance(1_000)
    await Promise.all([drain.begin(), drain.begin()])
    expect(drain.since).toBe(since)
  })

  it('is forgotten by the disk when it ends; ending again changes nothing', async () => {
    const bytes: SyncedBytes = new Map()
    const { drain } = shop(bytes)
    await drain.begin()
    await Promise.all([drain.end(), drain.end()])
    expect(drain.since).toBeUndefined()
    const next = shop(bytes)
    await next.drain.load()
    expect(next.drain.since).toBeUndefined()
  })

  it('ends as the last of two that come at once', async () => {
    const { drain } = shop()
    await Promise.all([drain.begin(), drain.end()])
    expect(drain.since).toBeUndefined()
    await Promise.all([drain.end(), drain.begin()])
    expect(drain.since).toBeDefined()
  })

  it('is not said to have begun when the disk fails: the process has to stop', async () => {
    const { drain, fatal } = shop(new Map(), () => Promise.reject(new Error('disk full')))
    await expect(drain.begin()).rejects.toThrow(/could not be written/)
    expect(drain.since).toBeUndefined()
    expect(fatal).toHaveLength(1)
  })
})
