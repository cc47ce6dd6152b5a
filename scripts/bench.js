import { runTypeScript, setUp } from './setup.js'

/** `npm run bench`: builds what is measured, then measures it. See docs/benchmarks.md. */

await setUp()
process.exitCode = await runTypeScript('test/bench/main.ts', process.argv.slice(2))
