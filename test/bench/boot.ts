import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { METHODS } from '../../src/lnd/methods.ts'
import type { Write } from '../../src/store/port.ts'
import { copyDatabase, finishedSales } from '../stack/finished-sales.ts'
import { within } from '../stack/wait.ts'
import type { BootLndAnswer, BootLndOptions } from './boot-lnd.ts'
import { CERTIFICATE } from './certificate.ts'
import { Child } from './child.ts'
import { median } from './figures.ts'
import { underway } from './live-sales.ts'
import { bakeMacaroon } from './macaroon.ts'
import type { BenchOptions } from './options.ts'
import { product } from './product.ts'
import { type LndFiles, Measured, ShippedDaemon } from './shipped.ts'
import type { Row } from './table.ts'

/** Sales under way, in every state, with 100 circuits held: see `live-sales.ts`. */
const LIVE_SALES = 10_000
const FINISHED = [10, 1_000_000] as const
const WRITES_PER_COMMIT = 400
const DEADLINE_MS = 60_000
/** When the memory is looked at: what loading left behind may have been collected, and effects have begun. */
const SETTLED_AFTER_MS = 5_000

/** Milliseconds from exec; what its main thread had of them, and how long it could run and got no core. */
type Boot = {
  readonly resumed: number
  readonly ready: number
  readonly forwarded: number
  readonly untilResumed: Processor
  readonly untilReady: Processor
  readonly memory: { readonly atReady: number; readonly settled: number; readonly most: number }
}
type Processor = { readonly ran: number; readonly waited: number }
type Round = {
  readonly bare: number
  readonly live: Boot
  readonly finished: readonly { readonly count: number; readonly resumed: number }[]
}

/** Starts of the daemon as it is shipped, with much to take up again. */
export async function boot({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const files = credentials(folder)
  const databases: { count: number; database: string }[] = []
  for (const count of FINISHED) databases.push({ count, database: await finishedSales(count, log) })
  const done: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    const own = join(folder, `boot-${round}`)
    const bare = await startBare(files)
    const live = await startLive(join(own, 'live'), files)
    const finished: { count: number; resumed: number }[] = []
    for (const { count, database } of databases) {
      finished.push({ count, resumed: await startFinished(join(own, `finished-${count}`), files, database) })
    }
    done.push({ bare, live, finished })
    const first = Math.round(live.resumed)
    log(`boot ${round + 1}/${rounds}: first forward ${first} ms, ready ${Math.round(live.ready)} ms after exec`)
  }
  return rows(done)
}

type Credentials = Omit<LndFiles, 'socket'>

function credentials(folder: string): Credentials {
  const certPath = join(folder, 'boot-tls.cert')
  const macaroonPath = join(folder, 'boot-lnd.macaroon')
  writeFileSync(certPath, CERTIFICATE)
  writeFileSync(macaroonPath, bakeMacaroon(Object.values(METHODS).map((method) => `/${method}`)))
  return { certPath, macaroonPath }
}

async function withLnd<T>(options: BootLndOptions, use: (lnd: FakeLnd, socket: string) => Promise<T>): Promise<T> {
  const lnd: FakeLnd = new Child<never, BootLndAnswer>('boot-lnd.ts', options)
  try {
    const { port } = await lnd.hear('listening')
    return await use(lnd, `localhost:${port}`)
  } finally {
    await lnd.kill()
  }
}
type FakeLnd = Child<never, BootLndAnswer>

const soon = <T>(promise: Promise<T>, what: string) => within(promise, { deadline: DEADLINE_MS, what })

function startBare({ certPath, macaroonPath }: Credentials): Promise<number> {
  return withLnd({ sales: 0, at: Date.now() }, async (lnd, socket) => {
    const resumed = lnd.hear('resumed')
    const script = resolve(import.meta.dirname, 'bare-interceptor.mjs')
    const bare = new Measured(process.execPath, [script, socket, certPath, macaroonPath])
    try {
      return (await soon(resumed, 'an answer of the bare interceptor')).at - bare.execAt
    } finally {
      await bare.kill()
    }
  })
}

async function startLive(folder: string, files: Credentials): Promise<Boot> {
  const at = Date.now()
  mkdirSync(folder, { recursive: true })
  const { writes } = underway(LIVE_SALES, at)
  await writeDatabase(join(folder, 'db'), writes)
  return withLnd({ sales: LIVE_SALES, at }, async (lnd, socket) => {
    const resumed = lnd.hear('resumed')
    const forwarded = lnd.hear('forwarded')
    const daemon = new ShippedDaemon(folder, { ...files, socket })
    try {
      const [first, ready, held] = await Promise.all([
        soon(resumed, 'the foreign forward to be resumed').then(({ at }) => ({ at, main: daemon.mainThread() })),
        soon(daemon.ready, 'sluiced to be ready').then((at) => ({
          at,
          main: daemon.mainThread(),
          memory: daemon.memory().now,
        })),
        soon(forwarded, 'the held payments to be forwarded'),
      ])
      await sleep(SETTLED_AFTER_MS)
      const { now: settled, most } = daemon.memory()
      return {
        resumed: first.at - daemon.execAt,
        ready: ready.at - daemon.execAt,
        forwarded: held.at - daemon.execAt,
        untilResumed: first.main,
        untilReady: ready.main,
        memory: { atReady: ready.memory, settled, most },
      }
    } finally {
      await daemon.kill()
    }
  })
}

function startFinished(folder: string, files: Credentials, database: string): Promise<number> {
  return withLnd({ sales: 0, at: Date.now() }, async (lnd, socket) => {
    await copyDatabase(database, join(folder, 'db'))
    const resumed = lnd.hear('resumed')
    const daemon = new ShippedDaemon(folder, { ...files, socket })
    try {
      return (await soon(resumed, 'the foreign forward to be resumed')).at - daemon.execAt
    } finally {
      await daemon.kill()
    }
  })
}

async function writeDatabase(path: string, writes: readonly Write[]): Promise<void> {
  const { openLevelStore } = await product<typeof import('../../src/store/level.ts')>('src/store/level')
  const { migrate } = await product<typeof import('../../src/store/migrations.ts')>('src/store/migrations')
  const store = await openLevelStore(path)
  await migrate(store)
  for (let first = 0; first < writes.length; first += WRITES_PER_COMMIT) {
    await store.commit(writes.slice(first, first + WRITES_PER_COMMIT))
  }
  await store.close()
}

function rows(rounds: readonly Round[]): Row[] {
  const of = (read: (round: Round) => number) => {
    const values = rounds.map(read)
    return { value: median(values), rounds: values }
  }
  const bare = { what: 'a bare interceptor', value: median(rounds.map((round) => round.bare)), unit: 'ms' }
  const besideBare = (read: (round: Round) => number) => ({
    ...of(read),
    unit: 'ms',
    beside: bare,
    ratio: median(rounds.map((round) => read(round) / round.bare)),
  })
  const first = { rule: 'below', value: 1_000 } as const
  return [
    {
      figure: `exec to the first foreign forward, ${LIVE_SALES} live sales`,
      ...besideBare(({ live }) => live.resumed),
      bar: first,
    },
    { figure: 'its main thread ran for', ...of(({ live }) => live.untilResumed.ran), unit: 'ms' },
    { figure: 'its main thread wanted a core and got none', ...of(({ live }) => live.untilResumed.waited), unit: 'ms' },
    { figure: 'exec to ready', ...of(({ live }) => live.ready), unit: 'ms', bar: { rule: 'below', value: 3_000 } },
    { figure: 'its main thread ran for', ...of(({ live }) => live.untilReady.ran), unit: 'ms' },
    { figure: 'its main thread wanted a core and got none', ...of(({ live }) => live.untilReady.waited), unit: 'ms' },
    { figure: 'exec to all held payments forwarded that are due', ...of(({ live }) => live.forwarded), unit: 'ms' },
    {
      figure: 'resident memory, the most',
      ...of(({ live }) => live.memory.most),
      unit: 'MB',
      bar: { rule: 'below', value: 250 },
    },
    { figure: 'resident memory when ready', ...of(({ live }) => live.memory.atReady), unit: 'MB' },
    { figure: 'resident memory 5 s later', ...of(({ live }) => live.memory.settled), unit: 'MB' },
    ...FINISHED.map((count, index) => ({
      figure: `exec to the first foreign forward, ${count} finished sales`,
      ...besideBare(({ finished }) => finished[index]?.resumed ?? Number.NaN),
      bar: first,
    })),
  ]
}
