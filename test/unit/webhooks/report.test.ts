import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { WebhookList, WebhookRecord, WebhookTest } from '../../../src/admin/schema-webhooks.ts'
import {
  countWebhooks,
  type WaitingSource,
  type WebhookSource,
  waitingBounds,
  webhookReports,
} from '../../../src/webhook-reports.ts'
import { newcomer, step } from '../../../src/webhooks/machine.ts'
import { nameOfUrl, type TestedWebhook } from '../../../src/webhooks/report.ts'
import type { Subscriber, SubscriberEvent } from '../../../src/webhooks/states.ts'
import { NODE, OTHER_NODE } from '../lsps/arbitraries.ts'
import { ANSWERED, attempted, FORBIDDEN, notify, SILENT, set, time } from './samples.ts'

const SECRET = 'token-of-the-device'
const URL = `https://Push.Example.com:8443/wake/${SECRET}?for=${SECRET}`

function told(events: readonly SubscriberEvent[], client = NODE): Subscriber {
  return events.reduce((state, event) => step(state, event).state, newcomer(client, time()))
}

/** Registered and told so; a payment was said and not heard, and is due again. */
const waiting = told([
  set({ appName: 'wallet', url: URL, hasChannel: false }),
  attempted(0, ANSWERED, 100),
  notify(1_000),
  attempted(1, SILENT, 9_000),
])
const later = told([set({ url: URL, at: time(60_000) }), attempted(0, FORBIDDEN, 61_000)], OTHER_NODE)

const TESTED: readonly TestedWebhook[] = [
  { appName: 'wallet', ...nameOfUrl(URL), outcome: { type: 'answered', status: 200 }, tookMs: 41.6 },
  { appName: 'second', ...nameOfUrl(URL), outcome: { type: 'silent', why: 'timeout: no response' }, tookMs: 8_000 },
]

function source(change: Partial<WebhookSource> = {}): WebhookSource {
  return {
    live: new Map([waiting, later].map((subscriber) => [subscriber.client, subscriber])),
    isOnline: (client) => client === OTHER_NODE,
    test: async (client, name) =>
      TESTED.filter(({ appName }) => client === NODE && (name === undefined || appName === name)),
    ...change,
  }
}

const WAITING: WaitingSource = {
  waiting: [
    { client: NODE, amount: msat(1_500n) },
    { client: OTHER_NODE, amount: msat(3_000n) },
    { client: NODE, amount: msat(2_000n) },
  ],
}

const reports = webhookReports({ webhooks: source() })
const signal = new AbortController().signal

describe('where a webhook is', () => {
  it('is told by its host and a fingerprint', () => {
    expect(nameOfUrl(URL)).toEqual({
      host: 'push.example.com:8443',
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
    })
    expect(nameOfUrl(`${URL}1`).fingerprint).not.toBe(nameOfUrl(URL).fingerprint)
  })
})

describe('the list of clients', () => {
  it('begins with those to whom something was said last, and says how they are', async () => {
    const { enabled, clients, more } = WebhookList.parse(await reports.webhookList({ limit: 10 }))
    expect({ enabled, more }).toEqual({ enabled: true, more: 0 })
    expect(clients.map(({ client, online }) => ({ client, online }))).toEqual([
      { client: OTHER_NODE, online: true },
      { client: NODE, online: false },
    ])
    expect(clients[0]?.last).toMatchObject({ method: 'lsps5.webhook_registered', why: 'a private address' })
    expect(clients[1]).toMatchObject({ notifications: 1, has_channel: false, last: { status: 200 } })
  })

  it('is no longer than asked for, and says how many there are besides', async () => {
    expect(await reports.webhookList({ limit: 1 })).toMatchObject({ clients: [{ client: OTHER_NODE }], more: 1 })
  })

  it('is empty when webhooks are off', async () => {
    expect(await webhookReports({}).webhookList({ limit: 1 })).toEqual({ enabled: false, clients: [], more: 0 })
    expect(await webhookReports({}).webhookShow(NODE)).toBeUndefined()
    expect(await webhookReports({}).webhookTest(NODE, {}, signal)).toBeUndefined()
    expect(countWebhooks({})).toEqual({})
  })
})

describe('one client', () => {
  it('is told with what is being said to it, the newest end first', async () => {
    const record = WebhookRecord.parse(await reports.webhookShow(NODE.toUpperCase()))
    expect(record.under_way).toEqual([
      {
        app_name: 'wallet',
        method: 'lsps5.payment_incoming',
        raised_at: '2026-01-01T00:00:01.000Z',
        attempts: 1,
        state: 'due',
        next_at: expect.stringMatching(/^2026-01-01T00:00:1/),
        useful_until: '2026-01-01T00:01:31.000Z',
      },
    ])
    expect(record.reasons).toMatchObject([
      { method: 'lsps5.payment_incoming', not_again_before: '2026-01-01T00:01:01.000Z' },
    ])
    expect(record.ended).toMatchObject([{ method: 'lsps5.webhook_registered', status: 200, attempts: 1 }])
    expect(record.webhooks).toMatchObject([{ kept_until: '2026-01-08T00:00:00.000Z', timestamp_style: 'Z' }])
  })

  it('with a channel keeps its webhooks without an end', async () => {
    expect((await reports.webhookShow(OTHER_NODE))?.webhooks[0]).not.toHaveProperty('kept_until')
  })

  it('is nobody for another text, or after its last webhook is gone', async () => {
    const gone = told([set(), { type: 'remove', appName: 'wallet', at: time(1) }])
    const ended = webhookReports({ webhooks: source({ live: new Map([[NODE, gone]]) }) })
    expect(await reports.webhookShow('nobody')).toBeUndefined()
    expect(await ended.webhookShow(NODE)).toBeUndefined()
    expect(await ended.webhookList({ limit: 5 })).toMatchObject({ clients: [], more: 0 })
  })
})

describe('a test of webhooks', () => {
  it('tells what came of each call', async () => {
    const test = WebhookTest.parse(await reports.webhookTest(NODE, {}, signal))
    expect(test.webhooks).toMatchObject([
      { app_name: 'wallet', host: 'push.example.com:8443', status: 200, took_ms: 42 },
      { app_name: 'second', why: 'timeout: no response', took_ms: 8_000 },
    ])
    expect((await reports.webhookTest(NODE, { app_name: 'second' }, signal))?.webhooks).toHaveLength(1)
    expect((await reports.webhookTest(NODE, { app_name: 'third' }, signal))?.webhooks).toEqual([])
    expect(await reports.webhookTest(`03${'f'.repeat(64)}`, {}, signal)).toBeUndefined()
    expect(await reports.webhookTest('nobody', {}, signal)).toBeUndefined()
  })
})

describe('a request for liquidity', () => {
  it('is for clients with a webhook that are away', async () => {
    const requestLiquidity = (client: string) =>
      client === OTHER_NODE ? 'here' : client === NODE ? 'called' : 'no-webhook'
    const asking = webhookReports({ webhooks: source(), requestLiquidity })
    expect(await asking.requestLiquidity(NODE)).toEqual({ client: NODE, outcome: 'called' })
    expect(await asking.requestLiquidity(OTHER_NODE)).toEqual({ client: OTHER_NODE, outcome: 'here' })
    expect(await asking.requestLiquidity(`03${'f'.repeat(64)}`)).toBeUndefined()
    expect(await asking.requestLiquidity('nobody')).toBeUndefined()
    expect(await webhookReports({}).requestLiquidity(NODE)).toBeUndefined()
  })
})

describe('what people are told', () => {
  it('[L5-14] never has a URL, nor any part of it that could be the token', async () => {
    const all = JSON.stringify([
      await reports.webhookList({ limit: 10 }),
      await reports.webhookShow(NODE),
      await reports.webhookTest(NODE, {}, signal),
    ])
    expect(all).toContain('push.example.com:8443')
    expect(all).not.toContain(SECRET)
    expect(all).not.toContain('/wake')
    expect(all).not.toContain('https:')
  })

  it('counts webhooks and what is under way for the status', () => {
    expect(countWebhooks({ webhooks: source() })).toEqual({ webhooks: { clients: 2, webhooks: 2, notifications: 1 } })
  })

  it('counts what came of calls, and what waits for clients that are away', () => {
    const woken = { calls: 2, answered: 1, unanswered: 1, came: 1, median_ms: 900 }
    const counts = countWebhooks({ webhooks: source(), wakeUps: { report: woken }, gate: WAITING })
    expect(counts).toMatchObject({ woken, waiting: { htlcs: 3, clients: 2, amount_msat: '6500' } })
    expect(countWebhooks({ wakeUps: { report: woken }, gate: WAITING })).toEqual({})
  })

  it('names the bounds of what waits, with the most that waits for one client', () => {
    const most = msat(9_999n)
    const hold = { max_htlcs: 100, max_htlcs_per_peer: 20, max_msat: most, max_msat_per_peer: most }
    expect(waitingBounds({ hold })).toEqual({ limits: [], bounds: [] })
    expect(waitingBounds({ gate: { waiting: [] }, hold }).limits.map(({ used }) => used)).toEqual([0, 0])
    expect(waitingBounds({ gate: WAITING, hold })).toEqual({
      limits: [
        { name: 'webhooks.hold.max_htlcs', used: 3, max: 100 },
        { name: 'webhooks.hold.max_htlcs_per_peer', used: 2, max: 20 },
      ],
      bounds: [
        { name: 'webhooks.hold.max_msat', used_sat: '7', max_sat: '9' },
        {
          name: 'webhooks.hold.max_msat_per_peer',
          used_sat: '4',
          max_sat: '9',
        },
      ],
    })
  })
})
