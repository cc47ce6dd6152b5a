import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { waitFor } from './wait.ts'

const LOCK_WAIT_MS = 45 * 60_000
const LOCK_POLL_MS = 500

/** What the stack builds once and keeps, outside the source tree: `$SLUICE_CACHE` or `~/.cache/sluice`. */
export function cacheFolder(...parts: readonly string[]): string {
  const { SLUICE_CACHE, XDG_CACHE_HOME } = process.env
  const root = SLUICE_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice')
  return join(root, ...parts)
}

/** A short name for everything that a cached thing depends on. */
export function fingerprint(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest('hex').slice(0, 16)
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/**
 * Runs `work` while no other process does under the same path. The lock is a folder with its owner's process id; one
 * whose owner is gone (killed) is taken over.
 */
export async function withLock<T>(path: string, log: (line: string) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  const owner = join(path, 'pid')
  let told = false
  await waitFor(
    async () => {
      try {
        await mkdir(path)
        await writeFile(owner, String(process.pid))
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      if (await isStale(path, owner)) await breakLock(path, owner)
      else if (!told) {
        log(`waiting for another run that builds the same (${path})`)
        told = true
      }
      return false
    },
    { deadline: LOCK_WAIT_MS, pollMs: LOCK_POLL_MS, what: `the lock ${path}` },
  )
  try {
    return await work()
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

const OWNERLESS_MS = 10_000

async function isStale(path: string, owner: string): Promise<boolean> {
  try {
    const pid = Number(await readFile(owner, 'utf8'))
    if (pid > 0) return !isAlive(pid)
  } catch {
    // Killed between the two steps of taking it, or taking it right now: its age tells.
  }
  const made = await stat(path).catch(() => undefined)
  return made !== undefined && Date.now() - made.mtimeMs > OWNERLESS_MS
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function breakLock(path: string, owner: string): Promise<void> {
  await rm(owner, { force: true })
  await rmdir(path).catch(() => undefined)
}
