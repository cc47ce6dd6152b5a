import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node'
import { describeFailures } from './failures.ts'
import { brokenModules, outcomesOf } from './titles.ts'

const STDOUT = 1

/**
 * Prints what failed once more, and `N passed, N failed` as the last line of the run. Files that could not be loaded,
 * errors outside of tests and an interrupted run count as failed too, so that the line never looks better than the exit
 * code.
 */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    const outcomes = outcomesOf(modules)
    const count = (...states: readonly string[]) => outcomes.filter(({ state }) => states.includes(state)).length
    const passed = count('passed')
    const skipped = count('skipped')
    const failed = count('failed', 'pending') + brokenModules(modules).length + errors.length
    for (const failure of describeFailures(modules, errors)) console.log(failure)
    process.once('exit', (code) => {
      // A run that was stopped, or failed by another reporter, has at least that failure.
      const total = failed === 0 && (code !== 0 || reason === 'interrupted') ? 1 : failed
      writeSync(STDOUT, `${passed} passed, ${total} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`)
    })
  }
}
