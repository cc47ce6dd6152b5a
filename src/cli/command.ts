import { type Command, Option } from 'commander'
import { MAX_SALES_PER_PAGE } from '../admin/app.ts'
import { loadConfig } from '../config/load.ts'
import { defaultConfigPath, withoutHome } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { CliError } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import type { Paint } from './format.ts'

/** What every command is given beside its own arguments. */
export type Console = {
  readonly print: (text: string) => void
  readonly paint: Paint
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export type CommonOptions = { readonly config?: string; readonly json?: boolean }

/** Every command takes `--config` and `--json`. */
export function withCommonOptions(command: Command): Command {
  return command
    .addOption(new Option('--config <file>', `the config file (default: ${withoutHome(defaultConfigPath())})`))
    .addOption(new Option('--json', 'print JSON for programs'))
}

export function configOf(options: CommonOptions): Config {
  return loadConfig(options.config)
}

/**
 * An option that bounds a list, for the daemon.
 * @throws CliError for what is no number that a list may have
 */
export function limitOf({ limit }: { readonly limit: string }): string {
  const isNumber = /^\d{1,9}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= MAX_SALES_PER_PAGE
  if (isNumber) return limit
  throw new CliError(EXIT.USAGE, `--limit ${limit}: write a number from 1 to ${MAX_SALES_PER_PAGE}`)
}

/** The same facts for programs or for people. */
export function printResult(
  console: Console,
  options: CommonOptions,
  result: { readonly json: unknown; readonly text: () => string },
): void {
  console.print(options.json === true ? `${JSON.stringify(result.json, undefined, 2)}\n` : `${result.text()}\n`)
}
