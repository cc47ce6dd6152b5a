import { createEncoder } from '../base/encoder.ts'
import type { Handlers, MethodTable } from '../base/method.ts'
import { fault, internalError, methodNotFound, RpcFault, STANDARD_FAULTS } from './fault.ts'
import { encodePayload } from './framing.ts'
import { type BadMessage, type Request, type RequestId, type ResponseMessage, readIncoming } from './message.ts'
import { createParamsReader, type ParamsReader, type Tolerance } from './params.ts'

/** By method. */
export type ToleratedParams = Readonly<Record<string, Tolerance>>

/** Which call an unexpected error belongs to; the client knows the same id. */
export type Correlation<Context> = {
  readonly context: Context
  readonly method: string
  readonly id: RequestId
}

/**
 * Serve it; `drop` it without an answer; or answer this fault without running the handler. A bad message has no id to
 * answer a fault to: anything but undefined drops it.
 */
export type Admission = RpcFault | 'drop' | undefined

/** What the caller decides about one message. */
export type ReceiveOptions = {
  /** Limits: asked once for each message that is not a response, before its method and parameters are looked at. */
  readonly admit?: (message: Request | BadMessage) => Admission
  /** Asked for each error answered: whether `error.data` is left out, for clients that cannot read it (D4). */
  readonly omitErrorData?: (request: Request | undefined) => boolean
  /** Asked for each result, as the handler gave it: what of it this client can read (D7, D8). */
  readonly adapt?: (request: Request, result: unknown) => unknown
  /** Told of each message that looks like an answer. */
  readonly onResponse?: (response: ResponseMessage) => void
}

/** How a call ended: the result as JSON, or what to tell the caller. */
export type Outcome = { readonly result: unknown } | { readonly fault: RpcFault }

/** One spec's methods with their handlers. */
export type Service<Context> = {
  readonly methods: MethodTable
  readonly handlers: Readonly<Record<string, (context: Context, params: never) => Promise<unknown>>>
}

/** Pairs a method table with handlers that fit it. */
export function service<Table extends MethodTable, Context>(
  methods: Table,
  handlers: Handlers<Table, Context>,
): Service<Context> {
  return { methods, handlers: handlers as Service<Context>['handlers'] }
}

/** Answers requests; it knows no transport. */
export interface RpcServer<Context> {
  /**
   * The one answer to a message, or undefined when it gets none: it looks like a response (L0-12), or it was dropped.
   * Never rejects, unless a callback of the caller throws.
   */
  receive(context: Context, payload: Uint8Array, options?: ReceiveOptions): Promise<Uint8Array | undefined>
  /** What the one answer says, for a transport that has an envelope of its own. Never rejects. */
  call(context: Context, request: Request): Promise<Outcome>
}

type Endpoint<Context> = {
  readonly read: ParamsReader
  readonly encode: (result: never) => unknown
  readonly handle: (context: Context, params: never) => Promise<unknown>
}

function endpointsOf<Context>(
  services: readonly Service<Context>[],
  tolerated: ToleratedParams,
): ReadonlyMap<string, Endpoint<Context>> {
  const endpoints = new Map<string, Endpoint<Context>>()
  for (const { methods, handlers } of services) {
    for (const [name, method] of Object.entries(methods)) {
      const handle = handlers[name]
      if (handle === undefined) throw new TypeError(`no handler for ${name}`)
      if (endpoints.has(name)) throw new TypeError(`two handlers for ${name}`)
      const read = createParamsReader(method.params, tolerated[name])
      endpoints.set(name, { read, encode: createEncoder(method.result), handle })
    }
  }
  return endpoints
}

function encodeFault(id: RequestId | null, { code, message, data }: RpcFault, omitData: boolean): Uint8Array {
  const error = data === undefined || omitData ? { code, message } : { code, message, data }
  const payload = encodePayload({ jsonrpc: '2.0', id, error })
  if (payload !== undefined) return payload
  const { code: internal, message: text } = STANDARD_FAULTS.internalError
  return encodePayload({ jsonrpc: '2.0', id, error: { code: internal, message: text } }) as Uint8Array
}

/**
 * A server over the given services, in the dispatch order of LSPS0 as settled in row L0-10 to L0-45. Errors that are
 * no `RpcFault` go to `onUnexpected`; the peer reads -32603 and nothing of them.
 */
export function createRpcServer<Context>({
  services,
  tolerated = {},
  onUnexpected,
}: {
  readonly services: readonly Service<Context>[]
  readonly tolerated?: ToleratedParams
  readonly onUnexpected: (error: unknown, correlation: Correlation<Context>) => void
}): RpcServer<Context> {
  const endpoints = endpointsOf(services, tolerated)

  async function perform(context: Context, request: Request, adapt?: ReceiveOptions['adapt']): Promise<unknown> {
    const endpoint = endpoints.get(request.method)
    if (endpoint === undefined) throw methodNotFound()
    const read = endpoint.read(request.params)
    if ('fault' in read) throw read.fault
    const result = await endpoint.handle(context, read.params as never)
    return endpoint.encode((adapt === undefined ? result : adapt(request, result)) as never)
  }

  function faultOf(error: unknown, context: Context, { method, id }: Request): RpcFault {
    if (error instanceof RpcFault) return error
    onUnexpected(error, { context, method, id })
    return internalError()
  }

  return {
    async receive(context, payload, { admit, omitErrorData, adapt, onResponse } = {}) {
      const message = readIncoming(payload)
      if (message.type === 'response') {
        onResponse?.(message)
        return undefined
      }
      const admission = admit?.(message)
      if (admission === 'drop') return undefined
      if (message.type === 'bad') {
        if (admission !== undefined) return undefined
        return encodeFault(null, fault(STANDARD_FAULTS.parseError), omitErrorData?.(undefined) ?? false)
      }
      const { id, method } = message
      try {
        if (admission !== undefined) throw admission
        const result = await perform(context, message, adapt)
        const answer = encodePayload({ jsonrpc: '2.0', id, result })
        if (answer === undefined) throw new RangeError(`the result of ${method} does not fit into one message`)
        return answer
      } catch (error) {
        return encodeFault(id, faultOf(error, context, message), omitErrorData?.(message) ?? false)
      }
    },

    async call(context, request) {
      try {
        return { result: await perform(context, request) }
      } catch (error) {
        return { fault: faultOf(error, context, request) }
      }
    },
  }
}
