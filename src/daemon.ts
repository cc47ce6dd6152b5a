import type { SidecarDeps as DaemonDeps, Sidecar as Stoppable } from './cli/daemon.ts'
import { enabledFeatures } from './cli/features.ts'
import { openDataFolder } from './config/data-folder.ts'
import type { Config } from './config/schema.ts'
import { fetchJson } from './kernel/fetch-json.ts'
import { createLndAdapter } from './lnd/adapter.ts'
import { probePermissions } from './lnd/permissions.ts'
import { startSidecar } from './sidecar.ts'
import { restOf } from './slices.ts'
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
  const opened: (() => Promise<void>)[] = [async () => lnd.close()]
  const stop = async () => {
    for (const close of opened.splice(0).reverse()) await close()
  }
  try {
    const store = await openLevelStore(paths.db)
    const probe = (probeSignal: AbortSignal) =>
      probePermissions(lnd.connection, enabledFeatures(config), probeSignal, { subscriptions: 'read' })
    const sidecar = await startSidecar(config, {
      lnd,
      store,
      clock,
      entropy,
      log,
      seed,
      signal,
      onFatal,
      probe,
      fetchJson,
    })
    opened.push(sidecar.stop)
    if (config.admin.enabled) {
      // Only now: loading the HTTP server takes time in which the node's forwards would have waited.
      const { startAdmin } = await import('./admin/server.ts')
      const admin = await startAdmin({ port: sidecar.admin, path: paths.socket, log })
      opened.push(admin.close)
    }
    if (config.rest.enabled) {
      const { startRest } = await import('./rest/server.ts')
      const rest = await startRest({ port: sidecar.rest, config: restOf(config), clock, log })
      opened.push(rest.close)
    }
    return { stop }
  } catch (error) {
    await stop()
    throw error
  }
}
