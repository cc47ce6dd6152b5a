import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from './child.ts'
import { median, quantile } from './figures.ts'
import type { FeedAnswer } from './offers-alone.ts'
import type { BenchOptions } from './options.ts'
import { crowdingRow, PEERS, SimulatedDaemon } from './purchases.ts'
import type { Row } from './table.ts'

const OFFERS_PER_SECOND = 20_000
const ROUND_MS = 5_000
/** The load begins before the offers and ends after them. */
const MARGIN_MS = 500
/** Two requests a pair: each peer asks as often as the default of `peer.requests_per_second` lets it. */
const REQUESTS_PER_PEER = 5
const PAIRS_PER_SECOND = (PEERS * REQUESTS_PER_PEER) / 2
const WARM_UP = { perSecond: 2_000, ms: 3_000 }
const SCHEDULE = { type: 'offers', perSecond: OFFERS_PER_SECOND, ms: ROUND_MS } as const

type Round = {
  readonly alone: Float64Array
  readonly quiet: Float64Array
  readonly busy: Float64Array
  readonly crowding: number
  /** Of the purchases beside the offers. */
  readonly pairs: number
}

/** Foreign forwards pass the interceptor while peers buy: none may wait for another's purchase. */
export async function offers({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const done: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    const result = await measure(join(folder, `offers-${round}`))
    log(`offers ${round + 1}/${rounds}: p99 ${quantile(result.busy, 0.99).toFixed(3)} ms while peers buy`)
    done.push(result)
  }
  return rows(done)
}

async function measure(folder: string): Promise<Round> {
  const alone = await feedAlone()
  mkdirSync(folder, { recursive: true })
  const daemon = await SimulatedDaemon.start(folder)
  try {
    await daemon.buyers.scheduled(WARM_UP)
    const feed = async () => {
      daemon.child.tell(SCHEDULE)
      return (await daemon.child.hear('offers')).latencies
    }
    const quiet = await feed()
    const buying = daemon.buyers.scheduled({ perSecond: PAIRS_PER_SECOND, ms: ROUND_MS + 2 * MARGIN_MS })
    await sleep(MARGIN_MS)
    const { result: busy, crowding } = await daemon.crowded(feed)
    return { alone, quiet, busy, crowding, pairs: (await buying).perSecond }
  } finally {
    await daemon.kill()
  }
}

async function feedAlone(): Promise<Float64Array> {
  const bare = new Child<typeof SCHEDULE, FeedAnswer>('offers-alone.ts', {})
  try {
    await bare.hear('ready')
    bare.tell(SCHEDULE)
    return (await bare.hear('offers')).latencies
  } finally {
    await bare.kill()
  }
}

function rows(rounds: readonly Round[]): Row[] {
  const p99 = (which: 'alone' | 'quiet' | 'busy') => rounds.map((round) => quantile(round[which], 0.99))
  const p999 = rounds.map(({ busy }) => quantile(busy, 0.999))
  const requests = rounds.map(({ pairs }) => pairs * 2)
  const alone = { what: 'the feed alone, p99', value: median(p99('alone')), unit: 'ms' }
  return [
    {
      figure: `${OFFERS_PER_SECOND} offers/s while ${PEERS} peers buy, p99`,
      value: median(p99('busy')),
      unit: 'ms',
      rounds: p99('busy'),
      bar: { rule: 'below', value: 1 },
      beside: alone,
    },
    { figure: 'the same, p99.9', value: median(p999), unit: 'ms', rounds: p999 },
    crowdingRow(rounds.map(({ crowding }) => crowding)),
    { figure: 'the same without requests, p99', value: median(p99('quiet')), unit: 'ms', rounds: p99('quiet') },
    {
      figure: 'requests served beside the offers',
      value: median(requests),
      unit: '/s',
      rounds: requests,
    },
  ]
}
