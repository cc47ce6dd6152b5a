import type { Command } from 'commander'
import { Status } from '../admin/schema.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, printResult, withCommonOptions } from './command.ts'
import { renderStatus } from './render-status.ts'

export function addStatus(program: Command, console: Console): void {
  const command = program
    .command('status')
    .summary('how the running daemon is')
    .description('Shows how the running sluiced is: lnd, streams, sales, held payments, earnings, limits, warnings.')
  withCommonOptions(command).action(async (options: CommonOptions) => {
    const status = await askDaemon(dataPaths(configOf(options)).socket, '/v1/status', Status)
    printResult(console, options, { json: status, text: () => renderStatus(status, console.now(), console.paint) })
  })
}
