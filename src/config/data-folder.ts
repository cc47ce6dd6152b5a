import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Entropy } from '../kernel/entropy.ts'
import { SidecarError } from '../kernel/errors.ts'
import { type DataPaths, dataPaths } from './paths.ts'

const SEED_BYTES = 32
const ONLY_OWNER_FOLDER = 0o700
const ONLY_OWNER_FILE = 0o600
/** Rights of anybody but the owner. */
const OTHERS = 0o077

export type DataFolder = { readonly paths: DataPaths; readonly seed: Uint8Array }

/**
 * Creates the data folder and its seed when they are not there, and reads the seed. A seed is made once: beside an
 * existing database a missing seed is an error, since promises that were made with the old one would all be broken.
 * @throws SidecarError CONFIG_INVALID, with the fix
 */
export function openDataFolder(config: { readonly data_dir: string }, entropy: Entropy): DataFolder {
  const paths = dataPaths(config)
  try {
    mkdirSync(paths.folder, { recursive: true, mode: ONLY_OWNER_FOLDER })
    if (!existsSync(paths.seed)) createSeed(paths, entropy)
    return { paths, seed: readSeed(paths.seed) }
  } catch (error) {
    if (error instanceof SidecarError) throw error
    const detail = `cannot be used: ${error instanceof Error ? error.message : String(error)}. Check its owner and mode.`
    throw new SidecarError({ code: 'CONFIG_INVALID', path: paths.folder, detail }, error)
  }
}

/** Whole or not at all, also when the machine stops: written aside, synced, then linked to its name. */
function createSeed(paths: DataPaths, entropy: Entropy): void {
  if (existsSync(paths.db)) {
    const detail = 'is missing although there is a database. Restore the seed from your backup.'
    throw new SidecarError({ code: 'CONFIG_INVALID', path: paths.seed, detail })
  }
  const draft = `${paths.seed}.${process.pid}.new`
  rmSync(draft, { force: true })
  const file = openSync(draft, 'wx', ONLY_OWNER_FILE)
  try {
    writeSync(file, entropy(SEED_BYTES))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(draft, paths.seed)
  } catch (error) {
    // Another process was first: its seed counts.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  chmodSync(paths.seed, ONLY_OWNER_FILE)
  syncFolder(dirname(paths.seed))
}

function readSeed(path: string): Uint8Array {
  const invalid = (detail: string) => new SidecarError({ code: 'CONFIG_INVALID', path, detail })
  if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0) {
    throw invalid(`may be read by others than its owner. Run: chmod 600 ${path}`)
  }
  const seed = new Uint8Array(readFileSync(path))
  if (seed.length === SEED_BYTES) return seed
  throw invalid(`has ${seed.length} bytes instead of ${SEED_BYTES}. Restore the seed from your backup.`)
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
