import { describe, expect, it } from 'vitest'
import { createAdminApp, MAX_SALES_PER_PAGE } from '../../../src/admin/app.ts'
import type { AdminPort, QuoteQuery, SalesQuery } from '../../../src/admin/port.ts'
import {
  DrainReport,
  FlightRecord,
  Quote,
  ReconcileReport,
  SALE_STATES,
  SaleList,
  Status,
} from '../../../src/admin/schema.ts'
import { Sale } from '../../../src/jit/states.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { AGREES, HASH, OPEN, QUOTE, RECORD, SALE, STATUS, samplePort } from './samples.ts'

type Sent = { readonly payload?: string; readonly type?: string }

async function ask(
  url: string,
  port: Partial<AdminPort> = {},
  method: 'GET' | 'POST' = 'GET',
  { payload, type = 'application/json' }: Sent = {},
) {
  const app = await createAdminApp(samplePort(port), silentLog)
  try {
    const response = await app.inject({
      method,
      url,
      ...(payload === undefined ? {} : { payload, headers: { 'content-type': type } }),
    })
    return { status: response.statusCode, body: response.json() }
  } finally {
    await app.close()
  }
}

describe('the admin interface', () => {
  it('tells the status', async () => {
    const { status, body } = await ask('/v1/status')

    expect(status).toBe(200)
    expect(Status.parse(body)).toEqual(STATUS)
  })

  it('tells what a customer would be offered, and passes the question on', async () => {
    const asked: QuoteQuery[] = []
    const quote: AdminPort['quote'] = async (query) => {
      asked.push(query)
      return QUOTE
    }

    expect(Quote.parse((await ask('/v1/quote', { quote })).body)).toEqual(QUOTE)
    await ask('/v1/quote?token=partner&amount_msat=9007199254740993000', { quote })
    expect(asked).toEqual([{}, { token: 'partner', amount: 9_007_199_254_740_993_000n }])
  })

  it('says that there is no such token', async () => {
    expect((await ask('/v1/quote?token=stranger')).body.error.message).toBe(
      'no token of lsps2.tokens has the name stranger',
    )
  })

  it('lists sales and passes the question on', async () => {
    const asked: SalesQuery[] = []
    const jitList: AdminPort['jitList'] = async (query) => {
      asked.push(query)
      return [SALE]
    }

    expect(SaleList.parse((await ask('/v1/jit', { jitList })).body).sales).toEqual([SALE])
    await ask('/v1/jit?state=paid&limit=7&before=1x2x3', { jitList })
    expect(asked).toEqual([{ limit: 50 }, { state: 'paid', limit: 7, before: '1x2x3' }])
  })

  it.each([
    ['a limit of nothing', '/v1/jit?limit=0'],
    ['a limit above the page', `/v1/jit?limit=${MAX_SALES_PER_PAGE + 1}`],
    ['a limit that is no number', '/v1/jit?limit=many'],
    ['an amount that is none', '/v1/quote?amount_msat=1.5'],
    ['an unknown question', '/v1/jit?colour=red'],
    ['a state twice', '/v1/jit?state=paid&state=owed'],
    ['a state that no sale has', '/v1/jit?state=payed'],
    ['a state without end', `/v1/jit?state=${'a'.repeat(101)}`],
  ])('refuses %s', async (_, url) => {
    const { status, body } = await ask(url)

    expect(status).toBe(400)
    expect(body.error.code).toBe('BAD_REQUEST')
  })

  it('knows every state of a sale', () => {
    expect([...SALE_STATES].sort()).toEqual(Sale.options.map(({ shape }) => shape.tag.value).sort())
  })

  it('says that there is no sale after which a page could begin', async () => {
    const jitList = async () => undefined
    expect(await ask('/v1/jit?before=1x2x3', { jitList })).toEqual({
      status: 404,
      body: { error: { code: 'NOT_FOUND', message: 'no sale has the id 1x2x3' } },
    })
  })

  it('shows a sale by its id or payment hash', async () => {
    expect(FlightRecord.parse((await ask(`/v1/jit/${SALE.id}`)).body)).toEqual(RECORD)
    expect((await ask(`/v1/jit/${HASH}`)).body).toEqual(RECORD)
  })

  it('says that there is no such sale, page or method', async () => {
    expect(await ask('/v1/jit/1x2x3')).toEqual({
      status: 404,
      body: { error: { code: 'NOT_FOUND', message: 'no sale has the id, scid or payment hash 1x2x3' } },
    })
    expect((await ask('/v1/nothing')).status).toBe(404)
    expect((await ask('/v1/status', {}, 'POST')).status).toBe(404)
    expect((await ask(`/v1/jit/${'a'.repeat(101)}`)).status).toBeGreaterThanOrEqual(400)
  })

  it('tells the failure of the daemon and goes on', async () => {
    const status = async () => {
      throw new Error('lnd is away')
    }

    expect(await ask('/v1/status', { status })).toEqual({
      status: 500,
      body: { error: { code: 'INTERNAL', message: 'lnd is away' } },
    })
  })
})

describe('the comparison over the admin interface', () => {
  it('tells the differences, and what was compared', async () => {
    const { status, body } = await ask('/v1/reconcile')

    expect(status).toBe(200)
    expect(ReconcileReport.parse(body)).toEqual(AGREES)
    expect((await ask('/v1/reconcile', {}, 'POST')).status).toBe(404)
  })
})

describe('the drain over the admin interface', () => {
  const told: string[] = []
  const port: Partial<AdminPort> = {
    beginDrain: async () => {
      told.push('begin')
      return OPEN
    },
    endDrain: async () => {
      told.push('end')
      return { ...OPEN, done: true }
    },
  }
  const post = (payload: string, type?: string) =>
    ask('/v1/drain', port, 'POST', { payload, ...(type === undefined ? {} : { type }) })

  it('begins, ends and tells what is open', async () => {
    expect(DrainReport.parse((await post('{"draining":true}')).body)).toEqual(OPEN)
    expect((await post('{"draining":false}')).body.done).toBe(true)
    expect(told).toEqual(['begin', 'end'])
    expect((await ask('/v1/drain', { drain: async () => OPEN })).body).toEqual(OPEN)
  })

  it.each([
    ['nothing', '{}', undefined, 400],
    ['a word', '{"draining":"yes"}', undefined, 400],
    ['more than is asked for', '{"draining":true,"reason":"x"}', undefined, 400],
    ['no JSON', 'draining', undefined, 400],
    ['an empty body', '', undefined, 400],
    ['a form', 'draining=true', 'application/x-www-form-urlencoded', 415],
    ['text', '{"draining":true}', 'text/plain', 415],
    ['a long body', `{"draining":true}${' '.repeat(1024)}`, undefined, 413],
  ])('is not begun by %s', async (_, payload, type, status) => {
    told.length = 0
    expect((await post(payload, type)).status).toBe(status)
    expect(told).toEqual([])
  })

  it('is not begun by a question', async () => {
    told.length = 0
    await ask('/v1/drain', port)
    expect((await ask('/v1/drain', port, 'POST')).status).toBe(400)
    expect(told).toEqual([])
  })
})
