import { createHash } from 'node:crypto'
import { mkdir, rename, rm, rmdir, stat, utimes } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { holdFolder } from './leash.ts'
import { waitFor } from './wait.ts'

const LOCK_WAIT_MS = 45 * 60_000
const LOCK_POLL_MS = 500
const TOUCH_MS = 2_000
const ABANDONED_MS = 15_000

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
 * Runs `work` while no other process does under the same path. The lock is a folder that its holder touches again and
 * again; one that was not touched for a while belongs to nobody any more (killed) and is taken over.
 */
export async function withLock<T>(path: string, log: (line: string) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  let told = false
  await waitFor(
    async () => {
      if (await take(path)) return true
      if (await isAbandoned(path)) {
        await rmdir(path).catch(() => undefined)
        return false
      }
      if (!told) log(`waiting for another run that builds the same (${path})`)
      told = true
      return false
    },
    { deadline: LOCK_WAIT_MS, pollMs: LOCK_POLL_MS, what: `the lock ${path}` },
  )
  const touching = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined)
  }, TOUCH_MS)
  try {
    return await work()
  } finally {
    clearInterval(touching)
    await rmdir(path).catch(() => undefined)
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const held = await stat(path).catch(() => undefined)
  return held !== undefined && Date.now() - held.mtimeMs > ABANDONED_MS
}

/**
 * Makes `folder` as a whole: `build` fills a folder beside it that gets its name only when complete, and goes when
 * this process is killed.
 */
export async function buildFolder(folder: string, build: (unfinished: string) => Promise<void>): Promise<void> {
  const unfinished = `${folder}.unfinished-${process.pid}`
  holdFolder(unfinished)
  try {
    await mkdir(unfinished, { recursive: true })
    await build(unfinished)
    await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}
