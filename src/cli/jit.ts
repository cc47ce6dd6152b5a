import { type Command, Option } from 'commander'
import { FlightRecord, SALE_STATES, SaleList, type SaleSummary } from '../admin/schema.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, limitOf, printResult, withCommonOptions } from './command.ts'
import { renderRecord, renderSales } from './render-sales.ts'

type ListOptions = CommonOptions & { readonly state?: string; readonly limit: string; readonly before?: string }

export function addJit(program: Command, console: Console): void {
  const jit = program
    .command('jit')
    .summary('sales of just-in-time channels')
    .description('Sales of just-in-time channels (LSPS2).')
  addList(jit, console)
  addShow(jit, console)
}

function addList(jit: Command, console: Console): void {
  const command = jit
    .command('list')
    .description('Lists sales, newest first.')
    .addOption(new Option('--state <state>', 'only sales in this state').choices(SALE_STATES))
    .option('--limit <number>', 'at most this many', '50')
    .option('--before <sale>', 'only sales older than this one: the next page')
  withCommonOptions(command).action(async (options: ListOptions) => {
    const { state, before } = options
    const limit = limitOf(options)
    const query = new URLSearchParams({ limit, ...(state && { state }), ...(before && { before }) })
    const answer = await askDaemon(dataPaths(configOf(options)).socket, `/v1/jit?${query}`, SaleList)
    printResult(console, options, {
      json: answer,
      text: () =>
        [renderSales(answer.sales, console.now(), console.paint), ...nextPage(answer.sales, options)].join('\n\n'),
    })
  })
}

/** A full page may not be the last one. */
function nextPage(sales: readonly SaleSummary[], { limit, state }: ListOptions): string[] {
  const last = sales.at(-1)
  if (last === undefined || String(sales.length) !== limit) return []
  const filter = state === undefined ? '' : ` --state ${state}`
  return [`older ones: sluice jit list${filter} --limit ${limit} --before ${last.id}`]
}

function addShow(jit: Command, console: Console): void {
  const command = jit
    .command('show')
    .argument('<sale>', "the sale's id, its short channel id or the payment hash")
    .description('Shows the flight record of one sale: each step with its time, amounts, fee, transaction and channel.')
  withCommonOptions(command).action(async (sale: string, options: CommonOptions) => {
    const path = `/v1/jit/${encodeURIComponent(sale)}`
    const record = await askDaemon(dataPaths(configOf(options)).socket, path, FlightRecord)
    printResult(console, options, { json: record, text: () => renderRecord(record, console.now(), console.paint) })
  })
}
