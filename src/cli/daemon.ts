import { parseArgs } from 'node:util'
import type { Clock } from '../../lsps/base/clock.ts'
import { loadConfig } from '../config/load.ts'
import { defaultConfigPath, withoutHome } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../kernel/clock.ts'
import { type Entropy, systemEntropy } from '../kernel/entropy.ts'
import { createLogger, type Logger } from '../kernel/logger.ts'
import { VERSION } from '../kernel/version.ts'
import { withDeadline } from '../kernel/wait.ts'
import { CliError, describeError } from './errors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

/** How long an orderly stop may take; what is not done then is done by the recovery of the next start. */
export const STOP_DEADLINE_MS = 20_000
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** Database, seed and socket are for their owner only. */
const OWNER_ONLY_UMASK = 0o077

const USAGE = `Usage: sluiced [--config FILE]

The Lightning service provider beside your lnd. Logs JSON lines to standard output.

  --config FILE  the config file (default: ${withoutHome(defaultConfigPath())})
  --version      print the version
  --help         print this

SIGINT or SIGTERM stops it in order, a second one at once. See also: sluice --help
`

/** What the daemon's wiring gets. */
export type SidecarDeps = {
  readonly log: Logger
  readonly clock: Clock
  readonly entropy: Entropy
  /** Aborts when the daemon is told to stop: also while it still starts. */
  readonly signal: AbortSignal
  /** Called when it must not go on, for example since a commit failed: the process ends at once, with non-zero. */
  readonly onFatal: (error: unknown) => void
}

export type Sidecar = {
  /** Stops in order: no new work, answers given, database closed. */
  readonly stop: () => Promise<void>
}

/** Resolves once it serves. Throws SidecarError when it cannot. */
export type StartSidecar = (config: Config, deps: SidecarDeps) => Promise<Sidecar>

/** The process as the daemon sees it. */
export type Host = {
  readonly argv: readonly string[]
  readonly onSignal: (signal: (typeof SIGNALS)[number], handler: () => void) => void
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
  /** Ends the process now, whatever it is doing. */
  readonly exit: (code: ExitCode) => void
  readonly createLogger: typeof createLogger
  readonly clock: Clock
}

export function processHost(): Host {
  process.umask(OWNER_ONLY_UMASK)
  return {
    argv: process.argv.slice(2),
    onSignal: (signal, handler) => process.on(signal, handler),
    print: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(text),
    exit: (code) => process.exit(code),
    createLogger,
    clock: systemClock,
  }
}

/** Runs the daemon until it is told to stop; resolves with its exit code. */
export async function runDaemon(start: StartSidecar, host: Host): Promise<ExitCode> {
  try {
    const options = readArguments(host.argv)
    if (options.help) host.print(USAGE)
    else if (options.version) host.print(`${VERSION}\n`)
    else await serve(loadConfig(options.config), start, host)
    return EXIT.OK
  } catch (error) {
    const { exitCode, message } = describeError(error)
    host.complain(`sluiced: ${message}\n`)
    return exitCode
  }
}

function readArguments(argv: readonly string[]): { config: string | undefined; help: boolean; version: boolean } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { config: { type: 'string' }, help: { type: 'boolean' }, version: { type: 'boolean' } },
    })
    return { config: values.config, help: values.help ?? false, version: values.version ?? false }
  } catch (error) {
    throw new CliError(EXIT.USAGE, `${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
  }
}

async function serve(config: Config, start: StartSidecar, host: Host): Promise<void> {
  const log = host.createLogger({ level: config.log.level })
  const stopping = new AbortController()
  const told = new Promise<void>((resolve) => {
    for (const signal of SIGNALS) {
      host.onSignal(signal, () => {
        if (stopping.signal.aborted) {
          log.warn({ signal }, 'second signal: ending at once')
          return host.exit(EXIT.INTERRUPTED)
        }
        log.info({ signal }, 'stopping')
        stopping.abort(new CliError(EXIT.OK, `stopped by ${signal}`))
        resolve()
      })
    }
  })
  const onFatal = (error: unknown): void => {
    const { exitCode, message } = describeError(error)
    log.error({ err: error }, 'cannot go on')
    host.complain(`sluiced: ${message}\n`)
    host.exit(exitCode)
  }
  log.info({ version: VERSION, network: config.network, dataDir: config.data_dir }, 'starting')
  const sidecar = await startUnlessStopped(config, start, { log, host, stopping, onFatal })
  if (sidecar === undefined) return
  await told
  await withDeadline({
    promise: sidecar.stop(),
    ms: STOP_DEADLINE_MS,
    what: 'an orderly stop',
    clock: host.clock,
    signal: new AbortController().signal,
  })
  log.info({}, 'stopped')
}

type Starting = {
  readonly log: Logger
  readonly host: Host
  readonly stopping: AbortController
  readonly onFatal: (error: unknown) => void
}

/** Undefined when it was told to stop before it served: that is no failure. */
async function startUnlessStopped(
  config: Config,
  start: StartSidecar,
  { log, host, stopping, onFatal }: Starting,
): Promise<Sidecar | undefined> {
  try {
    return await start(config, { log, clock: host.clock, entropy: systemEntropy, signal: stopping.signal, onFatal })
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    log.info({}, 'stopped before it served')
    return undefined
  }
}
