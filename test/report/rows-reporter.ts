import type { Reporter, TestModule } from 'vitest/node'
import { ROWS } from '../conformance/rows.ts'
import { reportRows } from './row-table.ts'
import { outcomesOf } from './titles.ts'

/** Prints every row of the specs with its tests, or the reason why there are none; fails a run that lacks both. */
export class RowsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const { lines, problems } = reportRows(ROWS, outcomesOf(modules))
    console.log(`\nThe rows of LSPS0, LSPS1, LSPS2 and LSPS7 and the tests that show them\n\n${lines.join('\n')}\n`)
    if (problems.length === 0) return
    console.error(problems.join('\n'))
    process.exitCode = 1
  }
}
