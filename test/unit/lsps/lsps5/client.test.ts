import { describe, expect, it } from 'vitest'
import { WEBHOOK_PATIENCE, webhookClient } from '../../../../lsps/lsps5/client.ts'
import { WebhookError, type WebhookFailure } from '../../../../lsps/lsps5/webhook-error.ts'
import { createWebhookLsp, type WebhookLspConfig } from '../../../conformance/webhook-lsp.ts'
import { type Script, scriptedServer } from '../scripted-server.ts'

const idle = new AbortController().signal
const WEBHOOK = { app_name: 'wallet', webhook: 'https://push.example/?token=abc' }

/** A wallet of a server that answers what the test says. */
function wallet(script: Script) {
  const server = scriptedServer(script)
  return { ...server, webhooks: webhookClient(server) }
}

async function failureOf(result: Promise<unknown>): Promise<WebhookFailure> {
  const outcome = await result.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (outcome instanceof WebhookError) return outcome.failure
  throw outcome
}

const erring = (code: number, data?: object) => wallet(() => ({ error: { code, message: 'no <b>', data } })).webhooks

/** A wallet of the reference server, whose answers come at once. */
async function served(config: WebhookLspConfig = {}) {
  const lsp = createWebhookLsp(config)
  const queue: (object | undefined)[] = []
  const { client, asked } = scriptedServer(() => queue.shift())
  const ask = async <T>(method: Parameters<typeof lsp.call>[0], params: object, run: () => Promise<T>): Promise<T> => {
    const { result, error } = (await lsp.call(method, params)) ?? {}
    queue.push(error === undefined ? { result } : { error })
    return run()
  }
  return { lsp, asked, ask, webhooks: webhookClient({ client }) }
}

describe('a wallet and its webhooks', () => {
  it('[L5-01] [L5-09] [L5-20] [L5-21] sets, lists and removes them', async () => {
    const { webhooks, asked, ask } = await served()
    const set = () => webhooks.set(WEBHOOK, idle)
    expect(await ask('lsps5.set_webhook', WEBHOOK, set)).toEqual({
      num_webhooks: 1,
      max_webhooks: 10,
      no_change: false,
    })
    expect(await ask('lsps5.list_webhooks', {}, () => webhooks.list(idle))).toEqual({
      app_names: ['wallet'],
      max_webhooks: 10,
    })
    const { app_name } = WEBHOOK
    const remove = () => webhooks.remove(app_name, idle)
    await expect(ask('lsps5.remove_webhook', { app_name }, remove)).resolves.toBeUndefined()
    expect(await failureOf(ask('lsps5.remove_webhook', { app_name }, remove))).toMatchObject({ code: 'unknown-name' })
    expect(asked.map(({ method, params }) => [method, params])).toEqual([
      ['lsps5.set_webhook', WEBHOOK],
      ['lsps5.list_webhooks', {}],
      ['lsps5.remove_webhook', { app_name }],
      ['lsps5.remove_webhook', { app_name }],
    ])
  })

  it.each([
    [{ ...WEBHOOK, app_name: '"'.repeat(33) }, 'too-long'],
    [{ ...WEBHOOK, webhook: 'https://x.example/'.padEnd(1025, 'a') }, 'too-long'],
    [{ ...WEBHOOK, webhook: 'https:x.example' }, 'not-a-url'],
    [{ ...WEBHOOK, webhook: 'http://x.example' }, 'unsupported-protocol'],
  ] as const)('[L5-02] [L5-03] [L5-04] [L5-05] does not send what would be refused: %#', async (webhook, code) => {
    const { webhooks, asked } = wallet(() => ({ result: {} }))
    expect(await failureOf(webhooks.set(webhook, idle))).toMatchObject({ code })
    expect(asked).toEqual([])
  })

  it.each([
    [500, undefined, { code: 'too-long', said: 'no  b ' }],
    [501, undefined, { code: 'not-a-url' }],
    [502, undefined, { code: 'unsupported-protocol' }],
    [503, { max_webhooks: 4 }, { code: 'too-many', most: 4 }],
    [503, undefined, { code: 'too-many', most: undefined }],
    [1010, undefined, { code: 'unknown-name' }],
    [1, { message: 'not <now>' }, { code: 'rejected', said: 'not  now ' }],
    [1003, undefined, { code: 'rejected' }],
    [-32601, undefined, { code: 'not-offered', method: 'lsps5.set_webhook' }],
    [-32603, undefined, { code: 'refused', errorCode: -32603 }],
  ])('[L5-06] [L0-37] [L0-38] reads the error %d with %j', async (code, data, failure) => {
    expect(await failureOf(erring(code, data).set(WEBHOOK, idle))).toMatchObject(failure)
  })

  it('says in words what to do about each', async () => {
    for (const code of [500, 501, 502, 503, 1010, 1, -32601, 7]) {
      await expect(erring(code).set(WEBHOOK, idle)).rejects.toThrow(/: /)
    }
  })

  it('[L5-09] does not believe an answer that cannot be', async () => {
    const impossible = { num_webhooks: 0, max_webhooks: 10, no_change: false }
    const malformed = { num_webhooks: '1', max_webhooks: 10, no_change: false }
    for (const result of [impossible, malformed]) {
      expect(await failureOf(wallet(() => ({ result })).webhooks.set(WEBHOOK, idle))).toMatchObject({
        code: 'bad-answer',
      })
    }
  })

  it('sends the same bytes again when no answer comes, and then gives up', async () => {
    const { webhooks, clock, asked } = wallet(() => undefined)
    const failure = failureOf(webhooks.set(WEBHOOK, idle))
    for (let waited = 0; waited < WEBHOOK_PATIENCE.answerMs; waited += 1000) {
      clock.advance(1000)
      await new Promise(setImmediate)
    }
    expect(await failure).toEqual({ code: 'timed-out', method: 'lsps5.set_webhook' })
    expect(asked).toHaveLength(WEBHOOK_PATIENCE.sends)
    expect(new Set(asked.map(({ text }) => text)).size).toBe(1)
  })

  it('ends when the wallet says so', async () => {
    const stop = new AbortController()
    const failure = failureOf(wallet(() => undefined).webhooks.list(stop.signal))
    stop.abort(new Error('closing'))
    expect(await failure).toEqual({ code: 'aborted' })
  })
})
