import type { Reporter, TestModule } from 'vitest/node'

/** A whole run has passed tests of each of these; one without proves less than it says (decisions D19). */
export const REQUIRED_PROJECTS = [
  'unit',
  'architecture',
  'conformance',
  'integration',
  'hostile',
  'compliance',
  'stack',
] as const

export type ProjectTest = { readonly project: string; readonly title: string; readonly state: string }

/** What is missing in a run that claims to be whole. */
export function missingFrom(tests: readonly ProjectTest[], { ci }: { readonly ci: boolean }): readonly string[] {
  const silent = REQUIRED_PROJECTS.filter(
    (project) => !tests.some((test) => test.project === project && test.state === 'passed'),
  )
  const skipped = tests.filter(({ state }) => state === 'skipped')
  return [
    ...silent.map((project) => `no test of the suite "${project}" passed: it did not run`),
    ...(ci ? skipped.map(({ title }) => `skipped, which is a failure here: ${title}`) : []),
  ]
}

/** Fails a whole run in which a suite did not run, or, in continuous integration, a test was skipped. */
export class CompletenessReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => ({
        project: module.project.name,
        title: test.fullName,
        state: test.result().state,
      })),
    )
    const { CI } = process.env
    const missing = missingFrom(tests, { ci: CI === 'true' || CI === '1' })
    if (missing.length === 0) return
    console.error(missing.join('\n'))
    process.exitCode = 1
  }
}
