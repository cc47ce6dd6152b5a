import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { fault } from './fault.ts'
import type { AdminPort } from './port.ts'
import { WebhookTestOrder } from './schema-webhooks.ts'

const DEFAULT_CLIENTS = 50
/** The turn of the host, the signature of lnd and the answer of the wallet's server: each has its own bound below this. */
export const WEBHOOK_TEST_TIMEOUT_MS = 30_000

/** What may be asked of webhooks, and the calls that an operator may make to them. */
export function addWebhookRoutes(app: FastifyInstance, port: AdminPort, mostPerPage: number): void {
  const WebhooksQuery = z.strictObject({
    limit: z.coerce.number().int().min(1).max(mostPerPage).default(DEFAULT_CLIENTS),
  })
  const unknown = (client: string) => `no client with the node id ${client} has a webhook`

  app.get('/v1/webhooks', async (request, reply) => {
    const query = WebhooksQuery.safeParse(request.query)
    if (!query.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(query.error))
    return port.webhookList(query.data)
  })

  app.get<{ Params: { client: string } }>('/v1/webhooks/:client', async (request, reply) => {
    const { client } = request.params
    return (await port.webhookShow(client)) ?? fault(reply, 404, 'NOT_FOUND', unknown(client))
  })

  app.post<{ Params: { client: string } }>('/v1/webhooks/:client/request-liquidity', async (request, reply) => {
    const { client } = request.params
    return (await port.requestLiquidity(client)) ?? fault(reply, 404, 'NOT_FOUND', unknown(client))
  })

  app.post<{ Params: { client: string } }>(
    '/v1/webhooks/:client/test',
    { handlerTimeout: WEBHOOK_TEST_TIMEOUT_MS },
    async (request, reply) => {
      const { client } = request.params
      const order = WebhookTestOrder.safeParse(request.body)
      if (!order.success) return fault(reply, 400, 'BAD_REQUEST', z.prettifyError(order.error))
      const tested = await port.webhookTest(client, order.data, request.signal)
      if (tested === undefined) return fault(reply, 404, 'NOT_FOUND', unknown(client))
      if (tested.webhooks.length > 0) return tested
      const name = JSON.stringify(order.data.app_name)
      return fault(reply, 404, 'NOT_FOUND', `the client ${client} has no webhook with the name ${name}`)
    },
  )
}
