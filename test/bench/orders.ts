import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BareAnswer, BareOptions } from './bare-answers.ts'
import { Child } from './child.ts'
import { median, quantile } from './figures.ts'
import type { CommitsAnswer } from './group-commit.ts'
import { connect } from './link.ts'
import type { BenchOptions } from './options.ts'
import { OrderPeers, type Polled } from './order-peers.ts'
import { nodeOptions, product } from './product.ts'
import { bareCommits, crowdingRow } from './purchases.ts'
import { processorMs } from './shipped.ts'
import type { Answer, Command, DaemonOptions } from './simulated-daemon.ts'
import type { Row } from './table.ts'

const PEERS = 10_000
/** How often a wallet asks for its order, as most of them do. */
const EVERY_MS = 5_000
const ORDERS_PER_SECOND = 500
/** The first orders, while the code is cold, are none of the figures. */
const WARM_UP_ORDERS = 1_000
const WARM_UP_MS = 10_000
const ROUND_MS = 15_000
const QUIET_MS = 3_000
/** Orders that wait for the disk together at this rate, nearly always: what the bare commits are grouped by. */
const TOGETHER = 8
/** The config's defaults. */
const LIMITS = { requests_per_second: 5, burst: 20, max_pending_per_peer: 10, max_pending: 1000 }
const ORDERS = { enabled: true }

/** Share of a core that a process took, and what it answered meanwhile. */
type Polling = { readonly cores: number; readonly polled: Polled }

type Round = {
  readonly polling: Polling
  readonly crowding: number
  /** With as many open orders and nobody asking. */
  readonly quiet: number
  readonly bare: Polling
  /** Milliseconds, without and of the calls to the node for the invoice. */
  readonly own: readonly number[]
  readonly node: readonly number[]
  readonly commits: CommitsAnswer
}

/** Open orders that their clients poll, and what it takes to make them. */
export async function orders({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const done: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    const result = await measure(join(folder, `orders-${round}`))
    const { polling, bare, own } = result
    const [cores, least] = [polling, bare].map((one) => one.cores.toFixed(3))
    log(`orders ${round + 1}/${rounds}: ${cores} cores, bare ${least}; made in ${quantile(own, 0.99).toFixed(1)} ms`)
    done.push(result)
  }
  return rows(done)
}

async function measure(folder: string): Promise<Round> {
  mkdirSync(folder, { recursive: true })
  const socket = join(folder, 'peers.sock')
  const options: DaemonOptions = { folder, socket, peers: PEERS, limits: LIMITS, orders: ORDERS }
  const child = new Child<Command, Answer>('simulated-daemon.ts', options, nodeOptions())
  try {
    await child.hear('ready')
    const { peers, close } = await connectPeers(socket)
    await peers.order({ perSecond: ORDERS_PER_SECOND })
    const made = await madeBy(child, peers)
    const quiet = await coresOf(child.pid, () => sleep(QUIET_MS))
    await peers.poll({ everyMs: EVERY_MS, ms: WARM_UP_MS })
    const waitedBefore = await coreWait(child)
    const polling = await poll(child.pid, peers)
    const crowding = ((await coreWait(child)) - waitedBefore) / ROUND_MS
    await child.kill()
    close()
    await findOnDisk(folder, peers)
    const commits = await bareCommits(folder, TOGETHER)
    return { ...made, polling, crowding, quiet: quiet.cores, bare: await bareAnswers(folder, peers), commits }
  } finally {
    await child.kill()
  }
}

async function connectPeers(socket: string): Promise<{ readonly peers: OrderPeers; readonly close: () => void }> {
  const link = await connect(socket, (_peer, payload) => peers.onMessage(payload))
  const peers = new OrderPeers(PEERS, (peer, payload) => link.send(peer, payload))
  return { peers, close: () => link.close() }
}

/** Of each order after the first ones: its time apart from what the node took for its invoice. */
async function madeBy(child: Child<Command, Answer>, peers: OrderPeers): Promise<Pick<Round, 'own' | 'node'>> {
  const answer = child.hear('invoices')
  child.tell({ type: 'invoices' })
  const { ms: invoices } = await answer
  const made = peers.created.slice(WARM_UP_ORDERS)
  const node = made.map(({ invoice }) => invoices.get(invoice) ?? Number.NaN)
  return { own: made.map(({ ms }, at) => ms - (node[at] ?? Number.NaN)), node }
}

async function poll(pid: number, peers: OrderPeers): Promise<Polling> {
  const { cores, result: polled } = await coresOf(pid, () => peers.poll({ everyMs: EVERY_MS, ms: ROUND_MS }))
  return { cores, polled }
}

async function coresOf<T>(pid: number, run: () => Promise<T>): Promise<{ readonly cores: number; readonly result: T }> {
  const before = processorMs(pid)
  const start = performance.now()
  const result = await run()
  return { cores: (processorMs(pid) - before) / (performance.now() - start), result }
}

async function coreWait(child: Child<Command, Answer>): Promise<number> {
  const answer = child.hear('core-wait')
  child.tell({ type: 'core-wait' })
  return (await answer).ms
}

/** The same questions to a process that does nothing but read them and answer. */
async function bareAnswers(folder: string, { created }: OrderPeers): Promise<Polling> {
  const [first] = created
  if (first === undefined) throw new Error('there is no order')
  const socket = join(folder, 'bare.sock')
  const options: BareOptions = { socket, result: first.text }
  const child = new Child<never, BareAnswer>('bare-answers.ts', options, nodeOptions())
  try {
    await child.hear('ready')
    const { peers, close } = await connectPeers(socket)
    peers.created.push(...created.map(() => first)) // it has one answer for everybody
    await peers.poll({ everyMs: EVERY_MS, ms: EVERY_MS })
    const polling = await poll(child.pid, peers)
    close()
    return polling
  } finally {
    await child.kill()
  }
}

/** @throws Error when an order that was answered is not in the database */
async function findOnDisk(folder: string, { created }: OrderPeers): Promise<void> {
  const { openLevelStore } = await product<typeof import('../../src/store/level.ts')>('src/store/level')
  const store = await openLevelStore(join(folder, 'db'))
  const stored = new Set(await store.keys('orders-live'))
  await store.close()
  const lost = created.filter(({ id }) => !stored.has(id))
  if (lost.length > 0) throw new Error(`${lost.length} of ${created.length} answered orders are not on disk`)
}

function rows(rounds: readonly Round[]): Row[] {
  const of = (read: (round: Round) => number) => rounds.map(read)
  const row = (figure: string, unit: string, values: readonly number[]) => ({
    figure,
    value: median(values),
    unit,
    rounds: values,
  })
  const cores = of(({ polling }) => polling.cores)
  const own = of((round) => quantile(round.own, 0.99))
  return [
    {
      ...row(`${PEERS} open orders, each asked for every ${EVERY_MS / 1000} s: processor time`, 'cores', cores),
      bar: { rule: 'below', value: 0.2 },
      beside: { what: 'bare answers', value: median(of(({ bare }) => bare.cores)), unit: 'cores' },
      ratio: median(of(({ polling, bare }) => polling.cores / bare.cores)),
    },
    row(
      'with as many open orders and nobody asking',
      'cores',
      of(({ quiet }) => quiet),
    ),
    row(
      'answers a second',
      'answers/s',
      of(({ polling }) => polling.polled.perSecond),
    ),
    {
      ...row(
        'their time from due to answered, p99',
        'ms',
        of(({ polling }) => quantile(polling.polled.latencies, 0.99)),
      ),
      beside: {
        what: 'bare answers, p99',
        value: median(of(({ bare }) => quantile(bare.polled.latencies, 0.99))),
        unit: 'ms',
      },
    },
    crowdingRow(of(({ crowding }) => crowding)),
    {
      ...row(`create_order, ${ORDERS_PER_SECOND}/s due, without the node's call, p99`, 'ms', own),
      bar: { rule: 'below', value: 100 },
      beside: { what: 'bare group commit, p99', value: median(of(({ commits }) => commits.p99)), unit: 'ms' },
    },
    row(
      'the same, p50',
      'ms',
      of((round) => quantile(round.own, 0.5)),
    ),
    row(
      "the node's call for its invoice, p99",
      'ms',
      of(({ node }) => quantile(node, 0.99)),
    ),
  ]
}
