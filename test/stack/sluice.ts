import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'

const SLUICE = resolve(import.meta.dirname, '../../bin/sluice.js')

export type CliResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs the CLI as operators do: a process of its own, with a config file. */
export async function sluice(configFile: string, ...args: readonly string[]): Promise<CliResult> {
  const child = spawn(process.execPath, [SLUICE, ...args, '--config', configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, stdout, stderr }
}
