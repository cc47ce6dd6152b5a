import { fileURLToPath } from 'node:url'
import { ensureInstalled, runTypeScript } from './setup.js'

/**
 * Builds what the real stack needs, once: btcd, lnd, the snapshot of a funded network and, with `--ldk-node`, the
 * program around ldk-node. `npm run demo` and `npm test` do this by themselves.
 *
 * @param {{ ldkNode?: boolean }} [options]
 */
export async function buildStack(options = {}) {
  await ensureInstalled()
  const code = await runTypeScript('test/stack/prepare.ts', options.ldkNode ? ['--ldk-node'] : [])
  if (code !== 0) throw new Error('the real stack could not be built')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildStack({ ldkNode: process.argv.includes('--ldk-node') }).catch((error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
}
