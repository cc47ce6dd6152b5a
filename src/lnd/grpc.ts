import { createRequire } from 'node:module'
import { METHODS } from './methods.ts'
import { readPeers } from './peer-list.ts'
import { PROTOS } from './protos.ts'

/**
 * The gRPC client that `lightning` brings along, and what it needs to know of lnd's API. The entry point of `lightning`
 * itself loads every wrapper and reads a dozen proto files: 0.4 s for which the node's forwards would wait at each start.
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

/** What is used of protobufjs. */
interface MessageType {
  decode(bytes: Uint8Array): object
  toObject(message: object, options: object): unknown
  fromObject(plain: object): object
  encode(message: object): { finish(): Buffer }
}
interface Method {
  readonly resolvedRequestType: MessageType
  readonly resolvedResponseType: MessageType
}
interface Root {
  resolveAll(): void
  lookupService(name: string): { readonly methods: Readonly<Record<string, Method>> }
}
interface Protobuf {
  readonly Root: new () => Root
  parse(source: string, root: Root, options: object): unknown
}

/** The conventions of `raw.ts`; the same as those of `lightning`. */
const PARSING = { keepCase: true }
const DECODING = { longs: String, enums: String, defaults: true, oneofs: true }

export type Grpc = { readonly module: GrpcModule; readonly method: (name: string) => MethodDefinition }

let loaded: Grpc | undefined

/** Loads at the first call. */
export function loadGrpc(): Grpc {
  loaded ??= load()
  return loaded
}

function load(): Grpc {
  // The versions that `lightning` pins, wherever the package manager put them.
  const here = createRequire(import.meta.url)
  const fromLightning = createRequire(here.resolve('lightning/package.json'))
  const module = fromLightning('@grpc/grpc-js') as GrpcModule
  const protobuf = createRequire(fromLightning.resolve('@grpc/proto-loader'))('protobufjs') as Protobuf
  const root = new protobuf.Root()
  for (const source of PROTOS) protobuf.parse(source, root, PARSING)
  root.resolveAll()
  return { module, method: (name) => define(root, name) }
}

/** Answers that are not made into objects as a whole. */
const READERS: Readonly<Record<string, Deserialize>> = { [METHODS.listPeers]: readPeers }

function define(root: Root, name: string): MethodDefinition {
  const [service = '', rpc = ''] = name.split('/')
  const method = root.lookupService(service).methods[rpc]
  if (method === undefined) throw new Error(`protos.ts has no ${name}`)
  const { resolvedRequestType: request, resolvedResponseType: response } = method
  return {
    path: `/${name}`,
    requestSerialize: (message) => request.encode(request.fromObject(message)).finish(),
    responseDeserialize: READERS[name] ?? ((bytes) => response.toObject(response.decode(bytes), DECODING)),
  }
}
