import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTool } from './build-tool.ts'
import { buildFolder, cacheFolder, exists, fingerprint, withLock } from './cache.ts'
import { reasonOf } from './wait.ts'

const MODULE = fileURLToPath(new URL('./go', import.meta.url))
const TAGS = 'signrpc walletrpc chainrpc invoicesrpc peersrpc'
const PACKAGES = { lnd: 'github.com/lightningnetwork/lnd/cmd/lnd', btcd: 'github.com/btcsuite/btcd' }
const PROGRESS_MS = 10_000

const FIX = 'install Go 1.25.13 or newer, or point LND_BIN and BTCD_BIN at built binaries, or use --simulated'

export type Binaries = { readonly lnd: string; readonly btcd: string }
export type Log = (line: string) => void

/**
 * The daemons of the stack: `LND_BIN` and `BTCD_BIN` where set, else built once from the pinned Go module into the
 * cache. Safe to call from several processes at once; a build that was killed leaves nothing behind that is used.
 *
 * @throws Error that names the fix when Go is missing or too old, or a given binary cannot be run
 */
export async function ensureBinaries({
  log,
  signal,
}: {
  readonly log: Log
  /** Ends the build. */
  readonly signal?: AbortSignal | undefined
}): Promise<Binaries> {
  const { LND_BIN, BTCD_BIN } = process.env
  if (LND_BIN) await checkExecutable('LND_BIN', LND_BIN)
  if (BTCD_BIN) await checkExecutable('BTCD_BIN', BTCD_BIN)
  if (LND_BIN && BTCD_BIN) return { lnd: LND_BIN, btcd: BTCD_BIN }
  const built = await ensureBuilt(log, signal)
  return { lnd: LND_BIN || built.lnd, btcd: BTCD_BIN || built.btcd }
}

async function checkExecutable(name: string, path: string): Promise<void> {
  try {
    await access(path, constants.X_OK)
  } catch {
    throw new Error(`${name}=${path} is not a program that can be run. Correct or unset it.`)
  }
}

async function ensureBuilt(log: Log, signal: AbortSignal | undefined): Promise<Binaries> {
  const version = await goVersion()
  const sources = [await readFile(join(MODULE, 'go.mod')), await readFile(join(MODULE, 'go.sum'))]
  const folder = cacheFolder('stack', fingerprint([...sources, TAGS, version]))
  const binaries = { lnd: join(folder, 'lnd'), btcd: join(folder, 'btcd') }
  if (await isComplete(binaries)) return binaries
  await withLock(`${folder}.lock`, log, async () => {
    if (!(await isComplete(binaries))) await buildFolder(folder, (unfinished) => build(unfinished, log, signal))
  })
  return binaries
}

async function isComplete(binaries: Binaries): Promise<boolean> {
  return (await exists(binaries.lnd)) && (await exists(binaries.btcd))
}

async function goVersion(): Promise<string> {
  try {
    return await go(['env', 'GOVERSION', 'GOOS', 'GOARCH'], () => undefined)
  } catch (error) {
    throw new Error(`lnd and btcd are built with Go, and "go" does not run here: ${FIX}. (${reasonOf(error)})`, {
      cause: error,
    })
  }
}

async function build(folder: string, log: Log, signal: AbortSignal | undefined): Promise<void> {
  const start = performance.now()
  const seconds = () => `${Math.round((performance.now() - start) / 1000)} s`
  const flags = ['-mod=readonly', '-trimpath', '-tags', TAGS]
  const packages = Object.values(PACKAGES)
  try {
    let fetched = 0
    let compiled = 0
    let total = 0
    const report = setInterval(() => {
      log(
        total === 0
          ? `downloading the Go modules of lnd and btcd: ${fetched} so far, ${seconds()}`
          : `building lnd and btcd: ${compiled} of at most ${total} packages, ${seconds()}`,
      )
    }, PROGRESS_MS)
    try {
      log(`building lnd and btcd once (about 4 to 11 minutes on 2 cores, nothing cached)`)
      const onFetched = (line: string) => {
        if (line.startsWith('go: downloading')) fetched += 1
      }
      const listed = await go(['list', '-deps', ...flags, ...packages], onFetched, signal)
      total = listed.split('\n').length
      log(`downloaded ${fetched} Go modules, ${seconds()}; compiling ${total} packages on ${cpus().length} cores`)
      const onCompiled = (line: string) => {
        if (!line.startsWith('go:')) compiled += 1
      }
      await go(['build', '-v', ...flags, '-o', `${folder}/`, ...packages], onCompiled, signal)
    } finally {
      clearInterval(report)
    }
    log(`built lnd and btcd in ${seconds()}`)
  } catch (error) {
    throw new Error(`lnd and btcd could not be built: ${reasonOf(error)}\nTo go on: ${FIX}.`, { cause: error })
  }
}

/** Runs `go` in the module. */
function go(args: readonly string[], onLine: (line: string) => void, signal?: AbortSignal): Promise<string> {
  return runTool({ command: 'go', args, cwd: MODULE, onLine, signal })
}
