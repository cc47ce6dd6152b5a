import { type Command, Option } from 'commander'
import { ClosableList, PROMISE_STATES, PromiseList } from '../admin/schema-promises.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, limitOf, printResult, withCommonOptions } from './command.ts'
import { renderClosable, renderPromises } from './render-promises.ts'

/** The daemon reads lnd's forwarding history for it. */
const CLOSABLE_TIMEOUT_MS = 60_000

type ListOptions = CommonOptions & { readonly state?: string; readonly limit: string }

export function addPromises(program: Command, console: Console): void {
  const promises = program
    .command('promises')
    .summary('until when channels that were paid for stay open')
    .description(
      'Until when channels that were paid for stay open. A channel that nobody paid for is not promised. sluiced closes ' +
        'no channel before its promise is over; whoever closes one with lncli is not stopped, but told.',
    )
  addList(promises, console)
  addClosable(promises, console)
}

function addList(promises: Command, console: Console): void {
  const command = promises
    .command('list', { isDefault: true })
    .description('Lists promises: those whose end is next first. It is what `sluice promises` does.')
    .addOption(new Option('--state <state>', 'only promises in this state').choices(PROMISE_STATES))
    .option('--limit <number>', 'at most this many', '50')
  withCommonOptions(command).action(async (options: ListOptions) => {
    const { state } = options
    const query = new URLSearchParams({ limit: limitOf(options), ...(state && { state }) })
    const answer = await askDaemon(dataPaths(configOf(options)).socket, `/v1/promises?${query}`, PromiseList)
    printResult(console, options, { json: answer, text: () => renderPromises(answer, console.now(), console.paint) })
  })
}

function addClosable(promises: Command, console: Console): void {
  const command = promises
    .command('closable')
    .summary('channels that may be closed now, and why')
    .description(
      'Names channels whose promise is over and which are idle, stranded or unprofitable by the `promises` section of ' +
        'the config. Closes nothing: it prints the lncli command for each.',
    )
  withCommonOptions(command).action(async (options: CommonOptions) => {
    const { socket } = dataPaths(configOf(options))
    const answer = await askDaemon(socket, '/v1/promises/closable', ClosableList, CLOSABLE_TIMEOUT_MS)
    printResult(console, options, { json: answer, text: () => renderClosable(answer, console.now(), console.paint) })
  })
}
