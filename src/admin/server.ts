import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { createAdminApp } from './app.ts'
import type { AdminPort } from './port.ts'

const ONLY_OWNER = 0o600
/** The kernel's `sun_path`, less the closing zero; 104 on the BSDs. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103
const MAX_CONNECTIONS = 32

export type AdminServer = {
  /** Ends all connections and removes the socket. */
  readonly close: () => Promise<void>
}

export type AdminOptions = {
  readonly port: AdminPort
  /** Where the socket is made. */
  readonly path: string
  readonly log: Log
}

/**
 * Serves the admin interface on a unix socket that only its owner can open.
 * @throws SidecarError CONFIG_INVALID when the path is too long, STORE_LOCKED when another daemon serves on it
 */
export async function startAdmin({ port, path, log }: AdminOptions): Promise<AdminServer> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    const detail = `is longer than the ${MAX_SOCKET_PATH_BYTES} bytes that a socket may have; set data_dir to a shorter path.`
    throw new SidecarError({ code: 'CONFIG_INVALID', path, detail })
  }
  if (await isServed(path)) throw new SidecarError({ code: 'STORE_LOCKED', path })
  removeStale(path)
  const app = await createAdminApp(port, log)
  app.server.maxConnections = MAX_CONNECTIONS
  await app.listen({ path })
  chmodSync(path, ONLY_OWNER)
  return { close: () => app.close() }
}

/** @throws SidecarError CONFIG_INVALID when something else than a socket has its name */
function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found !== undefined && !found.isSocket()) {
    const detail = 'is not a socket but sluice needs one here; move it away.'
    throw new SidecarError({ code: 'CONFIG_INVALID', path, detail })
  }
  rmSync(path, { force: true })
}

/** False when there is no socket or only one that a killed daemon left behind. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
