import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { campaign, type Failure, type Totals } from './campaign.ts'

const USAGE = `Usage: npm run fuzz -- [--sequences N] [--seed N]

Plays random sequences of messages of hostile peers, and of payments to what they bought, against one sidecar on a node
that only carries messages. Every answer is judged by a second reading of the specs that shares nothing with the first.

  --sequences N  how many; their seeds count upwards (default: 20000)
  --seed N       the first seed (default: 1)

The exit code is 1 when an answer was wrong or missing, when less than half of the messages reached a handler, or when
the heap grew between a tenth of the way and its end. A sequence that failed is shown with the fewest of its steps that
still fail, and is played again with --sequences 1 --seed ITS-SEED.
`
const DEFAULT_SEQUENCES = 20_000
const USAGE_ERROR = 2
const REPORTS = 20
const MIB = 2 ** 20
/** What the heap may grow by between a tenth of the way and its end: by less than this share, or by less than this. */
const FLAT_SHARE = 0.05
const FLAT_BYTES = 4 * MIB
/** With fewer sequences the maps of the sidecar are still on their way to their bounds. */
const FEWEST_FOR_HEAP = 1_000_000
const LEAST_REACHED = 0.5

const say = (text: string) => process.stdout.write(`${text}\n`)

const mib = (bytes: number) => (bytes / MIB).toFixed(1)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapUsed(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

function describe({ seed, wrong, steps }: Failure): string {
  const how =
    steps === undefined
      ? '  not alone: it takes what came before it'
      : steps.map((step) => `  ${JSON.stringify(step)}`).join('\n')
  return [`seed ${seed}:`, ...wrong.map((line) => `  ${line}`), '  in these steps:', how].join('\n')
}

function counts({ sequences, messages, reached, answers, sales, payments }: Totals): string {
  const share = ((100 * reached) / messages).toFixed(1)
  return (
    `${sequences} sequences, ${messages} messages of which ${reached} (${share} %) reached a handler, ` +
    `${answers} answers, ${sales} sales, ${payments} payments to them and to others`
  )
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sequences: { type: 'string', default: `${DEFAULT_SEQUENCES}` },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  })
  const sequences = Number(values.sequences)
  const first = Number(values.seed)
  if (values.help || !Number.isSafeInteger(first) || !Number.isSafeInteger(sequences) || sequences < 1) {
    process.stderr.write(USAGE)
    process.exitCode = values.help ? 0 : USAGE_ERROR
    return
  }
  const started = performance.now()
  const early = Math.ceil(sequences / 10)
  let [heapEarly, heapLate] = [0, 0]
  const onPlayed = (played: number) => {
    if (played === early) heapEarly = heapUsed()
    if (played === sequences) heapLate = heapUsed()
    if (played % Math.ceil(sequences / REPORTS) !== 0) return
    const seconds = Math.round((performance.now() - started) / 1000)
    say(`${played} sequences after ${seconds} s, live heap ${mib(heapUsed())} MiB`)
  }
  const onFailure = (failure: Failure) => say(describe(failure))
  const totals = await campaign({ first, sequences }, { onPlayed, onFailure })
  say(`${counts(totals)}; seeds ${first} to ${first + totals.sequences - 1}`)
  say(`live heap ${mib(heapEarly)} MiB after ${early} sequences, ${mib(heapLate)} MiB after ${sequences}`)
  const isFlat = heapLate - heapEarly < Math.max(heapEarly * FLAT_SHARE, FLAT_BYTES)
  if (sequences >= FEWEST_FOR_HEAP && !isFlat) say('the heap grew')
  const isDeep = totals.reached >= totals.messages * LEAST_REACHED
  if (!isDeep) say('too few messages reached a handler')
  const isFine = totals.failures.length === 0 && isDeep && (isFlat || sequences < FEWEST_FOR_HEAP)
  process.exitCode = isFine ? 0 : 1
}

await main()
