import type { SerializedError, TestModule } from 'vitest/node'
import { brokenModules } from './titles.ts'

/** How many failures are told again at the end of a run; the rest is counted. */
export const MAX_TOLD = 40
/** How much of an error's message is told again, in characters: readers of a log often see its end only. */
export const MAX_MESSAGE = 400

/** Every failure of a run in a few lines each, for the end of its output. */
export function describeFailures(
  modules: readonly TestModule[],
  errors: readonly SerializedError[],
): readonly string[] {
  const failures = [
    ...modules.flatMap(failedTests),
    ...brokenModules(modules).map((module) => told(module.relativeModuleId, 'the file', module.errors())),
    ...errors.map((error) => told('outside of tests', error.name ?? 'error', [error])),
  ]
  if (failures.length <= MAX_TOLD) return failures
  return [...failures.slice(0, MAX_TOLD), `and ${failures.length - MAX_TOLD} more`]
}

function failedTests(module: TestModule): readonly string[] {
  return [...module.children.allTests('failed')].map((test) =>
    told(module.relativeModuleId, test.fullName, test.result().errors ?? []),
  )
}

function told(where: string, title: string, errors: readonly { readonly message: string }[]): string {
  const messages = errors.map(({ message }) => `\n    ${shortened(message)}`)
  return `FAILED ${where} > ${title}${messages.join('')}`
}

function shortened(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim()
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE)} ...`
}
