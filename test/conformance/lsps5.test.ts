import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { formatDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import { recoverSigner, signMessage } from '../../lsps/base/ln-signature.ts'
import { lsps5 } from '../../lsps/lsps5/methods.ts'
import {
  lsps5Notifications,
  type NotificationMethod,
  notificationBody,
  type WebhookNotification,
} from '../../lsps/lsps5/notifications.ts'
import { composeNotification, SIGNATURE_HEADER, signedText, TIMESTAMP_HEADER } from '../../lsps/lsps5/signed-text.ts'
import { verifyNotification } from '../../lsps/lsps5/verify.ts'
import { loadLdk } from '../stack/ldk/runtime.ts'
import { anyTimestamp, anyU32, NODE } from '../unit/lsps/arbitraries.ts'
import { chronoTime, ldkNotifies, ldkVerifies } from './ldk-webhooks.ts'
import { ALICE, BOB } from './lsp.ts'
import { callOf, createWebhookLsp, LSP_KEY, LSP_NODE, NOW, type WebhookLspConfig } from './webhook-lsp.ts'

const URL_A = 'https://www.example.org/push?l=1234567890abcdefghijklmnopqrstuv&c=best'
const URL_B = 'https://www.example.org/push?l=other'
const WANTED = { app_name: 'My LSPS-Compliant Lightning Client', webhook: URL_A }

const anyNotification = (): fc.Arbitrary<WebhookNotification> =>
  fc.oneof(
    anyU32().map((timeout) => ({ method: 'lsps5.expiry_soon', params: { timeout } }) as const),
    fc
      .constantFrom(...Object.keys(lsps5Notifications).filter((name) => name !== 'lsps5.expiry_soon'))
      .map((method) => ({ method: method as Exclude<NotificationMethod, 'lsps5.expiry_soon'>, params: {} })),
  )

function setUp(config: WebhookLspConfig = {}) {
  const lsp = createWebhookLsp(config)
  const set = (change: object = {}, peer = ALICE) => lsp.call('lsps5.set_webhook', { ...WANTED, ...change }, peer)
  const list = async (peer = ALICE) => (await lsp.call('lsps5.list_webhooks', {}, peer))?.result
  return { lsp, set, list }
}

/** The code of an answer to set_webhook; after an error, nothing is registered or called. */
async function codeOf(change: object): Promise<number | 'ok'> {
  const { lsp, set } = setUp()
  const answer = await set(change)
  expect(lsp.unexpected).toEqual([])
  if (answer?.error === undefined) return 'ok'
  expect([lsp.of(ALICE), lsp.calls]).toEqual([[], []])
  expect(answer.error.message).toMatch(/./)
  return answer.error.code
}

describe('probes of lsps5.set_webhook: the name', () => {
  it.each([
    ['64 letters', 'a'.repeat(64), 'ok'],
    ['65 letters', 'a'.repeat(65), 500],
    ['32 letters of two bytes', 'é'.repeat(32), 'ok'],
    ['33 letters of two bytes', 'é'.repeat(33), 500],
    ['16 faces', '😀'.repeat(16), 'ok'],
    ['16 faces and a letter', `${'😀'.repeat(16)}a`, 500],
    ['32 quotes', '"'.repeat(32), 'ok'],
    ['33 quotes', '"'.repeat(33), 500],
    ['10 control characters', '\u0001'.repeat(10), 'ok'],
    ['11 control characters', '\u0001'.repeat(11), 500],
    ['21 euro signs and a letter', `${'€'.repeat(21)}a`, 'ok'],
    ['22 euro signs', '€'.repeat(22), 500],
    ['32 line feeds', '\n'.repeat(32), 'ok'],
    ['33 line feeds', '\n'.repeat(33), 500],
    ['nothing', '', 'ok'],
  ] as const)('[L5-02] P48: of %s', async (_, app_name, outcome) => {
    expect(await codeOf({ app_name })).toBe(outcome)
  })

  it('[L5-02] counts as JSON writes it, however the client escaped it', async () => {
    const { lsp } = setUp()
    const escaped = `{"jsonrpc":"2.0","id":"a","method":"lsps5.set_webhook","params":{"app_name":"${'\\u0061'.repeat(64)}","webhook":"${URL_A}"}}`
    expect((await lsp.send(escaped))?.error).toBeUndefined()
  })

  it.each([5, null, undefined, [], {}, 'a\0b'])('[L5-01] [L5-06] [L0-06] is not %j', async (app_name) => {
    const answer = await setUp().set({ app_name, webhook: 'http://not-looked-at.example' })
    expect(answer?.error).toMatchObject({ code: -32602, data: { unrecognized: [], property: 'app_name' } })
  })
})

describe('probes of lsps5.set_webhook: the URL', () => {
  it.each([
    [1024, 'ok'],
    [1025, 500],
  ] as const)('[L5-03] P48: of %d characters', async (characters, outcome) => {
    expect(await codeOf({ webhook: 'https://example.com/'.padEnd(characters, 'a') })).toBe(outcome)
  })

  it.each([5, null, undefined, [], {}])('[L5-01] [L5-06] is not %j', async (webhook) => {
    const answer = await setUp().set({ webhook })
    expect(answer?.error).toMatchObject({ code: -32602, data: { unrecognized: [], property: 'webhook' } })
  })

  it.each([
    'not a url',
    '',
    'https:ex.com',
    'https:/ex.com',
    'https:///x',
    'https://',
    'https://?x',
    'http:ex.com',
    'https://ex.com\\a',
    'ht\ntps://ex.com',
    'https://ex.com/a\tb',
    ' https://ex.com ',
    'https://ex.com/a b',
    'https://ex.com/ü',
    'https://bücher.example/',
    'https://ex.com/%zz',
    'https://ex.com/#fragment',
    'https://ex.com:99999/',
    'https://256.256.256.256/',
    'https://[::1/',
    'https://:443/',
    'https://ex.com/<a>',
    'https://ex.com/\0',
    '//ex.com/a',
    '/a',
  ])('[L5-04] [L5-06] P49: %j is 501', async (webhook) => {
    expect(await codeOf({ webhook })).toBe(501)
  })

  it.each([
    'http://ex.com',
    'HTTP://ex.com/a',
    'ftp://ex.com',
    'ws://ex.com/webhook',
    'wss://ex.com/webhook',
    'ws+unix:/example.com/webhook',
    'mailto:a@ex.com',
    'file:///etc/passwd',
    'javascript:alert(1)',
  ])('[L5-05] P49: %j is 502', async (webhook) => {
    expect(await codeOf({ webhook })).toBe(502)
  })

  it.each([
    'https://ex.com',
    'HTTPS://ex.com/',
    "https://ex.com:8443/a/../b?x=%20&y=[1]~'#".slice(0, -1),
    'https://127.0.0.1/',
  ])('[L5-05] [L5-49] %j is kept and called as it is', async (webhook) => {
    const { lsp, set } = setUp()
    expect((await set({ webhook }))?.error).toBeUndefined()
    expect([lsp.of(ALICE)[0]?.webhook, lsp.calls[0]?.url]).toEqual([webhook, webhook])
  })

  it('[L5-06] what is checked first: the shape, the lengths, the URL, its protocol, the count', async () => {
    const { lsp } = setUp()
    const long = 'a'.repeat(65)
    expect(await codeOf({ app_name: long, webhook: 5 })).toBe(-32602)
    expect(await codeOf({ app_name: long, webhook: 'no' })).toBe(500)
    expect(await codeOf({ webhook: `no ${'é'.repeat(1022)}` })).toBe(500)
    const { set } = setUp({ most: 0 })
    expect((await set({ webhook: 'no' }))?.error?.code).toBe(501)
    expect((await set({ webhook: 'http://ex.com' }))?.error?.code).toBe(502)
    expect((await set())?.error?.code).toBe(503)
    expect(lsp.unexpected).toEqual([])
  })

  it('[L0-30] [L0-31] has no other parameters', async () => {
    const answer = await setUp().set({ timestamp_style: 'Z' })
    expect(answer?.error).toMatchObject({ code: -32602, data: { unrecognized: ['timestamp_style'] } })
  })
})

describe('probes of lsps5.set_webhook: what it does', () => {
  it('[L5-07] P50: refuses a new name at the limit, with the limit, and still replaces', async () => {
    const { lsp, set } = setUp({ most: 2 })
    await set({ app_name: 'one' })
    await set({ app_name: 'two' })
    const refused = await set({ app_name: 'three' })
    expect(refused?.error).toEqual({ code: 503, message: expect.any(String), data: { max_webhooks: 2 } })
    expect((await set({ app_name: 'two', webhook: URL_B }))?.result).toEqual({
      num_webhooks: 2,
      max_webhooks: 2,
      no_change: false,
    })
    expect(lsp.of(ALICE)).toEqual([
      { app_name: 'one', webhook: URL_A },
      { app_name: 'two', webhook: URL_B },
    ])
  })

  it('[L5-09] [L5-10] P51: says whether anything changed, and tells the webhook only then', async () => {
    const { lsp, set } = setUp()
    expect((await set())?.result).toEqual({ num_webhooks: 1, max_webhooks: 10, no_change: false })
    expect((await set())?.result).toEqual({ num_webhooks: 1, max_webhooks: 10, no_change: true })
    expect((await set({ webhook: URL_B }))?.result).toEqual({ num_webhooks: 1, max_webhooks: 10, no_change: false })
    expect((await set({ webhook: `${URL_B}&` }))?.result).toHaveProperty('no_change', false)
    expect(lsp.calls.map(({ url }) => url)).toEqual([URL_A, URL_B, `${URL_B}&`])
    for (const { body } of lsp.calls) expect(JSON.parse(body)).toHaveProperty('method', 'lsps5.webhook_registered')
  })

  it('[L5-09] compares what came: another spelling of the same URL is a change', async () => {
    const { set } = setUp()
    await set({ webhook: 'https://example.org/a' })
    expect((await set({ webhook: 'https://EXAMPLE.org/a' }))?.result).toHaveProperty('no_change', false)
    expect((await set({ app_name: `${WANTED.app_name} `, webhook: 'https://EXAMPLE.org/a' }))?.result).toMatchObject({
      num_webhooks: 2,
    })
  })

  it('[L5-13] may refuse a client with 1', async () => {
    const { lsp, set } = setUp({ rejected: [BOB] })
    expect((await set({}, BOB))?.error).toMatchObject({ code: 1, data: { message: 'not served' } })
    expect(lsp.calls).toEqual([])
  })

  it('[L0-35] [L0-39] has data where bLIP-55 defines some, and nowhere else', async () => {
    const { lsp, set } = setUp({ most: 0 })
    const codes = [{ app_name: 'a'.repeat(65) }, { webhook: 'no' }, { webhook: 'http://ex.com' }]
    for (const change of codes) expect((await set(change))?.error).not.toHaveProperty('data')
    const unknown = await lsp.call('lsps5.remove_webhook', { app_name: 'none' })
    expect(unknown?.error).toEqual({ code: 1010, message: expect.any(String) })
  })
})

describe('probes of lsps5.list_webhooks and lsps5.remove_webhook', () => {
  it('[L5-20] lists names in the order in which they came, and never URLs', async () => {
    const { set, list } = setUp()
    expect(await list()).toEqual({ app_names: [], max_webhooks: 10 })
    for (const app_name of ['b', 'a', 'c', 'a']) await set({ app_name })
    expect(await list()).toEqual({ app_names: ['b', 'a', 'c'], max_webhooks: 10 })
    expect(lsps5['lsps5.list_webhooks'].faults).toEqual([])
  })

  it('[L5-21] P53: forgets a name; then it is unknown', async () => {
    const { lsp, set, list } = setUp()
    await set()
    const remove = () => lsp.call('lsps5.remove_webhook', { app_name: WANTED.app_name })
    expect((await remove())?.result).toEqual({})
    expect((await remove())?.error?.code).toBe(1010)
    expect(await list()).toHaveProperty('app_names', [])
  })

  it.each(['my lsps-compliant lightning client', ' ', '', 'x'.repeat(1000), 'e\u0301', '__proto__', 'a\0b'])(
    '[L5-21] %j is not the name of another',
    async (app_name) => {
      const { lsp, set } = setUp()
      await set()
      await set({ app_name: '\u00e9' })
      expect((await lsp.call('lsps5.remove_webhook', { app_name }))?.error?.code).toBe(1010)
      expect(lsp.of(ALICE)).toHaveLength(2)
    },
  )

  it('[L5-22] P53: a client neither sees nor removes nor uses up what is another’s', async () => {
    const { lsp, set, list } = setUp({ most: 1 })
    await set()
    expect(await list(BOB)).toHaveProperty('app_names', [])
    expect((await lsp.call('lsps5.remove_webhook', { app_name: WANTED.app_name }, BOB))?.error?.code).toBe(1010)
    expect((await set({ webhook: URL_B }, BOB))?.result).toMatchObject({ num_webhooks: 1, no_change: false })
    expect(lsp.of(ALICE)).toEqual([WANTED])
  })
})

describe('what a webhook is sent', () => {
  it.each([
    [{ method: 'lsps5.webhook_registered', params: {} }, '{}'],
    [{ method: 'lsps5.payment_incoming', params: {} }, '{}'],
    [{ method: 'lsps5.expiry_soon', params: { timeout: 900_144 } }, '{"timeout":900144}'],
    [{ method: 'lsps5.liquidity_management_request', params: {} }, '{}'],
    [{ method: 'lsps5.onion_message_incoming', params: {} }, '{}'],
  ] as const)('[L5-40] %j', (notification, params) => {
    const body = notificationBody(notification)
    expect(body).toBe(`{"jsonrpc":"2.0","method":"${notification.method}","params":${params}}`)
  })

  it('[L5-40] is the same bytes whatever else the caller’s object holds, in whatever order', () => {
    const params = { more: 1, timeout: 5 }
    expect(notificationBody({ params, method: 'lsps5.expiry_soon' })).toBe(
      '{"jsonrpc":"2.0","method":"lsps5.expiry_soon","params":{"timeout":5}}',
    )
    expect(() => notificationBody({ method: 'lsps5.expiry_soon', params: { timeout: -1 } })).toThrow(z.core.$ZodError)
  })

  it('[L5-41] [L5-42] [L5-43] is signed over the header and the very body, at the offsets of the text', () => {
    fc.assert(
      fc.property(anyNotification(), anyTimestamp(), (notification, at) => {
        const { timestamp, body, text } = composeNotification({ notification, at })
        const bytes = utf8ToBytes(text)
        const part = (from: number, to?: number) => new TextDecoder().decode(bytes.slice(from, to))
        expect(part(0, 50)).toBe('LSPS5: DO NOT SIGN THIS MESSAGE MANUALLY: LSP: At ')
        expect([part(50, 74), timestamp]).toEqual([formatDatetime(at), formatDatetime(at)])
        expect(part(74, 84)).toBe(' I notify ')
        expect(part(84)).toBe(body)
      }),
    )
  })

  it('[L5-43] P52: goes with these headers, and the signature recovers the LSP', () => {
    const { headers, body } = callOf({ url: URL_A, notification: { method: 'lsps5.payment_incoming', params: {} } })
    expect(Object.keys(headers)).toEqual(['content-type', 'x-lsps5-timestamp', 'x-lsps5-signature'])
    const { [TIMESTAMP_HEADER]: timestamp = '', [SIGNATURE_HEADER]: signature = '' } = headers
    expect(timestamp).toBe('2026-01-01T00:00:00.000Z')
    expect(signature).toMatch(/^[ybndrfg8ejkmcpqxot1uwisza345h769]{104}$/)
    expect(recoverSigner(utf8ToBytes(signedText(timestamp, body)), signature)).toBe(LSP_NODE)
  })
})

const KEY_ONE = hexToBytes('01'.padStart(64, '0'))

/** Section 6.5 of the worked vectors: calculated, with low s and without chance. */
const WORKED = [
  [
    KEY_ONE,
    NODE,
    '2023-05-04T10:52:58.395Z',
    '{"jsonrpc":"2.0","method":"lsps5.goodbye","params":{}}',
    138,
    'd98gq64fc1fokenqse6xq3dsrd1dkspx9cr46fm83ncxcqjbobxmh7r9hapsqmo651jrnfc6mxs7nqhw5844jn1136ueufofnxwu7wyd',
  ],
  [
    LSP_KEY,
    LSP_NODE,
    '2023-05-04T10:52:58.395Z',
    '{"jsonrpc":"2.0","method":"lsps5.goodbye","params":{}}',
    138,
    'dhf9ktook11f8kjzdsxny4oiexuunipzg69hmy9ojr6penp9jinssjdqe5hpxs6aafwzm7eazsbuxs6mpc8ozk7qib1uu6qiz1t81qu8',
  ],
  [
    LSP_KEY,
    LSP_NODE,
    '2026-01-01T00:00:00.000Z',
    '{"jsonrpc":"2.0","method":"lsps5.webhook_registered","params":{}}',
    149,
    'd7xgbzpnbc7dfagmq5dhocjcx6o4hekp9khq146zsr9ezch8iacpwmy9u7wy7uusxx3szskstxmuuncotm93eehhw7hdbawkzascjpmn',
  ],
  [
    LSP_KEY,
    LSP_NODE,
    '2026-01-01T00:00:00.000Z',
    '{"jsonrpc":"2.0","method":"lsps5.expiry_soon","params":{"timeout":900144}}',
    158,
    'd99zki1914r5exkwerdn8spx7w1gxe68myk63we31ysc93sr6eod49xh9p8pyj8kpqrptptqhs9z4if6jr5bd8czmq9dm6op1xwena5u',
  ],
] as const

describe('the signature, worked', () => {
  it.each(WORKED)('[L5-41] [L0-77] %#', (key, node, timestamp, body, bytes, signature) => {
    const message = utf8ToBytes(signedText(timestamp, body))
    expect(message).toHaveLength(bytes)
    expect(signMessage(message, key)).toBe(signature)
    expect(recoverSigner(message, signature)).toBe(node)
  })
})

describe('LDK, as sender and receiver', () => {
  beforeAll(loadLdk)

  const sent = (notification: WebhookNotification, at: Timestamp, style: 'Z' | '+00:00') => {
    const { headers, body } = callOf({ url: URL_A, notification, at, style })
    return { timestamp: headers[TIMESTAMP_HEADER] ?? '', signature: headers[SIGNATURE_HEADER] ?? '', body }
  }

  it('[L5-44] verifies what we send, of every kind and at every time, in the style that it needs', async () => {
    await fc.assert(
      fc.asyncProperty(anyNotification(), anyTimestamp(), async (notification, at) => {
        expect(await ldkVerifies(LSP_NODE, sent(notification, at, '+00:00'))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it.each([0, 1, 395, 999])('[L5-44] writes a time with %d ms as we do for it', (ms) => {
    const at = (NOW + ms) as Timestamp
    const { timestamp } = sent({ method: 'lsps5.payment_incoming', params: {} }, at, '+00:00')
    expect(timestamp).toBe(chronoTime(formatDatetime(at)))
  })

  it('[L5-44] refuses what bLIP-55 demands: this is why there is a style', async () => {
    expect(await ldkVerifies(LSP_NODE, sent({ method: 'lsps5.payment_incoming', params: {} }, NOW, 'Z'))).toBe(false)
  })

  it('[L5-44] [L5-48] is verified by us, of every kind and at every time', async () => {
    await fc.assert(
      fc.asyncProperty(anyNotification(), anyTimestamp(), async (notification, at) => {
        const call = await ldkNotifies(LSP_KEY, { at, body: notificationBody(notification) })
        expect(verifyNotification(call, { lsp: LSP_NODE, now: at })).toMatchObject({ accepted: { notification, at } })
      }),
      { numRuns: 30 },
    )
  })
})
