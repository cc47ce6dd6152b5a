import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Service } from '../../lsps/rpc/server.ts'

/**
 * All that a handler learns about a caller over HTTP. `publicKey` is what the caller says, proven by nothing: whoever
 * knows a node id can say it. Absent where nothing is ordered.
 */
export type HttpCaller = {
  readonly kind: 'http'
  /** Of the caller, or of the network that counts as one (`address.ts`). */
  readonly address: string
  readonly publicKey?: NodeId
}

/** What the bridge needs of the daemon; the wiring provides it. */
export type RestPort = {
  /** The methods that are served, `lsps1.get_info`, `lsps1.create_order` and `lsps1.get_order`, with their handlers. */
  readonly services: readonly Service<HttpCaller>[]
  /** Where wallets reach the node, `nodeid@host:port`. */
  readonly uris: () => readonly string[]
}

export type RestConfig = {
  /** `host:port` to listen on. */
  readonly listen: string
  /** Certificate chain and key, PEM files. Left out: plain HTTP, for the proxy only. */
  readonly tls?: { readonly certPath: string; readonly keyPath: string }
  /** The one address whose `X-Forwarded-For` is believed. */
  readonly trustedProxy?: string
  /** Of one address. */
  readonly requestsPerSecond: number
  readonly burst: number
  /** Of all addresses together. */
  readonly maxRequestsPerSecond: number
  readonly maxPending: number
  /** Orders that wait for their payment. */
  readonly maxUnpaidPerAddress: number
  readonly maxUnpaidPerPublicKey: number
}
