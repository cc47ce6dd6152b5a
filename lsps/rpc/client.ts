import { JSONRPCClient, type JSONRPCErrorResponse, type JSONRPCResponse } from 'json-rpc-2.0'
import * as z from 'zod'
import type { Clock } from '../base/clock.ts'
import type { MethodTable, ParamsOf, ResultOf } from '../base/method.ts'
import { type FaultData, RpcFault } from './fault.ts'
import { decodePayload, encodePayload, isJsonObject, type JsonObject } from './framing.ts'
import { looksLikeResponse } from './message.ts'

/** Carries payloads to one server and back, as they are in messages of type 37913. */
export interface Transport {
  /** Resolves when the payload is on its way, not when it is answered. */
  send(payload: Uint8Array): Promise<void>
  /** Calls back for each payload from the server; returns how to stop that. */
  onMessage(callback: (payload: Uint8Array) => void): () => void
}

/** How long an answer is waited for; after that its id is forgotten (L0-42). */
export const CALL_TIMEOUT_MS = 3 * 60_000
/** How long a call waits, and how often the same message is sent meanwhile. */
export type Patience = {
  /** In all, in milliseconds. */
  readonly answerMs: number
  /** Sends in all, the first one included. All carry the same bytes: a server that knows the id repeats its answer (L0-44). */
  readonly sends: number
  /** Between two sends, in milliseconds. */
  readonly resendAfterMs: number
}

const SEND_ONCE: Patience = { answerMs: CALL_TIMEOUT_MS, sends: 1, resendAfterMs: CALL_TIMEOUT_MS }
/** More unanswered calls than this are refused. */
export const MAX_PENDING_CALLS = 100
/** A server's error text is cut here before anybody shows it. */
export const MAX_FAULT_MESSAGE_LENGTH = 1000

/** Why a call failed without an error from the server. */
export type ClientFailure =
  | 'timed-out'
  | 'not-sent'
  | 'invalid-result'
  /** The server sent something undecodable; nothing is sent to it until the next connection (L0-13). */
  | 'silenced'
  | 'too-large'
  | 'too-many-pending'

/** A call that got no usable answer. */
export class RpcClientError extends Error {
  override readonly name = 'RpcClientError'
  readonly failure: ClientFailure

  constructor(failure: ClientFailure, message: string, cause?: unknown) {
    super(message, { cause })
    this.failure = failure
  }
}

/** What was ignored, for the log: LSPS0 lets a client skip what it does not know (L0-13, L0-37, L0-42). */
export type Ignored = 'undecodable message' | 'unknown id' | 'unknown notification'

/** Calls one server; types and validation come from the method tables. */
export interface RpcClient {
  /**
   * Sends the request once and waits for minutes, unless `patience` says otherwise.
   * @throws RpcFault when the server answers an error
   * @throws RpcClientError when there is no usable answer; the signal's reason when it aborts
   */
  call<Table extends MethodTable, Name extends keyof Table & string>(
    table: Table,
    name: Name,
    params: ParamsOf<Table[Name]>,
    signal: AbortSignal,
    patience?: Patience,
  ): Promise<ResultOf<Table[Name]>>
  /** Listens to a notification of the server; one listener per method. Returns how to stop. */
  onNotification(method: string, listener: (params: JsonObject) => void): () => void
  /** To be told when the transport has connected anew: a silenced client speaks again (L0-13). */
  reconnected(): void
  /** Stops listening to the transport. */
  close(): void
}

type Attempt = { failure: RpcClientError | undefined }

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a screen.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f<>]/g

/** A server's text made safe to show: no control characters, no line ends, no angle brackets (L0-38). */
export function sanitizeMessage(text: string): string {
  return text.slice(0, MAX_FAULT_MESSAGE_LENGTH).replace(UNSAFE, ' ')
}

function isResponse(message: JsonObject): boolean {
  const { jsonrpc, id, error } = message
  if (jsonrpc !== '2.0' || !looksLikeResponse(message)) return false
  if (typeof id !== 'string' && id !== null) return false
  if (Object.hasOwn(message, 'result')) return !Object.hasOwn(message, 'error')
  if (!isJsonObject(error)) return false
  const { code, message: text } = error
  return Number.isInteger(code) && typeof text === 'string'
}

function isNotification(message: JsonObject): boolean {
  const { jsonrpc, method, params } = message
  const wellFormed = jsonrpc === '2.0' && typeof method === 'string' && !Object.hasOwn(message, 'id')
  return wellFormed && (params === undefined || isJsonObject(params))
}

function faultOf({ code, message, data }: JSONRPCErrorResponse['error']): RpcFault {
  return new RpcFault(code, sanitizeMessage(message), isJsonObject(data) ? (data as FaultData) : undefined)
}

/**
 * A client over one transport. `newId` must return fresh text of at least 80 random bits on every call (L0-40).
 */
export function createRpcClient({
  transport,
  clock,
  newId,
  onIgnored,
}: {
  readonly transport: Transport
  readonly clock: Clock
  readonly newId: () => string
  readonly onIgnored?: (what: Ignored, message: Uint8Array) => void
}): RpcClient {
  const pending = new Set<string>()
  const listeners = new Map<string, (params: JsonObject) => void>()
  let silenced = false

  const rpc = new JSONRPCClient<Attempt>(async (request, attempt) => {
    const payload = encodePayload(request)
    try {
      if (payload === undefined) throw new RpcClientError('too-large', 'the request does not fit into one message')
      await transport.send(payload)
    } catch (error) {
      const known = error instanceof RpcClientError
      attempt.failure = known ? error : new RpcClientError('not-sent', 'the request could not be sent', error)
      throw error
    }
  })

  function accept(message: JsonObject): Ignored | undefined {
    const { id, method, params } = message
    if (isResponse(message)) {
      if (typeof id !== 'string' || !pending.delete(id)) return 'unknown id'
      rpc.receive(message as never)
      return undefined
    }
    if (!isNotification(message)) return 'undecodable message'
    const listener = listeners.get(method as string)
    if (listener === undefined) return 'unknown notification'
    listener((params ?? {}) as JsonObject)
    return undefined
  }

  function receive(payload: Uint8Array): void {
    const decoded = decodePayload(payload)
    const ignored = 'object' in decoded ? accept(decoded.object) : 'undecodable message'
    if (ignored === 'undecodable message') silenced = true
    if (ignored !== undefined) onIgnored?.(ignored, payload)
  }

  /** json-rpc-2.0 forgets an id only by its answer. */
  function forget(id: string): void {
    pending.delete(id)
    rpc.receive({ jsonrpc: '2.0', id, error: { code: 0, message: 'forgotten' } })
  }

  async function timeOut(name: string, ms: number, signal: AbortSignal): Promise<never> {
    await clock.sleep(ms, signal)
    throw new RpcClientError('timed-out', `no answer to ${name} within ${ms} ms`)
  }

  /** Until the signal ends it. A send that fails is not the end: the connection may be back at the next one. */
  async function resend(message: object, { sends, resendAfterMs }: Patience, signal: AbortSignal): Promise<void> {
    const payload = encodePayload(message)
    for (let sent = 1; sent < sends && payload !== undefined; sent += 1) {
      await clock.sleep(resendAfterMs, signal)
      if (!silenced) await transport.send(payload).catch(() => undefined)
    }
  }

  async function request(name: string, params: unknown, signal: AbortSignal, patience: Patience): Promise<unknown> {
    const id = newId()
    const attempt: Attempt = { failure: undefined }
    const waiting = new AbortController()
    const giveUp = () => waiting.abort(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    pending.add(id)
    try {
      const message = { jsonrpc: '2.0', id, method: name, params } as const
      resend(message, patience, waiting.signal).catch(() => undefined)
      const response: JSONRPCResponse = await Promise.race([
        rpc.requestAdvanced(message, attempt),
        timeOut(name, patience.answerMs, waiting.signal),
      ])
      if (attempt.failure !== undefined) throw attempt.failure
      if (response.error !== undefined) throw faultOf(response.error)
      return response.result
    } finally {
      signal.removeEventListener('abort', giveUp)
      waiting.abort()
      forget(id)
    }
  }

  const unsubscribe = transport.onMessage(receive)
  return {
    async call(table, name, params, signal, patience = SEND_ONCE) {
      signal.throwIfAborted()
      if (silenced) throw new RpcClientError('silenced', 'the server sent an undecodable message on this connection')
      if (pending.size >= MAX_PENDING_CALLS) throw new RpcClientError('too-many-pending', 'too many unanswered calls')
      const method = table[name]
      if (method === undefined) throw new TypeError(`no method ${name}`)
      const result = await request(name, z.encode(method.params, params as never), signal, patience)
      const decoded = z.safeDecode(method.result, result as never)
      if (decoded.success) return decoded.data as never
      throw new RpcClientError('invalid-result', `the server's answer to ${name} is malformed`, decoded.error)
    },
    onNotification(method, listener) {
      listeners.set(method, listener)
      return () => listeners.delete(method)
    },
    reconnected() {
      silenced = false
    },
    close: unsubscribe,
  }
}
