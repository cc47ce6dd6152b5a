import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { PUSH } from '../unit/webhooks/delivery/pem.ts'
import { monotonicMs } from './machine.ts'

/** Servers of wallets, each on a port of its own, which say when each call arrived: that is, when its headers were read. */

export type ArrivalsOptions = {
  readonly servers: number
  /** `new`: each call needs a connection of its own. */
  readonly connections: 'kept' | 'new'
}
export type ArrivalsCommand = { readonly type: 'take' }
/** By the number of the wallet, as its URL names it. */
export type ArrivalsAnswer =
  | { readonly type: 'listening'; readonly ports: readonly number[] }
  | { readonly type: 'taken'; readonly arrived: ReadonlyMap<number, number> }

const KEEP_ALIVE_MS = 60_000

const { servers, connections } = JSON.parse(process.argv[2] ?? '') as ArrivalsOptions
let arrived = new Map<number, number>()

function listen(): Promise<number> {
  const server = createServer(PUSH, (request, response) => {
    const at = monotonicMs()
    const wallet = Number(new URL(request.url ?? '', 'https://localhost').searchParams.get('wallet'))
    if (!arrived.has(wallet)) arrived.set(wallet, at)
    if (connections === 'new') response.setHeader('connection', 'close')
    request.resume().on('end', () => response.end())
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function tell(answer: ArrivalsAnswer): void {
  process.send?.(answer)
}

process.on('message', () => {
  tell({ type: 'taken', arrived })
  arrived = new Map()
})
process.once('disconnect', () => process.exit())
tell({ type: 'listening', ports: await Promise.all(Array.from({ length: servers }, listen)) })
