import { ensureBinaries } from './binaries.ts'
import { ensureLdkNode } from './ldk-node-build.ts'
import { ensureSnapshot } from './snapshot.ts'
import { reasonOf } from './wait.ts'

const log = (line: string) => process.stderr.write(`${line}\n`)

/** Builds everything that the stack caches, so that what comes after starts in seconds. */
async function prepare(args: readonly string[]): Promise<void> {
  const binaries = await ensureBinaries({ log })
  await ensureSnapshot(binaries, log)
  if (!args.includes('--ldk-node')) return
  const program = await ensureLdkNode({ log })
  if (program === undefined) log('cargo is not installed: what needs ldk-node cannot run')
}

prepare(process.argv.slice(2)).catch((error: unknown) => {
  log(reasonOf(error))
  process.exitCode = 1
})
