import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { GrpcDuplex } from '../../src/lnd/grpc.ts'
import { CERTIFICATE, KEY } from './certificate.ts'

/** A gRPC server with the protos of lnd that `lightning` ships, over TLS: what plays lnd stands on it. */

export type ServerStream<In, Out> = GrpcDuplex<In, Out> & { end(): void }
type Answered = (error: { readonly code: number; readonly details: string } | null, answer?: object) => void
/** Unary methods take a call and a callback, streams only the stream. */
// biome-ignore lint/suspicious/noExplicitAny: grpc-js learns at run time what kind of method each is
export type Handler = (call: any, done: Answered) => void

type Definition = {
  readonly responseStream: boolean
  readonly responseSerialize: (answer: object) => Buffer
}
/** What is used of grpc-js on the server's side. */
type ServerModule = {
  readonly Server: new () => {
    addService(service: object, handlers: Readonly<Record<string, Handler>>): void
    bindAsync(address: string, credentials: unknown, done: (error: Error | null, port: number) => void): void
  }
  readonly ServerCredentials: {
    createSsl(root: null, pairs: readonly { readonly private_key: Buffer; readonly cert_chain: Buffer }[]): unknown
  }
}
type ProtoLoader = { loadSync(files: readonly string[], options: object): Readonly<Record<string, unknown>> }

const manifest = createRequire(import.meta.url).resolve('lightning/package.json')
const fromLightning = createRequire(manifest)
const { Server, ServerCredentials } = fromLightning('@grpc/grpc-js') as ServerModule
const { loadSync } = fromLightning('@grpc/proto-loader') as ProtoLoader

/** Handlers by full method name, `routerrpc.Router/HtlcInterceptor`. @returns the port on loopback */
export function serveGrpc(files: readonly string[], handlers: Readonly<Record<string, Handler>>): Promise<number> {
  const paths = files.map((file) => join(dirname(manifest), 'grpc/protos', file))
  const protos = loadSync(paths, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true })
  const server = new Server()
  for (const [name, service] of Object.entries(protos)) {
    const methods = Object.entries(service as Readonly<Record<string, Definition>>)
    const ours = methods.filter(([method]) => handlers[`${name}/${method}`] !== undefined)
    if (ours.length === 0) continue
    server.addService(
      Object.fromEntries(ours.map(([method, definition]) => [method, encodedOnce(definition)])),
      Object.fromEntries(ours.map(([method]) => [method, handlers[`${name}/${method}`] as Handler])),
    )
  }
  const pairs = [{ private_key: Buffer.from(KEY), cert_chain: Buffer.from(CERTIFICATE) }]
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, pairs), (error, port) => {
      if (error === null) resolve(port)
      else reject(error)
    })
  })
}

/** Long answers are the same object again and again: lnd is faster than Node at encoding them. */
function encodedOnce(definition: Definition): Definition {
  if (definition.responseStream) return definition
  const known = new WeakMap<object, Buffer>()
  const responseSerialize = (answer: object) => {
    const encoded = known.get(answer) ?? definition.responseSerialize(answer)
    known.set(answer, encoded)
    return encoded
  }
  return { ...definition, responseSerialize }
}
