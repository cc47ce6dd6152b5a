import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../lsps/base/clock.ts'
import { createRpcServer } from '../../lsps/rpc/server.ts'
import { Limits } from '../callers/limits.ts'
import { TOLERATED } from '../callers/quirks.ts'
import type { Log } from '../kernel/log.ts'
import { type Sender, senderOf } from './address.ts'
import { type Answer, transportAnswer } from './answers.ts'
import { createBridge } from './bridge.ts'
import type { HttpCaller, RestConfig, RestPort } from './port.ts'

/** The largest order has less than a kilobyte. */
export const MAX_BODY_BYTES = 8192
const MAX_HEADER_BYTES = 8192
/** ZEUS gives up after 7 s. */
export const REQUEST_TIMEOUT_MS = 7_000
/** How often connections that exceeded their time are looked for. */
const TIMEOUT_CHECK_MS = 2_000
/** Wallets poll each 5 s. */
const KEEP_ALIVE_MS = 15_000
const MAX_REQUESTS_PER_CONNECTION = 1_000
/** Requests of one address that may wait for their answer. */
export const MAX_PENDING_PER_ADDRESS = 10
/** Bursts of all addresses together, in seconds of what they may ask in the long run. */
const BURST_SECONDS = 2
const PREFLIGHT_SECONDS = 86_400
const RETRY_AFTER_SECONDS = 1

/**
 * What all answers say. A page of the BTCPay plugin asks from within a browser; there is nothing that a browser would
 * add on its own, no cookie and no password, so that every page may.
 */
const HEADERS = {
  'access-control-allow-origin': '*',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const

/** Counts a request out, once, whichever of its ends comes first. */
type Visit = { readonly caller: HttpCaller; serving: boolean; done: () => void }

export type RestAppDeps = {
  readonly port: RestPort
  readonly clock: Clock
  readonly log: Log
  /** How the listener is encrypted: the certificate and its key, as PEM. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** The HTTP application without its socket. Loads fastify only now: the interceptor must not wait for it at start. */
export async function createRestApp(
  { port, clock, log, tls }: RestAppDeps,
  config: RestConfig,
): Promise<FastifyInstance> {
  const { fastify } = await import('fastify')
  const bounds = {
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    handlerTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS + KEEP_ALIVE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxRequestsPerSocket: MAX_REQUESTS_PER_CONNECTION,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    frameworkErrors: (error: unknown, _: FastifyRequest, reply: FastifyReply) =>
      send(reply, transportAnswer(statusOf(error))),
  }
  const parsing = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  }
  // The two differ in the type of their server only.
  const app =
    tls === undefined
      ? fastify({ ...bounds, http: parsing })
      : (fastify({ ...bounds, https: { ...parsing, ...tls } }) as unknown as FastifyInstance)
  app.removeContentTypeParser('text/plain') // JSON only: anything else is answered with 415

  const server = createRpcServer<HttpCaller>({
    services: port.services,
    tolerated: TOLERATED,
    onUnexpected: (error, { method }) => log.error({ method, err: error }, 'http request ended in an internal error'),
  })
  const bridge = createBridge({ server, uris: port.uris, clock }, config)
  const visits = admitVisits(app, clock, config)

  const serve =
    (answer: (caller: HttpCaller, request: FastifyRequest) => Promise<Answer>) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      const visit = visits.get(request)
      if (visit === undefined) return send(reply, transportAnswer(403))
      visit.serving = true
      try {
        return send(reply, await answer(visit.caller, request))
      } finally {
        visit.done()
      }
    }
  app.get(
    '/api/v1/get_info',
    serve((caller) => bridge.getInfo(caller)),
  )
  app.post(
    '/api/v1/create_order',
    serve((caller, { body }) => bridge.createOrder(caller, body)),
  )
  app.get(
    '/api/v1/get_order',
    serve((caller, { query }) => bridge.getOrder(caller, query)),
  )
  app.options('/api/v1/*', (_, reply) =>
    reply
      .code(204)
      .header('access-control-allow-methods', 'GET, POST')
      .header('access-control-allow-headers', 'content-type')
      .header('access-control-max-age', PREFLIGHT_SECONDS)
      .send(),
  )

  app.setNotFoundHandler((_, reply) => send(reply, transportAnswer(404)))
  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error)
    // What a library says of a request is for nobody: the caller reads our own words, whatever it was.
    if (status >= 500)
      log.error({ err: error, method: request.method, url: request.routeOptions.url }, 'http request failed')
    return send(reply, transportAnswer(status))
  })
  return app
}

/** Looks at who asks before anything of a body is read. */
function admitVisits(app: FastifyInstance, clock: Clock, config: RestConfig): WeakMap<FastifyRequest, Visit> {
  const visits = new WeakMap<FastifyRequest, Visit>()
  const { requestsPerSecond, burst, maxRequestsPerSecond, maxPending } = config
  const perAddress = new Limits({ requestsPerSecond, burst, maxPendingPerCaller: MAX_PENDING_PER_ADDRESS, maxPending })
  const inAll = new Limits({
    requestsPerSecond: maxRequestsPerSecond,
    burst: maxRequestsPerSecond * BURST_SECONDS,
    maxPendingPerCaller: maxPending,
    maxPending,
  })
  const everybody = 'everybody'

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    const sender = senderFor(request, config)
    if ('refused' in sender) return send(reply, transportAnswer(403))
    const { address } = sender
    const now = clock.now()
    const refusal = perAddress.admit(address, now)
    if (refusal !== undefined) return refuse(reply, refusal === 'pending' ? 503 : 429)
    if (inAll.admit(everybody, now) !== undefined) {
      perAddress.done(address)
      return refuse(reply, 503)
    }
    let counted = true
    const visit: Visit = {
      caller: { kind: 'http', address },
      serving: false,
      done: () => {
        if (counted) {
          perAddress.done(address)
          inAll.done(everybody)
        }
        counted = false
      },
    }
    visits.set(request, visit)
    // A caller that hangs up does not end what is done for it: that counts until it has ended by itself.
    reply.raw.once('close', () => {
      if (!visit.serving) visit.done()
    })
    return undefined
  })
  return visits
}

function senderFor(request: FastifyRequest, { trustedProxy, tls }: RestConfig): Sender {
  return senderOf({
    remote: request.socket.remoteAddress,
    forwardedFor: request.headers['x-forwarded-for'],
    trustedProxy,
    encrypted: tls === undefined ? 'no' : 'yes',
  })
}

function refuse(reply: FastifyReply, status: number): FastifyReply {
  return send(reply.header('retry-after', RETRY_AFTER_SECONDS), transportAnswer(status))
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply.code(status).send(body)
}

function statusOf(error: unknown): number {
  const { statusCode } = error as { readonly statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 600 ? statusCode : 500
}
