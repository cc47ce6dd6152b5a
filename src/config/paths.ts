import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { Network } from './schema.ts'

const HOME_FOLDER = '.sluice'

/** Where the config file is when nobody says otherwise. */
export function defaultConfigPath(): string {
  return join(homedir(), HOME_FOLDER, 'sluice.json')
}

export function defaultDataFolder(network: Network): string {
  return join(homedir(), HOME_FOLDER, network)
}

/** Makes a path of the config file absolute: `~` is the home folder, anything relative starts at `base`. */
export function absolutePath(path: string, base: string): string {
  if (path === '~') return homedir()
  if (path.startsWith('~/')) return join(homedir(), path.slice(2))
  return isAbsolute(path) ? path : resolve(base, path)
}

/** The home folder written as `~`, for texts that operators post. */
export function withoutHome(path: string): string {
  const home = homedir()
  if (path === home) return '~'
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}

export type DataPaths = {
  readonly folder: string
  /** The database. */
  readonly db: string
  /** 32 random bytes from which keys and preimages are derived: back it up. */
  readonly seed: string
  /** The unix socket of the admin interface. */
  readonly socket: string
}

export function dataPaths(config: { readonly data_dir: string }): DataPaths {
  const folder = config.data_dir
  return { folder, db: join(folder, 'db'), seed: join(folder, 'seed'), socket: join(folder, 'admin.sock') }
}
