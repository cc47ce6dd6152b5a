import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { BUDGET_WINDOW_MS } from '../../../src/inventory/budget.ts'
import { unearnedCost } from '../../../src/inventory/coins.ts'
import { STALE_AFTER_MS } from '../../../src/inventory/inventory.ts'
import { CHANNEL } from '../funding/samples.ts'
import { coinOf, idOf, peerOf, Shop, signal, wantedOf } from './samples.ts'

const COST = unearnedCost(2, 1)
const CAPS = { channelsPerPeer: 10, capacityPerPeer: undefined, capacityPerToken: undefined, capacity: undefined }
const MINUTE_MS = 60_000

describe('coins', () => {
  it('are claimed at once, each for one opening only', async () => {
    const { inventory } = await new Shop([coinOf(1, 300_000n), coinOf(2, 300_000n)], { reserve: sat(0n) }).opened()
    const claims = [1, 2, 3].map((n) => inventory.reserve(wantedOf(n)))

    expect(claims.map((claim) => claim.ok)).toEqual([true, true, false])
    const inputs = claims.flatMap((claim) => (claim.ok ? (claim.coins?.inputs ?? []) : []))
    expect(new Set(inputs).size).toBe(2)
    expect(claims[2]).toMatchObject({ reason: 'no-coins', detail: expect.stringContaining('200000 sat') })
  })

  it('are claimed once for the same opening, however often it asks', async () => {
    const { inventory } = await new Shop([coinOf(1, 300_000n), coinOf(2, 300_000n)], { reserve: sat(0n) }).opened()
    const first = inventory.reserve(wantedOf(1))

    expect(inventory.reserve(wantedOf(1))).toEqual(first)
    expect(inventory.reserve(wantedOf(2)).ok).toBe(true)
  })

  it('are the smallest that suffices, so that a large one stays for others', async () => {
    const { inventory } = await new Shop([coinOf(1, 9_000_000n), coinOf(2, 250_000n)]).opened()
    expect(inventory.reserve(wantedOf(1))).toMatchObject({ ok: true, coins: { inputs: [coinOf(2, 0n).outpoint] } })
  })

  it('are several when one does not suffice', async () => {
    const { inventory } = await new Shop([coinOf(1, 130_000n), coinOf(2, 130_000n)], { reserve: sat(0n) }).opened()
    expect(inventory.reserve(wantedOf(1))).toMatchObject({ ok: true, coins: { inputs: { length: 2 } } })
  })

  it('of the reserve and of what lnd keeps for anchors stay', async () => {
    const shop = new Shop([coinOf(1, 250_000n)], { reserve: sat(40_000n) })
    await shop.opened()
    expect(shop.inventory.available()).toBe(210_000n)
    expect(shop.inventory.reserve(wantedOf(1)).ok).toBe(true)
    shop.inventory.release(idOf(1))
    shop.anchorReserve = sat(20_000n)
    await shop.inventory.refresh(signal)
    expect(shop.inventory.available()).toBe(190_000n)
    expect(shop.inventory.reserve(wantedOf(1))).toMatchObject({ ok: false, reason: 'no-coins' })
  })

  it('are free again when the opening is refused', async () => {
    const shop = await new Shop([coinOf(1, 300_000n)]).opened()
    const opening = await shop.place(wantedOf(1))
    expect(shop.inventory.reserve(wantedOf(2)).ok).toBe(false)
    await shop.move(opening, 'nothing')
    expect(shop.inventory.reserve(wantedOf(2)).ok).toBe(true)
  })

  it('that lnd has locked are claimed until a look that began afterwards', async () => {
    const shop = await new Shop([coinOf(1, 300_000n), coinOf(2, 300_000n)], { reserve: sat(0n) }).opened()
    const before = shop.inventory.refresh(signal)
    const opening = await shop.place(wantedOf(1))
    await before
    await shop.move(opening, 'locked')
    // The list of that look may still have had the coin.
    expect(shop.inventory.report()).toMatchObject({ reservations: 1, coins: 1 })
    shop.coins = [coinOf(2, 300_000n)]
    await shop.inventory.refresh(signal)
    expect(shop.inventory.report()).toMatchObject({ reservations: 0, coins: 1 })
  })

  it('are unknown when lnd was silent for long: nothing is opened, nothing is offered', async () => {
    const shop = await new Shop([coinOf(1, 300_000n)]).opened()
    expect(shop.inventory.stop()).toBeUndefined()
    await shop.clock.advance(STALE_AFTER_MS + 1)
    expect(shop.inventory.stop()).toBeDefined()
    expect(shop.inventory.largestChannel()).toBe(0n)
    expect(shop.inventory.reserve(wantedOf(1))).toMatchObject({ reason: 'no-coins' })
  })

  it('make the largest channel that can be promised', async () => {
    const { inventory } = await new Shop([coinOf(1, 300_000n), coinOf(2, 200_000n)]).opened()
    const largest = inventory.largestChannel()
    expect(largest).toBeGreaterThan(470_000n)
    expect(inventory.reserve(wantedOf(1, { capacity: largest })).ok).toBe(true)
  })
})

describe('caps', () => {
  const coins = [1, 2, 3, 4].map((n) => coinOf(n, 300_000n))
  const caps = (some: object) => ({ reserve: sat(0n), caps: { ...CAPS, ...some } })

  it('bound the channels and the capacity of a peer', async () => {
    const many = await new Shop(coins, caps({ channelsPerPeer: 1 })).opened()
    const large = await new Shop(coins, caps({ capacityPerPeer: sat(300_000n) })).opened()
    for (const { inventory } of [many, large]) {
      expect(inventory.reserve(wantedOf(1)).ok).toBe(true)
      expect(inventory.reserve(wantedOf(2, { peer: peerOf(1) }))).toMatchObject({ reason: 'peer-cap' })
      expect(inventory.reserve(wantedOf(3)).ok).toBe(true)
    }
    expect(many.inventory.rejection(peerOf(1))).toContain('as many channels')
    expect(many.inventory.rejection(peerOf(9))).toBeUndefined()
  })

  it('bound a token and the whole, counting what stands', async () => {
    const shop = new Shop(coins, caps({ capacityPerToken: sat(300_000n), capacity: sat(500_000n) }))
    const memo = `sluice1:jit:${idOf(9)}:16000001x1x1:1`
    shop.channels = [{ ...CHANNEL, memo, peer: peerOf(9), capacity: sat(200_000n) }]
    shop.tokens.set(idOf(9), 'partner')
    await shop.opened()
    expect(shop.inventory.reserve(wantedOf(1, { token: 'partner' }))).toMatchObject({ reason: 'token-cap' })
    expect(shop.inventory.reserve(wantedOf(1)).ok).toBe(true)
    expect(shop.inventory.largestChannel()).toBe(100_000n)
    expect(shop.inventory.reserve(wantedOf(2))).toMatchObject({ reason: 'total-cap' })
    shop.channels = []
    await shop.inventory.refresh(signal)
    expect(shop.inventory.reserve(wantedOf(2)).ok).toBe(true)
  })

  it('count a channel once while its order lives and lnd lists it', async () => {
    const shop = await new Shop(coins, caps({})).opened()
    const opening = await shop.place(wantedOf(1))
    const memo = `sluice1:jit:${opening.id}:16000001x1x1:1`
    shop.channels = [{ ...CHANNEL, memo, peer: opening.peer, capacity: opening.capacity }]
    for (const stage of ['locked', 'ended'] as const) {
      await shop.move(opening, stage)
      expect(shop.inventory.report().channels).toBe(1)
      await shop.inventory.refresh(signal)
      expect(shop.inventory.report().channels).toBe(1)
    }
    shop.channels = []
    await shop.inventory.refresh(signal)
    expect(shop.inventory.report().channels).toBe(0)
  })

  it('do not count channels that others opened', async () => {
    const shop = new Shop(coins)
    shop.channels = [{ ...CHANNEL, memo: '' }]
    await shop.opened()
    expect(shop.inventory.report()).toMatchObject({ channels: 0 })
  })
})

describe('the budget for channels that earn nothing', () => {
  const coins = Array.from({ length: 9 }, (_, n) => coinOf(n + 1, 300_000n))
  const budget = { budget: sat(COST * 2n), reserve: sat(0n) }

  it('is spent at the claim, and refuses what exceeds it', async () => {
    const { inventory } = await new Shop(coins, budget).opened()
    expect([1, 2, 3].map((n) => inventory.reserve(wantedOf(n)).ok)).toEqual([true, true, false])
    expect(inventory.reserve(wantedOf(3))).toMatchObject({ reason: 'budget' })
    expect(inventory.stop()).toBeDefined()
    expect(inventory.sellsOnTrust()).toBe(false)
  })

  it('lets those be sold on the trust of the client, if the operator wants that', async () => {
    const { inventory } = await new Shop(coins, { ...budget, whenBudgetSpent: 'client_trusts_lsp' }).opened()
    expect(inventory.sellsOnTrust()).toBe(false)
    inventory.reserve(wantedOf(1))
    inventory.reserve(wantedOf(2))
    expect(inventory.sellsOnTrust()).toBe(true)
    expect(inventory.stop()).toBeUndefined()
    expect(inventory.reserve(wantedOf(3, { broadcast: 'when-due' })).ok).toBe(true)
  })

  it('has its share back when the fee is earned, or nothing was opened', async () => {
    const shop = await new Shop(coins, budget).opened()
    const [first, second] = [await shop.place(wantedOf(1)), await shop.place(wantedOf(2))]
    expect(shop.bytes.get('inventory-spending')?.size).toBe(2)
    await shop.commit(shop.inventory.earned(first.owner))
    await shop.move(second, 'nothing')
    expect(shop.bytes.get('inventory-spending')?.size).toBe(0)
    expect(shop.inventory.report().budget.spent).toBe(0n)
  })

  it('counts a withheld opening from when it is published before it earned', async () => {
    const shop = await new Shop(coins, budget).opened()
    const opening = await shop.place(wantedOf(1, { broadcast: 'when-due' }))
    expect(shop.inventory.report().budget.spent).toBe(0n)
    const published = { ...opening, spends: true }
    await shop.commit(shop.inventory.writesFor(opening, published))
    expect(shop.inventory.report().budget.spent).toBe(COST)
  })

  it('does not count a withheld opening that has earned', async () => {
    const shop = await new Shop(coins, budget).opened()
    const opening = await shop.place(wantedOf(1, { broadcast: 'when-due' }))
    await shop.commit(shop.inventory.earned(opening.owner))
    expect(shop.inventory.writesFor(opening, { ...opening, spends: true })).toEqual([])
  })

  it('is remembered by the next process, and freed an hour after it was spent', async () => {
    const shop = await new Shop(coins, budget).opened()
    const opening = await shop.place(wantedOf(1))
    const next = new Shop(coins, budget, shop.bytes)
    await next.inventory.load([opening])
    expect(next.inventory.report().budget).toMatchObject({ spent: COST, nextReleaseMs: BUDGET_WINDOW_MS })
    const stop = new AbortController()
    const running = next.inventory.run(stop.signal)
    for (let minute = 0; minute < 61; minute += 1) await next.clock.advance(MINUTE_MS)
    expect(next.inventory.report().budget).toMatchObject({ spent: 0n, nextReleaseMs: undefined })
    expect(next.bytes.get('inventory-spending')?.size).toBe(0)
    stop.abort(new Error('the test ends'))
    await running
  })
})

describe('a peer that fails its sales', () => {
  it('is told how long it has to wait', async () => {
    const { inventory, clock } = await new Shop([coinOf(1, 300_000n)]).opened()
    inventory.failed(peerOf(1), 'failed the payment')
    expect(inventory.rejection(peerOf(1))).toBe(
      'the last sale to you came to nothing (you failed the payment), try again in 10 s',
    )
    expect(inventory.rejection(peerOf(2))).toBeUndefined()
    await clock.advance(10_000)
    expect(inventory.rejection(peerOf(1))).toBeUndefined()
  })
})
