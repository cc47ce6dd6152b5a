import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { PUSH } from '../unit/webhooks/delivery/pem.ts'

/** All the servers of wallets as one process: it answers after a while, or never where the name begins with `hang`. */

export type RelayOptions = { readonly answerMs: number }
export type RelayListening = { readonly type: 'listening'; readonly port: number }

const { answerMs } = JSON.parse(process.argv[2] ?? '') as RelayOptions

function answer(host: string | undefined, response: ServerResponse): void {
  if (host?.startsWith('hang') === true) return
  setTimeout(() => response.end(), answerMs)
}

const server = createServer(PUSH, (request, response) => {
  request.resume().on('end', () => answer(request.headers.host, response))
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const listening: RelayListening = { type: 'listening', port: (server.address() as AddressInfo).port }
  process.send?.(listening)
})
process.once('disconnect', () => process.exit())
