import type { Command } from 'commander'
import { redact } from '../config/load.ts'
import { type CommonOptions, type Console, configOf, printResult, withCommonOptions } from './command.ts'

export function addCheckConfig(program: Command, console: Console): void {
  const command = program
    .command('check-config')
    .summary('check the config file and print what it amounts to')
    .description('Checks the config file and prints it with all defaults filled in. Secrets stand in it as paths only.')
  withCommonOptions(command).action((options: CommonOptions) => {
    const effective = redact(configOf(options))
    printResult(console, options, { json: effective, text: () => JSON.stringify(effective, undefined, 2) })
  })
}
