import type { Command } from 'commander'
import type { Clock } from '../../lsps/base/clock.ts'
import { DrainReport } from '../admin/schema.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon, tellDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, printResult, withCommonOptions } from './command.ts'
import { CliError } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import { renderDrain, renderOpenCounts } from './render-drain.ts'

const PATH = '/v1/drain'
/** Between looks of `--wait`. */
const LOOK_MS = 2_000
/** How long the daemon may be away during `--wait`: a restart takes seconds. */
const LONGEST_ABSENCE_MS = 60_000

type DrainOptions = CommonOptions & { readonly end?: boolean; readonly wait?: boolean; readonly timeout?: string }

export type DrainDeps = { readonly console: Console; readonly sleep: Clock['sleep'] }

export function addDrain(program: Command, { console, sleep }: DrainDeps): void {
  const command = program
    .command('drain')
    .summary('sell nothing more, finish what was sold')
    .description(
      'Tells the running sluiced to sell nothing more. What was sold is served to its end: payments are held and ' +
        'forwarded, channels opened, fees taken. A restart does not forget it. Saying it again changes nothing.',
    )
    .option('--end', 'sell again')
    .option('--wait', 'return when nothing that was begun needs sluiced any more')
    .option('--timeout <minutes>', 'with --wait: give up after this time, with exit code 7')
  withCommonOptions(command).action(async (options: DrainOptions) => {
    if (options.end === true && options.wait === true)
      throw new CliError(EXIT.USAGE, '--end leaves nothing to wait for')
    const deadline = deadlineOf(options, console)
    const { socket } = dataPaths(configOf(options))
    const first = await tellDaemon(socket, PATH, { draining: options.end !== true }, DrainReport)
    const report =
      options.wait === true ? await waitUntilDone(first, { socket, deadline, console, sleep, options }) : first
    printResult(console, options, { json: report, text: () => renderDrain(report, console.now(), console.paint) })
  })
}

/** When to give up, in ms since the epoch; undefined: never. */
function deadlineOf({ timeout, wait }: DrainOptions, console: Console): number | undefined {
  if (timeout === undefined) return undefined
  if (wait !== true) throw new CliError(EXIT.USAGE, '--timeout is for --wait')
  const minutes = Number(timeout)
  if (!(minutes > 0)) throw new CliError(EXIT.USAGE, `--timeout ${timeout}: write a number of minutes above 0`)
  return console.now() + minutes * 60_000
}

type Waiting = DrainDeps & {
  readonly socket: string
  readonly deadline: number | undefined
  readonly options: DrainOptions
}

/** Tells people whenever what it waits for has changed. */
async function waitUntilDone(first: DrainReport, waiting: Waiting): Promise<DrainReport> {
  const { console, deadline, options, sleep } = waiting
  const never = new AbortController().signal
  let report = first
  let told = ''
  while (!report.done) {
    if (report.draining_since === undefined) throw new CliError(EXIT.FAILED, 'the drain was ended meanwhile')
    const counts = renderOpenCounts(report)
    if (counts !== told && options.json !== true) console.print(`waits for  ${counts}\n`)
    told = counts
    if (deadline !== undefined && console.now() >= deadline) {
      const open = renderDrain(report, console.now(), console.paint)
      throw new CliError(EXIT.TIMED_OUT, `something is still open after ${options.timeout} min:\n\n${open}`)
    }
    await sleep(LOOK_MS, never)
    report = await lookAgain(waiting)
  }
  return report
}

/** The daemon may be restarted meanwhile. */
async function lookAgain({ socket, console, sleep }: Waiting): Promise<DrainReport> {
  const never = new AbortController().signal
  const since = console.now()
  for (;;) {
    try {
      return await askDaemon(socket, PATH, DrainReport)
    } catch (error) {
      const isAway = error instanceof CliError && error.exitCode === EXIT.UNREACHABLE
      if (!isAway || console.now() - since >= LONGEST_ABSENCE_MS) throw error
    }
    await sleep(LOOK_MS, never)
  }
}
