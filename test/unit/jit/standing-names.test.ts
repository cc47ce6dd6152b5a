import { describe, expect, it } from 'vitest'
import type { Scid } from '../../../lsps/base/scid.ts'
import { PRUNE_EVERY_MS, type SecondChannelPolicy, StandingNames } from '../../../src/jit/standing-names.ts'
import type { Sale } from '../../../src/jit/states.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore } from '../../../src/store/memory.ts'
import { ANOTHER, abandoned, awaiting, DEAL, NOW, paid, VALID_UNTIL } from './samples.ts'

const NAME = ANOTHER.via as Scid
/** The purchase under which the others are sold. */
const PURCHASE: Sale = { ...paid(), deal: { ...DEAL, scid: NAME } }

async function begin(policy: SecondChannelPolicy = 'agreed-terms') {
  const clock = new ManualClock(NOW)
  const store = openMemoryStore()
  const names = new StandingNames(clock, policy)
  await names.load(store, [])
  const commit = async (sale: Sale, ended: boolean) => {
    const writes = names.writesFor(sale)
    if (writes.length > 0) await store.commit(writes)
    names.follow(sale, ended)
  }
  const restarted = async (live: readonly Sale[] = [], under = policy) => {
    const again = new StandingNames(clock, under)
    await again.load(store, live)
    return again
  }
  const rows = () => store.keys('jit-standing')
  return { clock, store, names, commit, restarted, rows }
}

describe('the name of a purchase', () => {
  it('stands from the payment until the offer ends, also over a restart', async () => {
    const { clock, names, commit, restarted } = await begin()
    expect(names.clientOf(NAME)).toBeUndefined()
    await commit(PURCHASE, true)
    expect(names.clientOf(NAME)).toBe(DEAL.client)
    expect((await restarted()).clientOf(NAME)).toBe(DEAL.client)
    await clock.advance(VALID_UNTIL - NOW)
    expect(names.clientOf(NAME)).toBeUndefined()
    expect(names.isStanding(NAME)).toBe(false)
  })

  it('does not stand where the fee is taken once, and what stood before is left alone', async () => {
    const once = await begin('fail')
    await once.commit(PURCHASE, true)
    expect(once.names.clientOf(NAME)).toBeUndefined()
    expect(await once.rows()).toEqual([])
    const { commit, restarted } = await begin()
    await commit(PURCHASE, true)
    expect((await restarted([], 'fail')).clientOf(NAME)).toBeUndefined()
  })

  it('leads to the sale that is under way: the purchase itself, or another channel of it', async () => {
    const { names, commit, restarted } = await begin()
    const first = { ...awaiting(), deal: { ...DEAL, scid: NAME } }
    const another = { ...awaiting(), deal: ANOTHER }
    await commit(first, false)
    expect(names.underWay(NAME)).toBe(first)
    await commit(PURCHASE, true)
    expect(names.underWay(NAME)).toBeUndefined()
    await commit(another, false)
    expect(names.underWay(NAME)).toBe(another)
    expect(names.underWay(ANOTHER.scid)).toBeUndefined()
    expect((await restarted([another])).underWay(NAME)).toBe(another)
  })

  it('stands on when another channel was paid for, and never again when one was not [L2-90]', async () => {
    const { names, commit, restarted } = await begin()
    await commit(PURCHASE, true)
    await commit({ ...paid(), deal: ANOTHER }, true)
    expect(names.isStanding(NAME)).toBe(true)
    await commit({ ...abandoned(), deal: ANOTHER }, true)
    expect(names.isStanding(NAME)).toBe(false)
    expect((await restarted()).isStanding(NAME)).toBe(false)
  })

  it('leaves no row behind once its offer is over', async () => {
    const { clock, store, names, commit, rows } = await begin()
    await commit(PURCHASE, true)
    expect(await rows()).toHaveLength(1)
    await clock.advance(VALID_UNTIL - NOW + PRUNE_EVERY_MS)
    await names.prune(store)
    expect(await rows()).toEqual([])
  })
})
