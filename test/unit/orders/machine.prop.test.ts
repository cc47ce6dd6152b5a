import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { deadline, isTerminal, place, step } from '../../../src/orders/machine.ts'
import { DEEPEST, MAX_DEPOSITS } from '../../../src/orders/onchain.ts'
import { MAX_FAILURES } from '../../../src/orders/opening.ts'
import { Order, type OrderEffect, type OrderEvent, type OrderMoney, type Terms } from '../../../src/orders/states.ts'
import { anyStory, anyTerms } from './arbitraries.ts'
import { deadlineAt } from './samples.ts'

const RUNS = { numRuns: 2000 }

type Seen = {
  readonly event?: OrderEvent
  readonly before: Order
  readonly order: Order
  readonly effects: readonly OrderEffect[]
  readonly money: readonly OrderMoney[]
  readonly ignored: boolean
}

function live(terms: Terms, story: readonly OrderEvent[]): readonly Seen[] {
  const first = place(terms)
  const seen: Seen[] = [{ before: first.state, order: first.state, effects: first.effects, money: [], ignored: false }]
  for (const event of story) {
    const before = seen.at(-1)?.order ?? first.state
    const { state, effects, money, ignored } = step(before, event)
    seen.push({ event, before, order: state, effects, money, ignored: ignored !== undefined })
  }
  return seen
}

const always = (holds: (seen: readonly Seen[], terms: Terms, story: readonly OrderEvent[]) => void) =>
  fc.assert(
    fc.property(anyTerms, anyStory, (terms, story) => {
      holds(live(terms, story), terms, story)
    }),
    RUNS,
  )

const effectsOf = (seen: readonly Seen[]) => seen.flatMap(({ effects }) => effects)
const moneyOf = (seen: readonly Seen[]) => seen.flatMap(({ money }) => money)

describe('an order, whatever it hears', () => {
  it('has an answer to every event: its machine never throws', () => {
    always((seen, _, story) => expect(seen).toHaveLength(story.length + 1))
  })

  it('reaches every state in these stories', () => {
    const tags = new Set<string>()
    always((seen) => {
      for (const { order } of seen) tags.add(order.tag)
    })
    expect([...tags].sort()).toEqual(Order.options.map(({ shape }) => shape.tag.value).sort())
  })

  it('keeps what was agreed', () => {
    always((seen, terms) => {
      for (const { order } of seen) expect(order.terms).toBe(terms)
    })
  })

  it('never comes back from its end: an order that completed or failed stays so', () => {
    always((seen) => {
      for (const { before, order } of seen) {
        if (before.tag === 'completed' || before.tag === 'failed') expect(order.tag).toBe(before.tag)
      }
    })
  })

  it('survives the disk: what is read back is what was written', () => {
    always((seen) => {
      const order = seen.at(-1)?.order as Order
      expect(z.decode(Order, JSON.parse(JSON.stringify(z.encode(Order, order))))).toEqual(order)
    })
  })

  it('leaves a due deadline behind: no state is due for ever', () => {
    always((seen) => {
      for (const { order } of seen) {
        const at = deadline(order)
        if (at === undefined) continue
        const next = deadline(step(order, deadlineAt(at)).state)
        expect(next === undefined || next > at).toBe(true)
      }
    })
  })

  it('stays small', () => {
    always((seen) => {
      for (const { order } of seen) {
        expect(order.payment.deposits.length).toBeLessThanOrEqual(MAX_DEPOSITS)
        for (const { confirmations } of order.payment.deposits) expect(confirmations).toBeLessThanOrEqual(DEEPEST)
        if ('failures' in order) expect(order.failures.length).toBeLessThanOrEqual(MAX_FAILURES)
      }
    })
  })

  it('hears nothing new in an event that comes twice', () => {
    always((seen) => {
      for (const { event, order } of seen) {
        if (event === undefined) continue
        const again = step(order, event)
        expect([...again.effects, ...again.money]).toEqual([])
        expect(again.state).toEqual(order)
      }
    })
  })
})

describe('the channel of an order', () => {
  it('is ordered only for a payment that is there, and again only when nothing came of the last one', () => {
    always((seen) => {
      let open: string | undefined
      for (const { event, order, effects } of seen) {
        if (event?.type === 'channel-refused' && event.pendingChannelId === open && order.tag !== 'opening')
          open = undefined
        for (const effect of effects) {
          if (effect.type !== 'open-channel') continue
          expect(open).toBeUndefined()
          open = effect.pendingChannelId
          if (order.tag !== 'opening') throw new Error('a channel is opened in another state')
          if (order.by === 'bolt11') expect(order.payment.invoice).toBe('held')
        }
      }
    })
  })

  it('is never ordered for an extension', () => {
    always((seen, terms) => {
      if (terms.purpose.type === 'channel') return
      expect(effectsOf(seen).filter(({ type }) => type === 'open-channel')).toEqual([])
    })
  })

  it('belongs to an order that completes, whenever it is published', () => {
    always((seen) => {
      for (const { before, event, order } of seen) {
        if (before.tag !== 'opening' || event?.type !== 'channel-published') continue
        if (event.pendingChannelId === before.pendingChannelId) expect(order.tag).toBe('completed')
      }
    })
  })
})

describe('the hold invoice of an order', () => {
  it('is settled once at most, and only when the order is completed', () => {
    always((seen) => {
      expect(effectsOf(seen).filter(({ type }) => type === 'settle-invoice').length).toBeLessThanOrEqual(1)
      for (const { order, effects } of seen) {
        if (effects.some(({ type }) => type === 'settle-invoice')) expect(order.tag).toBe('completed')
      }
    })
  })

  it('is settled or cancelled, never both', () => {
    always((seen) => {
      const said = effectsOf(seen).filter(({ type }) => type === 'settle-invoice' || type === 'cancel-invoice')
      expect(said.length).toBeLessThanOrEqual(1)
    })
  })

  it('is held by nobody whose order has ended', () => {
    always((seen) => {
      for (const { order } of seen) {
        if (order.tag !== 'completed' && order.tag !== 'failed') continue
        expect(['open', 'held']).not.toContain(order.payment.invoice)
      }
    })
  })
})

describe('the money of an order', () => {
  it('goes back once for each output, and what goes back was not sold', () => {
    always((seen) => {
      const refunds = effectsOf(seen).filter((effect) => effect.type === 'refund')
      expect(new Set(refunds.map(({ outpoint }) => outpoint)).size).toBe(refunds.length)
      for (const { order } of seen) {
        for (const { sold, refund, amount } of order.payment.deposits) {
          if (sold !== undefined) expect(sold + (refund?.amount ?? 0n)).toBe(amount)
          else expect(refund).toBeUndefined()
        }
      }
    })
  })

  it('goes back only when it is in a block', () => {
    always((seen) => {
      for (const { order, effects } of seen) {
        for (const effect of effects) {
          if (effect.type !== 'refund') continue
          const deposit = order.payment.deposits.find(({ outpoint }) => outpoint === effect.outpoint)
          expect(deposit?.confirmations).toBeGreaterThan(0)
        }
      }
    })
  })

  it('is sold for exactly the price', () => {
    always((seen, terms) => {
      for (const { order } of seen) {
        const sold = order.payment.deposits.reduce((sum, deposit) => sum + (deposit.sold ?? 0n), 0n)
        if (order.tag !== 'completed' || order.by !== 'onchain') expect(sold).toBe(0n)
        else expect(sold).toBeLessThanOrEqual(terms.total)
      }
    })
  })

  it('is booked once: one fee, each output, each refund', () => {
    always((seen) => {
      const money = moneyOf(seen)
      const names = money.map((entry) => `${entry.type} ${'outpoint' in entry ? entry.outpoint : ''}`)
      expect(new Set(names).size).toBe(names.length)
    })
  })

  it('adds up on chain when nothing is left to be done', () => {
    always((seen) => {
      const order = seen.at(-1)?.order as Order
      if (!isTerminal(order) || (order.tag === 'completed' && order.lost !== undefined)) return
      let received = 0n
      let used = 0n
      for (const entry of moneyOf(seen)) {
        if (entry.type === 'order-deposit') received += entry.amount
        if (entry.type === 'order-refund' || entry.type === 'order-dust') used += entry.amount
        if (entry.type === 'order-fee' && entry.by === 'onchain') used += entry.received / 1000n
      }
      expect(used).toBe(received)
    })
  })

  it('is earned only by an order that is completed', () => {
    always((seen) => {
      for (const { order, money } of seen) {
        if (money.some(({ type }) => type === 'order-fee')) expect(order.tag).toBe('completed')
      }
    })
  })
})
