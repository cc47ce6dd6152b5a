import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { go, stay } from '../../../lsps/base/machine.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { type Log, silentLog } from '../../../src/kernel/log.ts'
import { type EffectContext, type Machine, Runner } from '../../../src/kernel/runner.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import { Table } from '../../../src/store/table.ts'

const Counter = z.object({ count: z.number(), due: z.number().optional() })
type Counter = z.output<typeof Counter>
const Effect = z.object({ type: z.literal('shout'), count: z.number() })
type Effect = z.output<typeof Effect>
type Event =
  | { type: 'add' }
  | { type: 'revive' }
  | { type: 'shouted' }
  | { type: 'ignore-me'; url?: string }
  | { type: 'due' }

const machine: Machine<Counter, Event, Effect, never> = {
  name: 'counter',
  step(state, event) {
    switch (event.type) {
      case 'add':
        return go<Counter, Effect>({ ...state, count: state.count + 1 }, [{ type: 'shout', count: state.count + 1 }])
      case 'revive':
        return go<Counter, Effect>({ count: 1 }, [{ type: 'shout', count: 1 }])
      case 'shouted':
        return go<Counter, Effect>({ ...state, count: state.count + 100 })
      case 'due':
        return go<Counter, Effect>({ count: -1 })
      case 'ignore-me':
        return stay(state, 'ignored')
    }
  },
  isTerminal: ({ count }) => count < 0,
  time: { dueAt: ({ due }) => due as Timestamp | undefined, event: () => ({ type: 'due' }) },
}

function runnerOn(
  bytes: SyncedBytes,
  execute: (effect: Effect, context: EffectContext) => Promise<Event | undefined> = async () => undefined,
  log: Log = silentLog,
) {
  const clock = new ManualClock()
  let commits = 0
  const fatal: unknown[] = []
  const store = openMemoryStore({
    bytes,
    onBatch: async (stage) => {
      if (stage === 'before') commits += 1
    },
  })
  const runner = new Runner<Counter, Event, Effect>({
    machine,
    live: new Table('live', Counter),
    done: new Table('done', Counter),
    outbox: new Table('outbox', Effect),
    store,
    clock,
    log,
    execute,
    onFatal: (error) => fatal.push(error),
  })
  return { runner, clock, commits: () => commits, fatal }
}

const signal = () => new AbortController().signal

describe('the runner', () => {
  it('writes state and effects in one commit, and the end of an effect with what came of it', async () => {
    const bytes: SyncedBytes = new Map()
    const seen: number[] = []
    const { runner, clock, commits } = runnerOn(bytes, async ({ count }) => {
      seen.push(count)
      return { type: 'shouted' }
    })
    void runner.start(signal())
    await runner.create('a', go({ count: 0 }))
    await runner.dispatch('a', { type: 'add' })
    await clock.settle()
    expect(seen).toEqual([1])
    expect(runner.live.get('a')).toEqual({ count: 101 })
    expect(commits()).toBe(3)
    expect(bytes.get('outbox')?.size).toBe(0)
  })

  it('creates an entity once', async () => {
    const { runner } = runnerOn(new Map())
    await runner.create('a', go({ count: 1 }))
    expect(await runner.create('a', go({ count: 2 }))).toEqual({ count: 1 })
  })

  it('gives the events of one entity one after the other', async () => {
    const { runner } = runnerOn(new Map())
    await runner.create('a', go({ count: 0 }))
    await Promise.all(Array.from({ length: 50 }, () => runner.dispatch('a', { type: 'add' })))
    expect(runner.live.get('a')).toEqual({ count: 50 })
  })

  it('does not write for an event that changes nothing', async () => {
    const { runner, commits } = runnerOn(new Map())
    await runner.create('a', go({ count: 0 }))
    await runner.dispatch('a', { type: 'ignore-me' })
    expect(commits()).toBe(1)
  })

  it('logs of an event that changes nothing its type, and nothing of what a peer said in it', async () => {
    const logged: object[] = []
    const { runner } = runnerOn(new Map(), undefined, { ...silentLog, debug: (fields) => logged.push(fields) })
    await runner.create('a', go({ count: 0 }))
    await runner.dispatch('a', { type: 'ignore-me', url: 'https://push.example/?token=secret' })
    expect(logged).toEqual([{ machine: 'counter', id: 'a', event: 'ignore-me', ignored: 'ignored' }])
  })

  it('runs what an earlier process left, and says that it may have been done before', async () => {
    const bytes: SyncedBytes = new Map()
    const first = runnerOn(bytes)
    await first.runner.create('a', go({ count: 0 }))
    await first.runner.dispatch('a', { type: 'add' }) // never started: the effect stays on disk
    const replays: boolean[] = []
    const second = runnerOn(bytes, async (_, { replayed }) => {
      replays.push(replayed)
      return undefined
    })
    await second.runner.load()
    void second.runner.start(signal())
    await second.clock.settle()
    expect(replays).toEqual([true])
    expect(bytes.get('outbox')?.size).toBe(0)
  })

  it('tries an effect again until it succeeds, with growing pauses', async () => {
    const attempts: number[] = []
    const { runner, clock } = runnerOn(new Map(), async () => {
      attempts.push(clock.now())
      if (attempts.length < 4) throw new SidecarError({ code: 'LND_UNAVAILABLE', call: 'x', detail: 'down' })
      return undefined
    })
    void runner.start(signal())
    await runner.create('a', go({ count: 0 }))
    await runner.dispatch('a', { type: 'add' })
    await clock.advance(60_000)
    const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0))
    expect(pauses).toEqual([100, 200, 400])
  })

  it('keeps deadlines over a restart', async () => {
    const bytes: SyncedBytes = new Map()
    const first = runnerOn(bytes)
    await first.runner.create('a', go({ count: 0, due: first.clock.now() + 1000 }))
    const second = runnerOn(bytes)
    await second.runner.load()
    void second.runner.start(signal())
    await second.clock.advance(999)
    expect(second.runner.live.has('a')).toBe(true)
    await second.clock.advance(2)
    expect(second.runner.live.has('a')).toBe(false)
    expect(await second.runner.get('a')).toEqual({ count: -1 })
  })

  it('says that the process must stop when a commit fails, and does nothing of what it wanted', async () => {
    const executed: Effect[] = []
    const clock = new ManualClock()
    const fatal: unknown[] = []
    const runner = new Runner<Counter, Event, Effect>({
      machine,
      live: new Table('live', Counter),
      done: new Table('done', Counter),
      outbox: new Table('outbox', Effect),
      store: openMemoryStore({
        onBatch: async () => {
          throw new Error('disk full')
        },
      }),
      clock,
      log: silentLog,
      execute: async (effect) => {
        executed.push(effect)
        return undefined
      },
      onFatal: (error) => fatal.push(error),
    })
    void runner.start(signal())
    await expect(runner.create('a', go({ count: 0 }, [{ type: 'shout', count: 0 }]))).rejects.toThrow('disk full')
    await clock.settle()
    expect(fatal).toHaveLength(1)
    expect(executed).toEqual([])
    expect(runner.live.size).toBe(0)
  })
})

describe('a finished entity', () => {
  const tables = (bytes: SyncedBytes) => [bytes.get('live')?.has('a') ?? false, bytes.get('done')?.has('a') ?? false]

  async function finished(execute?: (effect: Effect) => Promise<Event | undefined>) {
    const bytes: SyncedBytes = new Map()
    const parts = runnerOn(bytes, execute)
    void parts.runner.start(signal())
    await parts.runner.create('a', go({ count: 0 }))
    await parts.runner.dispatch('a', { type: 'due' })
    return { bytes, ...parts }
  }

  it('gets no ordinary events', async () => {
    const { runner, bytes } = await finished()
    expect(await runner.dispatch('a', { type: 'revive' })).toBeUndefined()
    expect(tables(bytes)).toEqual([false, true])
  })

  it('lives again by an event that makes it unfinished, in one commit, and its effects run', async () => {
    const shouted: number[] = []
    const { runner, bytes, clock, commits } = await finished(async ({ count }) => void shouted.push(count))
    const before = commits()
    expect(await runner.wake('a', { type: 'revive' })).toEqual({ count: 1 })
    expect(commits()).toBe(before + 1)
    expect(tables(bytes)).toEqual([true, false])
    await clock.settle()
    expect(shouted).toEqual([1])
    const next = runnerOn(bytes)
    await next.runner.load()
    expect(next.runner.live.get('a')).toEqual({ count: 1 })
  })

  it('stays finished by an event that changes nothing, and nothing is written', async () => {
    const { runner, bytes, commits } = await finished()
    const before = commits()
    expect(await runner.wake('a', { type: 'ignore-me' })).toEqual({ count: -1 })
    expect(commits()).toBe(before)
    expect(tables(bytes)).toEqual([false, true])
  })

  it('may change and stay finished', async () => {
    const { runner, bytes } = await finished()
    await runner.wake('a', { type: 'due' })
    expect(tables(bytes)).toEqual([false, true])
    expect(runner.live.has('a')).toBe(false)
  })

  it('is woken as a live one is stepped, and one that never was not at all', async () => {
    const { runner } = runnerOn(new Map())
    await runner.create('a', go({ count: 0 }))
    expect(await runner.wake('a', { type: 'add' })).toEqual({ count: 1 })
    expect(await runner.wake('b', { type: 'add' })).toBeUndefined()
  })

  it('is forgotten with what finds it, unless it came back to life meanwhile', async () => {
    const { runner, bytes } = await finished()
    bytes.set('index', new Map([['of a', 'a']]))
    const index = [{ type: 'del', table: 'index', key: 'of a' }] as const
    const [woken, forgotten] = await Promise.all([runner.wake('a', { type: 'revive' }), runner.forget('a', index)])
    expect([woken, forgotten]).toEqual([{ count: 1 }, false])
    expect(bytes.get('index')?.size).toBe(1)
    await runner.dispatch('a', { type: 'due' })
    expect(await runner.forget('a', index)).toBe(true)
    expect(bytes.get('index')?.size).toBe(0)
    expect(await runner.get('a')).toBeUndefined()
    expect(await runner.wake('a', { type: 'revive' })).toBeUndefined()
  })
})
