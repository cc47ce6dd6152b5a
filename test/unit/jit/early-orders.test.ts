import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { EarlyOrders } from '../../../src/jit/early-orders.ts'
import type { OpenRefusal } from '../../../src/jit/effects.ts'
import type { Sale } from '../../../src/jit/states.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { DEAL, PART } from './samples.ts'

const ID = 'dd'.repeat(32)
const WANTED = { type: 'open-channel', pendingChannelId: ID, amount: PART.amountOut, parts: 1 } as const
const SALE: Sale = { tag: 'opening', deal: DEAL, parts: [PART], refused: [], pendingChannelId: ID }

function early(answer: () => Promise<OpenRefusal | undefined>) {
  const asked: { id: string; first: boolean }[] = []
  const orders = new EarlyOrders({
    clock: new ManualClock(),
    capacity: { headroom: sat(10_000n), headroomPpm: 10_000, least: sat(20_000n), most: sat(16_000_000n) },
    openChannel: ({ pendingChannelId: id }, first) => {
      asked.push({ id, first })
      return answer()
    },
  })
  return { orders, asked }
}

describe('a channel that is ordered beside the commit that decides it', () => {
  it('is ordered at once, as the first of its id, and its effect takes the outcome once', async () => {
    const { orders, asked } = early(async () => undefined)
    orders.begin(SALE, [WANTED, { type: 'publish-funding', pendingChannelId: ID }])
    expect(asked).toEqual([{ id: ID, first: true }])
    expect(await orders.take(WANTED)).toBeUndefined()
    expect(orders.take(WANTED)).toBeUndefined()
  })

  it('tells its effect of a refusal', async () => {
    const { orders } = early(async () => ({ reason: 'no-coins', detail: 'none are left' }))
    orders.begin(SALE, [WANTED])
    expect(await orders.take(WANTED)).toMatchObject({
      type: 'channel-refused',
      pendingChannelId: ID,
      reason: 'no-coins',
    })
  })

  it('tells only its effect when it failed, which then orders by itself', async () => {
    const { orders } = early(async () => {
      throw new Error('lnd does not answer')
    })
    orders.begin(SALE, [WANTED])
    await new Promise((resolve) => setImmediate(resolve))
    await expect(orders.take(WANTED)).rejects.toThrow('lnd does not answer')
    expect(orders.take(WANTED)).toBeUndefined()
  })
})
