import { utf8ToBytes } from '@noble/hashes/utils.js'
import { beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Msat, msat } from '../../../../lsps/base/amount.ts'
import { method } from '../../../../lsps/base/method.ts'
import {
  CALL_TIMEOUT_MS,
  createRpcClient,
  type Ignored,
  MAX_PENDING_CALLS,
  type RpcClient,
  RpcClientError,
  sanitizeMessage,
  type Transport,
} from '../../../../lsps/rpc/client.ts'
import { RpcFault } from '../../../../lsps/rpc/fault.ts'
import { ManualClock } from '../manual-clock.ts'

const table = {
  'test.pay': method({
    summary: 'Pays.',
    params: z.strictObject({ amount_msat: Msat, memo: z.string().optional() }),
    result: z.object({ paid_msat: Msat }),
    faults: [],
  }),
}

type Sent = { readonly jsonrpc: string; readonly id: string; readonly method: string; readonly params: unknown }

let sent: Sent[]
let ignored: Ignored[]
let clock: ManualClock
let client: RpcClient
let deliver: (message: unknown) => void
let failToSend: Error | undefined

beforeEach(() => {
  sent = []
  ignored = []
  failToSend = undefined
  clock = new ManualClock()
  let callback: ((payload: Uint8Array) => void) | undefined
  const transport: Transport = {
    async send(payload) {
      if (failToSend !== undefined) throw failToSend
      sent.push(JSON.parse(new TextDecoder().decode(payload)))
    },
    onMessage(receive) {
      callback = receive
      return () => {
        callback = undefined
      }
    },
  }
  deliver = (message) => callback?.(utf8ToBytes(typeof message === 'string' ? message : JSON.stringify(message)))
  let ids = 0
  client = createRpcClient({
    transport,
    clock,
    newId: () => `id-${ids++}`,
    onIgnored: (what) => ignored.push(what),
  })
})

const idle = new AbortController().signal
const pay = (signal: AbortSignal = idle) => client.call(table, 'test.pay', { amount_msat: msat(5n) }, signal)
const answerWith = (id: string, rest: object) => deliver({ jsonrpc: '2.0', id, ...rest })
/** Lets everything that is ready to run do so. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a call', () => {
  it('[L0-20] [L0-21] [L0-40] is one request object with a fresh id and named parameters', async () => {
    const first = pay()
    const second = pay()
    await settle()
    expect(sent).toEqual([
      { jsonrpc: '2.0', id: 'id-0', method: 'test.pay', params: { amount_msat: '5' } },
      { jsonrpc: '2.0', id: 'id-1', method: 'test.pay', params: { amount_msat: '5' } },
    ])
    answerWith('id-1', { result: { paid_msat: '2' } })
    answerWith('id-0', { result: { paid_msat: '1' } })
    expect([await first, await second]).toEqual([{ paid_msat: 1n }, { paid_msat: 2n }])
  })

  it('[L0-37] ignores result fields that it does not know', async () => {
    const result = pay()
    await settle()
    answerWith('id-0', { result: { paid_msat: '1', future: { x: 1 } } })
    expect(await result).toEqual({ paid_msat: 1n })
  })

  it('[L0-33] [L0-37] fails with the error of the server, known or not', async () => {
    const result = pay()
    await settle()
    answerWith('id-0', { error: { code: -32099, message: 'odd', data: { a: 1 } } })
    await expect(result).rejects.toMatchObject({ constructor: RpcFault, code: -32099, message: 'odd', data: { a: 1 } })
  })

  it('[L0-38] fails with text that is safe to show', async () => {
    const result = pay()
    await settle()
    answerWith('id-0', { error: { code: 1, message: 'a\u0000<script>\nb\u001b[31m' } })
    await expect(result).rejects.toThrow('a  script  b [31m')
    expect(sanitizeMessage('x'.repeat(5000))).toHaveLength(1000)
  })

  it('fails when the result is malformed', async () => {
    const result = pay()
    await settle()
    answerWith('id-0', { result: { paid_msat: 1 } })
    await expect(result).rejects.toMatchObject({ failure: 'invalid-result' })
    expect(ignored).toEqual([])
  })

  it('[L0-42] gives up after minutes and forgets its id', async () => {
    const result = pay()
    await settle()
    clock.advance(CALL_TIMEOUT_MS)
    await expect(result).rejects.toMatchObject({ failure: 'timed-out' })
    answerWith('id-0', { result: { paid_msat: '1' } })
    expect(ignored).toEqual(['unknown id'])
    expect(CALL_TIMEOUT_MS).toBeGreaterThanOrEqual(60_000)
  })

  it('[L0-44] repeats the same bytes while it waits, as often as it is told', async () => {
    const patience = { answerMs: 30_000, sends: 3, resendAfterMs: 8000 }
    const params = { amount_msat: msat(5n) }
    const result = client.call(table, 'test.pay', params, idle, patience)
    for (const [ms, sends] of [
      [0, 1],
      [7999, 1],
      [1, 2],
      [8000, 3],
      [8000, 3],
    ] as const) {
      clock.advance(ms)
      await settle()
      expect(sent).toHaveLength(sends)
    }
    expect(new Set(sent.map((message) => JSON.stringify(message))).size).toBe(1)
    answerWith('id-0', { result: { paid_msat: '1' } })
    answerWith('id-0', { result: { paid_msat: '1' } })
    expect(await result).toEqual({ paid_msat: 1n })
    expect(ignored).toEqual(['unknown id'])
    expect(clock.sleeping).toBe(0)
  })

  it('goes on waiting when a repetition cannot be sent, and sends none once it is silenced', async () => {
    const patience = { answerMs: 30_000, sends: 3, resendAfterMs: 8000 }
    const result = client.call(table, 'test.pay', { amount_msat: msat(5n) }, idle, patience)
    await settle()
    failToSend = new Error('no connection')
    clock.advance(8000)
    await settle()
    failToSend = undefined
    deliver('{')
    clock.advance(8000)
    await settle()
    expect(sent).toHaveLength(1)
    clock.advance(14_000)
    await expect(result).rejects.toMatchObject({ failure: 'timed-out' })
  })

  it('leaves no timer behind', async () => {
    const result = pay()
    await settle()
    answerWith('id-0', { result: { paid_msat: '1' } })
    await result
    expect(clock.sleeping).toBe(0)
  })

  it('stops when its signal aborts', async () => {
    const abort = new AbortController()
    const result = pay(abort.signal)
    await settle()
    abort.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    await expect(pay(abort.signal)).rejects.toThrow('enough')
    expect(sent).toHaveLength(1)
  })

  it('tells when it could not be sent', async () => {
    failToSend = new Error('no connection')
    await expect(pay()).rejects.toMatchObject({ failure: 'not-sent', cause: failToSend })
    expect(clock.sleeping).toBe(0)
  })

  it('[L0-02] is not sent when it does not fit into a message', async () => {
    const large = client.call(table, 'test.pay', { amount_msat: msat(1n), memo: 'é'.repeat(33_000) }, idle)
    await expect(large).rejects.toMatchObject({ failure: 'too-large' })
    expect(sent).toEqual([])
  })

  it('waits in a bounded number', async () => {
    const calls = Array.from({ length: MAX_PENDING_CALLS }, () => pay())
    await expect(pay()).rejects.toMatchObject({ failure: 'too-many-pending' })
    for (const { id } of sent) answerWith(id, { result: { paid_msat: '1' } })
    expect(await Promise.all(calls)).toHaveLength(MAX_PENDING_CALLS)
  })
})

describe('a message of the server', () => {
  it.each([
    { jsonrpc: '2.0', id: 'nobody', result: {} },
    { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'x' } },
  ])('[L0-42] with an unremembered id is ignored: %j', async (message) => {
    const result = pay()
    await settle()
    deliver(message)
    answerWith('id-0', { result: { paid_msat: '1' } })
    expect(await result).toEqual({ paid_msat: 1n })
    expect(ignored).toEqual(['unknown id'])
  })

  it('is used once', async () => {
    const result = pay()
    await settle()
    answerWith('id-0', { result: { paid_msat: '1' } })
    answerWith('id-0', { result: { paid_msat: '2' } })
    expect(await result).toEqual({ paid_msat: 1n })
    expect(ignored).toEqual(['unknown id'])
  })

  it('[L0-37] that is an unknown notification is ignored', async () => {
    deliver({ jsonrpc: '2.0', method: 'test.news', params: {} })
    expect(ignored).toEqual(['unknown notification'])
    const result = pay()
    await settle()
    answerWith('id-0', { result: { paid_msat: '1' } })
    await expect(result).resolves.toBeDefined()
  })

  it('[L0-26] that is a known notification reaches its listener', () => {
    const heard: unknown[] = []
    const stop = client.onNotification('test.news', (params) => heard.push(params))
    deliver({ jsonrpc: '2.0', method: 'test.news', params: { a: 1 } })
    stop()
    deliver({ jsonrpc: '2.0', method: 'test.news', params: { a: 2 } })
    expect(heard).toEqual([{ a: 1 }])
    expect(ignored).toEqual(['unknown notification'])
  })

  it.each([
    '{',
    '[]',
    '{}',
    '{"jsonrpc":"2.0","id":"a","method":"test.pay","params":{}}',
    '{"jsonrpc":"2.0","method":"test.news","params":[]}',
    '{"jsonrpc":"2.0","id":"a","result":{},"error":{"code":1,"message":"x"}}',
    '{"jsonrpc":"2.0","id":"a","error":{"code":"1","message":"x"}}',
    '{"jsonrpc":"2.0","id":"a","error":{"code":1.5,"message":"x"}}',
    '{"jsonrpc":"2.0","id":5,"result":{}}',
    '{"id":"a","result":{}}',
  ])('[L0-13] that is neither response nor notification, %s, silences the client until it reconnects', async (text) => {
    deliver(text)
    expect(ignored).toEqual(['undecodable message'])
    await expect(pay()).rejects.toBeInstanceOf(RpcClientError)
    expect(sent).toEqual([])

    client.reconnected()
    const result = pay()
    await settle()
    answerWith('id-0', { result: { paid_msat: '1' } })
    expect(await result).toEqual({ paid_msat: 1n })
  })

  it('is not heard any more after close', () => {
    client.close()
    deliver('{')
    expect(ignored).toEqual([])
  })
})
