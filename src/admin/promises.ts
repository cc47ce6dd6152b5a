import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { fault } from './fault.ts'
import type { AdminPort } from './port.ts'
import { PROMISE_STATES } from './schema-promises.ts'

const DEFAULT_PROMISES = 50
/** Reads the forwarding history of lnd. */
const CLOSABLE_TIMEOUT_MS = 60_000

/** What may be asked of promised lifetimes. Nothing here closes a channel. */
export function addPromiseRoutes(app: FastifyInstance, port: AdminPort, mostPerPage: number): void {
  const PromisesQuery = z.strictObject({
    state: z.enum(PROMISE_STATES).optional(),
    limit: z.coerce.number().int().min(1).max(mostPerPage).default(DEFAULT_PROMISES),
  })

  app.get('/v1/promises', async (request, reply) => {
    const query = PromisesQuery.safeParse(request.query)
    if (!query.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(query.error))
    const { state, limit } = query.data
    return port.promises({ limit, ...(state === undefined ? {} : { state }) }, request.signal)
  })

  app.get('/v1/promises/closable', { handlerTimeout: CLOSABLE_TIMEOUT_MS }, (request) => port.closable(request.signal))
}
