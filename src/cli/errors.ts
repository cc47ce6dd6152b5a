import { SidecarError } from '../kernel/errors.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts'

/** Ends a command with a message for its user: the thing, the value, the fix. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** How a command that threw is reported. What nobody expected keeps its stack: it is a fault of sluice. */
export function describeError(error: unknown): { readonly exitCode: ExitCode; readonly message: string } {
  if (error instanceof CliError) return { exitCode: error.exitCode, message: error.message }
  if (error instanceof SidecarError) return { exitCode: exitCodeOf(error.failure), message: error.message }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { exitCode: EXIT.FAILED, message: `this should not happen, please report it: ${message}` }
}
