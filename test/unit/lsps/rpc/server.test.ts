import { utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Msat } from '../../../../lsps/base/amount.ts'
import { method } from '../../../../lsps/base/method.ts'
import { clientRejected, fault, RpcFault } from '../../../../lsps/rpc/fault.ts'
import { type Correlation, createRpcServer, type ReceiveOptions, service } from '../../../../lsps/rpc/server.ts'

const table = {
  'test.pay': method({
    summary: 'Pays.',
    params: z.strictObject({
      amount_msat: Msat,
      memo: z.string().optional(),
      to: z.strictObject({ name: z.string(), deep: z.strictObject({ x: z.int() }).optional() }).optional(),
    }),
    result: z.object({ paid_msat: Msat, memo: z.string().optional() }),
    faults: [{ code: 42, name: 'no_funds', message: 'No funds.' }],
  }),
  'test.fail': method({
    summary: 'Fails.',
    params: z.strictObject({ how: z.enum(['unexpected', 'fault', 'data', 'much-data', 'result', 'large']) }),
    result: z.object({ text: z.string() }),
    faults: [],
  }),
}

type Context = { readonly peer: string }

let executed: string[]
let unexpected: { error: unknown; correlation: Correlation<Context> }[]

beforeEach(() => {
  executed = []
  unexpected = []
})

const server = createRpcServer<Context>({
  services: [
    service(table, {
      'test.pay': async ({ peer }: Context, { amount_msat, memo }) => {
        executed.push(`${peer} pays ${amount_msat}`)
        return { paid_msat: amount_msat, ...(memo === undefined ? {} : { memo }) }
      },
      'test.fail': async (_context: Context, { how }) => {
        if (how === 'unexpected') throw new TypeError('secret inside')
        if (how === 'fault') throw fault({ code: 42, name: 'no_funds', message: 'No funds.' })
        if (how === 'data') throw new RpcFault(7, 'With data', { reason: 'x' })
        if (how === 'much-data') throw new RpcFault(7, 'With much data', { reason: 'x'.repeat(70_000) })
        if (how === 'large') return { text: 'x'.repeat(70_000) }
        return { text: 1 as unknown as string }
      },
    }),
  ],
  tolerated: { 'test.pay': { unknown: ['client_info', 'to.hint'] } },
  onUnexpected: (error, correlation) => unexpected.push({ error, correlation }),
})

async function ask(message: unknown, options?: ReceiveOptions): Promise<unknown> {
  const payload = utf8ToBytes(typeof message === 'string' ? message : JSON.stringify(message))
  const answer = await server.receive({ peer: 'alice' }, payload, options)
  return answer === undefined ? undefined : JSON.parse(new TextDecoder().decode(answer))
}

const call = (method: string, params?: unknown, id: unknown = 'id') => ({ jsonrpc: '2.0', id, method, params })
const pay = (params: object) => ask(call('test.pay', { amount_msat: '5', ...params }))
const PARSE_ERROR = { jsonrpc: '2.0', id: null, error: { code: -32700, message: expect.any(String) } }
const refusal = (code: number, data?: object, id: unknown = 'id') => ({
  jsonrpc: '2.0',
  id,
  error: data === undefined ? { code, message: expect.any(String) } : { code, message: expect.any(String), data },
})

describe('a message that is no request', () => {
  it.each([
    ['L0-10', ''],
    ['L0-11', '{}'],
    ['L0-22', '[{"jsonrpc":"2.0","id":"a","method":"test.pay","params":{"amount_msat":"1"}}]'],
    ['L0-11', '{"jsonrpc":"2.0","id":"a"}'],
    ['L0-11', '{"jsonrpc":"2.0","method":"test.pay","params":{"amount_msat":"1"}}'],
    ['L0-25', '{"id":"a","method":"test.pay","params":{"amount_msat":"1"}}'],
    ['L0-25', '{"jsonrpc":"1.0","id":"a","method":"test.pay"}'],
    ['L0-25', '{"jsonrpc":2.0,"id":"a","method":"test.pay"}'],
    ['L0-11', '{"jsonrpc":"2.0","id":"a","method":5}'],
  ])('[%s] %s is answered -32700 with id null and without effect', async (_row, text) => {
    expect(await ask(text)).toEqual(PARSE_ERROR)
    expect(executed).toEqual([])
  })

  it.each(['null', 'true', '1.5', '12345678901234567890', '[]', '{}', `"${'x'.repeat(513)}"`, `"${'é'.repeat(257)}"`])(
    '[L0-43] with the id %s is answered -32700 with id null',
    async (id) => {
      expect(await ask(`{"jsonrpc":"2.0","id":${id},"method":"test.pay","params":{"amount_msat":"1"}}`)).toEqual(
        PARSE_ERROR,
      )
      expect(executed).toEqual([])
    },
  )

  it.each([
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}',
    '{"jsonrpc":"2.0","id":"a","result":{}}',
    '{"result":1}',
    '{"jsonrpc":"2.0","id":"a","error":{},"method":5}',
  ])('[L0-12] but looks like a response, %s, is dropped', async (text) => {
    expect(await ask(text)).toBeUndefined()
  })

  it('[L0-12] is not provoked by our own answer: two servers do not talk for ever', async () => {
    expect(await ask(JSON.stringify(await ask('{}')))).toBeUndefined()
  })
})

describe('a request', () => {
  it('[L0-26] gets one response with the result and its id', async () => {
    expect(await pay({ memo: 'm' })).toEqual({ jsonrpc: '2.0', id: 'id', result: { paid_msat: '5', memo: 'm' } })
    expect(executed).toEqual(['alice pays 5'])
  })

  it.each(['', 'x'.repeat(512), `${'"é😀\\'.repeat(40)}`, '\ud800', 0, -7, 9_007_199_254_740_991])(
    '[L0-26] [L0-43] has its id %j echoed with its type and value',
    async (id) => {
      expect(await ask(call('test.pay', { amount_msat: '1' }, id))).toMatchObject({ id })
    },
  )

  it.each(['test.Pay', 'test', '', 'lsps9.x', '__proto__', 'constructor', 'test.pay '])(
    '[L0-29] for the unknown method "%s" is answered -32601',
    async (name) => {
      expect(await ask(call(name, { anything: 1 }))).toEqual(refusal(-32601))
    },
  )

  it.each([[[]], ['x'], [5], [false]])('[L0-23] with params %j is answered -32602', async (params) => {
    expect(await ask(call('test.pay', params))).toEqual(
      refusal(-32602, { unrecognized: [], message: expect.any(String) }),
    )
  })

  it.each([undefined, null])('[L0-24] with params %j has no parameters', async (params) => {
    expect(await ask(call('test.pay', params))).toEqual(
      refusal(-32602, { unrecognized: [], property: 'amount_msat', message: 'required' }),
    )
  })

  it('[L0-30] [L0-31] [L0-32] with unknown parameters is refused with all their names', async () => {
    expect(await pay({ a: 1, to: { name: 'n', b: 2, deep: { x: 1, c: 3 } } })).toEqual(
      refusal(-32602, { unrecognized: ['a', 'to.b', 'to.deep.c'] }),
    )
    expect(executed).toEqual([])
  })

  it('[L0-07] [L0-30] finds names that every object inherits', async () => {
    const text =
      '{"jsonrpc":"2.0","id":"id","method":"test.pay","params":{"amount_msat":"1","__proto__":{"memo":5},"constructor":1}}'
    expect(await ask(text)).toEqual(refusal(-32602, { unrecognized: ['__proto__', 'constructor'] }))
    expect(await pay({ to: { toString: 1 } })).toEqual(refusal(-32602, { unrecognized: ['to.toString'] }))
  })

  it('[L0-02] [L0-31] names as many unknown parameters as fit into one answer', async () => {
    const names = Array.from({ length: 6000 }, (_, index) => index.toString(36))
    const answer = await pay({ to: Object.fromEntries(names.map((name) => [name, 0])) })
    expect(answer).toMatchObject(refusal(-32602, { unrecognized: expect.arrayContaining(['to.0', 'to.1']) }))
    const long = 'x'.repeat(62_000)
    expect(await pay({ [long]: 0, a: 0 })).toMatchObject(refusal(-32602, { unrecognized: ['a'] }))
    expect(await pay({ [long]: 0 })).toMatchObject(refusal(-32602, { unrecognized: [], message: expect.any(String) }))
  })

  it('[L0-30] is told of unknown names before bad values', async () => {
    expect(await pay({ amount_msat: 5, a: 1 })).toEqual(refusal(-32602, { unrecognized: ['a'] }))
  })

  it('[L0-31] with a bad value is told which', async () => {
    expect(await pay({ amount_msat: 5 })).toMatchObject(refusal(-32602, { unrecognized: [], property: 'amount_msat' }))
    expect(await pay({ to: { name: 'n', deep: { x: 1.5 } } })).toMatchObject(
      refusal(-32602, { unrecognized: [], property: 'to.deep.x' }),
    )
    expect(await pay({ to: [] })).toMatchObject(refusal(-32602, { unrecognized: [], property: 'to' }))
  })

  it('[L0-30] may carry a tolerated extension, which the handler does not see', async () => {
    expect(await pay({ client_info: { name: 'wallet' }, to: { name: 'n', hint: 1 } })).toHaveProperty('result')
    expect(await pay({ client_info: {}, other: 1 })).toEqual(refusal(-32602, { unrecognized: ['other'] }))
    expect(await pay({ client_info: {}, memo: 5 })).toMatchObject(refusal(-32602, { property: 'memo' }))
  })

  it('[L0-28] [L0-44] is answered each time, also when its id is not new', async () => {
    const answers = await Promise.all(['a', 'b', 'a'].map((id) => ask(call('test.pay', { amount_msat: '1' }, id))))
    expect(answers.map((answer) => (answer as { id: string }).id)).toEqual(['a', 'b', 'a'])
    expect(executed).toHaveLength(3)
  })
})

describe('an error of a handler', () => {
  it('[L0-35] reaches the peer with its code and without data when it has none', async () => {
    expect(await ask(call('test.fail', { how: 'fault' }))).toEqual(refusal(42))
    expect(await ask(call('test.fail', { how: 'data' }))).toEqual(refusal(7, { reason: 'x' }))
  })

  it('[L0-39] leaves data out for clients that cannot read it', async () => {
    const omitErrorData = () => true
    expect(await ask(call('test.fail', { how: 'data' }), { omitErrorData })).toEqual(refusal(7))
    expect(await ask(call('test.pay', { a: 1 }), { omitErrorData })).toEqual(refusal(-32602))
  })

  it('[L0-33] that nobody expected is -32603 and tells the peer nothing of it', async () => {
    const answer = await ask(call('test.fail', { how: 'unexpected' }, 'corr-1'))
    expect(answer).toEqual(refusal(-32603, undefined, 'corr-1'))
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(unexpected).toEqual([
      {
        error: new TypeError('secret inside'),
        correlation: { context: { peer: 'alice' }, method: 'test.fail', id: 'corr-1' },
      },
    ])
  })

  it('[L0-02] is -32603 when the result does not fit into a message', async () => {
    expect(await ask(call('test.fail', { how: 'large' }))).toEqual(refusal(-32603))
    expect(unexpected).toHaveLength(1)
  })

  it('[L0-02] is -32603 when its own data does not fit into a message', async () => {
    expect(await ask(call('test.fail', { how: 'much-data' }))).toEqual(refusal(-32603))
  })

  it('is -32603 when the result is not what the method promises', async () => {
    expect(await ask(call('test.fail', { how: 'result' }))).toEqual(refusal(-32603))
    expect(unexpected).toHaveLength(1)
  })
})

describe('limits', () => {
  it('[L0-36] answer a fault without running the handler', async () => {
    const admit = () => clientRejected('slow down')
    expect(await ask(call('test.pay', { amount_msat: '1' }), { admit })).toEqual(refusal(1, { message: 'slow down' }))
    expect(executed).toEqual([])
  })

  it('see the method and may drop a message', async () => {
    const seen: unknown[] = []
    const admit: ReceiveOptions['admit'] = (message) => {
      seen.push(message.type === 'request' ? message.method : message.type)
      return 'drop'
    }
    expect(await ask(call('test.pay', { amount_msat: '1' }), { admit })).toBeUndefined()
    expect(await ask('{', { admit })).toBeUndefined()
    expect(await ask('{"result":1}', { admit })).toBeUndefined()
    expect(seen).toEqual(['test.pay', 'bad'])
  })
})

describe('whatever arrives', () => {
  it('[L0-26] there is at most one answer, and it is one well-formed response', async () => {
    const anyMessage = fc.oneof(
      fc.json(),
      fc
        .record({
          jsonrpc: fc.constant('2.0'),
          id: fc.jsonValue(),
          method: fc.constant('test.pay'),
          params: fc.jsonValue(),
        })
        .map((m) => JSON.stringify(m)),
    )
    await fc.assert(
      fc.asyncProperty(anyMessage, async (text) => {
        const answer = (await ask(text)) as Record<string, unknown> | undefined
        if (answer === undefined) return
        expect(answer).toMatchObject({ jsonrpc: '2.0' })
        expect(Object.hasOwn(answer, 'id')).toBe(true)
        expect(Object.hasOwn(answer, 'result')).not.toBe(Object.hasOwn(answer, 'error'))
      }),
    )
    expect(unexpected).toEqual([])
  })

  it('refuses to be built with a method served twice or not at all', () => {
    const build = (services: readonly ReturnType<typeof service>[]) =>
      createRpcServer({ services, onUnexpected: () => undefined })
    const none = { methods: table, handlers: {} }
    expect(() => build([none as never])).toThrow('no handler for test.pay')
    const twice = { methods: { 'test.pay': table['test.pay'] }, handlers: { 'test.pay': async () => ({}) } }
    expect(() => build([twice as never, twice as never])).toThrow('two handlers for test.pay')
  })
})

describe('a call without the envelope', () => {
  const request = (method: string, params: unknown) => ({ type: 'request', id: '1', method, params }) as const
  const outcome = (method: string, params: unknown) => server.call({ peer: 'bob' }, request(method, params))

  it('gives the result as JSON', async () => {
    expect(await outcome('test.pay', { amount_msat: '5', client_info: {} })).toEqual({ result: { paid_msat: '5' } })
    expect(executed).toEqual(['bob pays 5'])
  })

  it('gives the same faults as a message would, and nothing of an unexpected error', async () => {
    expect(await outcome('test.none', {})).toMatchObject({ fault: { code: -32601 } })
    expect(await outcome('test.pay', { amount_msat: '5', more: 1 })).toMatchObject({
      fault: { code: -32602, data: { unrecognized: ['more'] } },
    })
    expect(await outcome('test.fail', { how: 'data' })).toMatchObject({ fault: { code: 7, data: { reason: 'x' } } })
    const failed = await outcome('test.fail', { how: 'unexpected' })
    expect(failed).toMatchObject({ fault: { code: -32603 } })
    expect(JSON.stringify(failed)).not.toContain('secret')
    expect(unexpected).toMatchObject([{ correlation: { context: { peer: 'bob' }, method: 'test.fail', id: '1' } }])
  })
})

describe('what the caller of the server may ask for', () => {
  it('is told of answers, which get none', async () => {
    const heard: unknown[] = []
    const options = { onResponse: (response: unknown) => heard.push(response) }
    expect(await ask('{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}', options)).toBeUndefined()
    expect(heard).toMatchObject([{ type: 'response', message: { id: null, error: { code: -32700 } } }])
  })

  it('may change a result before it is written', async () => {
    const options: ReceiveOptions = {
      adapt: ({ method }, result) => ({ ...(result as object), memo: `changed for ${method}` }),
    }
    expect(await ask(call('test.pay', { amount_msat: '5', memo: 'as it was' }), options)).toMatchObject({
      result: { paid_msat: '5', memo: 'changed for test.pay' },
    })
  })
})
