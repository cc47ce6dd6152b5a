import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Screen } from './screen.ts'

const SLUICE = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url))

/**
 * Runs the CLI as an operator would, on this terminal.
 * @throws Error when it fails
 */
export async function runSluice(args: readonly string[], screen: Screen, signal: AbortSignal): Promise<void> {
  screen.line(screen.paint('dim', `  $ sluice ${args.map(shorten).join(' ')}`))
  screen.line()
  const child = spawn(process.execPath, [SLUICE, ...args], { stdio: ['ignore', 'inherit', 'inherit'], signal })
  const [code] = await once(child, 'close', { signal })
  if (code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${code}`)
}

/** Temporary folders have long names that nobody needs to read. */
function shorten(argument: string): string {
  return resolve(argument) === argument ? `${basename(dirname(argument))}/${basename(argument)}` : argument
}
