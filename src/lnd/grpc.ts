import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * The gRPC client and the protos that `lightning` ships. Its entry point loads every wrapper and parses the largest
 * proto twelve times over, 0.4 s that the node's forwards would wait for at each start: so only what is needed is
 * loaded from it, once, in a third of that time.
 */

export type Serialize = (message: object) => Buffer
export type Deserialize = (bytes: Buffer) => unknown

export type MethodDefinition = {
  readonly path: string
  readonly requestSerialize: Serialize
  readonly responseDeserialize: Deserialize
}

/** What is used of grpc-js. */
export interface GrpcMetadata {
  set(key: string, value: string): void
  clone(): GrpcMetadata
}
export interface GrpcCall {
  cancel(): void
}
export interface GrpcReadable<T> extends GrpcCall {
  on(event: 'data', listener: (message: T) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}
export interface GrpcDuplex<In, Out> extends GrpcReadable<In> {
  write(message: Out): boolean
}
export interface GrpcClient {
  makeUnaryRequest(
    path: string,
    serialize: Serialize,
    deserialize: Deserialize,
    message: object,
    metadata: GrpcMetadata,
    options: { readonly deadline: Date },
    callback: (error: Error | null, answer: unknown) => void,
  ): GrpcCall
  makeServerStreamRequest(
    path: string,
    serialize: Serialize,
    deserialize: Deserialize,
    message: object,
    metadata: GrpcMetadata,
  ): GrpcReadable<unknown>
  makeBidiStreamRequest(
    path: string,
    serialize: Serialize,
    deserialize: Deserialize,
    metadata: GrpcMetadata,
  ): GrpcDuplex<unknown, object>
  getChannel(): { getConnectivityState(tryToConnect: boolean): number }
  close(): void
}
interface GrpcCredentials {
  createSsl(
    root: Buffer,
    key: null,
    chain: null,
    options: { checkServerIdentity(host: string, certificate: { readonly raw: Buffer }): Error | undefined },
  ): unknown
}
export interface GrpcModule {
  readonly Client: new (address: string, credentials: unknown, options: object) => GrpcClient
  readonly Metadata: new () => GrpcMetadata
  readonly credentials: GrpcCredentials
}
interface ProtoLoader {
  loadSync(files: readonly string[], options: object): Readonly<Record<string, unknown>>
}

const PROTOS = ['lightning.proto', 'router.proto', 'walletkit.proto', 'chainnotifier.proto']

export type Grpc = { readonly module: GrpcModule; readonly method: (name: string) => MethodDefinition }

let loaded: Grpc | undefined

/** Loads at the first call. */
export function loadGrpc(): Grpc {
  loaded ??= load()
  return loaded
}

function load(): Grpc {
  const here = createRequire(import.meta.url)
  const manifest = here.resolve('lightning/package.json')
  // The versions that `lightning` pins, wherever the package manager put them.
  const fromLightning = createRequire(manifest)
  const module = fromLightning('@grpc/grpc-js') as GrpcModule
  const loader = fromLightning('@grpc/proto-loader') as ProtoLoader
  const options = fromLightning('./lnd_grpc/grpc_options') as object
  const folder = join(dirname(manifest), 'grpc', 'protos')
  const definitions = loader.loadSync(
    PROTOS.map((file) => join(folder, file)),
    options,
  )
  return { module, method: (name) => find(definitions, name) }
}

function find(definitions: Readonly<Record<string, unknown>>, name: string): MethodDefinition {
  const [service = '', method = ''] = name.split('/')
  const found = (definitions[service] as Readonly<Record<string, MethodDefinition>> | undefined)?.[method]
  if (found === undefined) throw new Error(`the protos of lightning have no ${name}`)
  return found
}
