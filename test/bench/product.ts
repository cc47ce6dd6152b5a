import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const ROOT = resolve(import.meta.dirname, '../..')
const DIST = resolve(ROOT, 'dist')

/**
 * The product as it is shipped: compiled by `npm run build`, not transformed on the fly, whose helper calls would be
 * measured too. Types come from the sources: `await product<typeof import('../../src/sidecar.ts')>('src/sidecar')`.
 */
export async function product<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(resolve(DIST, `${path}.js`)).href)) as Module
}

/** The options with which `bin/sluiced.js` starts Node: what is measured runs with the same. */
export function nodeOptions(): readonly string[] {
  const [first = ''] = readFileSync(resolve(ROOT, 'bin/sluiced.js'), 'utf8').split('\n', 1)
  return first.split(' ').filter((word) => word.startsWith('--'))
}
