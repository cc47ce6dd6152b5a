import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { MAX_TRACKED_ORDERERS, type Orderer, type Place, UnpaidOrders } from '../../../src/rest/unpaid-orders.ts'

const NOW = 1_000_000 as Timestamp
const LATER = 2_000_000 as Timestamp
const alice: Orderer = { address: '203.0.113.1', publicKey: '02aa' }

function reserved(orders: UnpaidOrders, orderer: Orderer, now = NOW): Place {
  const place = orders.reserve(orderer, now)
  if ('refusal' in place) throw new Error(place.refusal)
  return place
}

function refusal(orders: UnpaidOrders, orderer: Orderer, now = NOW) {
  const place = orders.reserve(orderer, now)
  return 'refusal' in place ? place : undefined
}

describe('unpaid orders over HTTP', () => {
  it('are bounded for one address, whatever public keys it says', () => {
    const orders = new UnpaidOrders({ perAddress: 2, perPublicKey: 10 })
    for (const key of ['02aa', '02bb']) reserved(orders, { ...alice, publicKey: key }).made(`order ${key}`, LATER)
    expect(refusal(orders, { ...alice, publicKey: '02cc' })).toEqual({
      refusal: expect.stringContaining('2 orders from your address'),
      inTheWay: ['order 02aa', 'order 02bb'],
    })
    expect(refusal(orders, { address: '203.0.113.2', publicKey: '02aa' })).toBeUndefined()
  })

  it('are bounded for one public key, from however many addresses', () => {
    const orders = new UnpaidOrders({ perAddress: 10, perPublicKey: 2 })
    for (const address of ['203.0.113.1', '203.0.113.2']) reserved(orders, { ...alice, address }).made(address, LATER)
    expect(refusal(orders, { ...alice, address: '203.0.113.3' })?.refusal).toContain('2 orders for this public_key')
    expect(refusal(orders, { address: '203.0.113.3', publicKey: '02bb' })).toBeUndefined()
  })

  it('count from the moment in which they are asked for: many at once get no more', () => {
    const orders = new UnpaidOrders({ perAddress: 1, perPublicKey: 1 })
    const place = reserved(orders, alice)
    expect(refusal(orders, alice)).toBeDefined()
    place.given()
    expect(refusal(orders, alice)).toBeUndefined()
  })

  it('count until they are paid or cannot be paid any more', () => {
    const orders = new UnpaidOrders({ perAddress: 1, perPublicKey: 1 })
    reserved(orders, alice).made('a', LATER)
    expect(refusal(orders, alice, (LATER - 1) as Timestamp)).toBeDefined()
    reserved(orders, alice, LATER).made('b', (LATER + 1) as Timestamp)
    expect(refusal(orders, alice, LATER)?.inTheWay).toEqual(['b'])
    orders.settle(alice, 'b')
    expect(refusal(orders, alice, LATER)).toBeUndefined()
  })

  it('are remembered for a bounded number of callers', () => {
    const orders = new UnpaidOrders({ perAddress: 1, perPublicKey: 1 })
    const open = reserved(orders, alice)
    for (let n = 0; n < MAX_TRACKED_ORDERERS; n += 1) {
      reserved(orders, { address: `address ${n}`, publicKey: `key ${n}` }).made(`${n}`, LATER)
    }
    expect(orders.size).toBe(MAX_TRACKED_ORDERERS)
    expect(refusal(orders, alice)).toBeDefined() // one that is being made is not forgotten
    open.given()
  })
})
