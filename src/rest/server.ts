import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import type { Clock } from '../../lsps/base/clock.ts'
import { SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { network, sameAddress } from './address.ts'
import { createRestApp } from './app.ts'
import type { RestConfig, RestPort } from './port.ts'

const MAX_CONNECTIONS = 1_000
/** Of one address: a wallet needs one, a family behind one address a few. */
export const MAX_CONNECTIONS_PER_ADDRESS = 20
/** A renewed certificate is used so soon. */
export const CERTIFICATE_CHECK_MS = 10 * 60_000

export type RestServer = {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly address: string
  /** Ends all connections. */
  readonly close: () => Promise<void>
}

export type RestOptions = {
  readonly port: RestPort
  readonly config: RestConfig
  readonly clock: Clock
  readonly log: Log
}

/**
 * Serves LSPS1 over HTTP.
 * @throws SidecarError CONFIG_INVALID when the certificate cannot be used or the address cannot be listened on
 */
export async function startRest({ port, config, clock, log }: RestOptions): Promise<RestServer> {
  const pem = config.tls === undefined ? undefined : readPem(config.tls)
  const app = await createRestApp({ port, clock, log, ...(pem === undefined ? {} : { tls: pem }) }, config).catch(
    (error: unknown) => {
      if (pem === undefined) throw error
      throw unusable('rest.tls_cert_path', `is no certificate that fits its key: ${reasonOf(error)}`, error)
    },
  )
  app.server.maxConnections = MAX_CONNECTIONS
  boundConnections(app.server, config.trustedProxy)
  const { host, port: wanted } = splitAddress(config.listen)
  await app.listen({ host, port: wanted }).catch((error: unknown) => {
    throw unusable('rest.listen', `cannot listen on ${config.listen}: ${reasonOf(error)}. Is the port taken?`, error)
  })
  const closing = new AbortController()
  const fresh =
    config.tls === undefined || pem === undefined
      ? Promise.resolve()
      : renewCertificate(app.server as unknown as TlsServer, config.tls, pem, { clock, log, signal: closing.signal })
  const bound = app.server.address()
  const address = typeof bound === 'object' && bound !== null ? `${host}:${bound.port}` : config.listen
  log.info({ address, tls: pem !== undefined }, 'serving LSPS1 over http')
  return {
    address,
    async close() {
      closing.abort(new Error('the http bridge is closing'))
      await Promise.all([fresh, app.close()])
    },
  }
}

/** Connections that say nothing cost as well; the proxy has one for each of its callers. */
function boundConnections(
  server: { on(event: 'connection', heard: (socket: Socket) => void): unknown },
  proxy?: string,
) {
  const open = new Map<string, number>()
  server.on('connection', (socket) => {
    const { remoteAddress: remote } = socket
    if (remote === undefined || (proxy !== undefined && sameAddress(remote, proxy))) return
    const address = network(remote)
    const count = open.get(address) ?? 0
    if (count >= MAX_CONNECTIONS_PER_ADDRESS) {
      socket.destroy()
      return
    }
    open.set(address, count + 1)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left > 0) open.set(address, left)
      else open.delete(address)
    })
  })
}

type Pem = { readonly cert: string; readonly key: string }

/** Certificates of today live for weeks: whoever renews it need not restart us. */
async function renewCertificate(
  server: TlsServer,
  paths: NonNullable<RestConfig['tls']>,
  first: Pem,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  let used = first
  while (!signal.aborted) {
    await clock.sleep(CERTIFICATE_CHECK_MS, signal).catch(() => undefined)
    if (signal.aborted) return
    try {
      const now = readPem(paths)
      if (now.cert === used.cert && now.key === used.key) continue
      server.setSecureContext(now)
      used = now
      log.info({ path: paths.certPath }, 'certificate renewed')
    } catch (error) {
      log.warn({ path: paths.certPath, err: error }, 'the renewed certificate cannot be used: the old one stays')
    }
  }
}

function readPem({ certPath, keyPath }: NonNullable<RestConfig['tls']>): Pem {
  return { cert: readFile('rest.tls_cert_path', certPath), key: readFile('rest.tls_key_path', keyPath) }
}

function readFile(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw unusable(key, `cannot be read: ${reasonOf(error)}. Does the file exist, and may this user read it?`, error)
  }
}

function unusable(path: string, detail: string, cause: unknown): SidecarError {
  return new SidecarError({ code: 'CONFIG_INVALID', path, detail }, cause)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The config has made sure of its form; an IPv6 address stands in brackets. */
function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
