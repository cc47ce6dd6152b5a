import { constants } from 'node:fs'
import { access, copyFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from './binaries.ts'
import { runTool } from './build-tool.ts'
import { buildFolder, cacheFolder, exists, fingerprint, withLock } from './cache.ts'
import { reasonOf } from './wait.ts'

const PROJECT = fileURLToPath(new URL('./ldk-node', import.meta.url))
const PROGRAM = 'sluice-ldk-node'
const PROGRESS_MS = 10_000

/**
 * The program around ldk-node: `LDK_NODE_BIN` where set, else built once with cargo into the cache. Undefined on a
 * machine without cargo, except in CI.
 *
 * @throws Error when the build fails, and in CI (`CI=true`) when cargo is missing
 */
export async function ensureLdkNode({ log }: { readonly log: Log }): Promise<string | undefined> {
  const { LDK_NODE_BIN, CI } = process.env
  if (LDK_NODE_BIN) {
    await access(LDK_NODE_BIN, constants.X_OK)
    return LDK_NODE_BIN
  }
  const version = await cargo(['--version']).catch((error: unknown) => {
    if (CI === 'true' || CI === '1')
      throw new Error('cargo is missing: CI has to build ldk-node (install Rust)', { cause: error })
    return undefined
  })
  if (version === undefined) return undefined
  const sources = ['Cargo.toml', 'Cargo.lock', join('src', 'main.rs')].map((file) => readFile(join(PROJECT, file)))
  const folder = cacheFolder('ldk-node', fingerprint([...(await Promise.all(sources)), version]))
  const program = join(folder, PROGRAM)
  if (await exists(program)) return program
  await withLock(`${folder}.lock`, log, async () => {
    if (!(await exists(program))) await build(folder, log)
  })
  return program
}

async function build(folder: string, log: Log): Promise<void> {
  const start = performance.now()
  const seconds = () => `${Math.round((performance.now() - start) / 1000)} s`
  const target = `${folder}.target`
  const crates = (await readFile(join(PROJECT, 'Cargo.lock'), 'utf8')).split('[[package]]').length - 1
  let compiled = 0
  log(`building ldk-node once (about 1 to 4 minutes on 2 cores)`)
  const report = setInterval(
    () => log(`building ldk-node: ${compiled} of at most ${crates} crates, ${seconds()}`),
    PROGRESS_MS,
  )
  try {
    await cargo(['build', '--locked'], { CARGO_TARGET_DIR: target, CARGO_TERM_COLOR: 'never' }, (line) => {
      if (line.trimStart().startsWith('Compiling')) compiled += 1
    })
  } catch (error) {
    throw new Error(`ldk-node could not be built: ${reasonOf(error)}`, { cause: error })
  } finally {
    clearInterval(report)
  }
  await buildFolder(folder, (unfinished) => copyFile(join(target, 'debug', PROGRAM), join(unfinished, PROGRAM)))
  // 860 MB that only a change of the project would use again. A build that was killed keeps its target and goes on.
  await rm(target, { recursive: true, force: true })
  log(`built ldk-node in ${seconds()}`)
}

function cargo(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  onLine: (line: string) => void = () => undefined,
): Promise<string> {
  return runTool({ command: 'cargo', args, cwd: PROJECT, env, onLine })
}
