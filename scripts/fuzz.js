import { ensureInstalled, runTypeScript } from './setup.js'

/** `npm run fuzz`: sequences of messages of hostile peers. See CONTRIBUTING.md. */

await ensureInstalled()
process.exitCode = await runTypeScript('test/hostile/main.ts', process.argv.slice(2))
