import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { lsps1 } from '../../../lsps/lsps1/methods.ts'
import { createRpcServer, service } from '../../../lsps/rpc/server.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { Tokens } from '../../../src/kernel/tokens.ts'
import { type Caller, isVisible, type OrdersHandlersDeps, ordersHandlers } from '../../../src/orders/handlers.ts'
import type { NewOrder } from '../../../src/orders/service.ts'
import { GOOD_ORDER } from '../../conformance/kinds/lsps1.ts'
import { ALICE, BOB } from '../../conformance/lsp.ts'
import { createSeller, type Seller } from '../../conformance/order-seller.ts'
import { OPTIONS } from '../lsps/lsps1/orders.ts'
import * as s from './samples.ts'

const PEER: Caller = { kind: 'peer', nodeId: ALICE }
const HTTP: Caller = { kind: 'http', publicKey: ALICE }
const GOOD = { ...GOOD_ORDER, required_channel_confirmations: 1 }

const running: Seller[] = []
afterEach(async () => {
  for (const seller of running.splice(0)) await seller.close()
})
function seller(config: Parameters<typeof createSeller>[0] = {}): Seller {
  const made = createSeller(config)
  running.push(made)
  return made
}
const idOf = (result: unknown) => z.decode(z.looseObject({ order_id: z.string() }), result as never).order_id

describe('who may read an order', () => {
  const order = (origin: 'peer' | 'http') => s.after({ ...s.TERMS, client: ALICE, origin })

  it.each<[string, 'peer' | 'http', Caller, boolean]>([
    ['the peer that made it', 'peer', PEER, true],
    ['no other peer', 'peer', { kind: 'peer', nodeId: BOB }, false],
    ['nobody over HTTP, whatever key is said', 'peer', HTTP, false],
    ['whoever knows the id over HTTP, when it was made there', 'http', { kind: 'http' }, true],
    ['not the peer whose key was said over HTTP', 'http', PEER, false],
  ])('[L1-52] %s', (_, origin, caller, visible) => {
    expect(isVisible(order(origin), caller)).toBe(visible)
  })
})

describe('an order over HTTP', () => {
  it('is refused without a public key, and the parameter is named', async () => {
    const { error } = await seller().ask('lsps1.create_order', GOOD, { kind: 'http' })
    expect(error).toMatchObject({
      code: -32602,
      data: { unrecognized: [], property: 'public_key', message: 'required' },
    })
  })

  it('is made for the key that is said, and read by its id alone', async () => {
    const lsp = seller()
    const { result } = await lsp.ask('lsps1.create_order', GOOD, HTTP)
    const order_id = idOf(result)
    expect(lsp.orderOf(order_id)?.terms).toMatchObject({ client: ALICE, origin: 'http' })
    expect((await lsp.ask('lsps1.get_order', { order_id }, { kind: 'http' })).result).toEqual(result)
    expect((await lsp.ask('lsps1.get_order', { order_id }, PEER)).error?.code).toBe(101)
  })

  it('takes nothing from the real owner of the key: its own orders are counted alone', async () => {
    const lsp = seller({ maxUnpaidPerPeer: 1 })
    for (let made = 0; made < 3; made += 1)
      expect((await lsp.ask('lsps1.create_order', GOOD, HTTP)).result).toBeDefined()
    expect((await lsp.ask('lsps1.create_order', GOOD, PEER)).result).toBeDefined()
    expect((await lsp.ask('lsps1.create_order', GOOD, PEER)).error?.code).toBe(1)
    expect((await lsp.ask('lsps1.create_order', GOOD, HTTP)).result).toBeDefined()
  })

  it('is refused where the node of the key is not served', async () => {
    const { error } = await seller({ rejected: [ALICE] }).ask('lsps1.create_order', GOOD, HTTP)
    expect(error).toMatchObject({ code: 1, data: { message: 'not served' } })
  })
})

/** The handlers on orders that cannot be placed. */
async function answerWhen(place: (wanted: NewOrder) => Promise<never>) {
  const unexpected: unknown[] = []
  const deps: OrdersHandlersDeps = {
    orders: { place, get: async () => undefined, rejection: () => undefined },
    options: { current: () => OPTIONS },
    tokens: new Tokens([]),
    clock: { now: () => s.NOW, sleep: async () => undefined },
    notSelling: () => undefined,
    rejection: () => undefined,
    largestChannel: () => OPTIONS.max_channel_balance_sat,
    feerate: async () => 2,
    featuresOf: async () => [],
    signal: new AbortController().signal,
  }
  const server = createRpcServer<Caller>({
    services: [
      service<typeof lsps1, Caller>(
        lsps1,
        ordersHandlers(deps, { network: 'mainnet', pricing: s.RULE, discounts: new Map(), lightning: 'taken' }),
      ),
    ],
    onUnexpected: (error) => unexpected.push(error),
  })
  const outcome = await server.call(PEER, { type: 'request', id: 'x', method: 'lsps1.create_order', params: GOOD })
  return { outcome, unexpected }
}

describe('an order that lnd does not make payable', () => {
  it('is rejected, to be tried again, while lnd does not answer', async () => {
    const { outcome, unexpected } = await answerWhen(async () => {
      throw new SidecarError({ code: 'LND_UNAVAILABLE', call: 'addHoldInvoice', detail: 'connection lost' })
    })
    expect(outcome).toMatchObject({ fault: { code: 1, data: { message: expect.stringContaining('try again') } } })
    expect(unexpected).toEqual([])
  })

  it('is an internal error, told to the operator alone, when lnd refuses it', async () => {
    const { outcome, unexpected } = await answerWhen(async () => {
      throw new SidecarError({ code: 'LND_REFUSED', call: 'addHoldInvoice', detail: 'secret words' })
    })
    expect(outcome).toMatchObject({ fault: { code: -32603 } })
    expect(JSON.stringify(outcome)).not.toContain('secret')
    expect(unexpected).toHaveLength(1)
  })
})
