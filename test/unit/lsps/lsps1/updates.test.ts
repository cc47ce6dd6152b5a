import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../../lsps/base/amount.ts'
import type { ImpossibleChange } from '../../../../lsps/lsps1/changes.ts'
import { orderClient } from '../../../../lsps/lsps1/client.ts'
import type { OrderError } from '../../../../lsps/lsps1/order-error.ts'
import type { OrderResult } from '../../../../lsps/lsps1/schema.ts'
import type { OrderEvent } from '../../../../lsps/lsps1/states.ts'
import { GIVE_UP_AFTER_MS, MAX_RETRY_MS, type UpdateOptions } from '../../../../lsps/lsps1/updates.ts'
import { ALICE } from '../../../conformance/lsp.ts'
import { createOrderLsp, type OrderLsp } from '../../../conformance/order-lsp.ts'
import { ManualClock } from '../manual-clock.ts'
import { FATES, type Fate, orderWallet, settle, whileTimePasses } from './order-wallet.ts'
import { NOW, ORDER, ORDERED } from './orders.ts'

const idle = new AbortController().signal
const PAID: OrderEvent = { type: 'payment-received', method: 'bolt11' }
const OPENED: OrderEvent = { type: 'channel-opened' }

async function placed(lsp: OrderLsp = createOrderLsp()) {
  const wallet = orderWallet(lsp)
  const { order } = await orderClient(wallet).createOrder({ order: ORDERED, maxFee: sat(10_000n), signal: idle })
  return { lsp, wallet, id: order.order_id, order }
}

type Watch = Partial<UpdateOptions<OrderResult>> & {
  readonly lsp: OrderLsp
  readonly id: string
  readonly nextFate?: () => Fate
  readonly clock?: ManualClock
}

/** Watches until the end, and notes what it sees. */
function watching({ lsp, id, nextFate, clock = new ManualClock(NOW), ...options }: Watch) {
  const wallet = orderWallet(lsp, { clock, ...(nextFate === undefined ? {} : { nextFate }) })
  const seen: OrderResult[] = []
  const troubles: number[] = []
  const onTrouble = (_: OrderError, ms: number) => troubles.push(ms)
  const watch = async () => {
    for await (const order of orderClient(wallet)
      .order(id)
      .updates({ signal: idle, onTrouble, ...options })) {
      seen.push(order)
    }
    return 'ended' as const
  }
  return { wallet, clock, seen, troubles, ended: watch() }
}

const statesOf = (orders: readonly OrderResult[]) =>
  orders.map(({ order_state, payment }) => `${order_state} ${payment.bolt11?.state}`)

describe('watching an order', () => {
  it('[L1-50] tells each change once, and ends when nothing is left to change', async () => {
    const { lsp, id } = await placed()
    const { clock, seen, ended } = watching({ lsp, id })
    let second = 0
    const end = whileTimePasses(clock, ended, () => {
      second++
      if (second === 20) lsp.happen(id, PAID)
      if (second === 40) lsp.happen(id, OPENED)
    })
    expect(await end).toBe('ended')
    expect(statesOf(seen)).toEqual(['CREATED EXPECT_PAYMENT', 'CREATED HOLD', 'COMPLETED PAID'])
    expect(seen.at(-1)?.channel).not.toBeNull()
  })

  it('[L1-79] waits on when a payment counts long after it should have', async () => {
    const { lsp, id, order } = await placed()
    const { expires_at: expiresAt = NOW } = order.payment.onchain ?? {}
    const { clock, seen, ended } = watching({ lsp, id })
    const late = expiresAt + 600_000
    const end = whileTimePasses(clock, ended, () => {
      if (clock.now() === late) lsp.happen(id, { type: 'payment-received', method: 'onchain' })
      if (clock.now() === late + 60_000) lsp.happen(id, OPENED)
    })
    expect(await end).toBe('ended')
    expect(seen.map(({ order_state, payment }) => [order_state, payment.onchain?.state])).toEqual([
      ['CREATED', 'EXPECT_PAYMENT'],
      ['CREATED', 'PAID'],
      ['COMPLETED', 'PAID'],
    ])
  })

  it('asks every 5 seconds, or as often as it is told, but never more than once a second', async () => {
    const { lsp, id } = await placed()
    for (const [everyMs, asked] of [
      [undefined, 3],
      [2000, 6],
      [0, 11],
    ] as const) {
      const { clock, wallet, ended } = watching({ lsp, id, ...(everyMs === undefined ? {} : { everyMs }) })
      ended.catch(() => undefined)
      for (let second = 0; second < 10; second++) {
        await settle()
        clock.advance(1000)
      }
      await settle()
      expect(wallet.sent).toHaveLength(asked)
    }
  })

  it('goes on after a restart of the wallet from the id alone', async () => {
    const { lsp, id } = await placed()
    lsp.happen(id, PAID)
    const restarted = watching({ lsp, id })
    await settle()
    expect(statesOf(restarted.seen)).toEqual(['CREATED HOLD'])
    lsp.happen(id, OPENED)
    expect(await whileTimePasses(restarted.clock, restarted.ended)).toBe('ended')
    expect(statesOf(restarted.seen)).toEqual(['CREATED HOLD', 'COMPLETED PAID'])
  })

  it('does not tell again what the wallet has seen before its restart', async () => {
    const { lsp, id, order } = await placed()
    lsp.happen(id, PAID)
    const paid = lsp.happen(id, OPENED)
    const { clock, seen, ended } = watching({ lsp, id, since: order })
    await whileTimePasses(clock, ended)
    expect(seen).toEqual([paid])
    const again = watching({ lsp, id, ...(paid === undefined ? {} : { since: paid }) })
    await whileTimePasses(again.clock, again.ended)
    expect(again.seen).toEqual([])
  })

  it('each loop starts anew', async () => {
    const { lsp, id, wallet } = await placed()
    lsp.happen(id, PAID)
    lsp.happen(id, OPENED)
    const updates = orderClient(wallet).order(id).updates({ signal: idle })
    for (let loop = 0; loop < 2; loop++) {
      const seen: OrderResult[] = []
      for await (const order of updates) seen.push(order)
      expect(seen).toHaveLength(1)
    }
  })

  it('ends for good when the wallet breaks out of the loop', async () => {
    const { lsp, id, wallet } = await placed()
    for await (const order of orderClient(wallet).order(id).updates({ signal: idle })) {
      expect(order.order_id).toBe(id)
      break
    }
    await settle()
    expect(wallet.clock.sleeping).toBe(0)
    expect(wallet.sent).toHaveLength(3)
    expect(lsp.unexpected).toEqual([])
  })

  it('throws when the signal aborts, at once, whether it waits or asks', async () => {
    for (const nextFate of [() => 'answered' as const, () => 'request-lost' as const]) {
      const { lsp, id } = await placed()
      const stop = new AbortController()
      const { ended, clock } = watching({ lsp, id, signal: stop.signal, nextFate })
      await settle()
      stop.abort('closing')
      await expect(ended).rejects.toMatchObject({ failure: { code: 'aborted' }, cause: 'closing' })
      expect(clock.sleeping).toBe(0)
    }
  })

  it('[L1-51] throws when the LSP does not know the order', async () => {
    const { ended } = watching({ lsp: createOrderLsp(), id: 'nobody' })
    await expect(ended).rejects.toMatchObject({ failure: { code: 'unknown-order', orderId: 'nobody' } })
  })

  it('throws when the answer is about another order', async () => {
    const { lsp, id, order } = await placed()
    lsp.orders.set(id, { peer: ALICE, order: { ...order, order_id: 'another' } })
    await expect(watching({ lsp, id }).ended).rejects.toMatchObject({ failure: { code: 'bad-answer' } })
  })

  it('throws when the LSP takes something back', async () => {
    const { lsp, id } = await placed()
    const paid = lsp.happen(id, PAID)
    const { clock, ended, seen } = watching({ lsp, id })
    await settle()
    lsp.set({ ...ORDER, ...paid, payment: ORDER.payment })
    await expect(whileTimePasses(clock, ended)).rejects.toMatchObject({
      failure: {
        code: 'impossible-change',
        change: { what: 'payment.bolt11.state', before: 'HOLD', after: 'EXPECT_PAYMENT' },
      },
    })
    expect(seen).toHaveLength(1)
  })

  it('tells it instead, and goes on, when the wallet wants that', async () => {
    const { lsp, id, order } = await placed()
    lsp.happen(id, PAID)
    const changes: ImpossibleChange[] = []
    const { clock, ended, seen } = watching({ lsp, id, onImpossible: (change) => changes.push(change) })
    await settle()
    lsp.set(order)
    clock.advance(5000)
    await settle()
    lsp.happen(id, PAID)
    lsp.happen(id, OPENED)
    expect(await whileTimePasses(clock, ended)).toBe('ended')
    expect(changes.map(({ what }) => what)).toEqual(['payment.bolt11.state'])
    expect(statesOf(seen)).toEqual(['CREATED HOLD', 'CREATED EXPECT_PAYMENT', 'COMPLETED PAID'])
  })

  it('asks ever more seldom while nothing is answered, and gives up after two weeks', async () => {
    const { lsp, id } = await placed()
    const { clock, ended, troubles } = watching({ lsp, id, nextFate: () => 'not-sent' })
    let over = false
    const failed = ended.catch((error: unknown) => {
      over = true
      return error
    })
    const start = clock.now()
    for (let minute = 0; !over && minute < (2 * GIVE_UP_AFTER_MS) / MAX_RETRY_MS; minute++) {
      await settle()
      clock.advance(MAX_RETRY_MS)
    }
    expect(await failed).toMatchObject({ failure: { code: 'unreachable', why: 'not-sent' } })
    expect(troubles.slice(0, 6)).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000])
    expect(clock.now() - start).toBeGreaterThanOrEqual(GIVE_UP_AFTER_MS)
  })

  it.each(FATES.filter((fate) => fate !== 'answered'))('survives: %s', async (fate) => {
    const { lsp, id } = await placed()
    lsp.happen(id, PAID)
    const fates: Fate[] = [fate, fate, fate, fate]
    const { clock, seen, ended } = watching({ lsp, id, nextFate: () => fates.shift() ?? 'answered' })
    await whileTimePasses(clock, ended, () => {
      if (fates.length === 0) lsp.happen(id, OPENED)
    })
    expect(statesOf(seen).at(-1)).toBe('COMPLETED PAID')
  })
})

const anyEvents = (): fc.Arbitrary<readonly OrderEvent[]> =>
  fc.constantFrom(
    [PAID, OPENED],
    [{ type: 'payment-received', method: 'onchain' } as const, OPENED],
    [PAID, { type: 'failed' } as const],
    [{ type: 'failed' } as const],
  )

describe('watching an order, whatever is lost, repeated or broken, and whenever the wallet restarts', () => {
  it('tells states of the order in their order, none twice in a row, and the last one at the end', async () => {
    const fates = fc.array(fc.constantFrom(...FATES), { maxLength: 25 })
    const plan = fc.record({
      events: anyEvents(),
      /** Seconds between two events. */
      pauses: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 2, maxLength: 2 }),
      fates,
      /** Second of each restart. */
      restarts: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 3 }),
      keepsSeen: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ events, pauses, fates: given, restarts, keepsSeen }) => {
        const { lsp, id, order } = await placed()
        const history = [order]
        const left = [...given]
        const nextFate = () => left.shift() ?? 'answered'
        const clock = new ManualClock(NOW)
        const dueAt = events.map((_, at) => pauses.slice(0, at + 1).reduce((sum, pause) => sum + pause, 0))
        let second = 0
        const world = () => {
          events.forEach((event, at) => {
            if (dueAt[at] !== second) return
            const changed = lsp.happen(id, event)
            if (changed !== undefined) history.push(changed)
          })
          second++
        }
        const watches: OrderResult[][] = []
        let since: OrderResult | undefined
        let ended = false
        while (!ended) {
          const life = new AbortController()
          const { seen, ended: end } = watching({
            lsp,
            id,
            nextFate,
            clock,
            signal: life.signal,
            ...(keepsSeen && since !== undefined ? { since } : {}),
          })
          watches.push(seen)
          const outcome = await whileTimePasses(clock, end, () => {
            world()
            if (restarts.includes(second)) life.abort('restart')
          }).catch((error: unknown) => error)
          since = seen.at(-1) ?? since
          ended = outcome === 'ended'
          if (!ended) expect(outcome).toMatchObject({ failure: { code: 'aborted' } })
        }
        for (const seen of watches) {
          const places = seen.map((one) => history.findIndex((state) => state === one || same(state, one)))
          expect(places).not.toContain(-1)
          expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b))
        }
        expect(watches.flat().at(-1)).toEqual(history.at(-1))
        expect(lsp.orders.size).toBe(1)
      }),
      { numRuns: 60 },
    )
  })
})

const textOf = (order: OrderResult) =>
  JSON.stringify(order, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
const same = (one: OrderResult, other: OrderResult) => textOf(one) === textOf(other)
