import { describe, expect, it } from 'vitest'
import { lsps1, lsps1Faults } from '../../../lsps/lsps1/methods.ts'
import type { OrderResult } from '../../../lsps/lsps1/schema.ts'
import { clientRejected } from '../../../lsps/rpc/fault.ts'
import { createRpcServer, service } from '../../../lsps/rpc/server.ts'
import { createBridge } from '../../../src/rest/bridge.ts'
import type { HttpCaller } from '../../../src/rest/port.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { ORDER } from '../lsps/lsps1/orders.ts'
import { ALICE, HOUR_MS, ZEUS_ORDER } from './shop.ts'

const BOB = `03${'bb'.repeat(32)}`
const caller = (address: string): HttpCaller => ({ kind: 'http', address })
const { client_info: _, refund_onchain_address: __, ...WANTED } = ZEUS_ORDER

/** The bridge on orders that a test changes as it likes. */
function setUp(limits = { maxUnpaidPerAddress: 2, maxUnpaidPerPublicKey: 2 }) {
  const clock = new ManualClock()
  const orders = new Map<string, OrderResult>()
  const asked: string[] = []
  let refusal: Error | undefined
  const server = createRpcServer<HttpCaller>({
    services: [
      service<typeof lsps1, HttpCaller>(lsps1, {
        'lsps1.get_info': async () => {
          throw clientRejected('not now')
        },
        'lsps1.create_order': async (_caller, wanted) => {
          if (refusal !== undefined) throw refusal
          const { refund_onchain_address: _address, ...echoed } = wanted
          const until = (clock.now() + HOUR_MS) as OrderResult['created_at']
          const { bolt11 } = ORDER.payment
          if (bolt11 === undefined) throw new Error('the sample lacks its invoice')
          const order = {
            ...ORDER,
            ...echoed,
            token: echoed.token ?? '',
            order_id: `order-${orders.size + 1}`,
            payment: { bolt11: { ...bolt11, expires_at: until } },
          }
          orders.set(order.order_id, order)
          return order
        },
        'lsps1.get_order': async (_caller, { order_id }) => {
          asked.push(order_id)
          const order = orders.get(order_id)
          if (order === undefined) throw lsps1Faults.notFound()
          return order
        },
      }),
    ],
    onUnexpected: () => undefined,
  })
  const bridge = createBridge({ server, uris: () => ['node@host:9735'], clock }, limits)
  const create = async (publicKey = ALICE, address = '198.51.100.1') =>
    (await bridge.createOrder(caller(address), { ...WANTED, public_key: publicKey })).status
  const paid = (id: string, state: 'HOLD' | 'PAID' | 'REFUNDED') => {
    const order = orders.get(id)
    const { bolt11 } = order?.payment ?? {}
    if (order === undefined || bolt11 === undefined) throw new Error(`no order ${id}`)
    orders.set(id, { ...order, payment: { bolt11: { ...bolt11, state } } })
  }
  const refuse = (error: Error | undefined) => {
    refusal = error
  }
  return { bridge, clock, orders, asked, create, paid, refuse }
}

describe('unpaid orders over HTTP', () => {
  it('are looked at before somebody is refused: who paid need not say so', async () => {
    const { create, paid, asked } = setUp()
    expect([await create(), await create()]).toEqual([200, 200])
    expect(asked).toEqual([])
    expect(await create()).toBe(403)
    expect(asked).toEqual(['order-1', 'order-2'])
    paid('order-1', 'HOLD')
    expect(await create()).toBe(200)
    expect(await create()).toBe(403)
  })

  it.each(['PAID', 'REFUNDED', 'HOLD'] as const)('do not count once they are %s', async (state) => {
    const { create, paid } = setUp({ maxUnpaidPerAddress: 1, maxUnpaidPerPublicKey: 1 })
    await create()
    paid('order-1', state)
    expect(await create()).toBe(200)
  })

  it('do not count when nobody knows them any more, nor after they can be paid', async () => {
    const { create, orders, clock } = setUp({ maxUnpaidPerAddress: 1, maxUnpaidPerPublicKey: 1 })
    await create()
    orders.delete('order-1')
    expect(await create()).toBe(200)
    expect(await create()).toBe(403)
    await clock.advance(HOUR_MS)
    expect(await create()).toBe(200)
  })

  it('of somebody else’s key are bounded from however many addresses, and leave other keys alone', async () => {
    const { create } = setUp()
    const statuses: number[] = []
    for (let n = 1; n <= 4; n += 1) statuses.push(await create(ALICE, `198.51.100.${n}`))
    expect(statuses).toEqual([200, 200, 403, 403])
    expect(await create(BOB, '198.51.100.9')).toBe(200)
  })

  it('are no more than allowed when many ask at once', async () => {
    const { create } = setUp()
    const statuses = await Promise.all(Array.from({ length: 8 }, () => create()))
    expect(statuses.filter((status) => status === 200)).toHaveLength(2)
  })

  it('give their place back when they were not made', async () => {
    const { create, refuse } = setUp({ maxUnpaidPerAddress: 1, maxUnpaidPerPublicKey: 1 })
    refuse(lsps1Faults.optionMismatch({ property: 'max_channel_balance_sat', message: 'too large' }))
    expect([await create(), await create(), await create()]).toEqual([400, 400, 400])
    refuse(new Error('inside'))
    expect(await create()).toBe(500)
    refuse(undefined)
    expect(await create()).toBe(200)
  })
})

describe('what a caller over HTTP reads', () => {
  it('is the status that fits the error of the method', async () => {
    const { bridge, refuse } = setUp()
    const answer = async (error: Error) => {
      refuse(error)
      const { status, body } = await bridge.createOrder(caller('::1'), { ...WANTED, public_key: ALICE })
      return [status, (body as { error?: { code: number } }).error?.code]
    }
    expect(await answer(lsps1Faults.unrecognizedToken())).toEqual([400, 102])
    expect(await answer(clientRejected('no'))).toEqual([403, 1])
    expect(await answer(new Error('secret'))).toEqual([500, -32603])
    expect((await bridge.getOrder(caller('::1'), { order_id: 'none' })).status).toBe(404)
    expect((await bridge.getInfo(caller('::1'))).status).toBe(403)
  })

  it.each([undefined, null, 5, 'text', [WANTED]])('is an error when the body is %j', async (body) => {
    const { bridge, orders } = setUp()
    const { status, body: answer } = await bridge.createOrder(caller('::1'), body)
    expect([status, answer]).toMatchObject([400, { error: { code: -32602 } }])
    expect(orders.size).toBe(0)
  })

  it.each([undefined, null, 5, '', '02', `04${'aa'.repeat(32)}`, `${ALICE}00`, 'g'.repeat(66)])(
    'names public_key when that is %j',
    async (public_key) => {
      const { bridge, orders } = setUp()
      const { status, body } = await bridge.createOrder(caller('::1'), { ...WANTED, public_key })
      expect([status, body]).toMatchObject([400, { error: { code: -32602, data: { property: 'public_key' } } }])
      expect(orders.size).toBe(0)
    },
  )
})
