import { Command, CommanderError } from 'commander'
import type { Clock } from '../../lsps/base/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import { VERSION } from '../kernel/version.ts'
import { addCheckConfig } from './check-config.ts'
import type { Console } from './command.ts'
import { addDecisions } from './decisions.ts'
import { addDoctor, type Inspect } from './doctor.ts'
import { addDrain } from './drain.ts'
import { describeError } from './errors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { addJit } from './jit.ts'
import { addMacaroon, type BakeCommand } from './macaroon.ts'
import { addOrders } from './orders.ts'
import { addPromises } from './promises.ts'
import { addQuote } from './quote.ts'
import { addReconcile } from './reconcile.ts'
import { addStatus } from './status.ts'
import { addWebhooks } from './webhooks.ts'

export type ProgramDeps = {
  readonly console: Console
  /** Where complaints go. */
  readonly complain: (text: string) => void
  readonly inspect: Inspect
  readonly bakeCommand: BakeCommand
  /** For commands that wait; the machine's clock when left out. */
  readonly sleep?: Clock['sleep']
}

const EXAMPLES = `
Examples:
  sluice check-config --config ./sluice.json
  sluice doctor
  sluice macaroon
  sluice quote --amount 100000
  sluice jit list --state paid --limit 10
  sluice jit show 16123456x7x8 --json
  sluice orders list --state paid
  sluice orders show 3f9d7c9e-58a1-4c1e-9d3b-0e1a2b3c4d5e
  sluice promises
  sluice promises closable
  sluice webhooks test 03ab..cd --app 'My wallet'
  sluice reconcile
  sluice drain --wait --timeout 120
`

/** Runs `sluice` with these arguments; resolves with its exit code and throws nothing. */
export async function runProgram(argv: readonly string[], deps: ProgramDeps): Promise<ExitCode> {
  const { console, complain, inspect, bakeCommand, sleep = systemClock.sleep } = deps
  let exitCode: ExitCode = EXIT.OK
  const program = new Command('sluice')
    .description('Looks after sluiced, the Lightning service provider beside your lnd.')
    .version(VERSION)
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({ writeOut: console.print, writeErr: complain })
    .exitOverride()
  addStatus(program, console)
  addQuote(program, console)
  addJit(program, console)
  addOrders(program, console)
  addPromises(program, console)
  addDecisions(program, console)
  const setExitCode = (code: ExitCode) => {
    exitCode = code
  }
  addWebhooks(program, { console, setExitCode })
  addDoctor(program, { console, inspect, setExitCode })
  addReconcile(program, { console, setExitCode })
  addDrain(program, { console, sleep })
  addMacaroon(program, { console, bakeCommand })
  addCheckConfig(program, console)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has told its user already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE
    const { exitCode: code, message } = describeError(error)
    complain(
      argv.includes('--json') ? `${JSON.stringify({ error: { exit_code: code, message } })}\n` : `sluice: ${message}\n`,
    )
    return code
  }
}
