import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const HOOK = pathToFileURL(join(import.meta.dirname, 'clock-hook.mjs')).href

/** The environment that sets sluiced's clock ahead, beside what another one asks of its start. */
export function clockAhead(
  ms: number,
  beside: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const { NODE_OPTIONS: options = '' } = beside
  return { ...beside, NODE_OPTIONS: `${options} --import=${HOOK}`.trim(), SLUICE_CLOCK_AHEAD_MS: String(ms) }
}
