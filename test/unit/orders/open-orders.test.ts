import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { isUnpaid, place, step } from '../../../src/orders/machine.ts'
import { OpenOrders } from '../../../src/orders/open-orders.ts'
import type { Order, OrderEvent, Terms } from '../../../src/orders/states.ts'
import { anyStory } from './arbitraries.ts'
import * as s from './samples.ts'

const CLIENTS = [`02${'aa'.repeat(32)}`, `02${'bb'.repeat(32)}`] as NodeId[]
const termsOf = (id: string, client: NodeId, origin: Terms['origin'] = 'peer'): Terms => ({
  ...s.TERMS,
  id,
  client,
  origin,
})
const [ALICE = '' as NodeId, BOB = '' as NodeId] = CLIENTS

/** All that became of an order, told as it became true. */
function tell(open: OpenOrders, terms: Terms, events: readonly OrderEvent[]): Order {
  let order = place(terms).state
  open.follow(undefined, order)
  for (const event of events) {
    const { state, ignored } = step(order, event)
    if (ignored !== undefined) continue
    open.follow(order, state)
    order = state
  }
  return order
}

const isOpen = ({ tag }: Order) => tag !== 'completed' && tag !== 'failed'

describe('orders that are not over', () => {
  it('are counted while nobody has paid, and known to their client until they end', () => {
    const open = new OpenOrders()
    tell(open, termsOf('a', ALICE), [])
    tell(open, termsOf('b', ALICE), [s.accepted({ clientOnline: false })])
    tell(open, termsOf('c', BOB), [s.deadlineAt(s.EXPIRES_AT)])
    expect([open.unpaid, open.takenBy(ALICE), open.takenBy(BOB)]).toEqual([1, 1, 0])
    expect([...open.of(ALICE)]).toEqual(['a', 'b'])
    expect(open.of(BOB).size).toBe(0)
  })

  it('that were made over HTTP count in all, not for the node whose key was said', () => {
    const open = new OpenOrders()
    tell(open, termsOf('a', ALICE, 'http'), [])
    expect([open.unpaid, open.takenBy(ALICE)]).toEqual([1, 0])
    expect([...open.of(ALICE)]).toEqual(['a'])
  })

  it('are counted rightly whatever happens to them, and read again from a database count the same', () => {
    const one = fc.record({
      client: fc.constantFrom(ALICE, BOB),
      origin: fc.constantFrom<Terms['origin']>('peer', 'http'),
      events: anyStory,
    })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 6 }), (stories) => {
        const open = new OpenOrders()
        const orders = stories.map(({ client, origin, events }, n) =>
          tell(open, termsOf(`${n}`, client, origin), events),
        )
        const again = new OpenOrders()
        for (const order of orders) if (isOpen(order)) again.follow(undefined, order)
        for (const counted of [open, again]) {
          expect(counted.unpaid).toBe(orders.filter(isUnpaid).length)
          for (const client of CLIENTS) {
            const own = orders.filter(({ terms }) => terms.client === client)
            expect(counted.takenBy(client)).toBe(
              own.filter((order) => isUnpaid(order) && order.terms.origin === 'peer').length,
            )
            expect([...counted.of(client)].toSorted()).toEqual(own.filter(isOpen).map(({ terms }) => terms.id))
          }
        }
        open.clear()
        expect([open.unpaid, open.takenBy(ALICE), open.of(ALICE).size]).toEqual([0, 0, 0])
      }),
      { numRuns: 100 },
    )
  })
})

describe('orders that are being made', () => {
  it('count for their client and in all until they are made, or not', () => {
    const open = new OpenOrders()
    const first = open.begin(ALICE)
    const second = open.begin(undefined)
    expect([open.takenBy(ALICE), open.taken, open.unpaid]).toEqual([1, 2, 0])
    first()
    expect([open.takenBy(ALICE), open.taken]).toEqual([0, 1])
    second()
    expect([open.takenBy(ALICE), open.taken]).toEqual([0, 0])
  })

  it('still count when the database is read anew meanwhile', () => {
    const open = new OpenOrders()
    const made = open.begin(ALICE)
    open.clear()
    expect(open.takenBy(ALICE)).toBe(1)
    made()
    expect(open.takenBy(ALICE)).toBe(0)
  })
})
