import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { CompletenessReporter } from './test/report/completeness-reporter.ts'
import { RowsReporter } from './test/report/rows-reporter.ts'
import { SummaryReporter } from './test/report/summary-reporter.ts'

/** A whole run shows every row of the specs; a part of it cannot. */
const { SLUICE_ROWS: wholeRun } = process.env
const reporters =
  wholeRun === '1' ? ['default', new RowsReporter(), new CompletenessReporter(), new SummaryReporter()] : ['default']

const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
})

/** Far more than they take: the stack runs beside them, on a machine that may be slow. */
const UNIT_MS = 60_000

/** Real daemons are slow to start and share one machine: one file at a time, generous deadlines. */
const STACK = { fileParallelism: false, testTimeout: 300_000, hookTimeout: 300_000, pool: 'forks' as const }

/** Vitest would leave one core free, of two as well; what it does itself needs far less. */
const WORKERS = Math.max(2, availableParallelism() - 1)

export default defineConfig({
  test: {
    reporters,
    maxWorkers: WORKERS,
    projects: [
      {
        extends: true as const,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: ['test/unit/architecture.test.ts'],
          testTimeout: UNIT_MS,
        },
      },
      { extends: true as const, test: { name: 'architecture', include: ['test/unit/architecture.test.ts'] } },
      project('conformance', { testTimeout: UNIT_MS }),
      project('integration', { testTimeout: 300_000 }),
      project('hostile', { testTimeout: 300_000 }),
      project('compliance', STACK),
      project('stack', STACK),
    ],
  },
})
