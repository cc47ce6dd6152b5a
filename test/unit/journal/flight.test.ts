import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { type FlightStep, flightStep, flightSteps, MAX_STEPS_READ } from '../../../src/journal/flight.ts'
import { openMemoryStore } from '../../../src/store/memory.ts'

const SALE = '16123456x7x8'
const step = (what: string, at: number): FlightStep => ({ at: at as Timestamp, what, detail: { state: 'awaiting' } })

describe('a flight record', () => {
  it('tells the steps of one sale in the order of time, whatever their order on disk', async () => {
    const store = openMemoryStore()
    await store.commit([flightStep(SALE, step('later', 10_000)), flightStep(SALE, step('sooner', 9_999))])
    expect((await flightSteps(store, SALE)).map(({ what }) => what)).toEqual(['sooner', 'later'])
  })

  it('keeps steps of the same millisecond in the order in which they were told', async () => {
    const store = openMemoryStore()
    const told = Array.from({ length: 12 }, (_, n) => `step ${n}`)
    await store.commit(told.map((what) => flightStep(SALE, step(what, 5))))
    expect((await flightSteps(store, SALE)).map(({ what }) => what)).toEqual(told)
  })

  it('has nothing of another sale, also when that has a name that starts the same', async () => {
    const store = openMemoryStore()
    await store.commit([flightStep(`${SALE}8`, step('foreign', 1)), flightStep(SALE, step('ours', 2))])
    expect(await flightSteps(store, SALE)).toEqual([step('ours', 2)])
  })

  it('reads a bounded number of steps', async () => {
    const store = openMemoryStore()
    await store.commit(Array.from({ length: MAX_STEPS_READ + 1 }, (_, n) => flightStep(SALE, step('again', n))))
    expect(await flightSteps(store, SALE)).toHaveLength(MAX_STEPS_READ)
  })
})
