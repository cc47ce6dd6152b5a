import type { SidecarDeps as DaemonDeps, Sidecar as Stoppable } from './cli/daemon.ts'
import { openDataFolder } from './config/data-folder.ts'
import type { Config } from './config/schema.ts'
import { createLndAdapter } from './lnd/adapter.ts'
import { startSidecar } from './sidecar.ts'
import { openLevelStore } from './store/level.ts'

/** The sidecar on this machine: real disk, real lnd, admin socket. */
export async function startDaemon(config: Config, deps: DaemonDeps): Promise<Stoppable> {
  const { log, clock, entropy, signal, onFatal } = deps
  const { paths, seed } = openDataFolder(config, entropy)
  const lnd = createLndAdapter({
    socket: config.lnd.socket,
    certPath: config.lnd.cert_path,
    macaroonPath: config.lnd.macaroon_path,
  })
  try {
    const store = await openLevelStore(paths.db)
    const sidecar = await startSidecar(config, { lnd, store, clock, entropy, log, seed, signal, onFatal })
    // Only now: loading the HTTP server takes time in which the node's forwards would have waited.
    const { startAdmin } = await import('./admin/server.ts')
    const admin = config.admin.enabled ? await startAdmin({ port: sidecar.admin, path: paths.socket, log }) : undefined
    return {
      async stop() {
        await admin?.close()
        await sidecar.stop()
        lnd.close()
      },
    }
  } catch (error) {
    lnd.close()
    throw error
  }
}
