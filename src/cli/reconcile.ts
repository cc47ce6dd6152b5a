import type { Command } from 'commander'
import { ReconcileReport } from '../admin/schema.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, printResult, withCommonOptions } from './command.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { renderReconcile } from './render-reconcile.ts'

/** lnd's whole forwarding history is read. */
const TIMEOUT_MS = 60_000

export type ReconcileDeps = { readonly console: Console; readonly setExitCode: (code: ExitCode) => void }

export function addReconcile(program: Command, { console, setExitCode }: ReconcileDeps): void {
  const command = program
    .command('reconcile')
    .summary('compare the records with lnd and the chain')
    .description(
      'Compares what sluiced has on record with lnd and the chain: sales, openings, coins, and every fee to the ' +
        'millisatoshi. Names each difference and what to do about it; changes nothing. Exits with 6 when something ' +
        'differs. What is under way may differ for some seconds: ask again.',
    )
  withCommonOptions(command).action(async (options: CommonOptions) => {
    const { socket } = dataPaths(configOf(options))
    const report = await askDaemon(socket, '/v1/reconcile', ReconcileReport, TIMEOUT_MS)
    printResult(console, options, { json: report, text: () => renderReconcile(report, console.paint) })
    if (report.differences.length > 0) setExitCode(EXIT.DIFFERS)
  })
}
