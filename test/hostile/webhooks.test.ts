import { expect, it } from 'vitest'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { SeededRandom } from '../../src/sandbox/random.ts'
import type { DeliveryPort } from '../../src/waking.ts'
import type { Outcome } from '../../src/webhooks/delivery/outcome.ts'
import { HostileLsp } from './lsp.ts'
import { NASTY, pick } from './values.ts'

const PEERS = 5
const MESSAGES = 3_000
const MOST = 3
const MOST_CLIENTS = 3
const DAY_MS = 86_400_000
const KEPT_MS = 7 * DAY_MS
/** Within the rate of one peer. */
const PAUSE_MS = 250
const TURNS = 12
const LSPS_TYPE = 37_913

const NAMES = ['', 'a', 'phone', 'é'.repeat(32), '"'.repeat(32)]
const URLS = ['https://push.example.com/a?t=1', 'https://push.example.com/b', 'HTTPS://push.example.com/a?t=1']
const TOO_LONG_NAMES = ['x'.repeat(65), '"'.repeat(33), 'é'.repeat(33), '\n'.repeat(33)]
const NO_URLS = ['', 'push.example.com', 'https:push.example.com', 'https://push.example.com/\té', 'https://']
const OTHER_URLS = ['http://push.example.com/', 'ftp://push.example.com/', 'mailto:a@example.com']
const OUTCOMES: readonly Outcome[] = [
  { kind: 'answered', status: 200 },
  { kind: 'answered', status: 500 },
  { kind: 'no-answer', why: 'refused', detail: 'a private address' },
  { kind: 'no-answer', why: 'timeout', detail: 'late' },
  { kind: 'no-answer', why: 'unreachable', detail: 'x' },
]

type Webhook = { readonly url: string; readonly until: number }
type Answer = { readonly result?: unknown; readonly error?: { readonly code: number } }
type Request = { readonly method: string; readonly params: string; readonly due: () => unknown }

/** What each peer has, by its own reading of the spec. */
class Model {
  readonly #peers = new Map<number, Map<string, Webhook>>()

  at(now: number): this {
    for (const [peer, webhooks] of this.#peers) {
      for (const [name, { until }] of webhooks) if (until <= now) webhooks.delete(name)
      if (webhooks.size === 0) this.#peers.delete(peer)
    }
    return this
  }

  set(peer: number, name: string, url: string, now: number): unknown {
    const webhooks = this.#peers.get(peer) ?? new Map<string, Webhook>()
    const before = webhooks.get(name)
    if (before === undefined && webhooks.size >= MOST) return 503
    if (webhooks.size === 0 && this.#peers.size >= MOST_CLIENTS) return 1
    webhooks.set(name, { url, until: now + KEPT_MS })
    this.#peers.set(peer, webhooks)
    return { num_webhooks: webhooks.size, max_webhooks: MOST, no_change: before?.url === url }
  }

  list(peer: number): unknown {
    return { app_names: [...(this.#peers.get(peer)?.keys() ?? [])], max_webhooks: MOST }
  }

  remove(peer: number, name: string): unknown {
    return this.#peers.get(peer)?.delete(name) === true ? {} : 1010
  }
}

function bytesOf(id: string, method: string, params: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":"${id}","method":"${method}","params":${params}}`)
}

function request(random: SeededRandom, peer: number, model: Model, now: number): Request {
  const text = JSON.stringify
  const name = pick(random, NAMES)
  const url = pick(random, URLS)
  const setting = (app_name: string, webhook: string, due: () => unknown): Request => ({
    method: 'lsps5.set_webhook',
    params: `{"app_name":${text(app_name)},"webhook":${text(webhook)}}`,
    due,
  })
  const kind = random.below(100)
  if (kind < 45) return setting(name, url, () => model.set(peer, name, url, now))
  if (kind < 50) return setting(pick(random, TOO_LONG_NAMES), url, () => 500)
  if (kind < 53) return setting(name, `https://push.example.com/${'x'.repeat(1024)}`, () => 500)
  if (kind < 57) return setting(name, pick(random, NO_URLS), () => 501)
  if (kind < 61) return setting(name, pick(random, OTHER_URLS), () => 502)
  if (kind < 75) return { method: 'lsps5.list_webhooks', params: '{}', due: () => model.list(peer) }
  if (kind < 90) {
    const params = `{"app_name":${text(name)}}`
    return { method: 'lsps5.remove_webhook', params, due: () => model.remove(peer, name) }
  }
  const nasty = `{"app_name":${pick(random, NASTY)},"webhook":[1]}`
  return { method: 'lsps5.set_webhook', params: nasty, due: () => -32_602 }
}

/** Answers late, or never, and hears when nobody waits any more. */
function unreliable(random: SeededRandom, counts: { underWay: number; calls: number }, lsp: () => HostileLsp) {
  const deliver: DeliveryPort['deliver'] = async ({ compose, signal }) => {
    counts.underWay += 1
    counts.calls += 1
    try {
      await compose(signal)
      await lsp().clock.sleep(random.below(9_000), signal)
      return pick(random, OUTCOMES)
    } finally {
      counts.underWay -= 1
    }
  }
  return { deliver, close: () => undefined }
}

it('whatever peers say of webhooks is answered right, and leaves nothing behind', async () => {
  const random = new SeededRandom(29)
  const counts = { underWay: 0, calls: 0 }
  const lsp: HostileLsp = await HostileLsp.start({
    webhooks: { max_per_client: MOST, max_clients_without_channel: MOST_CLIENTS },
    delivery: unreliable(random, counts, () => lsp),
  })
  const { clock, node } = lsp
  const peers: readonly NodeId[] = Array.from({ length: PEERS }, () => random.nodeId())
  for (const peer of peers) node.connect(peer)
  const model = new Model()
  const wrong: string[] = []
  let most = 0
  for (let message = 0; message < MESSAGES && wrong.length === 0; message += 1) {
    // Half of what was set before is forgotten while the other half of the messages comes.
    await clock.advance(message === MESSAGES / 2 ? KEPT_MS - (MESSAGES * PAUSE_MS) / 2 : PAUSE_MS)
    const peer = random.below(PEERS)
    const nodeId = peers[peer] as NodeId
    if (random.below(20) === 0) {
      node.disconnect(nodeId)
      node.connect(nodeId)
    }
    const now = clock.now()
    const { method, params, due } = request(random, peer, model.at(now), now)
    node.say(nodeId, LSPS_TYPE, bytesOf(`m${message}`, method, params))
    await clock.settle(TURNS)
    const answers = node.sent.splice(0).map(({ data }) => JSON.parse(Buffer.from(data).toString('utf8')) as Answer)
    const [answer] = answers
    const said = answer?.error?.code ?? answer?.result
    const wanted = due()
    if (answers.length !== 1 || JSON.stringify(said) !== JSON.stringify(wanted)) {
      wrong.push(`${method} ${params.slice(0, 200)}: ${JSON.stringify(answers)}, due is ${JSON.stringify(wanted)}`)
    }
    most = Math.max(most, counts.underWay)
  }
  expect([...wrong, ...lsp.errors]).toEqual([])
  // So much is set that each message would make calls: how often that is said is paced, for each peer.
  expect(counts.calls).toBeGreaterThan(50)
  expect(counts.calls).toBeLessThan(MESSAGES / 10)
  // What is replaced or removed is cut off.
  expect(most).toBeLessThanOrEqual(PEERS * MOST)
  let ask = 0
  for (const peer of peers) {
    for (const name of NAMES) {
      ask += 1
      const params = JSON.stringify({ app_name: name })
      node.say(peer, LSPS_TYPE, bytesOf(`r${ask}`, 'lsps5.remove_webhook', params))
      await clock.advance(PAUSE_MS)
    }
  }
  await clock.advance(30_000)
  expect(counts.underWay).toBe(0)
  for (const table of ['webhooks-live', 'webhooks-done', 'webhooks-outbox']) {
    expect([table, ...(lsp.bytes.get(table)?.keys() ?? [])]).toEqual([table])
  }
  await lsp.stop()
})
