import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WIDTH } from '../../src/cli/format.ts'
import type { Screen } from './screen.ts'

const INDENT = '  '
const SLUICE = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url))

/**
 * Runs the CLI as an operator would, on this terminal.
 * @throws Error when it fails
 */
export async function runSluice(args: readonly string[], screen: Screen, signal: AbortSignal): Promise<void> {
  for (const line of commandLines(args.map(shorten))) screen.line(screen.paint('dim', `  ${line}`))
  screen.line()
  const child = spawn(process.execPath, [SLUICE, ...args], { stdio: ['ignore', 'inherit', 'inherit'], signal })
  const [code] = await once(child, 'close', { signal })
  if (code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${code}`)
}

/** As it is typed: the options on a line of their own when it is too long for one. */
export function commandLines(args: readonly string[]): readonly string[] {
  const whole = `$ sluice ${args.join(' ')}`
  const option = args.findIndex((argument) => argument.startsWith('--'))
  if (whole.length <= WIDTH - INDENT.length || option < 0) return [whole]
  return [`$ sluice ${args.slice(0, option).join(' ')} \\`, `${INDENT}${INDENT}${args.slice(option).join(' ')}`]
}

/** Temporary folders have long names that nobody needs to read. */
function shorten(argument: string): string {
  return resolve(argument) === argument ? `${basename(dirname(argument))}/${basename(argument)}` : argument
}
