import type { FaultDefinition } from '../base/method.ts'

/** The object that a spec attaches to an error; absent where it defines none (L0-35). */
export type FaultData = Readonly<Record<string, unknown>>

/** An answer to the peer that is an error: the only thing that a handler throws on purpose. */
export class RpcFault extends Error {
  override readonly name = 'RpcFault'
  readonly code: number
  readonly data: FaultData | undefined

  constructor(code: number, message: string, data?: FaultData) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** The errors of JSON-RPC itself and the one that all LSPS share (L0-33, L0-36). */
export const STANDARD_FAULTS = {
  parseError: { code: -32700, name: 'parse error', message: 'bad message format' },
  invalidRequest: { code: -32600, name: 'invalid request', message: 'Invalid request' },
  methodNotFound: { code: -32601, name: 'method not found', message: 'Method not found' },
  invalidParams: { code: -32602, name: 'invalid params', message: 'Invalid params' },
  internalError: { code: -32603, name: 'internal error', message: 'Internal error' },
  clientRejected: { code: 1, name: 'client_rejected', message: 'Client rejected' },
} as const satisfies Readonly<Record<string, FaultDefinition>>

/** The fault of a definition that has no `data`, or with the `data` that its spec defines. */
export function fault(definition: FaultDefinition, data?: FaultData): RpcFault {
  return new RpcFault(definition.code, definition.message, data)
}

/** `unrecognized` is always present (L0-31); `property` and `message` name the first parameter at fault. */
export type InvalidParams = {
  readonly unrecognized: readonly string[]
  readonly property?: string
  readonly message?: string
}

/** -32602 (L0-30, L0-31). */
export function invalidParams(data: InvalidParams): RpcFault {
  return fault(STANDARD_FAULTS.invalidParams, data)
}

/** 1: this service is not for this client, or not now (L0-36). `message` may be shown to the wallet's user. */
export function clientRejected(message: string): RpcFault {
  return fault(STANDARD_FAULTS.clientRejected, { message })
}

/** -32601 (L0-29). */
export function methodNotFound(): RpcFault {
  return fault(STANDARD_FAULTS.methodNotFound)
}

/** -32603, without any word about what went wrong inside. */
export function internalError(): RpcFault {
  return fault(STANDARD_FAULTS.internalError)
}
