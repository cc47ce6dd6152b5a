import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * The least that answers lnd's interceptor: no checks, no sales, no database, no more of lnd's protos than it needs.
 * Arguments: `host:port`, certificate, macaroon. Lets every forward go on.
 */
const [socket, certificate, macaroon] = process.argv.slice(2)
const fromLightning = createRequire(createRequire(import.meta.url).resolve('lightning/package.json'))
const grpc = fromLightning('@grpc/grpc-js')
const protobuf = createRequire(fromLightning.resolve('@grpc/proto-loader'))('protobufjs')

const { root } = protobuf.parse(`
  syntax = "proto3";
  message CircuitKey { uint64 chan_id = 1; uint64 htlc_id = 2; }
  message Offer { CircuitKey incoming_circuit_key = 1; }
  message Answer { CircuitKey incoming_circuit_key = 1; int32 action = 2; }`)
const Offer = root.lookupType('Offer')
const Answer = root.lookupType('Answer')
const RESUME = 2

const client = new grpc.Client(socket, grpc.credentials.createSsl(readFileSync(certificate)))
const metadata = new grpc.Metadata()
metadata.set('macaroon', readFileSync(macaroon).toString('hex'))
const call = client.makeBidiStreamRequest(
  '/routerrpc.Router/HtlcInterceptor',
  ({ incomingCircuitKey }) => Answer.encode({ incomingCircuitKey, action: RESUME }).finish(),
  (bytes) => Offer.decode(bytes),
  metadata,
)
call.on('data', (offer) => call.write(offer))
call.on('error', (error) => {
  throw error
})
