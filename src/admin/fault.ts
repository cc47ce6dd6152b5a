import type { FastifyReply } from 'fastify'

/** Every answer that is not 200. */
export function fault(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } })
}
