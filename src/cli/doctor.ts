import type { Command } from 'commander'
import type { Config } from '../config/schema.ts'
import { type CommonOptions, type Console, configOf, printResult, withCommonOptions } from './command.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { type Finding, renderFindings } from './render-findings.ts'

/** Looks at the node that the config names. Throws when it cannot be reached. */
export type Inspect = (config: Config) => Promise<readonly Finding[]>

export type DoctorDeps = {
  readonly console: Console
  readonly inspect: Inspect
  readonly setExitCode: (code: ExitCode) => void
}

export function addDoctor(program: Command, { console, inspect, setExitCode }: DoctorDeps): void {
  const command = program
    .command('doctor')
    .summary('check lnd for what sluiced needs')
    .description(
      'Connects to lnd and checks its version, flags, permissions and access slots; prints the fix for whatever is ' +
        'not as it should be. Exits with 1 when sluiced would not start.',
    )
  withCommonOptions(command).action(async (options: CommonOptions) => {
    const findings = await inspect(configOf(options))
    printResult(console, options, { json: { findings }, text: () => renderFindings(findings, console.paint) })
    if (findings.some(({ severity }) => severity === 'error')) setExitCode(EXIT.FAILED)
  })
}
