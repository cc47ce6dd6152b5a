import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { GrpcDuplex } from '../../src/lnd/grpc.ts'
import type { RawAnswer, RawOffer } from '../../src/lnd/raw.ts'
import { CERTIFICATE, KEY } from './certificate.ts'
import { foreignOffer } from './offer-feed.ts'

/**
 * Plays lnd's HtlcInterceptor over real gRPC with lnd's protos: always has `inFlight` offers without an answer at the
 * client that is attached, and counts the answers.
 */

export type GrpcLndOptions = { readonly inFlight: number; readonly warmUpMs: number; readonly ms: number }
export type GrpcLndAnswer =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'rate'; readonly perSecond: number }

type Stream = GrpcDuplex<RawAnswer, RawOffer> & { end(): void }
/** What is used of grpc-js on the server's side. */
type ServerModule = {
  readonly Server: new () => {
    addService(service: object, handlers: Readonly<Record<string, (stream: Stream) => void>>): void
    bindAsync(address: string, credentials: unknown, done: (error: Error | null, port: number) => void): void
  }
  readonly ServerCredentials: {
    createSsl(root: null, pairs: readonly { readonly private_key: Buffer; readonly cert_chain: Buffer }[]): unknown
  }
}
type ProtoLoader = { loadSync(file: string, options: object): Readonly<Record<string, unknown>> }

const { inFlight, warmUpMs, ms } = JSON.parse(process.argv[2] ?? '') as GrpcLndOptions
const manifest = createRequire(import.meta.url).resolve('lightning/package.json')
const fromLightning = createRequire(manifest)
const { Server, ServerCredentials } = fromLightning('@grpc/grpc-js') as ServerModule
const { loadSync } = fromLightning('@grpc/proto-loader') as ProtoLoader
const proto = loadSync(join(dirname(manifest), 'grpc/protos/router.proto'), {
  keepCase: true,
  longs: String,
  enums: String,
})

function tell(answer: GrpcLndAnswer): void {
  process.send?.(answer)
}

/** One client: warm up, then count for a while, then end the stream. */
function serve(stream: Stream): void {
  const begin = performance.now()
  const from = begin + warmUpMs
  const until = from + ms
  let offered = 0
  let counted = 0
  let ended = false
  const offer = () => {
    offered += 1
    stream.write(foreignOffer(offered))
  }
  stream.on('data', ({ action }) => {
    if (ended) return
    if (action !== 'RESUME') throw new Error(`a foreign forward was answered ${action}`)
    const now = performance.now()
    if (now >= from) counted += 1
    if (now < until) return offer()
    ended = true
    tell({ type: 'rate', perSecond: (counted * 1000) / (now - from) })
    stream.end()
  })
  stream.on('error', () => undefined) // the client was ended
  for (let first = 0; first < inFlight; first += 1) offer()
}

const server = new Server()
const { HtlcInterceptor } = proto['routerrpc.Router'] as Readonly<Record<string, object>>
server.addService({ HtlcInterceptor }, { HtlcInterceptor: serve })
const pairs = [{ private_key: Buffer.from(KEY), cert_chain: Buffer.from(CERTIFICATE) }]
server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, pairs), (error, port) => {
  if (error !== null) throw error
  tell({ type: 'listening', port })
})
process.once('disconnect', () => process.exit())
