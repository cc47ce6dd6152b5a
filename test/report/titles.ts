import type { TestModule } from 'vitest/node'

/** What one test of the run came to. */
export type Outcome = { readonly title: string; readonly state: 'passed' | 'failed' | 'skipped' | 'pending' }

/** Every test of a run, over all projects. */
export function outcomesOf(modules: readonly TestModule[]): readonly Outcome[] {
  return modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => ({ title: test.fullName, state: test.result().state })),
  )
}

/** Files that failed without a test saying so: they could not be loaded, or a hook of theirs failed. */
export function brokenModules(modules: readonly TestModule[]): readonly TestModule[] {
  return modules.filter((module) => {
    const told = [...module.children.allTests()].some((test) => test.result().state === 'failed')
    return module.state() === 'failed' && !told
  })
}
