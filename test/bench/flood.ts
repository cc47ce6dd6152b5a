import { join } from 'node:path'
import type { Purchases } from './buyers.ts'
import { median, quantile } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { crowdingRow, SimulatedDaemon } from './purchases.ts'
import type { Row } from './table.ts'

const BUYERS = 200
/** One purchase a second of each: what the config's defaults let an honest wallet do without a thought. */
const PAIRS_PER_SECOND = 200
const ROUND_MS = 8_000
const WARM_UP = { perSecond: PAIRS_PER_SECOND, ms: 3_000 }
const SCHEDULE = { perSecond: PAIRS_PER_SECOND, ms: ROUND_MS }
/** The config's defaults. */
const LIMITS = { requests_per_second: 5, burst: 20, max_pending_per_peer: 10, max_pending: 1000 }
const FLOOD_PER_SECOND = 5_000
/** One message of so many is as large as a message may be. */
const LARGE_SHARE = 100
const LARGE_CHARACTERS = 60_000
const TICK_MS = 1

const text = (id: number, method: string, params: string) =>
  Buffer.from(`{"jsonrpc":"2.0","id":"flood ${id}","method":"${method}","params":${params}}`)

/** Valid, refused and undecodable messages in turn; made before, so that the load does not wait for them. */
const MESSAGES: readonly Buffer[] = Array.from({ length: LARGE_SHARE }, (_, n) => {
  if (n === 0) return text(n, 'lsps2.get_info', `{"token":"${'x'.repeat(LARGE_CHARACTERS)}"}`)
  if (n % 4 === 1) return Buffer.from(`{"jsonrpc":"2.0","id":"flood ${n}"`)
  if (n % 4 === 2) return text(n, 'lsps2.buy', '{"opening_fee_params":{},"payment_size_msat":"100000000"}')
  return text(n, 'lsps2.get_info', '{}')
})

type Round = {
  readonly quiet: Purchases
  readonly flooded: Purchases
  readonly crowding: number
  readonly sent: number
  readonly answered: number
}

/** One peer sends all it can while others buy as usual: they must not feel it. */
export async function flood({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const done: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    const result = await measure(join(folder, `flood-${round}`))
    const [quiet, flooded] = [result.quiet, result.flooded].map(({ latencies }) => quantile(latencies, 0.99))
    log(`flood ${round + 1}/${rounds}: p99 ${flooded?.toFixed(2)} ms, quiet ${quiet?.toFixed(2)} ms`)
    done.push(result)
  }
  return rows(done)
}

async function measure(folder: string): Promise<Round> {
  const daemon = await SimulatedDaemon.start(folder, { buyers: BUYERS, others: 1, limits: LIMITS })
  try {
    await daemon.buyers.scheduled(WARM_UP)
    const quiet = await daemon.buyers.scheduled(SCHEDULE)
    const flooding = startFlood(daemon)
    const { result: flooded, crowding } = await daemon.crowded(() => daemon.buyers.scheduled(SCHEDULE))
    return { quiet, flooded, crowding, sent: flooding.stop(), answered: daemon.othersAnswered }
  } finally {
    await daemon.kill()
  }
}

function startFlood(daemon: SimulatedDaemon): { readonly stop: () => number } {
  const begin = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begin) * FLOOD_PER_SECOND) / 1000)
    for (; sent < due; sent += 1) void daemon.send(BUYERS, MESSAGES[sent % MESSAGES.length] as Buffer)
  }, TICK_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return sent
    },
  }
}

function rows(rounds: readonly Round[]): Row[] {
  const p99 = (which: 'quiet' | 'flooded') => rounds.map((round) => quantile(round[which].latencies, 0.99))
  const [quiet, flooded] = [p99('quiet'), p99('flooded')]
  const ratios = flooded.map((value, round) => value / (quiet[round] ?? Number.NaN))
  const answered = rounds.map((round) => round.answered)
  return [
    {
      figure: `get_info+buy of ${BUYERS} peers while one more floods, p99`,
      value: median(flooded),
      unit: 'ms',
      rounds: flooded,
      beside: { what: 'without the flood, p99', value: median(quiet), unit: 'ms' },
    },
    {
      figure: 'in terms of its quiet value',
      value: median(ratios),
      unit: 'times',
      rounds: ratios,
      bar: { rule: 'below', value: 2 },
    },
    crowdingRow(rounds.map(({ crowding }) => crowding)),
    {
      figure: 'answers to the flooding peer',
      value: median(answered),
      unit: '',
      rounds: answered,
      beside: { what: 'messages it sent', value: median(rounds.map(({ sent }) => sent)), unit: '' },
    },
  ]
}
