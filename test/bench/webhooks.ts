import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import { PUSH } from '../unit/webhooks/delivery/pem.ts'
import { Child } from './child.ts'
import { median, quantile } from './figures.ts'
import { coreWaitMs } from './machine.ts'
import type { BenchOptions } from './options.ts'
import type { Row } from './table.ts'
import { LOOPBACK, WakingClients } from './waking-clients.ts'
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
const CONNECTIONS_PER_HOST = 16
const COUNT = ((WARM_MS + MEASURED_MS) * PER_SECOND) / 1000

const MESSAGE = {
  headers: { 'content-type': 'application/json', 'x-lsps5-signature': 'd'.repeat(104) },
  body: '{"jsonrpc":"2.0","method":"lsps5.payment_incoming","params":{}}',
}

/** Sends a notification by its number; true when it was answered. */
type Send = (number: number) => Promise<boolean>
type Run = {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Share of the time in which this process wanted a core and got none. */
  readonly crowding: number
}
type Round = { readonly hanging: Run; readonly none: Run; readonly bare: Run }

/** Notifications to many hosts: how many are answered, and whether those that hang delay the others. */
export async function webhooks({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const relay = new Child<never, RelayListening>('webhook-relay.ts', { answerMs: ANSWER_MS })
  try {
    const { port } = await relay.hear('listening')
    const done: Round[] = []
    for (let round = 0; round < rounds; round += 1) {
      const own = join(folder, `webhooks-${round}`)
      const hanging = await byService(join(own, 'hanging'), port, HANGING)
      const none = await byService(join(own, 'none'), port, 0)
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

function urlOf(number: number, port: number, hanging: number): string {
  const host = number % HOSTS
  return `https://${host < hanging ? 'hang' : 'host'}-${host}.example.com:${port}/lsps5`
}

async function byService(folder: string, port: number, hanging: number): Promise<Run> {
  mkdirSync(folder, { recursive: true })
  const urls = Array.from({ length: COUNT }, (_, number) => urlOf(number, port, hanging))
  const clients = await WakingClients.start(folder, urls)
  try {
    return await run(hanging, (number) => clients.wake(number))
  } finally {
    await clients.stop()
  }
}

/** The library alone: no checks, no turns, no database, no signature, and to hosts that all answer. */
async function byLibrary(port: number): Promise<Run> {
  const agent = new Agent({
    connections: CONNECTIONS_PER_HOST,
    connect: {
      ca: PUSH.cert,
      lookup: (_name, _options, callback) => callback(null, [{ address: LOOPBACK, family: 4 }]),
    },
  })
  try {
    return await run(0, async (number) => {
      const { origin, pathname } = new URL(urlOf(number, port, 0))
      const { statusCode, body } = await agent.request({ origin, path: pathname, method: 'POST', ...MESSAGE })
      await body.dump()
      return statusCode === 200
    })
  } finally {
    await agent.destroy()
  }
}

/** An open schedule: each is due at its time, however long others take. Only hosts that do not hang are counted. */
async function run(hanging: number, send: Send): Promise<Run> {
  const waited = coreWaitMs()
  const begin = performance.now()
  const latencies: number[] = []
  const counted: Promise<void>[] = []
  const fire = async (number: number, due: number) => {
    const isAnswered = await send(number)
    if (isAnswered && due >= WARM_MS) latencies.push(performance.now() - begin - due)
  }
  for (let number = 0; number < COUNT; ) {
    const now = performance.now() - begin
    for (; number < COUNT && (number * 1000) / PER_SECOND <= now; number += 1) {
      if (number % HOSTS < hanging) send(number).catch(() => undefined)
      else counted.push(fire(number, (number * 1000) / PER_SECOND))
    }
    await sleep(TICK_MS)
  }
  await Promise.all(counted)
  return {
    perSecond: (latencies.length * 1000) / MEASURED_MS,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    crowding: ((coreWaitMs() - waited) * 100) / (performance.now() - begin),
  }
}

function rows(done: readonly Round[]): Row[] {
  const of = (part: keyof Round, figure: keyof Run) => done.map((round) => round[part][figure])
  const beside = (what: string, part: 'none' | 'bare', figure: keyof Run) => ({
    beside: { what, value: median(of(part, figure)), unit: 'ms' },
    ratio: median(of('hanging', figure)) / median(of(part, figure)),
  })
  const answering = (PER_SECOND * (HOSTS - HANGING)) / HOSTS
  const rounds = of('hanging', 'perSecond')
  const crowding = of('hanging', 'crowding')
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
    { figure: 'its process wanted a core and got none', value: median(crowding), unit: '%', rounds: crowding },
  ]
}
