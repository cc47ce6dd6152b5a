import type { RawAnswer, RawOffer } from '../../src/lnd/raw.ts'
import { type ServerStream, serveGrpc } from './grpc-server.ts'
import { foreignOffer } from './offer-feed.ts'

/**
 * Plays lnd's HtlcInterceptor over real gRPC with lnd's protos: always has `inFlight` offers without an answer at the
 * client that is attached, and counts the answers.
 */

export type GrpcLndOptions = { readonly inFlight: number; readonly warmUpMs: number; readonly ms: number }
export type GrpcLndAnswer =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'rate'; readonly perSecond: number }

const { inFlight, warmUpMs, ms } = JSON.parse(process.argv[2] ?? '') as GrpcLndOptions

function tell(answer: GrpcLndAnswer): void {
  process.send?.(answer)
}

/** One client: warm up, then count for a while, then end the stream. */
function serve(stream: ServerStream<RawAnswer, RawOffer>): void {
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

const port = await serveGrpc(['router.proto'], { 'routerrpc.Router/HtlcInterceptor': serve })
tell({ type: 'listening', port })
process.once('disconnect', () => process.exit())
