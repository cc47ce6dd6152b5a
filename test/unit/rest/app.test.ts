import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { RestConfig } from '../../../src/rest/port.ts'
import { ALICE, HOUR_MS, NODE, openShop, type Shop, ZEUS_ORDER } from './shop.ts'

let shop: Shop
afterEach(() => shop.close())

const open = async (changes: Partial<RestConfig> = {}, createOrder?: Parameters<typeof openShop>[1]) => {
  shop = await openShop(changes, createOrder)
}
const error = (code: number, data?: object) => ({ error: expect.objectContaining({ code, ...(data && { data }) }) })

/** Writes bytes as they are, and reads until the other side has closed or answered. */
function raw(text: string): Promise<string> {
  const { port } = new URL(shop.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
    let heard = ''
    socket.setEncoding('utf8').on('data', (part) => {
      heard += part
      socket.end()
    })
    socket.once('close', () => resolve(heard))
    socket.once('error', reject)
  })
}

describe('LSPS1 over HTTP', () => {
  it('tells what may be ordered, flat, and where the node is', async () => {
    await open()
    const { status, body } = await shop.ask('/api/v1/get_info')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      min_initial_lsp_balance_sat: '100000',
      max_channel_expiry_blocks: 52_560,
      uris: [`${NODE}@203.0.113.5:9735`],
    })
  })

  it('takes an order as ZEUS sends it: the additions that it is known for are accepted', async () => {
    await open()
    const { status, body } = await shop.order(ZEUS_ORDER, '198.51.100.7')
    expect(status).toBe(200)
    expect(body).toMatchObject({ order_id: 'order-1', order_state: 'CREATED', token: '', channel: null })
    expect(body).not.toHaveProperty('public_key')
    expect(shop.callers).toEqual([{ kind: 'http', address: '198.51.100.7', publicKey: ALICE }])
    const { body: again } = await shop.ask('/api/v1/get_order?order_id=order-1')
    expect(again).toEqual(body)
  })

  it('takes an order as Alby Hub and the BTCPay plugin send it', async () => {
    await open({ maxUnpaidPerAddress: 5, maxUnpaidPerPublicKey: 5 })
    const { client_info: _, refund_onchain_address: __, ...common } = ZEUS_ORDER
    const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
    expect((await shop.order({ ...common, refund_onchain_address: address })).status).toBe(200)
    expect(
      (await shop.order({ ...common, required_channel_confirmations: 1, token: 'btcpay-lsp-plugin' })).status,
    ).toBe(200)
    expect((await shop.order({ ...common, public_key: ALICE.toUpperCase() })).status).toBe(200)
    expect(shop.callers.at(-1)).toMatchObject({ publicKey: ALICE })
  })

  it.each<[string, unknown, number, object]>([
    [
      'no public_key',
      { ...ZEUS_ORDER, public_key: undefined },
      400,
      error(-32602, { unrecognized: [], property: 'public_key', message: 'required' }),
    ],
    [
      'a public_key that is none',
      { ...ZEUS_ORDER, public_key: '02ab' },
      400,
      { message: 'public_key: not a compressed public key in hex' },
    ],
    ['an unknown parameter', { ...ZEUS_ORDER, node: 1 }, 400, error(-32602, { unrecognized: ['node'] })],
    ['an amount that is a number', { ...ZEUS_ORDER, lsp_balance_sat: 1 }, 400, error(-32602)],
    [
      'an order that is too small',
      { ...ZEUS_ORDER, lsp_balance_sat: '1' },
      400,
      { ...error(100), message: 'min_initial_lsp_balance_sat: too small' },
    ],
    ['a list', [ZEUS_ORDER], 400, error(-32602)],
    ['a word', '"order"', 400, error(-32602)],
    ['nothing', 'null', 400, error(-32602)],
    ['half an object', '{"lsp_balance_sat":', 400, error(-32700)],
    ['a poisoned prototype', '{"__proto__":{"public_key":"x"}}', 400, error(-32700)],
    ['too much', JSON.stringify({ ...ZEUS_ORDER, token: 'x'.repeat(9000) }), 413, error(-32700)],
  ])('answers an order with %s in the one shape that wallets read', async (_, body, status, expected) => {
    await open()
    const answered = await shop.order(body)
    expect(answered).toMatchObject({ status, body: expected })
    expect(answered.body).toMatchObject({ error: { code: expect.any(Number) }, message: expect.any(String) })
    expect(shop.orders.size).toBe(0)
  })

  it('knows no order by another name than its own', async () => {
    await open()
    await shop.order(ZEUS_ORDER)
    const get = async (query: string) => {
      const { status, body } = await shop.ask(`/api/v1/get_order${query}`)
      return [status, (body as { error?: { code: number } }).error?.code]
    }
    expect(await get('?order_id=order-2')).toEqual([404, 101])
    expect(await get(`?order_id=${'x'.repeat(5000)}`)).toEqual([404, 101])
    expect(await get('?order_id=__proto__')).toEqual([404, 101])
    expect(await get('')).toEqual([400, -32602])
    expect(await get('?order_id=order-1&order_id=order-2')).toEqual([400, -32602])
    expect(await get('?order_id=order-1&more=1')).toEqual([400, -32602])
    expect(await get('?order_id=%E0%A4%A')).toEqual([404, 101])
  })

  it('says nothing of what went wrong inside, to anybody but the operator', async () => {
    await open({}, async () => {
      throw new Error('secret of the database')
    })
    const answered = await shop.order(ZEUS_ORDER)
    expect(answered).toMatchObject({ status: 500, body: { error: { code: -32603 }, message: 'Internal error' } })
    expect(JSON.stringify(answered.body)).not.toContain('secret')
    expect(shop.logged).toMatchObject([{ fields: { method: 'lsps1.create_order' } }])
  })

  it.each([
    ['GET', '/'],
    ['GET', '/api/v1/create_order'],
    ['POST', '/api/v1/get_info'],
    ['HEAD', '/api/v1/get_info'],
    ['DELETE', '/api/v1/get_order?order_id=order-1'],
    ['GET', '/api/v1/%c0%ae%c0%ae/get_info'],
    ['GET', '/api/v1/get_info/'],
  ])('has nothing at %s %s', async (method, path) => {
    await open()
    const { status } = await shop.ask(path, { method })
    expect([400, 404]).toContain(status)
  })

  it('reads JSON only', async () => {
    await open()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const options = { method: 'POST', body: JSON.stringify(ZEUS_ORDER), headers: { 'content-type': type } }
      expect(await shop.ask('/api/v1/create_order', options)).toMatchObject({ status: 415, body: error(-32700) })
    }
  })

  it('may be asked by a page in a browser, which has nothing of its own to add', async () => {
    await open()
    const { status, headers } = await shop.ask('/api/v1/create_order', { method: 'OPTIONS' })
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-headers')).toBe('content-type')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect((await shop.ask('/api/v1/get_info')).headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('limits over HTTP', () => {
  it('slow down one address, and nobody else; another header of the caller does not help', async () => {
    await open({ burst: 3 })
    const ask = async (from: string) => (await shop.ask('/api/v1/get_info', { from })).status
    const flood = [ask('203.0.113.1'), ask('9.9.9.9, 203.0.113.1'), ask('8.8.8.8, 203.0.113.1'), ask('203.0.113.1')]
    expect((await Promise.all(flood)).sort()).toEqual([200, 200, 200, 429])
    expect(await ask('203.0.113.2')).toBe(200)
    await shop.clock.advance(1000)
    expect(await ask('203.0.113.1')).toBe(200)
  })

  it('take all IPv6 addresses of one customer for one', async () => {
    await open({ burst: 2 })
    const ask = async (from: string) => (await shop.ask('/api/v1/get_info', { from })).status
    expect([await ask('2001:db8::1'), await ask('2001:db8::2'), await ask('2001:db8::3')]).toEqual([200, 200, 429])
    expect(await ask('2001:db8:0:1::1')).toBe(200)
  })

  it('bound what all addresses ask together', async () => {
    await open({ maxRequestsPerSecond: 2 })
    const statuses: number[] = []
    for (let n = 1; n <= 5; n += 1)
      statuses.push((await shop.ask('/api/v1/get_info', { from: `203.0.113.${n}` })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 503])
  })

  it('bound what waits for its answer, and count it until it has ended, though the caller hung up', async () => {
    let goOn = () => {}
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve
    })
    await open({ maxPending: 1 }, () => waiting)
    const hangUp = new AbortController()
    const options = {
      method: 'POST',
      body: JSON.stringify(ZEUS_ORDER),
      headers: { 'content-type': 'application/json' },
    }
    const first = shop.ask('/api/v1/create_order', { ...options, signal: hangUp.signal }).catch(() => undefined)
    await expect.poll(() => shop.callers.length).toBe(1)
    hangUp.abort()
    await first
    expect((await shop.ask('/api/v1/get_info')).status).toBe(503)
    goOn()
    await expect.poll(async () => (await shop.ask('/api/v1/get_info')).status).toBe(200)
  })

  it('give the place of a caller back that hangs up before it has said all', async () => {
    await open({ maxPending: 1 })
    const { port } = new URL(shop.url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(
      'POST /api/v1/create_order HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{',
    )
    await expect.poll(async () => (await shop.ask('/api/v1/get_info')).status).toBe(503)
    socket.destroy()
    await expect.poll(async () => (await shop.ask('/api/v1/get_info')).status).toBe(200)
  })

  it('bound the unpaid orders of one address and for one public key, until they are paid or have expired', async () => {
    await open()
    const forKey = (byte: string) => ({ ...ZEUS_ORDER, public_key: `02${byte.repeat(32)}` })
    const status = async (...args: Parameters<Shop['order']>) => (await shop.order(...args)).status
    expect(await status(forKey('01'), '203.0.113.1')).toBe(200)
    expect(await status(forKey('02'), '203.0.113.1')).toBe(200)
    const refused = await shop.order(forKey('03'), '203.0.113.1')
    expect(refused).toMatchObject({
      status: 403,
      body: { error: { code: 1 }, message: expect.stringContaining('address') },
    })

    expect(await status(forKey('01'), '203.0.113.2')).toBe(200)
    expect(await status(forKey('01'), '203.0.113.3')).toBe(403) // however many addresses speak of one node
    expect(await status(forKey('04'), '203.0.113.3')).toBe(200)

    const first = shop.orders.get('order-1')
    if (first?.payment.bolt11 === undefined) throw new Error('there is no order')
    shop.orders.set('order-1', { ...first, payment: { bolt11: { ...first.payment.bolt11, state: 'HOLD' } } })
    expect(await status(forKey('05'), '203.0.113.1')).toBe(200) // it paid one
    expect(await status(forKey('06'), '203.0.113.1')).toBe(403)
    await shop.clock.advance(HOUR_MS)
    expect(await status(forKey('06'), '203.0.113.1')).toBe(200)
  })

  it('do not count an order that was refused', async () => {
    await open({ maxUnpaidPerAddress: 1 })
    for (let n = 0; n < 3; n += 1) expect((await shop.order({ ...ZEUS_ORDER, lsp_balance_sat: '1' })).status).toBe(400)
    expect((await shop.order(ZEUS_ORDER)).status).toBe(200)
  })

  it('serve nobody but the proxy without TLS', async () => {
    await open({ trustedProxy: '203.0.113.99' })
    expect(await shop.ask('/api/v1/get_info')).toMatchObject({ status: 403, body: error(1) })
    expect((await shop.order(ZEUS_ORDER)).status).toBe(403)
    expect(shop.orders.size).toBe(0)
  })

  it('survive what is no HTTP at all', async () => {
    await open()
    for (const text of ['\0\0\0\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`]) {
      expect(await raw(text)).toMatch(/^HTTP\/1\.1 4\d\d|^$/)
    }
    const smuggled =
      'POST /api/v1/create_order HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'
    expect(await raw(smuggled)).toMatch(/^HTTP\/1\.1 4\d\d/)
    expect((await shop.ask('/api/v1/get_info')).status).toBe(200)
  })
})
