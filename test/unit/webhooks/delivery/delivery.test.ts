import { setMaxListeners } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { ManualClock } from '../../../../src/sandbox/manual-clock.ts'
import type { SafeAddress } from '../../../../src/webhooks/delivery/addresses.ts'
import { CONNECT_MS } from '../../../../src/webhooks/delivery/connector.ts'
import { DELIVERY_LIMITS, Delivery, systemDelivery } from '../../../../src/webhooks/delivery/delivery.ts'
import { dial, type ProxyHost } from '../../../../src/webhooks/delivery/dialer.ts'
import { ANSWER_MS, BODY_MS } from '../../../../src/webhooks/delivery/sender.ts'
import { OTHER, PUSH } from './pem.ts'
import { ASKED, DEAD, listen, MESSAGE, type Options, PUBLIC, type Surroundings, surround } from './surroundings.ts'

const URL_OF_WALLET = 'https://push.example.com/lsps5/v1?token=abc%2F1'
const LOOPBACK = '127.0.0.1' as SafeAddress

let world: Surroundings
afterEach(() => world.close())
const open = async (options: Options = {}) => {
  world = await surround(options)
}
const noAnswer = (why: string, detail: unknown = expect.any(String)) => ({ kind: 'no-answer', why, detail })
const never = (_: unknown, signal: AbortSignal) =>
  new Promise<Socket>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
const condition = (check: () => boolean, what: string) => vi.waitFor(() => expect(check(), what).toBe(true), 10_000)

describe('a notification', () => {
  it('is posted as it was composed, to the address that was checked', async () => {
    await open()
    expect(await world.send(URL_OF_WALLET)).toEqual({ kind: 'answered', status: 200 })
    const [request] = world.received
    expect(request).toMatchObject({ method: 'POST', path: '/lsps5/v1?token=abc%2F1', body: MESSAGE.body })
    expect(request?.headers).toMatchObject({ ...MESSAGE.headers, host: 'push.example.com' })
    expect(world.dialed).toEqual([{ host: PUBLIC, port: 443 }])
    expect(world.resolved).toEqual(['push.example.com'])
  })

  it('uses a connection again, without asking for the name again', async () => {
    await open()
    for (let count = 0; count < 3; count += 1) {
      await world.send(URL_OF_WALLET)
      await condition(() => world.delivery.inFlight === 0, 'the end of the response')
    }
    expect(world.received).toHaveLength(3)
    expect(world.dialed).toHaveLength(1)
    expect(world.resolved).toHaveLength(1)
  })

  it('asks for the name again after a minute, also of a busy host', async () => {
    const clock = new ManualClock()
    await open({ clock })
    for (const dialed of [1, 1, 2]) {
      await world.send(URL_OF_WALLET)
      await condition(() => world.delivery.inFlight === 0, 'the end of the response')
      expect(world.dialed).toHaveLength(dialed)
      await clock.advance(30_001)
    }
  })

  it('[L5-14] goes where the name led when it was checked, whatever it means a moment later (DNS rebinding)', async () => {
    await open({ answer: (response) => response.setHeader('connection', 'close').end() })
    world.dns([[PUBLIC], ['127.0.0.1']])
    expect(await world.send(`https://push.example.com:${world.trapPort}/`)).toEqual({ kind: 'answered', status: 200 })
    expect(world.resolved).toHaveLength(1)
    const second = await world.send(`https://push.example.com:${world.trapPort}/`)
    expect(second).toEqual(noAnswer('refused', 'its host leads to 127.0.0.1 (loopback)'))
    expect(world.resolved).toHaveLength(2)
    expect(world.dialed).toEqual([{ host: PUBLIC, port: world.trapPort }])
    expect(world.trapped).toEqual([])
  })

  it('tries the next address when one does not answer, three at most', async () => {
    const dead = async () => {
      throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    }
    await open({
      dial: (to, signal) =>
        to.host === DEAD ? dead() : dial({ ...to, host: LOOPBACK, port: world.relayPort }, signal),
    })
    world.dns([[DEAD, DEAD, PUBLIC]])
    expect(await world.send(URL_OF_WALLET)).toEqual({ kind: 'answered', status: 200 })
    expect(world.dialed.map(({ host }) => host)).toEqual([DEAD, DEAD, PUBLIC])
    world.dns([[DEAD, DEAD, DEAD, PUBLIC]])
    const outcome = await world.send('https://second.example.com/')
    expect(outcome).toEqual(noAnswer('unreachable', `${DEAD}: ECONNREFUSED`))
    expect(world.dialed).toHaveLength(6)
  })

  it('[L5-45] follows no redirect: that is an answer like any other', async () => {
    await open({
      answer: (response) => response.writeHead(307, { location: `https://127.0.0.1:${world.trapPort}/` }).end(),
    })
    expect(await world.send(URL_OF_WALLET)).toEqual({ kind: 'answered', status: 307 })
    await condition(() => world.delivery.inFlight === 0, 'the response is over')
    expect(world.dialed).toHaveLength(1)
    expect(world.trapped).toEqual([])
  })

  it('is composed when it is the turn of its host, and what composing throws is thrown on', async () => {
    await open()
    const signal = new AbortController().signal
    const compose = async () => {
      throw new Error('lnd does not sign')
    }
    await expect(world.delivery.deliver({ ...ASKED, url: URL_OF_WALLET, compose, signal })).rejects.toThrow(
      'lnd does not sign',
    )
    expect(world.delivery.inFlight).toBe(0)
    expect(world.dialed).toEqual([])
  })
})

describe('a certificate', () => {
  it('must be for the name', async () => {
    await open({ pem: OTHER, config: { trusted: OTHER.cert } })
    expect(await world.send(URL_OF_WALLET)).toEqual(noAnswer('tls', 'no TLS with it: ERR_TLS_CERT_ALTNAME_INVALID'))
    expect(world.received).toEqual([])
  })

  it('must be of an authority that is trusted, also where the environment says otherwise', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    try {
      await open({ pem: OTHER })
      expect(await world.send('https://other.example.org/')).toEqual(
        noAnswer('tls', 'no TLS with it: DEPTH_ZERO_SELF_SIGNED_CERT'),
      )
      expect(world.received).toEqual([])
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('must be there at all', async () => {
    const plain = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    const port = await listen(plain, '127.0.0.1')
    await open({ dial: (to, signal) => dial({ ...to, host: LOOPBACK, port }, signal) })
    expect(await world.send(URL_OF_WALLET)).toEqual(noAnswer('tls'))
    plain.close()
  })
})

describe('a host that behaves badly', () => {
  it('and says nothing is left after its time, with its connection', async () => {
    const clock = new ManualClock()
    await open({ clock, answer: () => undefined })
    const sent = world.send(URL_OF_WALLET)
    await condition(() => world.received.length === 1, 'the request')
    await clock.advance(ANSWER_MS - 1)
    expect(world.delivery.inFlight).toBe(1)
    await clock.advance(1)
    expect(await sent).toEqual(noAnswer('timeout', `no response within ${ANSWER_MS} ms`))
    await condition(() => world.connections() === 0, 'the end of the connection')
    expect(world.delivery.inFlight).toBe(0)
    expect(world.dialed).toHaveLength(1) // not again
  })

  it('and sends its headers byte by byte gets no more time', async () => {
    const clock = new ManualClock()
    await open({ clock, answer: (_, { socket }) => socket.write('HTTP/1.1 200 OK\r\nx-slow: a') })
    const sent = world.send(URL_OF_WALLET)
    await condition(() => world.received.length === 1, 'the request')
    await clock.advance(ANSWER_MS)
    expect(await sent).toEqual(noAnswer('timeout'))
  })

  it('and cannot be connected to is left after its time', async () => {
    const clock = new ManualClock()
    await open({ clock, dial: never })
    world.dns([[PUBLIC, DEAD, PUBLIC, DEAD]])
    const sent = world.send(URL_OF_WALLET)
    await clock.advance(CONNECT_MS)
    expect(await sent).toEqual(noAnswer('unreachable', `not connected within ${CONNECT_MS} ms`))
    expect(world.dialed).toHaveLength(3)
  })

  it('and does not end its response has answered; the rest is not waited for long', async () => {
    const clock = new ManualClock()
    await open({ clock, answer: (response) => response.writeHead(200).write('a') })
    expect(await world.send(URL_OF_WALLET)).toEqual({ kind: 'answered', status: 200 })
    expect(world.delivery.inFlight).toBe(1)
    await clock.advance(BODY_MS)
    await condition(() => world.connections() === 0 && world.delivery.inFlight === 0, 'the end of the connection')
  })

  it('and sends an endless body has answered; no more than a little of it is read', async () => {
    let written = 0
    const pour: Options['answer'] = (response) => {
      const more = () => {
        for (let goesOn = !response.destroyed; goesOn; written += 16_384) goesOn = response.write(Buffer.alloc(16_384))
      }
      response.writeHead(200).on('drain', more)
      more()
    }
    await open({ answer: pour })
    expect(await world.send(URL_OF_WALLET)).toEqual({ kind: 'answered', status: 200 })
    await condition(() => world.connections() === 0 && world.delivery.inFlight === 0, 'the end of the connection')
    expect(written).toBeLessThan(10_000_000) // what fits into the buffers of both sides
  })

  it.each([
    { what: 'sends too many headers', bytes: `HTTP/1.1 200 OK\r\nx-large: ${'a'.repeat(20_000)}\r\n\r\n` },
    { what: 'speaks another protocol', bytes: '220 mail.example.com ESMTP\r\n' },
    { what: 'says nothing and leaves', bytes: '' },
  ])('and $what: there is no answer', async ({ bytes }) => {
    await open({ answer: (_, { socket }) => socket.end(bytes) })
    expect(await world.send(URL_OF_WALLET)).toEqual(noAnswer('broken'))
    await condition(() => world.connections() === 0, 'the end of the connection')
  })
})

describe('an abort', () => {
  it('ends a delivery at any stage, with the reason that was given', async () => {
    const clock = new ManualClock()
    await open({ clock, answer: () => undefined })
    const asking = new AbortController()
    const asked = world.send(URL_OF_WALLET, asking.signal)
    await condition(() => world.received.length === 1, 'the request')
    asking.abort(new Error('the wallet is back'))
    await expect(asked).rejects.toThrow('the wallet is back')
    await condition(() => world.connections() === 0 && world.delivery.inFlight === 0, 'the end of the connection')
    await expect(world.send(URL_OF_WALLET, asking.signal)).rejects.toThrow('the wallet is back')
  })

  it('of all deliveries is their close: what is under way ends without an answer', async () => {
    const clock = new ManualClock()
    await open({ clock, answer: () => undefined })
    const asked = world.send(URL_OF_WALLET)
    await condition(() => world.received.length === 1, 'the request')
    world.delivery.close()
    expect(await asked).toEqual(noAnswer('broken', 'sluiced is stopping'))
    await condition(() => world.connections() === 0, 'the end of the connection')
    expect(await world.send(URL_OF_WALLET)).toEqual(noAnswer('broken', 'sluiced is stopping'))
    expect(world.dialed).toHaveLength(1)
  })
})

describe('notifications to hosts that hang', () => {
  it('[L5-46] that webhooks were set take no place of a wake-up', async () => {
    await open({ clock: new ManualClock(), dial: never })
    const { signal } = new AbortController()
    setMaxListeners(0, signal)
    const compose = async () => MESSAGE
    const hosts = Array.from({ length: 600 }, (_, number) => `h${number}.example.org`)
    const registered = hosts.map((host) =>
      world.delivery.deliver({ ...ASKED, occasion: 'registration', url: `https://${host}/`, compose, signal }),
    )
    await condition(
      () => world.delivery.inFlight === DELIVERY_LIMITS.registration.inFlightUnproven,
      'the registrations',
    )
    const woken = world.send(URL_OF_WALLET)
    await condition(() => world.resolved.includes('push.example.com'), 'the wake-up')
    world.delivery.close()
    expect(await woken).toMatchObject({ kind: 'no-answer', why: 'broken' })
    await Promise.all(registered)
  })
})

describe('the switch for regtest', () => {
  it('lets a real delivery reach this machine, certificate checked', async () => {
    await open()
    const config = { loopback: 'allowed', trusted: PUSH.cert } as const
    const delivery = new Delivery(systemDelivery(systemClock), config)
    const signal = new AbortController().signal
    const send = (host: string) =>
      delivery.deliver({ ...ASKED, url: `https://${host}:${world.relayPort}/x`, compose: async () => MESSAGE, signal })
    expect(await send('127.0.0.1')).toEqual({ kind: 'answered', status: 200 })
    expect(await send('localhost')).toEqual({ kind: 'answered', status: 200 })
    expect(await send('127.0.0.2')).toMatchObject({ kind: 'no-answer' }) // not in the certificate
    expect(world.received).toHaveLength(2)
    delivery.close()
  })
})

describe('a proxy', () => {
  const seen: string[] = []
  /** Says what `status` is; tunnels to the relay when it is 200. */
  async function throughProxy(status: number): Promise<() => void> {
    seen.length = 0
    const proxy = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (bytes) => {
        seen.push(bytes.toString().split('\r\n')[0] ?? '')
        socket.write(`HTTP/1.1 ${status} X\r\n\r\n`)
        if (status !== 200) {
          socket.end()
          return
        }
        dial({ host: LOOPBACK, port: world.relayPort }, new AbortController().signal).then(
          (onward) => {
            socket.pipe(onward).pipe(socket)
          },
          () => socket.destroy(),
        )
      })
    })
    const port = await listen(proxy, '127.0.0.1')
    await open({ dial, config: { proxy: { host: '127.0.0.1' as ProxyHost, port } } })
    return () => proxy.close()
  }

  it('is what is connected to, and looks the name up itself; the certificate is still checked here', async () => {
    const close = await throughProxy(200)
    expect(await world.send(URL_OF_WALLET)).toEqual({ kind: 'answered', status: 200 })
    expect(await world.send('https://other.example.org/')).toMatchObject({ why: 'tls' })
    expect(seen).toEqual(['CONNECT push.example.com:443 HTTP/1.1', 'CONNECT other.example.org:443 HTTP/1.1'])
    expect(world.resolved).toEqual([])
    expect(world.dialed.map(({ host }) => host)).toEqual(['127.0.0.1', '127.0.0.1'])
    close()
  })

  it('is not asked for IP addresses or private names', async () => {
    const close = await throughProxy(200)
    const hosts = [
      '93.184.215.14',
      '10.0.0.1',
      '[2606:4700::1]',
      '127.1',
      'localhost',
      'metadata.google.internal',
      'db',
    ]
    for (const host of hosts) expect(await world.send(`https://${host}/`)).toEqual(noAnswer('refused'))
    expect(world.dialed).toEqual([])
    close()
  })

  it('may refuse', async () => {
    const close = await throughProxy(403)
    expect(await world.send(URL_OF_WALLET)).toEqual(noAnswer('proxy', 'the proxy answered 403'))
    close()
  })
})
