import { afterEach, describe, expect, it } from 'vitest'
import type { SetWebhookResult } from '../../../lsps/lsps5/schema.ts'
import { FREE_REGISTRATIONS } from '../../../src/webhooks/pace.ts'
import { client, DAY_MS, OK, ServiceWorld } from './service-world.ts'

const worlds: ServiceWorld[] = []
const started = async (options?: ConstructorParameters<typeof ServiceWorld>[0]) => {
  const world = new ServiceWorld(options)
  worlds.push(world)
  return world.start()
}
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

const silent = (_url: string, signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('a webhook', () => {
  it('[L5-08] [L5-10] is on disk before it is answered, and told so in the form that wallets verify', async () => {
    const world = await started()
    const alice = client()
    expect(await world.set(alice)).toEqual({ result: { num_webhooks: 1, max_webhooks: 3, no_change: false } })
    expect(await world.store.keys('webhooks-live')).toEqual([alice])
    await world.settle()
    expect(world.methods()).toEqual(['webhook_registered'])
    expect(world.posted.map((call) => world.verify(call))).toMatchObject([
      { accepted: { method: 'lsps5.webhook_registered' } },
    ])
    expect(world.posted[0]?.url).toBe('https://push.example/wallet?token=secret')
  })

  it('[L5-09] is counted right when many are set at once, and no more than allowed', async () => {
    const world = await started()
    const alice = client()
    const sets = await Promise.all(['a', 'b', 'b', 'c', 'd', 'a'].map((name) => world.set(alice, name)))
    const results = sets.map((one) =>
      'result' in one ? [one.result.num_webhooks, one.result.no_change] : one.fault.code,
    )
    expect(results).toEqual([[1, false], [2, false], [2, true], [3, false], 503, [3, true]])
    expect(world.service.list(alice)).toEqual({ app_names: ['a', 'b', 'c'], max_webhooks: 3 })
  })

  it('[L5-11] is called with all others of its client, each with a signature of its own', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice, 'a')
    await world.set(alice, 'b')
    await world.settle()
    await world.notify(alice)
    expect(world.methods()).toEqual([
      'webhook_registered',
      'webhook_registered',
      'payment_incoming',
      'payment_incoming',
    ])
    expect(world.posted.every((call) => 'accepted' in world.verify(call))).toBe(true)
    expect(world.signs).toBe(4)
  })

  it('[L5-22] is of its client alone', async () => {
    const world = await started()
    const [alice, bob] = [client(), client()]
    await world.set(alice, 'a')
    expect(world.service.list(bob).app_names).toEqual([])
    expect(await world.service.remove(bob, 'a')).toBe(false)
    await world.notify(bob)
    expect(await world.service.remove(alice, 'a')).toBe(true)
    expect(world.service.reaches(alice)).toBe(false)
    expect(await world.store.keys('webhooks-live')).toEqual([])
    await world.settle()
    expect(world.methods()).toEqual(['webhook_registered'])
  })

  it('of a node without a channel is refused when there are too many such nodes, parallel ones included', async () => {
    const world = await started()
    const nodes = [client(), client(), client(), client()]
    const sets = await Promise.all(nodes.map((node) => world.set(node)))
    expect(sets.map((one) => ('fault' in one ? [one.fault.code, one.fault.data] : 'set'))).toMatchObject([
      'set',
      'set',
      [1, { message: expect.stringContaining('buy a channel') }],
      [1, {}],
    ])
    const [alice, , , dave] = nodes
    if (alice === undefined || dave === undefined) throw new Error('four nodes')
    world.withChannel = [dave] // a moment ago: nobody has looked since
    expect(await world.set(dave)).toHaveProperty('result')
    world.lndIsDown = true
    expect(await world.set(client())).toMatchObject({ fault: { code: 1 } })
    world.lndIsDown = false
    await world.service.remove(alice, 'wallet')
    expect(await world.set(client())).toHaveProperty('result')
  })
})

it('where only customers may have webhooks, the first one gets its own', async () => {
  const world = await started({ config: { mostWithoutChannel: 0 } })
  const alice = client()
  expect(await world.set(alice)).toMatchObject({ fault: { code: 1 } })
  world.withChannel = [alice]
  expect(await world.set(alice)).toHaveProperty('result')
})

describe('a client that sets webhooks again and again', () => {
  it('has few calls made by it, also when it removes them in between', async () => {
    const world = await started()
    const alice = client()
    for (let round = 0; round < 120; round += 1) {
      await world.set(alice)
      await world.clock.advance(100)
      await world.service.remove(alice, 'wallet')
      await world.clock.advance(100)
    }
    expect(world.posted.length).toBeLessThanOrEqual(FREE_REGISTRATIONS)
    await world.set(alice)
    await world.clock.advance(60_000)
    expect(world.posted).toHaveLength(FREE_REGISTRATIONS + 1)
  })

  it('[L5-46] keeps no place with what it replaced', async () => {
    const world = await started()
    const alice = client()
    let underWay = 0
    world.answer = (url, signal) => {
      underWay += 1
      signal.addEventListener('abort', () => {
        underWay -= 1
      })
      return silent(url, signal)
    }
    for (const number of [1, 2, 3]) {
      await world.set(alice, 'wallet', `https://push.example/${number}`)
      await world.settle()
    }
    expect([world.posted.length, underWay]).toEqual([3, 1])
    world.answer = () => OK
    await world.service.remove(alice, 'wallet')
    await world.settle()
    expect([underWay, await world.store.keys('webhooks-outbox')]).toEqual([0, []])
  })
})

describe('a reason to wake a client', () => {
  it('[L5-30] is told while it is away, and not while it is here', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice)
    world.service.onPeer(alice, true)
    await world.notify(alice)
    expect(world.methods()).toEqual(['webhook_registered'])
    world.service.onPeer(alice, false)
    await world.notify(alice)
    expect(world.methods()).toEqual(['webhook_registered', 'payment_incoming'])
  })

  it('[L5-47] is told once within the cooldown, and again at once after the client came and went', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice)
    await world.settle()
    await world.notify(alice)
    await world.notify(alice)
    expect(world.methods()).toEqual(['webhook_registered', 'payment_incoming'])
    world.service.onPeer(alice, true)
    await world.settle()
    world.service.onPeer(alice, false)
    await world.notify(alice)
    expect(world.methods()).toEqual(['webhook_registered', 'payment_incoming', 'payment_incoming'])
  })

  it('[L5-45] is tried again only when no answer came, with a fresh time and signature', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice)
    await world.settle()
    world.answer = () => ({ kind: 'no-answer', why: 'unreachable', detail: 'ECONNREFUSED at 203.0.113.9' })
    await world.notify(alice)
    await world.clock.advance(1_000)
    world.answer = () => ({ kind: 'answered', status: 503 })
    await world.clock.advance(10_000)
    const calls = world.posted.filter(({ method }) => method === 'lsps5.payment_incoming')
    expect(calls).toHaveLength(3)
    expect(new Set(calls.map(({ headers }) => headers['x-lsps5-timestamp'])).size).toBe(3)
    expect(new Set(calls.map(({ headers }) => headers['x-lsps5-signature'])).size).toBe(3)
    expect(world.ended.at(-1)).toMatchObject([alice, { attempts: 3, end: { type: 'answered', status: 503 } }])
    await world.clock.advance(30_000)
    expect(world.posted).toHaveLength(4)
  })

  it('that cannot be signed is not sent, and tried again', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice)
    await world.settle()
    world.lndIsDown = true
    await world.notify(alice)
    expect(world.methods()).toEqual(['webhook_registered'])
    world.lndIsDown = false
    await world.clock.advance(5_000)
    expect(world.methods()).toEqual(['webhook_registered', 'payment_incoming'])
  })

  it('[L5-46] has places of its own, and what its host did last time is remembered over a restart', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice)
    await world.settle()
    await world.restart()
    await world.notify(alice)
    world.answer = () => ({ kind: 'no-answer', why: 'timeout', detail: 'late' })
    await world.clock.advance(120_000)
    await world.notify(alice, 1)
    await world.restart()
    await world.notify(alice)
    expect(world.posted.slice(0, 2).map(({ occasion, lastTime }) => [occasion, lastTime])).toEqual([
      ['registration', 'unknown'],
      ['wake-up', 'answered'],
    ])
    expect(world.posted.at(-1)).toMatchObject({ occasion: 'wake-up', lastTime: 'silent' })
  })

  it('[L5-46] reaches others while one webhook hangs', async () => {
    const world = await started()
    const [alice, bob] = [client(), client()]
    await world.set(alice, 'slow')
    await world.set(alice, 'quick')
    await world.set(bob)
    await world.settle()
    world.answer = (url, signal) => (url.includes('slow') ? silent(url, signal) : OK)
    await world.notify(alice)
    await world.notify(bob)
    expect(world.methods().filter((method) => method === 'payment_incoming')).toHaveLength(3)
    expect(world.ended.filter(([, { method }]) => method === 'lsps5.payment_incoming')).toHaveLength(2)
    expect(await world.set(alice, 'another')).toHaveProperty('result')
  })

  it('is told after a restart when it may not have been told before, and not once it is over', async () => {
    const world = await started()
    const [alice, bob] = [client(), client()]
    await world.set(alice)
    await world.set(bob)
    await world.settle()
    world.answer = silent
    await world.notify(alice)
    await world.notify(bob, 5_000)
    await world.stop()
    world.answer = () => OK
    await world.clock.advance(10_000)
    await world.start()
    const told = () => world.posted.filter(({ method }) => method === 'lsps5.payment_incoming')
    expect(told()).toHaveLength(3) // the second time only of the one that still waits
    expect(await world.store.keys('webhooks-outbox')).toEqual([])
    await world.restart()
    expect(told()).toHaveLength(3)
  })

  it('is not told after a restart to a client that is here by now', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice)
    await world.settle()
    world.answer = silent
    await world.notify(alice)
    await world.stop()
    world.answer = () => OK
    world.online = [alice]
    await world.start()
    expect(world.methods()).toEqual(['webhook_registered', 'payment_incoming'])
    expect(await world.store.keys('webhooks-outbox')).toEqual([])
  })

  it('of an earlier life of its webhooks is not taken for one of now', async () => {
    const world = await started()
    const alice = client()
    world.answer = silent
    await world.set(alice)
    await world.settle()
    await world.service.remove(alice, 'wallet')
    await world.set(alice)
    await world.settle()
    await world.stop()
    world.answer = () => OK
    await world.start()
    expect(world.methods()).toEqual(['webhook_registered', 'webhook_registered', 'webhook_registered'])
    const state = await world.service.get(alice)
    expect(state).toMatchObject({ tag: 'registered', notices: [], ended: [{ end: { type: 'answered' } }] })
  })

  it('never puts a URL into the log', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice)
    world.answer = () => ({ kind: 'no-answer', why: 'refused', detail: 'a private address' })
    await world.notify(alice)
    await world.set(alice, 'wallet', 'https://push.example/other?token=secret')
    await world.clock.advance(60_000)
    await world.service.remove(alice, 'wallet')
    expect(world.logged.join('\n')).toContain('webhook given up')
    expect(world.logged.join('\n')).not.toMatch(/secret|https/)
  })
})

describe('webhooks are kept', () => {
  const isKept = (world: ServiceWorld, who: Parameters<ServiceWorld['set']>[0]) => world.service.reaches(who)

  it('[L5-12] while there is a channel, and seven days after it is closed', async () => {
    const world = await started()
    const alice = client()
    world.withChannel = [alice]
    await world.set(alice)
    await world.clock.advance(30 * DAY_MS)
    expect(isKept(world, alice)).toBe(true)
    world.withChannel = []
    world.closing = [alice]
    world.service.onChannelEvent()
    await world.clock.advance(30 * DAY_MS)
    world.closing = []
    world.service.onChannelEvent()
    await world.clock.advance(7 * DAY_MS - 60_000)
    expect(isKept(world, alice)).toBe(true)
    await world.clock.advance(120_000)
    expect(isKept(world, alice)).toBe(false)
  })

  it('[L5-12] as lnd says at the start: nothing is forgotten before it was asked', async () => {
    const world = await started()
    const [alice, bob] = [client(), client()]
    await world.set(alice)
    await world.set(bob)
    await world.stop()
    await world.clock.advance(8 * DAY_MS)
    world.withChannel = [alice]
    world.lndIsDown = true
    await world.start()
    expect([isKept(world, alice), isKept(world, bob)]).toEqual([true, true])
    world.lndIsDown = false
    await world.clock.advance(60_000)
    expect([isKept(world, alice), isKept(world, bob)]).toEqual([true, false])
    world.withChannel = []
    await world.restart()
    await world.clock.advance(7 * DAY_MS - 60_000)
    expect(isKept(world, alice)).toBe(true)
  })

  it('[L5-44] uses the style of a client that is recognised after it has set its webhook', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice)
    await world.settle()
    world.recognised = [alice]
    await world.notify(alice)
    expect(world.posted.map(({ headers }) => headers['x-lsps5-timestamp']?.slice(-1))).toEqual(['Z', '0'])
  })

  it('[L5-44] keeps a style that was recognised once', async () => {
    const world = await started()
    const alice = client()
    const set = { app_name: 'a', webhook: 'https://push.example/' }
    await world.service.set(alice, set, '+00:00')
    const again = (await world.service.set(alice, set, undefined)) as { readonly result: SetWebhookResult }
    expect(again.result.no_change).toBe(true)
    await world.settle()
    await world.notify(alice)
    expect(world.posted.map(({ headers }) => headers['x-lsps5-timestamp']?.slice(-6))).toEqual(['+00:00', '+00:00'])
  })
})

describe('a test by the operator', () => {
  it('calls one webhook or all of a client, and tells what each answered', async () => {
    const world = await started()
    const alice = client()
    await world.set(alice, 'a')
    await world.set(alice, 'b')
    await world.settle()
    const { signal } = new AbortController()
    world.answer = (url) => (url.includes('/a') ? OK : { kind: 'no-answer', why: 'timeout', detail: 'late' })
    expect(await world.service.test(alice, undefined, signal)).toMatchObject([
      { appName: 'a', host: 'push.example', outcome: { type: 'answered', status: 200 } },
      { appName: 'b', outcome: { type: 'silent', why: 'timeout: late' } },
    ])
    expect(await world.service.test(alice, 'b', signal)).toHaveLength(1)
    expect(await world.service.test(alice, 'c', signal)).toEqual([])
    expect(await world.service.test(client(), undefined, signal)).toEqual([])
    expect(JSON.stringify(await world.service.test(alice, 'a', signal))).not.toContain('secret')
  })
})
