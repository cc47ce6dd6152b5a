import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { systemClock } from '../kernel/clock.ts'
import { SidecarError } from '../kernel/errors.ts'
import { onAbort } from './abort.ts'
import { fromGrpc, unavailable } from './errors.ts'
import {
  type GrpcCall,
  type GrpcDuplex,
  type GrpcModule,
  type GrpcReadable,
  loadGrpc,
  type MethodDefinition,
} from './grpc.ts'
import { METHODS, type Method, type StreamMethod, type UnaryMethod } from './methods.ts'
import type { RawAnswer, RawOffer, StreamEvents, UnaryAnswers } from './raw.ts'

/** Waits for lnd's answer to an ordinary call. */
export const CALL_DEADLINE_MS = 15_000
/** Calls that walk large lists, choose coins or sign. */
export const SLOW_CALL_DEADLINE_MS = 30_000
const SLOW_CALLS: ReadonlySet<UnaryMethod> = new Set([
  'listChannels',
  'pendingChannels',
  'closedChannels',
  'forwardingHistory',
  'getTransactions',
  'fundingStateStep',
  'fundPsbt',
  'finalizePsbt',
  'publishTransaction',
])

const MAX_MESSAGE_BYTES = 256 * 1024 * 1024
/**
 * How much lnd may send before we have read it. A full window stalls every forward of the node (lnd.md 1.6), and the
 * default, 64 KiB, holds only 40 HTLC offers.
 */
const WINDOW_BYTES = 8 * 1024 * 1024
/** lnd refuses pings more often than every 5 s. */
const KEEPALIVE_MS = 20_000
const KEEPALIVE_TIMEOUT_MS = 10_000
/** gRPC's own waits between attempts to connect; its default grows to two minutes. */
const FIRST_RECONNECT_MS = 50
const LONGEST_RECONNECT_MS = 1_000

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc-node.flow_control_window': WINDOW_BYTES,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc.initial_reconnect_backoff_ms': FIRST_RECONNECT_MS,
  'grpc.max_reconnect_backoff_ms': LONGEST_RECONNECT_MS,
  // Nothing is sent twice behind our back, no proxy stands between us and our node, no DNS record configures us.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
}

export type ConnectOptions = {
  /** `host:port` of lnd's gRPC. */
  readonly socket: string
  readonly certPath: string
  readonly macaroonPath: string
}

/** One connection to lnd: all calls share it. It is made at once and made again whenever it breaks. */
export type Connection = {
  readonly unary: <M extends UnaryMethod>(method: M, request: object, signal: AbortSignal) => Promise<UnaryAnswers[M]>
  readonly stream: <M extends StreamMethod>(method: M, request: object) => GrpcReadable<StreamEvents[M]>
  readonly interceptor: () => GrpcDuplex<RawOffer, RawAnswer>
  /** The macaroon in use, for a look at what it permits. */
  readonly macaroon: Uint8Array
  readonly close: () => void
}

/** @throws SidecarError CONFIG_INVALID when certificate or macaroon cannot be read; naming file and fix */
export function connect({ socket, certPath, macaroonPath }: ConnectOptions): Connection {
  const certificate = readCertificate(certPath)
  const macaroon = readMacaroonFile(macaroonPath)
  const { module, method } = loadGrpc()
  const { address, host } = splitSocket(socket)
  // An IP address may not stand in a TLS server name (RFC 6066): lnd's own certificates have the name localhost.
  const serverName = isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'localhost' }
  const client = new module.Client(address, pinned(module, certificate, host), { ...CHANNEL_OPTIONS, ...serverName })
  const metadata = new module.Metadata()
  metadata.set('macaroon', macaroon.toString('hex'))
  // Connects now, beside whatever else the start does.
  client.getChannel().getConnectivityState(true)

  const definitions = new Map<Method, MethodDefinition>()
  const definition = (name: Method) => {
    const known = definitions.get(name) ?? method(METHODS[name])
    definitions.set(name, known)
    return known
  }
  return {
    macaroon,
    unary: <M extends UnaryMethod>(name: M, request: object, signal: AbortSignal) => {
      const { path, requestSerialize, responseDeserialize } = definition(name)
      const deadline = new Date(systemClock.now() + (SLOW_CALLS.has(name) ? SLOW_CALL_DEADLINE_MS : CALL_DEADLINE_MS))
      return callback<UnaryAnswers[M]>(name, signal, (done) =>
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          metadata.clone(),
          { deadline },
          done,
        ),
      )
    },
    stream: <M extends StreamMethod>(name: M, request: object) => {
      const { path, requestSerialize, responseDeserialize } = definition(name)
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata.clone(),
      )
      return call as GrpcReadable<StreamEvents[M]>
    },
    interceptor: () => {
      const { path, requestSerialize, responseDeserialize } = definition('htlcInterceptor')
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata.clone())
      return call as GrpcDuplex<RawOffer, RawAnswer>
    },
    close: () => client.close(),
  }
}

function callback<T>(
  name: UnaryMethod,
  signal: AbortSignal,
  start: (done: (error: Error | null, answer: unknown) => void) => GrpcCall,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) return reject(unavailable(name, 'it was not called: the caller had given up', signal.reason))
    const call = start((error, answer) => {
      release()
      if (error === null) resolve(answer as T)
      else reject(signal.aborted ? unavailable(name, 'the caller gave up', signal.reason) : fromGrpc(name, error))
    })
    const release = onAbort(signal, () => call.cancel())
  })
}

/**
 * Trusts exactly the given certificate, or whatever it signed. The very certificate of the file proves the server by
 * itself, whatever name it was reached by; anything else must also have the right name.
 */
function pinned(module: GrpcModule, certificate: Certificate, host: string): unknown {
  return module.credentials.createSsl(certificate.pem, null, null, {
    checkServerIdentity: (_name, shown) =>
      shown.raw.equals(certificate.raw) ? undefined : checkServerIdentity(host, shown as PeerCertificate),
  })
}

type Certificate = { readonly pem: Buffer; readonly raw: Buffer }

function readCertificate(path: string): Certificate {
  const pem = read(path, 'lnd.cert_path', "lnd's tls.cert, in its lnddir")
  try {
    return { pem, raw: new X509Certificate(pem).raw }
  } catch (error) {
    throw invalid('lnd.cert_path', `${path} is not a PEM certificate. Write the path of lnd's tls.cert.`, error)
  }
}

function readMacaroonFile(path: string): Buffer {
  const macaroon = read(path, 'lnd.macaroon_path', 'a macaroon; `sluice macaroon` prints the command that bakes one')
  if (macaroon.length > 0) return macaroon
  throw invalid('lnd.macaroon_path', `${path} is empty. Bake the macaroon again: see \`sluice macaroon\`.`)
}

function read(path: string, key: string, what: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read by this user' : `fails: ${code}`
    throw invalid(key, `${path} ${why}. Write the path of ${what}.`, error)
  }
}

function invalid(path: string, detail: string, cause?: unknown): SidecarError {
  return new SidecarError({ code: 'CONFIG_INVALID', path, detail }, cause)
}

function splitSocket(socket: string): { readonly address: string; readonly host: string } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(socket)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw invalid('lnd.socket', `${socket} is not host:port. Write it like localhost:10009.`)
  return { address: isIP(host) === 6 ? `ipv6:${socket}` : socket, host }
}
