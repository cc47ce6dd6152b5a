import { ensureInstalled, runTypeScript } from './setup.js'

/** `npm run chaos`: random schedules of faults on the simulated node. See CONTRIBUTING.md. */

await ensureInstalled()
process.exitCode = await runTypeScript('test/integration/chaos/main.ts', process.argv.slice(2))
