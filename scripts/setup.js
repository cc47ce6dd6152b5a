import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * What a fresh clone needs before anything else can run. Plain Node and nothing from a package: this runs before
 * `npm ci` has.
 */

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

const PROGRESS_MS = 5_000

/** Milliseconds since 1970; undefined when there is no such file. */
function changedAt(path) {
  return statSync(new URL(`../${path}`, import.meta.url), { throwIfNoEntry: false })?.mtimeMs
}

/** True when `npm ci` has not run since package-lock.json last changed. */
export function needsInstall() {
  const installed = changedAt('node_modules/.package-lock.json')
  return installed === undefined || installed < (changedAt('package-lock.json') ?? 0)
}

/**
 * Runs a program to its end, quietly: `label` and the time are shown while it runs, its output only when it fails.
 *
 * @param {string} label what is being done, for the progress lines
 * @param {string} command
 * @param {readonly string[]} args
 */
export async function runQuietly(label, command, args) {
  const start = performance.now()
  const seconds = () => `${Math.round((performance.now() - start) / 1000)} s`
  process.stderr.write(`${label} ...\n`)
  const report = setInterval(() => process.stderr.write(`${label}: ${seconds()}\n`), PROGRESS_MS)
  const output = []
  try {
    await new Promise((resolve, reject) => {
      const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout.on('data', (chunk) => output.push(chunk))
      child.stderr.on('data', (chunk) => output.push(chunk))
      child.once('error', reject)
      child.once('close', (code, signal) => {
        if (code === 0) resolve(undefined)
        else reject(new Error(`"${[command, ...args].join(' ')}" ended with ${signal ?? code}`))
      })
    })
  } catch (error) {
    process.stderr.write(Buffer.concat(output))
    throw error
  } finally {
    clearInterval(report)
  }
  process.stderr.write(`${label}: done in ${seconds()}\n`)
}

/** `npm ci`, when it is due. */
export async function ensureInstalled() {
  if (needsInstall()) await runQuietly('installing packages (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund'])
}

/** Compiles `src` and `lsps` to `dist`. */
export async function ensureBuilt() {
  await runQuietly('compiling', 'npm', ['run', '--silent', 'build'])
}

/** Everything up to a runnable `bin/sluiced.js`. */
export async function setUp() {
  await ensureInstalled()
  await ensureBuilt()
}

/**
 * Runs a TypeScript file of this repository in the foreground and gives its exit code; Ctrl-C reaches it and is then
 * its business. Needs `ensureInstalled` before.
 *
 * @param {string} file relative to the repository
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
export function runTypeScript(file, args = []) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], { cwd: ROOT, stdio: 'inherit' })
    const ignore = () => undefined
    process.on('SIGINT', ignore).on('SIGTERM', ignore)
    child.once('error', reject)
    child.once('close', (code) => {
      process.off('SIGINT', ignore).off('SIGTERM', ignore)
      resolve(code ?? 1)
    })
  })
}
