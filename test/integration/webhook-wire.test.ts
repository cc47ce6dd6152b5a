import type { ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { verifyNotification } from '../../lsps/lsps5/verify.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemEntropy } from '../../src/kernel/entropy.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createWorld } from '../../src/sandbox/world.ts'
import { startSidecar } from '../../src/sidecar.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { type Options, type Surroundings, surround } from '../unit/webhooks/delivery/surroundings.ts'
import { testConfig } from './simulation.ts'

const LONGEST_MS = 20_000
const LOOK_MS = 5
const URL = 'https://push.example.com/wake/me?lsp=1&token=s3cret'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

async function until(condition: () => boolean, what: string): Promise<void> {
  const latest = systemClock.now() + LONGEST_MS
  while (!condition()) {
    if (systemClock.now() > latest) throw new Error(`waited ${LONGEST_MS} ms for ${what}`)
    await pause(LOOK_MS)
  }
}

/** The whole sidecar in real time, with a real delivery to a real HTTPS server. */
async function started(options: Options = {}) {
  const surroundings: Surroundings = await surround(options)
  ends.push(surroundings.close)
  const world = createWorld({ clock: systemClock, seed: 5 })
  const stopping = new AbortController()
  const sidecar = await startSidecar(testConfig({ webhooks: { enabled: true } }), {
    lnd: world.attach(),
    store: openMemoryStore(),
    clock: systemClock,
    entropy: systemEntropy,
    log: silentLog,
    seed: new Uint8Array(32).fill(7),
    delivery: surroundings.delivery,
    signal: stopping.signal,
    onFatal: (error) => {
      throw error
    },
  })
  ends.push(sidecar.stop)
  const wallet = world.addWallet()
  wallet.connect()
  const answers: { readonly id: string; readonly result?: unknown }[] = []
  wallet.onCustomMessage((_type, data) => answers.push(JSON.parse(Buffer.from(data).toString('utf8'))))
  const ask = async (id: string, method: string, params: object) => {
    wallet.send(37_913, Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })))
    await until(() => answers.some((answer) => answer.id === id), `the answer to ${method}`)
    return answers.find((answer) => answer.id === id)?.result
  }
  return { ...surroundings, world, sidecar, wallet, ask }
}

it('[L5-10] [L5-41] [L5-42] [L5-43] a webhook set by a peer message is called over HTTPS, signed by the node', async () => {
  const { received, world, ask, sidecar, wallet } = await started()
  const result = await ask('1', 'lsps5.set_webhook', { app_name: 'phone', webhook: URL })
  expect(result).toEqual({ num_webhooks: 1, max_webhooks: 10, no_change: false })
  await until(() => received.length > 0, 'the call')
  const [call] = received
  expect(call).toMatchObject({
    method: 'POST',
    path: '/wake/me?lsp=1&token=s3cret',
    headers: { 'content-type': 'application/json' },
  })
  const header = (name: string) => String(call?.headers[name])
  const notification = {
    timestamp: header('x-lsps5-timestamp'),
    signature: header('x-lsps5-signature'),
    body: call?.body ?? '',
  }
  const verify = (change: object = {}) =>
    verifyNotification({ ...notification, ...change }, { lsp: world.node.nodeId, now: systemClock.now() })
  expect(verify()).toMatchObject({ accepted: { method: 'lsps5.webhook_registered' } })
  expect(verify({ body: notification.body.replace('{}', '{ }') })).toEqual({ refused: 'bad-signature' })

  const tested = await sidecar.admin.webhookTest(wallet.nodeId, {}, new AbortController().signal)
  expect(tested).toMatchObject({ webhooks: [{ app_name: 'phone', host: 'push.example.com', status: 200 }] })
  expect(JSON.stringify(tested)).not.toContain('s3cret')
  expect(received).toHaveLength(2)
})

it('[L5-45] an answer other than 200 is taken note of, and not asked for again', async () => {
  const gone = (response: ServerResponse) => response.writeHead(302, { location: '/elsewhere' }).end()
  const { received, ask, sidecar, wallet } = await started({ answer: gone })
  await ask('1', 'lsps5.set_webhook', { app_name: 'phone', webhook: URL })
  let ended: unknown[] = []
  await until(() => {
    void sidecar.admin.webhookShow(wallet.nodeId).then((shown) => {
      ended = shown?.ended ?? []
    })
    return ended.length > 0
  }, 'the end of the notification')
  expect(ended).toMatchObject([{ method: 'lsps5.webhook_registered', status: 302, attempts: 1 }])
  expect(received).toHaveLength(1)
})
