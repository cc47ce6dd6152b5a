import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../../../lsps/base/clock.ts'
import { systemClock } from '../../../../src/kernel/clock.ts'
import type { SafeAddress } from '../../../../src/webhooks/delivery/addresses.ts'
import { Delivery, type DeliveryConfig } from '../../../../src/webhooks/delivery/delivery.ts'
import { type Dial, dial, type Endpoint } from '../../../../src/webhooks/delivery/dialer.ts'
import type { Outcome } from '../../../../src/webhooks/delivery/outcome.ts'
import { isForbidden } from './forbidden.ts'
import { PUSH } from './pem.ts'

/** A public address; in here every one leads to the relay. */
export const PUBLIC = '93.184.215.14'
export const DEAD = '93.184.215.15'

export type Received = {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void
/** What a name server says, one answer after the other; the last one stands. */
export type Answers = readonly (readonly string[] | Error)[]

export type Options = {
  readonly config?: Partial<DeliveryConfig>
  readonly clock?: Clock
  readonly own?: readonly string[]
  readonly pem?: { readonly cert: string; readonly key: string }
  /** Instead of what connects a public address with the relay. */
  readonly dial?: Dial
  readonly answer?: Answer
}

export type Surroundings = {
  readonly delivery: Delivery
  /** Each attempt to connect, in order. */
  readonly dialed: Endpoint[]
  /** Each name that was looked up. */
  readonly resolved: string[]
  /** Connections that reached a port of this machine which nothing may connect to. */
  readonly trapped: string[]
  readonly trapPort: number
  readonly relayPort: number
  readonly received: Received[]
  /** Connections to the relay that stand. */
  readonly connections: () => number
  /** What names lead to, from now on. */
  readonly dns: (answers: Answers) => void
  readonly send: (url: string, signal?: AbortSignal) => Promise<Outcome>
  readonly close: () => Promise<void>
}

export const MESSAGE = {
  headers: { 'content-type': 'application/json', 'x-lsps5-timestamp': '2030-01-01T00:00:00.123Z' },
  body: '{"jsonrpc":"2.0","method":"lsps5.payment_incoming","params":{}}',
}

/** What a delivery is asked for where that does not matter. */
export const ASKED = { occasion: 'wake-up', lastTime: 'unknown' } as const

/**
 * A delivery with a relay for which all public addresses stand, and a trap on all addresses of this machine. An address
 * that must not be dialed is really dialed if the delivery tries: then the trap has it.
 */
export async function surround(options: Options = {}): Promise<Surroundings> {
  const { config = {}, clock = systemClock, own = [], pem = PUSH, answer = (response) => response.end('ok') } = options
  const received: Received[] = []
  const relay = createHttps(pem, (request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part) => {
      body += part
    })
    request.on('end', () => {
      received.push({ method: request.method, path: request.url, headers: request.headers, body })
      answer(response, request)
    })
  })
  const trapped: string[] = []
  const trap = createServer((socket) => {
    trapped.push(`${socket.remoteAddress}`)
    socket.destroy()
  })
  const sockets = new Set<Socket>()
  relay.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const [relayPort, trapPort] = [await listen(relay, '127.0.0.1'), await listen(trap)]
  const dialed: Endpoint[] = []
  const resolved: string[] = []
  let answers: Answers = [[PUBLIC]]
  const toRelay: Dial = (to, signal) =>
    dial(isForbidden(to.host) ? to : { host: '127.0.0.1' as SafeAddress, port: relayPort }, signal)
  const delivery = new Delivery(
    {
      clock,
      addresses: () => own,
      async resolve(name) {
        resolved.push(name)
        const [answer] = answers
        if (answers.length > 1) answers = answers.slice(1)
        if (answer instanceof Error) throw answer
        return answer ?? []
      },
      dial(to, signal) {
        dialed.push(to)
        return (options.dial ?? toRelay)(to, signal)
      },
    },
    { loopback: 'refused', trusted: PUSH.cert, ...config },
  )
  return {
    delivery,
    dialed,
    resolved,
    trapped,
    trapPort,
    relayPort,
    received,
    connections: () => sockets.size,
    dns(given) {
      answers = given
    },
    send: (url, signal = new AbortController().signal) =>
      delivery.deliver({ ...ASKED, url, compose: async () => MESSAGE, signal }),
    async close() {
      delivery.close()
      for (const socket of sockets) socket.destroy()
      await Promise.all([relay, trap].map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

/** Without a host: on all addresses of this machine. */
export async function listen(server: Server, host?: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ port: 0, ...(host === undefined ? {} : { host }) }, resolve)
  })
  return (server.address() as AddressInfo).port
}
