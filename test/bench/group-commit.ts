import { Level } from 'level'
import { median, quantile } from './figures.ts'

/**
 * The lower bound of a durable purchase: the records of one database written to another, synced, in groups of as many
 * as are under way. No messages, no checks, no state: only the disk.
 */

export type CommitsOptions = { readonly from: string; readonly to: string; readonly inFlight: number }
export type CommitsAnswer = {
  readonly type: 'committed'
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

const MAX_RECORDS = 50_000

async function main({ from, to, inFlight }: CommitsOptions): Promise<CommitsAnswer> {
  const source = new Level(from)
  const records = await source.iterator({ limit: MAX_RECORDS }).all()
  await source.close()
  const target = new Level(to)
  await target.open()
  const latencies: number[] = []
  const begin = performance.now()
  for (let at = 0; at < records.length; at += inFlight) {
    const start = performance.now()
    const group = records.slice(at, at + inFlight)
    await target.batch(
      group.map(([key, value]) => ({ type: 'put' as const, key, value })),
      { sync: true },
    )
    latencies.push(performance.now() - start)
  }
  const perSecond = (records.length * 1000) / (performance.now() - begin)
  await target.close()
  return { type: 'committed', perSecond, p50: median(latencies), p99: quantile(latencies, 0.99) }
}

const committed = await main(JSON.parse(process.argv[2] ?? '') as CommitsOptions)
process.once('disconnect', () => process.exit())
process.send?.(committed)
