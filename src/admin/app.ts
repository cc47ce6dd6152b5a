import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { Datetime } from '../../lsps/base/datetime.ts'
import type { Log } from '../kernel/log.ts'
import { fault } from './fault.ts'
import { addOrderRoutes } from './orders.ts'
import type { AdminPort } from './port.ts'
import { addPromiseRoutes } from './promises.ts'
import { DrainOrder, SALE_STATES } from './schema.ts'
import { addWebhookRoutes } from './webhooks.ts'

/** The longest body has four dozen bytes. */
const MAX_BODY_BYTES = 1024
const MAX_HEADER_BYTES = 8192
/** The longest id: a payment hash in hex, with room. */
const MAX_ID_LENGTH = 100
const REQUEST_TIMEOUT_MS = 10_000
/** Reads the whole forwarding history of lnd. */
const RECONCILE_TIMEOUT_MS = 60_000
export const MAX_SALES_PER_PAGE = 1000
const DEFAULT_SALES_PER_PAGE = 50

/** Query texts are short words or ids. */
const Word = z.string().min(1).max(MAX_ID_LENGTH)
const SalesQuery = z.strictObject({
  state: z.enum(SALE_STATES).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_SALES_PER_PAGE).default(DEFAULT_SALES_PER_PAGE),
  before: Word.optional(),
})

const QuoteQuery = z.strictObject({
  token: Word.optional(),
  amount_msat: z
    .string()
    .regex(/^(0|[1-9]\d{0,18})$/, 'not an amount in msat')
    .transform(BigInt)
    .optional(),
})

const DecisionsQuery = z.strictObject({
  since: Datetime,
  limit: z.coerce.number().int().min(1).max(MAX_SALES_PER_PAGE),
  sale: Word.optional(),
})

/** The HTTP application without its socket. Loads fastify only now: the interceptor must not wait for it at start. */
export async function createAdminApp(port: AdminPort, log: Log): Promise<FastifyInstance> {
  const { fastify } = await import('fastify')
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    handlerTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: RECONCILE_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: MAX_ID_LENGTH },
    http: { maxHeaderSize: MAX_HEADER_BYTES },
  })
  app.removeContentTypeParser('text/plain') // JSON only: anything else is answered with 415
  addRoutes(app, port)
  addOrderRoutes(app, port, { mostPerPage: MAX_SALES_PER_PAGE, maxIdLength: MAX_ID_LENGTH })
  addPromiseRoutes(app, port, MAX_SALES_PER_PAGE)
  addWebhookRoutes(app, port, MAX_SALES_PER_PAGE)
  app.setNotFoundHandler((request, reply) =>
    fault(reply, 404, 'NOT_FOUND', `there is no ${request.method} ${request.url}`),
  )
  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error)
    const message = error instanceof Error ? error.message : String(error)
    if (status < 500) return fault(reply, status, 'BAD_REQUEST', message)
    log.error({ err: error, method: request.method, url: request.url }, 'admin request failed')
    return fault(reply, status, 'INTERNAL', message)
  })
  return app
}

function addRoutes(app: FastifyInstance, port: AdminPort): void {
  app.get('/v1/status', (request) => port.status(request.signal))

  app.get('/v1/drain', () => port.drain())

  app.post('/v1/drain', async (request, reply) => {
    const order = DrainOrder.safeParse(request.body)
    if (!order.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(order.error))
    return order.data.draining ? port.beginDrain() : port.endDrain()
  })

  app.get('/v1/reconcile', { handlerTimeout: RECONCILE_TIMEOUT_MS }, (request) => port.reconcile(request.signal))

  app.get('/v1/quote', async (request, reply) => {
    const query = QuoteQuery.safeParse(request.query)
    if (!query.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(query.error))
    const { token, amount_msat: amount } = query.data
    const asked = { ...(token === undefined ? {} : { token }), ...(amount === undefined ? {} : { amount }) }
    const quote = await port.quote(asked, request.signal)
    return quote ?? fault(reply, 404, 'NOT_FOUND', `no token of lsps2.tokens has the name ${token}`)
  })

  app.get('/v1/decisions', async (request, reply) => {
    const query = DecisionsQuery.safeParse(request.query)
    if (!query.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(query.error))
    const { since, limit, sale } = query.data
    const decisions = await port.decisions({ since, limit, ...(sale === undefined ? {} : { sale }) }, request.signal)
    return decisions === undefined
      ? fault(reply, 404, 'NOT_FOUND', `no sale has the id, scid or payment hash ${sale}`)
      : { decisions }
  })

  app.get('/v1/jit', async (request, reply) => {
    const query = SalesQuery.safeParse(request.query)
    if (!query.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(query.error))
    const { state, limit, before } = query.data
    const sales = await port.jitList(
      { limit, ...(state === undefined ? {} : { state }), ...(before === undefined ? {} : { before }) },
      request.signal,
    )
    return sales === undefined ? fault(reply, 404, 'NOT_FOUND', `no sale has the id ${before}`) : { sales }
  })

  app.get<{ Params: { id: string } }>('/v1/jit/:id', async (request, reply) => {
    const { id } = request.params
    const record = await port.jitShow(id, request.signal)
    return record ?? fault(reply, 404, 'NOT_FOUND', `no sale has the id, scid or payment hash ${id}`)
  })
}

function statusOf(error: unknown): number {
  const status = (error as { readonly statusCode?: unknown }).statusCode
  return typeof status === 'number' ? status : 500
}
