import type { Command } from 'commander'
import type { Config } from '../config/schema.ts'
import { type CommonOptions, type Console, configOf, printResult, withCommonOptions } from './command.ts'

/** The command that bakes a macaroon with just the rights that the enabled features need. */
export type BakeCommand = (config: Config) => Promise<string>

export function addMacaroon(
  program: Command,
  deps: { readonly console: Console; readonly bakeCommand: BakeCommand },
): void {
  const command = program
    .command('macaroon')
    .summary('print the command that bakes the macaroon for sluiced')
    .description(
      'Prints the lncli command that bakes a macaroon with just the rights that the enabled features need. ' +
        'Run it where lncli works, and put the file at lnd.macaroon_path.',
    )
  withCommonOptions(command).action(async (options: CommonOptions) => {
    const bake = await deps.bakeCommand(configOf(options))
    printResult(deps.console, options, { json: { command: bake }, text: () => bake })
  })
}
