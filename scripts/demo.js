import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { setUp } from './setup.js'

const HELP = `Usage: npm run demo -- [--simulated] [--json FILE]

Sells a channel: a wallet that has none asks the operator's node for one (LSPS2), hands out an invoice and is paid; the
channel is opened while the payment waits, and its opening fee is deducted. A second payment costs nothing. Then the
same wallet orders a larger channel (LSPS1), pays for it from what it was paid, and has it kept for longer (LSPS7). In
the end the wallet's balance, lnd's own records and sluiced's journal are compared.

  --simulated  play it on the simulated node: in seconds, without Go, lnd and btcd
  --json FILE  write the facts to FILE
  --help       print this

For real, btcd and lnd are built with Go once (about 4 to 11 minutes on 2 cores) and kept in ~/.cache/sluice.
LND_BIN and BTCD_BIN name binaries to use instead. Everything runs on 127.0.0.1 in a temporary folder and is gone
afterwards, also after Ctrl-C.

Exit code: 0 when all three books agree to the millisatoshi and the channels are what was ordered, 1 when not or when
something failed, 2 for wrong options.
`

const WITHOUT_GO = `btcd and lnd are built with Go, and there is no "go" on this machine. Either
  - install Go 1.25.13 or newer (https://go.dev/dl), or
  - name built binaries: LND_BIN=/path/to/lnd BTCD_BIN=/path/to/btcd npm run demo, or
  - play it on the simulated node: npm run demo -- --simulated
`
const USAGE_ERROR = 2
const INTERRUPTED = 130
const ORPHAN_CHECK_MS = 250

const RUN_BY_NPM = process.env.npm_lifecycle_event === 'demo'

/** Where the user stands: npm runs scripts in the repository's folder. */
function userFolder() {
  return RUN_BY_NPM ? (process.env.INIT_CWD ?? process.cwd()) : process.cwd()
}

function readOptions() {
  const options = { simulated: { type: 'boolean' }, json: { type: 'string' }, help: { type: 'boolean', short: 'h' } }
  const { values } = parseArgs({ options })
  if (values.json === undefined) return { ...values, jsonFile: undefined }
  const jsonFile = resolve(userFolder(), values.json)
  try {
    accessSync(dirname(jsonFile), constants.W_OK)
  } catch {
    throw new Error(`--json ${values.json}: there is no folder ${dirname(jsonFile)} that can be written to`)
  }
  return { ...values, jsonFile }
}

/** False when what the real demo needs is neither there nor can be built. */
function canRunForReal() {
  const { LND_BIN, BTCD_BIN } = process.env
  return Boolean(LND_BIN && BTCD_BIN) || spawnSync('go', ['version']).status === 0
}

/** @returns {Promise<number>} the exit code */
async function demo() {
  let options
  try {
    options = readOptions()
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${HELP}`)
    return USAGE_ERROR
  }
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  const { simulated = false, jsonFile } = options
  if (!simulated && !canRunForReal()) {
    process.stderr.write(WITHOUT_GO)
    return 1
  }
  await setUp()
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // The second time at once: what is left is ended by the leash.
      if (interrupted.signal.aborted) process.exit(INTERRUPTED)
      interrupted.abort(new Error(`interrupted by ${signal}`))
    })
  }
  // npm does not pass on a signal that is sent to npm alone: its end is the demo's end.
  const parent = process.ppid
  const orphaned = () => {
    if (process.ppid !== parent) interrupted.abort(new Error('npm has ended'))
  }
  if (RUN_BY_NPM) setInterval(orphaned, ORPHAN_CHECK_MS).unref()
  // Nobody reads any more, as with "| head".
  process.stdout.on('error', (error) => interrupted.abort(error))
  // tsx would leave its cache behind in the temporary folder.
  process.env.TSX_DISABLE_CACHE = '1'
  // In this process, so that signals need no forwarding. Only now: these packages were just installed.
  const { register } = await import('tsx/esm/api')
  register()
  const { runDemo } = await import('../test/demo/main.ts')
  return runDemo({ simulated, jsonFile }, interrupted.signal)
}

demo().then(
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exit(1)
  },
)
