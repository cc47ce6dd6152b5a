import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { fault } from './fault.ts'
import type { AdminPort } from './port.ts'
import { ORDER_STATES, OrderAction } from './schema-orders.ts'

const DEFAULT_ORDERS = 50

/** What may be asked of orders, and the two things that an operator may do to one. */
export function addOrderRoutes(
  app: FastifyInstance,
  port: AdminPort,
  { mostPerPage, maxIdLength }: { readonly mostPerPage: number; readonly maxIdLength: number },
): void {
  const OrdersQuery = z.strictObject({
    state: z.enum(ORDER_STATES).optional(),
    limit: z.coerce.number().int().min(1).max(mostPerPage).default(DEFAULT_ORDERS),
    before: z.string().min(1).max(maxIdLength).optional(),
  })
  const unknown = (id: string) => `no order has the id or payment hash ${id}`

  app.get('/v1/orders', async (request, reply) => {
    const query = OrdersQuery.safeParse(request.query)
    if (!query.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(query.error))
    const { state, limit, before } = query.data
    const orders = await port.orderList(
      { limit, ...(state === undefined ? {} : { state }), ...(before === undefined ? {} : { before }) },
      request.signal,
    )
    return orders === undefined ? fault(reply, 404, 'NOT_FOUND', `no order has the id ${before}`) : { orders }
  })

  app.get<{ Params: { id: string } }>('/v1/orders/:id', async (request, reply) => {
    const { id } = request.params
    return (await port.orderShow(id)) ?? fault(reply, 404, 'NOT_FOUND', unknown(id))
  })

  app.post<{ Params: { id: string } }>('/v1/orders/:id', async (request, reply) => {
    const { id } = request.params
    const asked = OrderAction.safeParse(request.body)
    if (!asked.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(asked.error))
    const outcome = await port.orderAct(id, asked.data)
    if (outcome === undefined) return fault(reply, 404, 'NOT_FOUND', unknown(id))
    if ('refused' in outcome) return fault(reply, 409, 'REFUSED', `order ${id} stays as it is: ${outcome.refused}`)
    return outcome
  })
}
