import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const DIST = resolve(import.meta.dirname, '../../dist')

/**
 * The product as it is shipped: compiled by `npm run build`, not transformed on the fly, whose helper calls would be
 * measured too. Types come from the sources: `await product<typeof import('../../src/sidecar.ts')>('src/sidecar')`.
 */
export async function product<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(resolve(DIST, `${path}.js`)).href)) as Module
}
