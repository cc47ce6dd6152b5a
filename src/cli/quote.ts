import type { Command } from 'commander'
import { Quote } from '../admin/schema.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, printResult, withCommonOptions } from './command.ts'
import { CliError } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import { renderQuote } from './render-price.ts'

type QuoteOptions = CommonOptions & { readonly amount?: string; readonly token?: string }

const MSAT_PER_SAT = 1000n

export function addQuote(program: Command, console: Console): void {
  const command = program
    .command('quote')
    .summary('what a customer would be offered now, and why')
    .description(
      'Prints the menu that a customer would get now, the formula of its prices with the numbers, and the feerates ' +
        'behind them; or why nothing is sold now.',
    )
    .option('--amount <sat>', 'also what a payment of this size would cost, in satoshi')
    .option('--token <name>', 'the menu of a token, by its short name in the config')
  withCommonOptions(command).action(async (options: QuoteOptions) => {
    const { token } = options
    const query = new URLSearchParams({ ...(token && { token }), ...amountOf(options) })
    const quote = await askDaemon(dataPaths(configOf(options)).socket, `/v1/quote?${query}`, Quote)
    printResult(console, options, { json: quote, text: () => renderQuote(quote, console.now(), console.paint) })
  })
}

function amountOf({ amount }: QuoteOptions): { amount_msat?: string } {
  if (amount === undefined) return {}
  if (!/^\d{1,16}$/.test(amount)) throw new CliError(EXIT.USAGE, `--amount ${amount}: write satoshi like 100000`)
  return { amount_msat: `${BigInt(amount) * MSAT_PER_SAT}` }
}
