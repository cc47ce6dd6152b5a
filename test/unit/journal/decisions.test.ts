import { describe, expect, it } from 'vitest'
import { Decisions, MAX_REFUSAL_ROWS } from '../../../src/journal/decisions.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import { time } from '../jit/samples.ts'

const DAY_MS = 86_400_000
const { signal } = new AbortController()

function setUp() {
  const clock = new ManualClock()
  const bytes: SyncedBytes = new Map()
  const store = openMemoryStore({ bytes })
  return { clock, store, bytes, decisions: new Decisions({ store, clock, keepDays: 2 }) }
}

const refusal = (peer: string) => ({
  peer,
  method: 'lsps2.buy',
  code: 201,
  why: 'wrong',
  inputs: { payment_msat: '1' },
})

describe('the record of decisions', () => {
  it('counts the refusals of a peer in one row', async () => {
    const { decisions } = setUp()
    for (let n = 0; n < 1000; n += 1) decisions.refused(refusal('alice'))
    await decisions.flush()
    await decisions.flush()
    expect(await decisions.since(time(0), 10)).toMatchObject([
      { what: 'refused', detail: { peer: 'alice', times: '1000', payment_msat: '1' } },
    ])
  })

  it('has a bounded number of rows for each minute, whoever asks, and loses no count', async () => {
    const { decisions } = setUp()
    for (let n = 0; n < 5 * MAX_REFUSAL_ROWS; n += 1) decisions.refused(refusal(`peer ${n}`))
    await decisions.flush()
    const rows = await decisions.since(time(0), 10_000)
    expect(rows).toHaveLength(MAX_REFUSAL_ROWS + 1)
    expect(rows.reduce((sum, { detail: { times } }) => sum + Number(times), 0)).toBe(5 * MAX_REFUSAL_ROWS)
    expect(rows.at(-1)).toMatchObject({ detail: { peer: 'others' } })
  })

  it('forgets what is older than the config keeps, and nothing else', async () => {
    const { decisions, store, clock } = setUp()
    await store.commit([decisions.entry({ at: clock.now(), what: 'old', detail: {} })])
    await clock.advance(DAY_MS)
    await store.commit([decisions.entry({ at: clock.now(), what: 'new', detail: {} })])
    await clock.advance(DAY_MS + 1)
    await decisions.prune(signal)
    expect((await decisions.since(time(0), 10)).map(({ what }) => what)).toEqual(['new'])
  })

  it('writes by itself, and once more when it is told to stop', async () => {
    const { decisions, clock, bytes } = setUp()
    const stop = new AbortController()
    const running = decisions.run(stop.signal)
    decisions.refused(refusal('alice'))
    await clock.advance(60_000)
    expect(bytes.get('decisions')?.size).toBe(1)
    decisions.refused(refusal('bob'))
    stop.abort()
    await running
    expect(bytes.get('decisions')?.size).toBe(2)
  })

  it('tells the newest since a time, oldest first', async () => {
    const { decisions, store } = setUp()
    for (const at of [10, 20, 30, 40])
      await store.commit([decisions.entry({ at: time(at), what: `${at}`, detail: {} })])
    expect((await decisions.since(time(20), 2)).map(({ what }) => what)).toEqual(['30', '40'])
    expect((await decisions.since(time(40), 9)).map(({ what }) => what)).toEqual(['40'])
  })
})
