import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/kernel/log.ts'
import type { RestConfig } from '../../src/rest/port.ts'
import { type RestServer, startRest } from '../../src/rest/server.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { LSP_BALANCE, OrderSimulation, type OrderState, REFUND_ADDRESS } from './order-simulation.ts'

/** Simulated time that passes while one turn of a real socket is waited for. */
const STEP_MS = 20
/** A request that is not answered within so many turns never will be. */
const MAX_TURNS = 20_000
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const CONFIG: RestConfig = {
  listen: '127.0.0.1:0',
  trustedProxy: '127.0.0.1',
  requestsPerSecond: 1000,
  burst: 1000,
  maxRequestsPerSecond: 10_000,
  maxPending: 100,
  maxUnpaidPerAddress: 3,
  maxUnpaidPerPublicKey: 3,
}

type Answered = { readonly status: number; readonly text: string; readonly body: OrderState }

let simulation: OrderSimulation
let server: RestServer

beforeEach(async () => {
  simulation = new OrderSimulation()
  await simulation.start()
  server = await startRest({ port: simulation.sidecar.rest, config: CONFIG, clock: simulation.clock, log: silentLog })
})

afterEach(async () => {
  await server.close()
  // What follows an order, such as its channel becoming active, may still be under way.
  await simulation.until(() => simulation.violations().length === 0, 'all to be done').catch(() => undefined)
  expect(simulation.violations()).toEqual([])
})

/** The node and the sidecar live in simulated time, the socket does not: time passes in small steps until both are done. */
async function meanwhile<T>(request: Promise<T>): Promise<T> {
  let ended = false
  const watched = request.finally(() => {
    ended = true
  })
  watched.catch(() => undefined)
  for (let turn = 0; !ended && turn < MAX_TURNS; turn += 1) {
    await simulation.clock.advance(STEP_MS)
    await nextTurn()
  }
  if (!ended) throw new Error(`no answer within ${MAX_TURNS} turns`)
  return watched
}

async function send(path: string, from: string, options: RequestInit = {}): Promise<Answered> {
  const headers = { 'x-forwarded-for': from, 'content-type': 'application/json' }
  const request = fetch(`http://${server.address}${path}`, { ...options, headers })
  return meanwhile(
    request.then(async (answer) => {
      const text = await answer.text()
      return { status: answer.status, text, body: text === '' ? undefined : JSON.parse(text) }
    }),
  )
}

const create = (client: Pick<SimWallet, 'nodeId'>, changes: object = {}, from = '198.51.100.1') =>
  send('/api/v1/create_order', from, {
    method: 'POST',
    body: JSON.stringify({
      lsp_balance_sat: `${LSP_BALANCE}`,
      client_balance_sat: '0',
      required_channel_confirmations: 0,
      funding_confirms_within_blocks: 6,
      channel_expiry_blocks: 4320,
      token: '',
      refund_onchain_address: '',
      announce_channel: false,
      public_key: client.nodeId,
      client_info: { app: 'ZEUS', app_version: '13.1.0' },
      ...changes,
    }),
  })

const read = (orderId: string, from = '198.51.100.1') => send(`/api/v1/get_order?order_id=${orderId}`, from)

describe('channels ordered over HTTP', () => {
  it('are paid by hold invoice and opened, as the wallet can read over HTTP to the end', async () => {
    const client = simulation.client()
    const info = await send('/api/v1/get_info', '198.51.100.1')
    expect(info).toMatchObject({ status: 200, body: { uris: [expect.stringMatching(/^0[23][0-9a-f]{64}@.+:\d+$/)] } })

    const { status, body: order } = await create(client)
    expect(status).toBe(200)
    expect(order).toMatchObject({ order_state: 'CREATED', token: '', channel: null })
    expect(order.order_id).toMatch(UUID_V4)
    expect(order.payment.onchain).toBeUndefined()

    simulation.payInvoice(order)
    await simulation.until(() => simulation.tag(order) === 'completed' && !simulation.isLive(order), 'the order to end')
    const { body: ended } = await read(order.order_id, '198.51.100.2')
    expect(ended).toMatchObject({
      order_id: order.order_id,
      order_state: 'COMPLETED',
      payment: { bolt11: { state: 'PAID' } },
      channel: { funding_outpoint: expect.any(String) },
    })
    expect(simulation.channelsOf(order)).toBe(1)
  })

  it('tell HOLD while the payment is held and the node is away', async () => {
    const client = simulation.client()
    const { body: order } = await create(client)
    client.disconnect()
    simulation.payInvoice(order)
    await simulation.until(() => simulation.tag(order) === 'paid', 'the payment to be held')
    expect((await read(order.order_id)).body).toMatchObject({ payment: { bolt11: { state: 'HOLD' } }, channel: null })
    client.connect()
    await simulation.until(() => simulation.tag(order) === 'completed' && !simulation.isLive(order), 'the order to end')
  })

  it('get ids that nothing tells but the answer, each another one', async () => {
    const client = simulation.client()
    const ids = new Set<string>()
    for (let n = 0; n < 3; n += 1) ids.add((await create(client)).body.order_id)
    expect(ids.size).toBe(3)
    for (const id of ids) {
      const near = id.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
      expect(await read(near)).toMatchObject({ status: 404, body: { error: { code: 101 } } })
      expect(await read(id.toUpperCase())).toMatchObject({ status: id === id.toUpperCase() ? 200 : 404 })
    }
  })
})

describe("somebody else's public_key", () => {
  it('gets the channel, whoever pays: nothing of it comes to the one who named the key', async () => {
    const alice = simulation.client()
    const { body: order } = await create(alice, {}, '203.0.113.66')
    simulation.payInvoice(order)
    await simulation.until(() => simulation.tag(order) === 'completed' && !simulation.isLive(order), 'the order to end')
    const ours = [...simulation.world.node.channels.all.values()].filter(({ memo }) => memo.includes(order.order_id))
    expect(ours.map(({ peer }) => peer)).toEqual([alice.nodeId])
  })

  it('keeps its owner from ordering over HTTP for a while, but never over its own connection', async () => {
    const alice = simulation.client()
    for (let n = 0; n < 3; n += 1) expect((await create(alice, {}, `203.0.113.${n}`)).status).toBe(200)
    const refused = await create(alice, {}, '198.51.100.1')
    expect(refused).toMatchObject({
      status: 403,
      body: { error: { code: 1 }, message: expect.stringContaining('public_key') },
    })

    const own = await simulation.order(alice)
    expect(own).toMatchObject({ order_state: 'CREATED' })
    await simulation.clock.advance(3_600_000)
    expect((await create(alice, {}, '198.51.100.1')).status).toBe(200)
  })

  it('does not show what its owner ordered over its connection, nor the other way round', async () => {
    const alice = simulation.client()
    const own = await simulation.order(alice)
    expect(await read(own.order_id)).toMatchObject({ status: 404, body: { error: { code: 101 } } })
    const { body: named } = await create(alice)
    await expect(simulation.look(alice, named)).rejects.toMatchObject({ code: 101 })
  })
})

describe('what callers may send over HTTP', () => {
  it('is judged by the rules of LSPS1, and costs nothing when it is refused', async () => {
    const client = simulation.client()
    const answers: readonly (readonly [object, number, number])[] = [
      [{ lsp_balance_sat: '1' }, 400, 100],
      [{ channel_expiry_blocks: 0 }, 400, -32602],
      [{ refund_onchain_address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' }, 400, -32602],
      [{ token: 'nobody gave it' }, 400, 102],
      [{ required_channel_confirmations: '0' }, 400, -32602],
      [{ public_key: `02${'00'.repeat(31)}` }, 400, -32602],
    ]
    for (const [changes, status, code] of answers) {
      expect(await create(client, changes), JSON.stringify(changes)).toMatchObject({
        status,
        body: { error: { code } },
      })
    }
    expect(simulation.bytes.get('orders-live')?.size ?? 0).toBe(0)
    expect((await create(client, { refund_onchain_address: REFUND_ADDRESS })).status).toBe(200)
  })

  it('never ends in an internal error, whatever it is, and never in an order that nobody may make', async () => {
    const client = simulation.client()
    const value = fc.oneof(
      fc.json(),
      fc.jsonValue().map((any) => JSON.stringify(any)),
      fc.string({ maxLength: 200 }),
    )
    const field = fc.constantFrom(
      'lsp_balance_sat',
      'client_balance_sat',
      'token',
      'public_key',
      'channel_expiry_blocks',
      'announce_channel',
      '__proto__',
      'constructor',
    )
    const bent = fc.tuple(field, fc.jsonValue()).map(([name, any]) =>
      JSON.stringify({
        lsp_balance_sat: '1', // below the least: never an order
        client_balance_sat: '0',
        required_channel_confirmations: 0,
        funding_confirms_within_blocks: 6,
        channel_expiry_blocks: 4320,
        announce_channel: false,
        public_key: client.nodeId,
        ...(name === 'lsp_balance_sat' && typeof any === 'string' ? {} : { [name]: any }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(value, bent), async (body) => {
        const { status, text } = await send('/api/v1/create_order', '203.0.113.9', { method: 'POST', body })
        expect([400, 403, 413, 415]).toContain(status)
        expect(JSON.parse(text)).toEqual({
          error: expect.objectContaining({ code: expect.any(Number), message: expect.any(String) }),
          message: expect.any(String),
        })
      }),
      { numRuns: 150, seed: 5 },
    )
    expect(simulation.bytes.get('orders-live')?.size ?? 0).toBe(0)
    expect((await create(client)).status).toBe(200)
  })
})
