import type { Command } from 'commander'
import { formatDatetime, parseDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import { DecisionList } from '../admin/schema.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, limitOf, printResult, withCommonOptions } from './command.ts'
import { CliError } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import { renderDecisions } from './render-decisions.ts'

type DecisionsOptions = CommonOptions & { readonly sale?: string; readonly since: string; readonly limit: string }

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

export function addDecisions(program: Command, console: Console): void {
  const command = program
    .command('decisions')
    .summary('what was offered, sold and refused, by which numbers')
    .description('Lists decisions, oldest first: changes of prices, sales, refused requests; or all about one sale.')
    .option('--sale <sale>', 'only this sale: its id or payment hash; also what became of each payment to it')
    .option('--since <time>', 'since a UTC datetime, or for the last 30m, 24h, 7d', '24h')
    .option('--limit <number>', 'at most this many, the newest', '100')
  withCommonOptions(command).action(async (options: DecisionsOptions) => {
    const { sale } = options
    const limit = limitOf(options)
    const since = sinceOf(options.since, console.now())
    const query = new URLSearchParams({ limit, since, ...(sale && { sale }) })
    const answer = await askDaemon(dataPaths(configOf(options)).socket, `/v1/decisions?${query}`, DecisionList)
    printResult(console, options, { json: answer, text: () => renderDecisions(answer.decisions, console.paint) })
  })
}

function sinceOf(text: string, now: number): string {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (count !== undefined) return formatDatetime(Math.max(0, now - Number(count) * (UNIT_MS[unit] ?? 0)) as Timestamp)
  if (parseDatetime(text) !== undefined) return text
  throw new CliError(EXIT.USAGE, `--since ${text}: write 30m, 24h, 7d or a datetime like 2026-01-02T03:04:05Z`)
}
