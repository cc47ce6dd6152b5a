import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../stack/wait.ts'
import { PUSH } from '../unit/webhooks/delivery/pem.ts'
import type { ArrivalsAnswer, ArrivalsCommand, ArrivalsOptions } from './arrivals.ts'
import { Child } from './child.ts'
import { median, quantile } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { nodeOptions } from './product.ts'
import type { Row } from './table.ts'
import type { OfferCommand, WakeAnswer, WakeDaemonOptions } from './wake-daemon.ts'

/** Of wallets; each serves as many customers as any other. */
const SERVERS = 50
const PER_SECOND = 50
const WARM_UP = 100
const OFFERS = 600
const ARRIVE_MS = 30_000

/** Connections to the servers of wallets, and for whom payments come. */
const KINDS = [
  { connections: 'kept', customers: ['buyers', 'channels'] },
  { connections: 'new', customers: ['buyers'] },
] as const
const WORDS = {
  kept: 'connections kept open',
  new: 'a new connection for each',
  buyers: 'buyers',
  channels: 'customers with a channel',
} as const

type Kind = (typeof KINDS)[number]
type Run = { readonly latencies: readonly number[]; readonly crowding: number }
/** Two runs, one after the other, by what they are of. */
type Pair = { readonly what: string; readonly sluiced: Run; readonly bare: Run }
type Arrivals = Child<ArrivalsCommand, ArrivalsAnswer>

/** From the offer of a payment for a customer who is away to its webhook at the wallet's server. */
export async function wake({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const done = new Map<string, Pair[]>()
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of KINDS) {
      for (const pair of await measure(join(folder, `wake-${round}-${kind.connections}`), kind)) {
        done.set(pair.what, [...(done.get(pair.what) ?? []), pair])
        const [sluiced, bare] = [figure(pair.sluiced, 0.99), figure(pair.bare, 0.99)]
        log(`wake ${round + 1}/${rounds}: ${pair.what}, p99 ${sluiced} ms, bare ${bare} ms`)
      }
    }
  }
  return [...done.values()].flatMap(rows)
}

function figure({ latencies }: Run, share: number): string {
  return quantile(latencies, share).toFixed(1)
}

async function measure(folder: string, { connections, customers }: Kind): Promise<Pair[]> {
  const options: ArrivalsOptions = { servers: SERVERS, connections }
  const arrivals: Arrivals = new Child<ArrivalsCommand, ArrivalsAnswer>('arrivals.ts', options)
  try {
    const { ports } = await arrivals.hear('listening')
    const urls = Array.from({ length: WARM_UP + OFFERS }, (_, number) => {
      return `https://127.0.0.1:${ports[number % SERVERS]}/wake?wallet=${number}`
    })
    const ofWhom = (who: Kind['customers'][number]): WakeDaemonOptions => {
      const own = join(folder, who)
      mkdirSync(own, { recursive: true })
      return { folder: own, customers: who, urls }
    }
    const bare = await run('wake-bare.ts', ofWhom('buyers'), arrivals)
    const pairs: Pair[] = []
    for (const who of customers) {
      const sluiced = await run('wake-daemon.ts', ofWhom(who), arrivals)
      pairs.push({ what: `${WORDS[who]}, ${WORDS[connections]}`, sluiced, bare })
    }
    return pairs
  } finally {
    await arrivals.kill()
  }
}

async function run(script: string, options: WakeDaemonOptions, arrivals: Arrivals): Promise<Run> {
  const certificate = join(options.folder, 'authority.pem')
  writeFileSync(certificate, PUSH.cert)
  const env = { NODE_EXTRA_CA_CERTS: certificate }
  const child = new Child<OfferCommand, WakeAnswer>(script, options, nodeOptions(), env)
  try {
    await child.hear('ready')
    if (script === 'wake-daemon.ts') await arrived(arrivals, options.urls.length) // each was told that it is registered
    await offer(child, arrivals, { from: 0, count: WARM_UP })
    return await offer(child, arrivals, { from: WARM_UP, count: OFFERS })
  } finally {
    await child.kill()
  }
}

async function offer(
  child: Child<OfferCommand, WakeAnswer>,
  arrivals: Arrivals,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<Run> {
  child.tell({ type: 'offer', perSecond: PER_SECOND, from, count })
  const { at, waitedMs } = await child.hear('offered')
  const there = await arrived(arrivals, count)
  const latencies = [...at].map(([customer, offered]) => (there.get(customer) ?? Number.NaN) - offered)
  if (latencies.length < count || latencies.some(Number.isNaN)) throw new Error('a customer was not called')
  return { latencies, crowding: (waitedMs * PER_SECOND) / (count * 1000) }
}

/** Waits for so many calls, and forgets them. */
async function arrived(arrivals: Arrivals, count: number): Promise<ReadonlyMap<number, number>> {
  const all = new Map<number, number>()
  const options = { deadline: ARRIVE_MS, pollMs: 50, what: `${count} calls of webhooks` }
  await waitFor(async () => {
    const taken = arrivals.hear('taken')
    arrivals.tell({ type: 'take' })
    for (const [customer, at] of (await taken).arrived) all.set(customer, at)
    return all.size >= count
  }, options)
  return all
}

function rows(done: readonly Pair[]): Row[] {
  const row = (share: number): Row => {
    const of = (who: 'sluiced' | 'bare') => done.map((pair) => quantile(pair[who].latencies, share))
    return {
      figure: `offer to webhook, ${PER_SECOND} a second, ${done[0]?.what ?? ''}, p${share * 100}`,
      value: median(of('sluiced')),
      unit: 'ms',
      rounds: of('sluiced'),
      beside: { what: 'bare: sign and post', value: median(of('bare')), unit: 'ms' },
      ratio: median(of('sluiced')) / median(of('bare')),
    }
  }
  const crowding = done.map(({ sluiced }) => sluiced.crowding * 100)
  return [
    row(0.5),
    { ...row(0.99), bar: { rule: 'below', value: 50 } },
    { figure: 'its main thread wanted a core and got none', value: median(crowding), unit: '%', rounds: crowding },
  ]
}
