import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import * as z from 'zod'
import { SidecarError } from '../kernel/errors.ts'
import { absolutePath, defaultConfigPath, defaultDataFolder, withoutHome } from './paths.ts'
import { describeProblems } from './problems.ts'
import { type Config, ConfigFile, type RestFileConfig } from './schema.ts'

/**
 * Reads and checks the config file, `~/.sluice/sluice.json` unless told otherwise.
 * @throws SidecarError CONFIG_INVALID, naming the place, the value and the fix
 */
export function loadConfig(path: string = defaultConfigPath()): Config {
  const file = resolve(path)
  return parseConfig(readJson(file), file)
}

/**
 * Checks a config that was read from `file`: relative paths start at its folder.
 * @throws SidecarError CONFIG_INVALID, naming the place, the value and the fix
 */
export function parseConfig(input: unknown, file: string): Config {
  const parsed = ConfigFile.safeParse(input, { reportInput: true })
  if (!parsed.success) throw new SidecarError(describeProblems(parsed.error.issues, file), parsed.error)
  const { data_dir, lnd, ...others } = parsed.data
  const base = dirname(file)
  const folder = data_dir === undefined ? defaultDataFolder(others.network) : absolutePath(data_dir, base)
  const macaroon =
    lnd.macaroon_path === undefined ? join(folder, 'lnd.macaroon') : absolutePath(lnd.macaroon_path, base)
  return {
    ...others,
    rest: mapPaths(others.rest, (path) => absolutePath(path, base)),
    data_dir: folder,
    lnd: { ...lnd, cert_path: absolutePath(lnd.cert_path, base), macaroon_path: macaroon },
  }
}

/**
 * The effective config in the form of the file, fit to be posted: secrets stand in it as paths only, and the home
 * folder, which often has a person's name, is written `~`.
 */
export function redact(config: Config): z.input<typeof ConfigFile> {
  const { cert_path, macaroon_path } = config.lnd
  return z.encode(ConfigFile, {
    ...config,
    rest: mapPaths(config.rest, withoutHome),
    data_dir: withoutHome(config.data_dir),
    lnd: { ...config.lnd, cert_path: withoutHome(cert_path), macaroon_path: withoutHome(macaroon_path) },
  })
}

function mapPaths(rest: RestFileConfig, change: (path: string) => string): RestFileConfig {
  const { tls_cert_path: cert, tls_key_path: key } = rest
  return {
    ...rest,
    ...(cert === undefined ? {} : { tls_cert_path: change(cert) }),
    ...(key === undefined ? {} : { tls_key_path: change(key) }),
  }
}

function readJson(file: string): unknown {
  const invalid = (detail: string, cause: unknown) =>
    new SidecarError({ code: 'CONFIG_INVALID', path: file, detail }, cause)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(readProblem(error), error)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw invalid(`is not JSON: ${said}${placeIn(text, said)}. Look for a missing quote or a comma too many.`, error)
  }
}

function readProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT')
    return 'does not exist. Copy config.example.json there and edit it, or name another with --config.'
  if (code === 'EACCES') return 'may not be read by this user. Change its owner or mode.'
  return `cannot be read: ${message}`
}

/** Editors show lines; Node 20 tells only a position. */
function placeIn(text: string, said: string): string {
  const position = /position (\d+)$/.exec(said)?.[1]
  if (position === undefined) return ''
  const before = text.slice(0, Number(position)).split('\n')
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`
}
