import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { method } from '../../../lsps/base/method.ts'
import { NodeId } from '../../../lsps/base/node-id.ts'
import { readIncoming } from '../../../lsps/rpc/message.ts'
import { createRpcServer, service } from '../../../lsps/rpc/server.ts'
import { MAX_RECOGNISED_PEERS, QUIRKS, Quirks, TOLERATED } from '../../../src/callers/quirks.ts'

const { stringify } = JSON

/** What ldk-node 0.7.1 sent over the wire, byte for byte; its further requests differ in the id only. */
const LDK_NODE =
  '{"jsonrpc":"2.0","id":"ead72b1787aa7f72983bcceb371910cb","method":"lsps2.get_info","params":{"token":null}}'
/** How lightning-liquidity 0.2.7 writes an order. */
const LDK_ORDER =
  '{"jsonrpc":"2.0","id":"0b3f9a6c51d24e8f9a7b6c5d4e3f2a1b","method":"lsps1.create_order","params":{' +
  '"lsp_balance_sat":"1000000","client_balance_sat":"0","required_channel_confirmations":0,' +
  '"funding_confirms_within_blocks":6,"channel_expiry_blocks":4320,"token":null,"announce_channel":false,' +
  '"refund_onchain_address":"bcrt1qexample"}}'
const LDK_GET_ORDER =
  '{"jsonrpc":"2.0","id":"77f0c2b1a0e94d5c8b7a695847362514","method":"lsps1.get_order","params":{"order_id":"x"}}'
/** What LDK answers to what it cannot read. */
const COULD_NOT_READ = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}'

const peer = (n: number) => NodeId.parse(`02${n.toString(16).padStart(64, '0')}`)

function read(text: string) {
  const message = readIncoming(new Uint8Array(Buffer.from(text)))
  if (message.type === 'bad') throw new Error(message.reason)
  return message
}

function request(text: string) {
  const message = read(text)
  if (message.type !== 'request') throw new Error('not a request')
  return message
}

function omits(text: string): boolean {
  const quirks = new Quirks()
  quirks.observe(peer(1), request(text))
  return quirks.omitsErrorData(peer(1))
}

function heldOrder(token: string | null, fee: number | null = null) {
  const onchain = { state: 'EXPECT_PAYMENT', address: 'bcrt1q', min_fee_for_0conf: fee }
  return { order_id: 'x', token, payment: { bolt11: { state: 'HOLD', invoice: 'lnbcrt1' }, onchain } }
}

/** What a peer that was recognised reads. */
function adapted(result: unknown, text = LDK_GET_ORDER): unknown {
  const quirks = new Quirks()
  quirks.observe(peer(1), request(LDK_NODE))
  return quirks.adapt(peer(1), request(text), result)
}

describe('the recogniser of client libraries', () => {
  it.each([
    ['its first request of LSPS2', LDK_NODE],
    ['an order without a token', LDK_ORDER],
    ['the order in which it writes an order, with a token', LDK_ORDER.replace('null', '"abc"')],
    [
      'the same without a refund address',
      LDK_ORDER.replace('null', '"abc"').replace(',"refund_onchain_address":"bcrt1qexample"', ''),
    ],
  ])('knows ldk-node by %s, and only the peer that sent it', (_, text) => {
    const quirks = new Quirks()
    quirks.observe(peer(1), request(text))
    expect(quirks.omitsErrorData(peer(1))).toBe(true)
    expect(quirks.omitsErrorData(peer(2))).toBe(false)
  })

  it.each([
    ['a token', LDK_NODE.replace('null', '"abc"')],
    ['no token', LDK_NODE.replace('"token":null', '')],
    ['an id of another shape', LDK_NODE.replace('ead7', 'EAD7')],
    ['another method', LDK_NODE.replace('lsps2.get_info', 'lsps2.buy')],
    ['an order with an id of another shape', LDK_ORDER.replace('0b3f', '0b3-')],
    ['an order without the token', LDK_ORDER.replace('"token":null,', '')],
    [
      'an order in the order of the bLIP, with a token',
      LDK_ORDER.replace('"token":null,"announce_channel":false,', '"announce_channel":false,"token":"abc",'),
    ],
    ['parameters that are a list', LDK_NODE.replace('{"token":null}', '[null]')],
    ['a poll alone', LDK_GET_ORDER],
  ])('takes a client with %s for one that follows the specs', (_, text) => {
    expect(omits(text)).toBe(false)
  })

  it('knows it after a restart of ours by its order, whose token is null, and not by the shape of its ids alone', () => {
    const quirks = new Quirks()
    expect(quirks.adapt(peer(1), request(LDK_GET_ORDER), heldOrder('abc'))).toEqual(heldOrder('abc'))
    expect(quirks.adapt(peer(1), request(LDK_GET_ORDER), heldOrder(null))).toMatchObject({
      payment: { bolt11: { state: 'EXPECT_PAYMENT' } },
    })
    expect(quirks.omitsErrorData(peer(1))).toBe(true)
  })

  it('takes whoever could not read an answer for it, and no other answer', () => {
    const quirks = new Quirks()
    const hears = (text: string) => {
      const message = read(text)
      if (message.type === 'response') quirks.observeResponse(peer(1), message)
      return quirks.omitsErrorData(peer(1))
    }
    expect(hears(COULD_NOT_READ.replace('-32700', '-32600'))).toBe(false)
    expect(hears(COULD_NOT_READ.replace('null', '"a"'))).toBe(false)
    expect(hears('{"jsonrpc":"2.0","id":null,"result":{}}')).toBe(false)
    expect(hears(COULD_NOT_READ)).toBe(true)
  })

  it('forgets the one that was recognised first when there are too many', () => {
    const quirks = new Quirks()
    const first = request(LDK_NODE)
    for (let n = 0; n <= MAX_RECOGNISED_PEERS; n += 1) quirks.observe(peer(n), first)
    expect(quirks.omitsErrorData(peer(0))).toBe(false)
    expect(quirks.omitsErrorData(peer(1))).toBe(true)
    expect(quirks.omitsErrorData(peer(MAX_RECOGNISED_PEERS))).toBe(true)
  })
})

const order = z.strictObject({
  lsp_balance_sat: z.string(),
  token: z.string().nullable().optional(),
  refund_onchain_address: z.string().min(1).optional(),
})
const table = {
  'lsps1.create_order': method({ summary: '', params: order, result: z.looseObject({}), faults: [] }),
}
const server = createRpcServer<undefined>({
  services: [service<typeof table, undefined>(table, { 'lsps1.create_order': async (_, params) => params })],
  tolerated: TOLERATED,
  onUnexpected: (error) => {
    throw error
  },
})
const create = (params: object) =>
  server.call(undefined, { type: 'request', id: '1', method: 'lsps1.create_order', params })

/** One test for each row, by its name. */
const ROWS: Readonly<Record<keyof typeof QUIRKS, () => void | Promise<void>>> = {
  'error-data': () => {
    expect(omits(LDK_ORDER)).toBe(true)
    expect(omits(LDK_ORDER.replace('"token":null,', ''))).toBe(false)
  },
  hold: () => {
    expect(adapted(heldOrder('abc'))).toMatchObject({ payment: { bolt11: { state: 'EXPECT_PAYMENT' } } })
    const paid = { token: null, payment: { bolt11: { state: 'PAID', invoice: 'lnbcrt1' } } }
    expect(adapted(paid)).toEqual(paid)
    const unknown = new Quirks()
    const zeus = LDK_GET_ORDER.replace('77f0c2b1a0e94d5c8b7a695847362514', '77f0c2b1-a0e9-4d5c-8b7a-695847362514')
    expect(unknown.adapt(peer(1), request(zeus), heldOrder(null))).toEqual(heldOrder(null))
  },
  'onchain-without-fee': () => {
    expect(adapted(heldOrder(null, null))).not.toHaveProperty('payment.onchain')
    expect(adapted(heldOrder(null, 253))).toMatchObject({ payment: { onchain: { min_fee_for_0conf: 253 } } })
  },
  'notification-time': () => {
    const quirks = new Quirks()
    quirks.observe(peer(1), request(LDK_NODE))
    expect(quirks.timestampStyle(peer(1))).toBe('+00:00')
    expect(quirks.timestampStyle(peer(2))).toBeUndefined()
  },
  'token-null': async () => {
    expect(await create({ lsp_balance_sat: '1', token: null })).toEqual({
      result: { lsp_balance_sat: '1', token: null },
    })
  },
  'client-info': async () => {
    const zeus = { lsp_balance_sat: '1', client_info: { app: 'ZEUS', app_version: '13.1.0', node: 'LND' } }
    expect(await create(zeus)).toEqual({ result: { lsp_balance_sat: '1' } })
    expect(await create({ ...zeus, client_data: {} })).toMatchObject({
      fault: { code: -32602, data: { unrecognized: ['client_data'] } },
    })
  },
  'blank-refund-address': async () => {
    expect(await create({ lsp_balance_sat: '1', token: '', refund_onchain_address: '' })).toEqual({
      result: { lsp_balance_sat: '1', token: '' },
    })
    expect(await create({ lsp_balance_sat: '' })).toEqual({ result: { lsp_balance_sat: '' } })
  },
}

describe('the table of quirks', () => {
  it.each(Object.keys(QUIRKS) as (keyof typeof QUIRKS)[])('row %s: what the row says is what is done', (name) =>
    ROWS[name](),
  )

  it('leaves everything else of an answer, and other answers, as they are', () => {
    expect(adapted({ ...heldOrder(null, 253), order_state: 'CREATED' })).toEqual({
      ...heldOrder(null, 253),
      order_state: 'CREATED',
      payment: { ...heldOrder(null, 253).payment, bolt11: { state: 'EXPECT_PAYMENT', invoice: 'lnbcrt1' } },
    })
    const menu = { opening_fee_params_menu: [] }
    expect(adapted(menu, LDK_NODE)).toBe(menu)
  })

  it('names for each row the client, how it is recognised and a source', () => {
    for (const row of Object.values(QUIRKS)) {
      for (const text of [row.client, row.recognisedBy, row.difference, row.source])
        expect(text, stringify(row)).not.toBe('')
    }
  })
})
