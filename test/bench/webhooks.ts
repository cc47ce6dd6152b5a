import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import { composeNotification, notificationHeaders } from '../../lsps/lsps5/signed-text.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { SafeAddress } from '../../src/webhooks/delivery/addresses.ts'
import { Delivery, systemDelivery } from '../../src/webhooks/delivery/delivery.ts'
import { dial } from '../../src/webhooks/delivery/dialer.ts'
import { PUSH } from '../unit/webhooks/delivery/pem.ts'
import { Child } from './child.ts'
import { median, quantile } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { Signer } from './signer.ts'
import type { Row } from './table.ts'
import type { RelayListening } from './webhook-relay.ts'

const HOSTS = 200
/** A tenth. */
const HANGING = 20
const PER_SECOND = 1_000
/** Until the first connections stand; not counted. */
const WARM_MS = 3_000
const MEASURED_MS = 10_000
const TICK_MS = 2
/** What the servers take to answer. */
const ANSWER_MS = 50
/** What any name leads to; the connection is to the relay. */
const ADDRESS = '93.184.215.14'
const LOOPBACK = '127.0.0.1' as SafeAddress
const CONNECTIONS_PER_HOST = 16

const NOTIFICATION = { method: 'lsps5.payment_incoming', params: {} } as const
/** Of the bare library, which signs nothing. */
const MESSAGE = {
  headers: { 'content-type': 'application/json', 'x-lsps5-signature': 'd'.repeat(104) },
  body: '{"jsonrpc":"2.0","method":"lsps5.payment_incoming","params":{}}',
}

/** Sends to a URL; true when it was answered. */
type Send = (url: string) => Promise<boolean>
type Run = { readonly perSecond: number; readonly p50: number; readonly p99: number }

/** Notifications to many hosts: how many are answered, and whether those that hang delay the others. */
export async function webhooks({ rounds, log }: BenchOptions): Promise<Row[]> {
  const relay = new Child<never, RelayListening>('webhook-relay.ts', { answerMs: ANSWER_MS })
  try {
    const { port } = await relay.hear('listening')
    const done: { readonly hanging: Run; readonly none: Run; readonly bare: Run }[] = []
    for (let round = 0; round < rounds; round += 1) {
      const hanging = await byDelivery(port, HANGING)
      const none = await byDelivery(port, 0)
      const bare = await byLibrary(port)
      done.push({ hanging, none, bare })
      log(
        `webhooks ${round + 1}/${rounds}: ${hanging.perSecond.toFixed(0)} answered a second, p99 ${hanging.p99.toFixed(1)} ms; ` +
          `none hangs ${none.p99.toFixed(1)} ms; bare library ${bare.p99.toFixed(1)} ms`,
      )
    }
    return rows(done)
  } finally {
    await relay.kill()
  }
}

async function byDelivery(port: number, hanging: number): Promise<Run> {
  const delivery = new Delivery(
    {
      ...systemDelivery(systemClock),
      addresses: () => [],
      resolve: async () => [ADDRESS],
      dial: (to, signal) => dial({ ...to, host: LOOPBACK }, signal),
    },
    { loopback: 'refused', trusted: PUSH.cert },
  )
  const signer = new Signer()
  const compose = async () => {
    const { timestamp, body, text } = composeNotification({ notification: NOTIFICATION, at: systemClock.now() })
    const signature = await signer.sign(text)
    return { headers: notificationHeaders({ timestamp, signature }), body }
  }
  try {
    return await run(port, hanging, async (url) => {
      const outcome = await delivery.deliver({ url, compose, signal: new AbortController().signal })
      return outcome.kind === 'answered'
    })
  } finally {
    delivery.close()
    await signer.close()
  }
}

/** The library alone: no checks, no turns, and to hosts that all answer. */
async function byLibrary(port: number): Promise<Run> {
  const agent = new Agent({
    connections: CONNECTIONS_PER_HOST,
    connect: {
      ca: PUSH.cert,
      lookup: (_name, _options, callback) => callback(null, [{ address: LOOPBACK, family: 4 }]),
    },
  })
  try {
    return await run(port, 0, async (url) => {
      const { origin, pathname } = new URL(url)
      const { statusCode, body } = await agent.request({ origin, path: pathname, method: 'POST', ...MESSAGE })
      await body.dump()
      return statusCode === 200
    })
  } finally {
    await agent.destroy()
  }
}

/** An open schedule: each is due at its time, however long others take. Only hosts that do not hang are counted. */
async function run(port: number, hanging: number, send: Send): Promise<Run> {
  const begin = performance.now()
  const latencies: number[] = []
  const counted: Promise<void>[] = []
  const fire = async (index: number, due: number) => {
    const isAnswered = await send(`https://host-${index}.example.com:${port}/lsps5`)
    if (isAnswered && due >= WARM_MS) latencies.push(performance.now() - begin - due)
  }
  for (let number = 0; number < ((WARM_MS + MEASURED_MS) * PER_SECOND) / 1000; ) {
    const now = performance.now() - begin
    for (; (number * 1000) / PER_SECOND <= now; number += 1) {
      const index = number % HOSTS
      const sent = index < hanging ? send(`https://hang-${index}.example.com:${port}/lsps5`) : undefined
      if (sent === undefined) counted.push(fire(index, (number * 1000) / PER_SECOND))
      else sent.catch(() => undefined)
    }
    await sleep(TICK_MS)
  }
  await Promise.all(counted)
  const perSecond = (latencies.length * 1000) / MEASURED_MS
  return { perSecond, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
}

function rows(done: readonly { readonly hanging: Run; readonly none: Run; readonly bare: Run }[]): Row[] {
  const of = (part: 'hanging' | 'none' | 'bare', figure: keyof Run) => done.map((round) => round[part][figure])
  const beside = (what: string, part: 'none' | 'bare', figure: keyof Run) => ({
    beside: { what, value: median(of(part, figure)), unit: 'ms' },
    ratio: median(of('hanging', figure)) / median(of(part, figure)),
  })
  const answering = (PER_SECOND * (HOSTS - HANGING)) / HOSTS
  const rounds = of('hanging', 'perSecond')
  const offered = `${PER_SECOND} notifications a second to ${HOSTS} hosts of which ${HANGING} hang`
  return [
    {
      figure: `${offered}: answered a second`,
      value: median(rounds),
      unit: '',
      rounds,
      bar: { rule: 'at least', value: answering },
    },
    ...(['p50', 'p99'] as const).flatMap((figure) => {
      const row = { value: median(of('hanging', figure)), unit: 'ms', rounds: of('hanging', figure) }
      return [
        { figure: `the same, from due to answered, ${figure}`, ...row, ...beside('none hangs', 'none', figure) },
        { figure: `the same, ${figure}`, ...row, ...beside('bare undici, none hangs', 'bare', figure) },
      ]
    }),
  ]
}
