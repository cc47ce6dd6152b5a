import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { expect } from 'vitest'
import * as z from 'zod'
import { parseInstant, type Timestamp } from '../../../lsps/base/datetime.ts'
import { recoverSigner, signMessage } from '../../../lsps/base/ln-signature.ts'
import { parseNodeId } from '../../../lsps/base/node-id.ts'
import { webhookClient } from '../../../lsps/lsps5/client.ts'
import { lsps5 } from '../../../lsps/lsps5/methods.ts'
import { notificationBody, readNotification } from '../../../lsps/lsps5/notifications.ts'
import { SIGNATURE_HEADER, signedText, TIMESTAMP_HEADER } from '../../../lsps/lsps5/signed-text.ts'
import { createNotificationVerifier, verifyNotification } from '../../../lsps/lsps5/verify.ts'
import type { Subscriber } from '../../../src/webhooks/states.ts'
import { scriptedServer } from '../../unit/lsps/scripted-server.ts'
import { ANSWERED, DAY_MS, due, notify, Story, set, woken } from '../../unit/webhooks/samples.ts'
import { ALICE } from '../lsp.ts'
import { type KindChecks, shaped, type Vector } from '../vectors.ts'
import { callOf, createWebhookLsp, LSP_KEY, LSP_NODE, NOW, type WebhookCall } from '../webhook-lsp.ts'

const JsonObject = z.record(z.string(), z.unknown())
const URL = 'https://example.com/webhook'
const idle = new AbortController().signal

const SIGNED = /^LSPS5: DO NOT SIGN THIS MESSAGE MANUALLY: LSP: At (\S+) I notify (.*)$/s

/** Signed alike, and accepted by a receiver when it was sent, whatever form its time has. */
function checkSignature({ input, expected }: Vector): void {
  const { message, secret_key } = shaped(z.object({ message: z.string(), secret_key: z.string() }), input)
  const { signature, pubkey } = shaped(z.object({ signature: z.string(), pubkey: z.string() }), expected)
  const lsp = parseNodeId(pubkey)
  const [, timestamp = '', body = ''] = SIGNED.exec(message) ?? []
  const now = parseInstant(timestamp)
  if (lsp === undefined || now === undefined) throw new Error(`no notification: ${message}`)
  expect(signedText(timestamp, body)).toBe(message)
  expect(signMessage(utf8ToBytes(message), hexToBytes(secret_key))).toBe(signature)
  expect(recoverSigner(utf8ToBytes(message), signature)).toBe(lsp)
  const { method } = shaped(z.looseObject({ method: z.string() }), JSON.parse(body))
  expect(verifyNotification({ timestamp, signature, body }, { lsp, now })).toMatchObject({
    accepted: { method, at: now },
  })
}

function signatureRows({ input }: Vector): readonly string[] {
  const { message } = shaped(z.looseObject({ message: z.string() }), input)
  const [, timestamp = ''] = SIGNED.exec(message) ?? []
  return timestamp.endsWith('Z') ? ['L5-41', 'L5-48', 'L0-77'] : ['L5-44', 'L5-48', 'L0-77']
}

function checkBadSignature({ input }: Vector): void {
  const { signature } = shaped(z.looseObject({ signature: z.string() }), input)
  const { headers, body } = aCall()
  const call = { timestamp: headers[TIMESTAMP_HEADER], signature, body }
  expect(verifyNotification(call, { lsp: LSP_NODE, now: NOW })).toEqual({ refused: 'bad-signature' })
}

function aCall(at = NOW): WebhookCall {
  return callOf({ url: URL, notification: { method: 'lsps5.payment_incoming', params: {} }, at })
}

function checkSignedText({ input, expected }: Vector): void {
  const { timestamp, body } = shaped(z.object({ timestamp: z.string(), body: z.string() }), input)
  const { utf8, len } = shaped(z.object({ utf8: z.string(), len: z.int() }), expected)
  expect(signedText(timestamp, body)).toBe(utf8)
  expect(utf8ToBytes(signedText(timestamp, body))).toHaveLength(len)
}

/** Messages of clients and servers, by what only they have. */
const SHAPES: readonly { readonly has: string; readonly schema: z.ZodType; readonly rows: readonly string[] }[] = [
  { has: 'webhook', schema: lsps5['lsps5.set_webhook'].params, rows: ['L5-01'] },
  { has: 'num_webhooks', schema: lsps5['lsps5.set_webhook'].result, rows: ['L5-09'] },
  { has: 'app_names', schema: lsps5['lsps5.list_webhooks'].result, rows: ['L5-20'] },
  { has: 'app_name', schema: lsps5['lsps5.remove_webhook'].params, rows: ['L5-21'] },
]

function shapeOf(message: Readonly<Record<string, unknown>>) {
  const shape = SHAPES.find(({ has }) => has in message)
  if (shape === undefined) throw new Error(`no message of LSPS5 looks like ${JSON.stringify(message)}`)
  return shape
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

/** A notification is written exactly so; other messages are read, and nothing of them is lost. */
function checkJson({ input, expected }: Vector): void {
  if (typeof expected === 'string') {
    const { method, notification } = readNotification(expected) ?? {}
    expect(method).toBe(`lsps5.${shaped(z.string(), input)}`)
    expect(notification === undefined ? undefined : notificationBody(notification)).toBe(expected)
    return
  }
  const message = shaped(JsonObject, JSON.parse(textOf(input)))
  const { parses } = shaped(z.object({ parses: z.boolean() }), expected)
  const { schema } = shapeOf(message)
  const decoded = z.safeDecode(schema, message as never)
  expect(decoded.success).toBe(parses)
  if (decoded.success) expect(z.encode(schema, decoded.data)).toEqual(message)
}

function jsonRows({ input, expected }: Vector): readonly string[] {
  if (typeof expected === 'string') return ['L5-40', ...notificationRows(shaped(z.string(), input))]
  return shapeOf(shaped(JsonObject, JSON.parse(textOf(input)))).rows
}

function notificationRows(name: string): readonly string[] {
  return name === 'webhook_registered' ? ['L5-10'] : []
}

/** It is refused although the LSP signed it. */
function checkBadJson({ input }: Vector): void {
  const text = textOf(input)
  const message = shaped(JsonObject, JSON.parse(text))
  if (!('method' in message)) {
    expect(z.safeDecode(shapeOf(message).schema, message as never).success).toBe(false)
    return
  }
  expect(readNotification(text)).toBeUndefined()
  const { headers } = aCall()
  const { [TIMESTAMP_HEADER]: timestamp = '' } = headers
  const signature = signMessage(utf8ToBytes(signedText(timestamp, text)), LSP_KEY)
  const verdict = verifyNotification({ timestamp, signature, body: text }, { lsp: LSP_NODE, now: NOW })
  expect(verdict).toEqual({ refused: 'bad-body' })
}

async function answerTo(webhook: string, app_name = 'wallet') {
  const lsp = createWebhookLsp()
  const answer = await lsp.call('lsps5.set_webhook', { app_name, webhook })
  return { lsp, answer }
}

async function checkUrl({ input, expected }: Vector): Promise<void> {
  const { ok } = shaped(z.object({ ok: z.literal(true) }), expected)
  const webhook = shaped(z.string(), input)
  const { lsp, answer } = await answerTo(webhook)
  expect(answer?.error === undefined).toBe(ok)
  expect(lsp.calls.map(({ url }) => url)).toEqual([webhook])
}

async function checkBadUrl({ input, expected }: Vector): Promise<void> {
  const { error_code_in: codes } = shaped(z.object({ error_code_in: z.array(z.int()) }), expected)
  const { lsp, answer } = await answerTo(shaped(z.string(), input))
  expect(codes).toContain(answer?.error?.code)
  expect(lsp.of(ALICE)).toEqual([])
}

const LDK_RETENTION_MS = 30 * DAY_MS

/** Errors by how their vectors tell them. */
const ERRORS: readonly {
  readonly told: RegExp
  readonly rows: readonly string[]
  readonly codeOf: (numbers: readonly number[]) => Promise<number | undefined>
}[] = [
  {
    told: /^app_name (\d+) bytes/,
    rows: ['L5-02'],
    codeOf: async ([bytes = 0]) => (await answerTo(URL, 'a'.repeat(bytes))).answer?.error?.code,
  },
  {
    told: /^(?:webhook|url)\D*(\d+) (?:bytes|char)/,
    rows: ['L5-03'],
    codeOf: async ([characters = 0]) => (await answerTo(`${URL}?`.padEnd(characters, 'a'))).answer?.error?.code,
  },
  {
    told: /^unparsable url/,
    rows: ['L5-04'],
    codeOf: async () => (await answerTo('not a url')).answer?.error?.code,
  },
  {
    told: /^http url/,
    rows: ['L5-05'],
    codeOf: async () => (await answerTo('http://example.com/webhook')).answer?.error?.code,
  },
  {
    told: /^(\d+)\w* webhook \(max (\d+)\)/,
    rows: ['L5-07'],
    async codeOf([count = 0, most = 0]) {
      const lsp = createWebhookLsp({ most })
      const set = (n: number) => lsp.call('lsps5.set_webhook', { app_name: `app ${n}`, webhook: URL })
      for (let n = 1; n < count; n += 1) expect((await set(n))?.error).toBeUndefined()
      const { code, data } = (await set(count))?.error ?? {}
      expect(data).toEqual({ max_webhooks: most })
      return code
    },
  },
  {
    told: /^remove unknown app_name/,
    rows: ['L5-21'],
    codeOf: async () => (await createWebhookLsp().call('lsps5.remove_webhook', { app_name: 'none' }))?.error?.code,
  },
  {
    // LDK's own, for the program around it: a client is told nothing, and neither is its webhook.
    told: /^second payment_incoming within (\d+)s/,
    rows: ['L5-47'],
    async codeOf([seconds = 0]) {
      const within = { cooldownMs: seconds * 1000 }
      const story = woken().hear(notify(0, within)).answer(ANSWERED, 0)
      story.hear(notify(seconds * 1000 - 1, within))
      expect(story.methods()).toEqual(['payment_incoming'])
      story.hear(notify(seconds * 1000, within))
      expect(story.methods()).toEqual(['payment_incoming', 'payment_incoming'])
      return 1002
    },
  },
  {
    // LDK's own code: ours says 1 (L5-13), and our client knows both.
    told: /without channel/,
    rows: ['L5-13'],
    async codeOf() {
      const theirs = { error: { code: 1003, message: 'no prior activity' } }
      const wallet = webhookClient(scriptedServer(() => theirs))
      const refused = wallet.set({ app_name: 'wallet', webhook: URL }, idle)
      await expect(refused).rejects.toMatchObject({ failure: { code: 'rejected' } })
      const lsp = createWebhookLsp({ rejected: [ALICE] })
      const answer = await lsp.call('lsps5.set_webhook', { app_name: 'wallet', webhook: URL })
      expect(answer?.error).toMatchObject({ code: 1, data: { message: expect.any(String) } })
      return 1003
    },
  },
]

/** What LDK keeps for 30 days and a day until it looks, we may keep as long, and seven days at least (L5-12). */
function checkRetention({ input, expected }: Vector): void {
  const { advance_secs } = shaped(z.object({ advance_secs: z.int() }), input)
  const { app_names } = shaped(z.object({ app_names: z.array(z.string()) }), expected)
  const names = (state: Subscriber) => (state.tag === 'registered' ? state.webhooks.map(({ appName }) => appName) : [])
  const story = new Story().hear(set({ hasChannel: false, retentionMs: LDK_RETENTION_MS })).answer(ANSWERED, 0)
  expect(names(story.hear(due(7 * DAY_MS)).state)).toEqual(['wallet'])
  expect(names(story.hear(due(advance_secs * 1000)).state)).toEqual(app_names)
}

function errorOf({ input }: Vector) {
  const told = shaped(z.string(), input)
  for (const error of ERRORS) {
    const match = error.told.exec(told)
    if (match !== null) return { ...error, numbers: match.slice(1).map(Number) }
  }
  throw new Error(`no check for the error "${told}"`)
}

async function checkError(vector: Vector): Promise<void> {
  const { code } = shaped(z.object({ code: z.int() }), vector.expected)
  const { codeOf, numbers } = errorOf(vector)
  expect(await codeOf(numbers)).toBe(code)
}

/** Each signature is one of its own notification; a window of so many. */
function checkReplay({ name, input, expected }: Vector): void {
  const { events } = shaped(z.object({ events: z.array(z.string()) }), input)
  const outcomes = shaped(z.array(z.string()), expected)
  const [, window = ''] = /window (\d+)/.exec(name) ?? []
  const verifier = createNotificationVerifier({ lsp: LSP_NODE, windowMs: DAY_MS, most: +window })
  let fresh = 1000
  const outcomeOf = (number: number, inCapitals: 'capitals' | 'as it was') => {
    const { headers, body } = aCall((NOW + number) as Timestamp)
    const { [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: written = '' } = headers
    const signature = inCapitals === 'capitals' ? written.toUpperCase() : written
    const verdict = verifier.verify({ timestamp, signature, body }, NOW)
    if ('accepted' in verdict) return 'ok'
    return verdict.refused === 'replayed' ? 'ReplayAttack' : verdict.refused
  }
  const happened = events.map((event) => {
    const [, count] = /^(\d+) new sigs?/.exec(event) ?? []
    if (count !== undefined) {
      const outcomesOfNew = Array.from({ length: +count }, () => outcomeOf(fresh++, 'as it was'))
      return outcomesOfNew.find((one) => one !== 'ok') ?? 'ok'
    }
    const [, sig = '', number] = /^(sig)(\d+)/i.exec(event) ?? []
    if (number === undefined) throw new Error(`no check for the event "${event}"`)
    return outcomeOf(+number, sig === 'SIG' ? 'capitals' : 'as it was')
  })
  expect(happened).toEqual(outcomes)
}

export const LSPS5_KINDS: KindChecks = {
  'lsps5/ln_signature': { rows: signatureRows, check: checkSignature },
  'lsps5/ln_signature-negative': { rows: ['L5-48'], check: checkBadSignature },
  'lsps5/signing-message': { rows: ['L5-41'], check: checkSignedText },
  'lsps5/json': { rows: jsonRows, check: checkJson },
  'lsps5/json-negative': { rows: ['L5-48'], check: checkBadJson },
  'lsps5/url': { rows: ['L5-04', 'L5-49'], check: checkUrl },
  'lsps5/url-negative': { rows: ['L5-04', 'L5-05'], check: checkBadUrl },
  'lsps5/error': { rows: (vector) => errorOf(vector).rows, check: checkError },
  'lsps5/retention': { rows: ['L5-12'], check: checkRetention },
  'lsps5/replay': { rows: ['L5-48'], check: checkReplay },
}
