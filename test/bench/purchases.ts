import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Buyers, type Purchases } from './buyers.ts'
import { Child } from './child.ts'
import { median, quantile } from './figures.ts'
import type { CommitsAnswer, CommitsOptions } from './group-commit.ts'
import { connect, type Link } from './link.ts'
import type { BenchOptions } from './options.ts'
import { nodeOptions, product } from './product.ts'
import type { Answer, Command, DaemonOptions } from './simulated-daemon.ts'
import type { Row } from './table.ts'

export const PEERS = 1_000
/** Pairs per second that are due, somewhat above the bar so that the end of a round does not count against it. */
const DUE_PER_SECOND = 6_200
const ROUND_MS = 4_000
const WARM_UP = { perSecond: 2_000, ms: 3_000 }
/** For what can be had at most. */
const IN_FLIGHT = 64
const SATURATING_PAIRS = 15_000
/** The daemon is killed in the middle of this much more load. */
const KILLED_AFTER_MS = 1_000

type Round = {
  readonly due: Purchases
  readonly crowding: number
  readonly most: Purchases
  readonly bare: CommitsAnswer
  /** Sales that were answered, all found on disk after the kill. */
  readonly durable: number
}

type Population = {
  readonly buyers: number
  /** Peers that do something else; they come after the buyers. */
  readonly others?: number
  /** Other limits than those of the benchmarks, which no honest load reaches. */
  readonly limits?: object
}

/** The sidecar on the simulated node in its own process, and wallets that reach it over a link. */
export class SimulatedDaemon {
  readonly child: Child<Command, Answer>
  readonly buyers: Buyers
  /** Answers to peers that are no buyers. */
  othersAnswered = 0
  readonly #link: Promise<Link>

  private constructor(child: Child<Command, Answer>, socket: string, buyers: number) {
    this.child = child
    let link: Link | undefined
    this.buyers = new Buyers(buyers, (peer, payload) => link?.send(peer, payload))
    const onMessage = (peer: number, payload: Buffer) => {
      if (peer < buyers) this.buyers.onMessage(peer, payload)
      else this.othersAnswered += 1
    }
    this.#link = connect(socket, onMessage).then((made) => {
      link = made
      return made
    })
  }

  static async start(
    folder: string,
    { buyers, others = 0, limits }: Population = { buyers: PEERS },
  ): Promise<SimulatedDaemon> {
    mkdirSync(folder, { recursive: true })
    const socket = join(folder, 'peers.sock')
    const options: DaemonOptions = {
      folder,
      socket,
      peers: buyers + others,
      ...(limits === undefined ? {} : { limits }),
    }
    const child = new Child<Command, Answer>('simulated-daemon.ts', options, nodeOptions())
    await child.hear('ready')
    const daemon = new SimulatedDaemon(child, socket, buyers)
    await daemon.#link
    return daemon
  }

  /** What `run` gives, and the share of its time in which the daemon's main thread wanted a core and got none. */
  async crowded<T>(run: () => Promise<T>): Promise<{ readonly result: T; readonly crowding: number }> {
    const before = await this.#coreWait()
    const start = performance.now()
    const result = await run()
    const waited = (await this.#coreWait()) - before
    return { result, crowding: waited / (performance.now() - start) }
  }

  /** A message of any peer. */
  async send(peer: number, payload: Uint8Array): Promise<void> {
    const link = await this.#link
    link.send(peer, payload)
  }

  async #coreWait(): Promise<number> {
    const answer = this.child.hear('core-wait')
    this.child.tell({ type: 'core-wait' })
    return (await answer).ms
  }

  async kill(): Promise<void> {
    await this.child.kill()
    const link = await this.#link
    link.close()
  }
}

/** `get_info` and `buy` of many peers, each sale on disk before its answer. */
export async function purchases({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const done: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    const result = await measure(join(folder, `purchases-${round}`))
    log(
      `purchases ${round + 1}/${rounds}: ${Math.round(result.due.perSecond)} pairs/s, ${result.durable} sales on disk`,
    )
    done.push(result)
  }
  return rows(done)
}

async function measure(folder: string): Promise<Round> {
  const daemon = await SimulatedDaemon.start(folder)
  const { buyers } = daemon
  try {
    await buyers.scheduled(WARM_UP)
    const { result: due, crowding } = await daemon.crowded(() =>
      buyers.scheduled({ perSecond: DUE_PER_SECOND, ms: ROUND_MS }),
    )
    const most = await buyers.saturating({ inFlight: IN_FLIGHT, count: SATURATING_PAIRS })
    const durable = await killInTheMiddle(daemon, folder)
    return { due, crowding, most, bare: await bareCommits(folder, IN_FLIGHT), durable }
  } finally {
    await daemon.kill()
  }
}

/** The records of a daemon's database, which is closed, written to another one in groups of so many. */
export async function bareCommits(folder: string, inFlight: number): Promise<CommitsAnswer> {
  const options: CommitsOptions = { from: join(folder, 'db'), to: join(folder, 'bare'), inFlight }
  const commits = new Child<never, CommitsAnswer>('group-commit.ts', options)
  try {
    return await commits.hear('committed')
  } finally {
    await commits.kill()
  }
}

/** @throws Error when a sale that was answered is not in the database */
async function killInTheMiddle(daemon: SimulatedDaemon, folder: string): Promise<number> {
  const { buyers } = daemon
  const before = buyers.scids.length
  buyers.keepBuying({ perSecond: DUE_PER_SECOND })
  await sleep(KILLED_AFTER_MS)
  await daemon.kill()
  buyers.stop()
  const answered = buyers.scids
  if (answered.length === before) throw new Error('nothing was answered before the kill')
  const { openLevelStore } = await product<typeof import('../../src/store/level.ts')>('src/store/level')
  const store = await openLevelStore(join(folder, 'db'))
  const stored = new Set(await store.keys('jit-live'))
  await store.close()
  const lost = answered.filter((scid) => !stored.has(scid))
  if (lost.length > 0) throw new Error(`${lost.length} of ${answered.length} answered sales are not on disk`)
  return answered.length
}

/** Says how far the figures above it are those of a busy machine. */
export function crowdingRow(shares: readonly number[]): Row {
  const percent = shares.map((share) => share * 100)
  return {
    figure: 'its main thread wanted a core and got none',
    value: median(percent),
    unit: '% of the time',
    rounds: percent,
  }
}

function rows(rounds: readonly Round[]): Row[] {
  const rates = rounds.map(({ due }) => due.perSecond)
  const late = rounds.map(({ due }) => quantile(due.latencies, 0.99))
  const typical = rounds.map(({ due }) => quantile(due.latencies, 0.5))
  const most = rounds.map((round) => round.most.perSecond)
  const bareRates = rounds.map(({ bare }) => bare.perSecond)
  const bare = { what: 'bare group commit of the same bytes', value: median(bareRates), unit: 'sales/s' }
  const bareLate = { what: 'bare group commit, p99', value: median(rounds.map((round) => round.bare.p99)), unit: 'ms' }
  const ratio = median(rounds.map((round) => round.most.perSecond / round.bare.perSecond))
  return [
    {
      figure: `get_info+buy of ${PEERS} peers, ${DUE_PER_SECOND}/s due`,
      value: median(rates),
      unit: 'pairs/s',
      rounds: rates,
      bar: { rule: 'at least', value: 6_000 },
    },
    {
      figure: 'its time from due to bought, p99',
      value: median(late),
      unit: 'ms',
      rounds: late,
      bar: { rule: 'below', value: 25 },
      beside: bareLate,
    },
    { figure: 'its time from due to bought, p50', value: median(typical), unit: 'ms', rounds: typical },
    crowdingRow(rounds.map(({ crowding }) => crowding)),
    {
      figure: `get_info+buy, ${IN_FLIGHT} always under way`,
      value: median(most),
      unit: 'pairs/s',
      rounds: most,
      beside: bare,
      ratio,
    },
    {
      figure: 'answered sales found on disk after kill -9',
      value: 1,
      unit: 'of all',
      rounds: rounds.map(({ durable }) => durable),
      bar: { rule: 'at least', value: 1 },
    },
  ]
}
