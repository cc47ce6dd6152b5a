import { parseArgs } from 'node:util'
import { type Played, Schedule } from './schedule.ts'

const USAGE = `Usage: npm run chaos -- [--schedules N] [--seed N] [--log]

Plays random schedules of faults on the simulated node and checks the books at the end of each.

  --schedules N  how many; their seeds count upwards (default: 1000)
  --seed N       the first seed (default: 1)
  --log          print all that was done in a schedule that failed

The exit code is 1 when anything was wrong; a failed schedule is played again with --schedules 1 --seed ITS-SEED --log.
`
const DEFAULT_SCHEDULES = 1000
const PROGRESS_EVERY = 500
const USAGE_ERROR = 2

type Totals = { schedules: number; failed: number; forgotten: number; guessed: number } & Record<
  'sales' | 'payments' | 'settled' | 'starts' | 'nodeStarts',
  number
>

const say = (text: string) => process.stdout.write(`${text}\n`)

function add(totals: Totals, played: Played): void {
  totals.schedules += 1
  if (played.wrong.length > 0) totals.failed += 1
  for (const key of ['forgotten', 'guessed', 'sales', 'payments', 'settled', 'starts', 'nodeStarts'] as const)
    totals[key] += played[key]
}

function report(totals: Totals): string {
  const { schedules, failed, sales, payments, settled, starts, nodeStarts, forgotten, guessed } = totals
  return (
    `${schedules} schedules, ${failed} wrong: ${sales} sales, ${payments} payments of which ${settled} settled, ` +
    `${starts} starts of the sidecar, ${nodeStarts} restarts of the node; ` +
    `${forgotten} fees are in no record of the node that was killed, and so not in ours; ` +
    `${guessed} were taken for paid by the sum of what it sent, of which it lost other rows`
  )
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: `${DEFAULT_SCHEDULES}` },
      seed: { type: 'string', default: '1' },
      log: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const first = Number(values.seed)
  const count = Number(values.schedules)
  if (values.help || !Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
    process.stderr.write(USAGE)
    process.exitCode = values.help ? 0 : USAGE_ERROR
    return
  }
  const totals: Totals = {
    schedules: 0,
    failed: 0,
    forgotten: 0,
    guessed: 0,
    sales: 0,
    payments: 0,
    settled: 0,
    starts: 0,
    nodeStarts: 0,
  }
  for (let seed = first; seed < first + count; seed += 1) {
    const played = await new Schedule(seed).play()
    add(totals, played)
    if (played.wrong.length > 0) {
      say(`seed ${seed}: ${played.wrong.join('; ')}`)
      if (values.log) say(played.log.map((line) => `  ${line}`).join('\n'))
    }
    if (totals.schedules % PROGRESS_EVERY === 0 && totals.schedules < count) say(`... ${report(totals)}`)
  }
  say(report(totals))
  process.exitCode = totals.failed === 0 ? 0 : 1
}

await main()
