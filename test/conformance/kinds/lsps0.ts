import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { expect } from 'vitest'
import * as z from 'zod'
import { recoverSigner, signMessage } from '../../../lsps/base/ln-signature.ts'
import { method } from '../../../lsps/base/method.ts'
import { featureVector } from '../../../lsps/lsps0/feature.ts'
import { lsps0 } from '../../../lsps/lsps0/methods.ts'
import { createRpcClient } from '../../../lsps/rpc/client.ts'
import { RpcFault } from '../../../lsps/rpc/fault.ts'
import { decodeFrame, encodeFrame, LSPS_MESSAGE_TYPE } from '../../../lsps/rpc/framing.ts'
import { createRpcServer, service } from '../../../lsps/rpc/server.ts'
import { ManualClock } from '../../unit/lsps/manual-clock.ts'
import { createLsp, outcome } from '../lsp.ts'
import { type KindChecks, shaped, type Vector } from '../vectors.ts'

const JsonObject = z.record(z.string(), z.unknown())
const never = new AbortController().signal

function objectOf(input: unknown): Readonly<Record<string, unknown>> | undefined {
  const value: unknown = typeof input === 'string' ? parsedOrUndefined(input) : input
  const object = JsonObject.safeParse(value)
  return object.success ? object.data : undefined
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function textOf(input: unknown): string {
  return typeof input === 'string' ? input : JSON.stringify(input)
}

/** bLIP-50: what is not one JSON-RPC 2.0 request is answered -32700 with id null, whatever others answer. */
function isRequest(input: unknown): boolean {
  const { jsonrpc, id, method } = objectOf(input) ?? {}
  return jsonrpc === '2.0' && (typeof id === 'string' || Number.isSafeInteger(id)) && typeof method === 'string'
}

const ExpectedAnswer = z.object({
  id: z.unknown(),
  type: z.number().optional(),
  result: z.unknown().optional(),
  error: z.object({ code: z.int(), data: z.object({ unrecognized: z.array(z.string()) }).optional() }).optional(),
})

type ExpectedAnswer = z.output<typeof ExpectedAnswer>

/** Faults that a server finds before it runs a method. */
const BEFORE_THE_METHOD: ReadonlySet<number> = new Set([-32700, -32600, -32601, -32602])

/** The parameters that the vector's method must have for its answer: not those that shall be unrecognized. */
function paramsOf(given: unknown, error: ExpectedAnswer['error']): z.ZodObject {
  const unrecognized = error?.data?.unrecognized
  const known = Object.keys(objectOf(given) ?? {}).filter((param) => unrecognized?.includes(param) !== true)
  const lacking = error?.code === -32602 && unrecognized === undefined ? { lacking: z.string() } : {}
  return z.strictObject({ ...Object.fromEntries(known.map((param) => [param, z.unknown()])), ...lacking })
}

/** A server that knows the vector's method, if the vector's answer says that it is known. */
async function answerOf({ input, expected }: Vector): Promise<unknown> {
  const { method: name, params } = objectOf(input) ?? {}
  const { error, result = {} } = ExpectedAnswer.safeParse(expected).data ?? {}
  const spec = method({ summary: 'Of the vector.', params: paramsOf(params, error), result: z.unknown(), faults: [] })
  const methods = error?.code === -32601 || typeof name !== 'string' ? {} : { [name]: spec }
  const handle = async () => {
    if (error !== undefined && !BEFORE_THE_METHOD.has(error.code)) throw new RpcFault(error.code, 'of the vector')
    return result
  }
  const handlers = Object.fromEntries(Object.keys(methods).map((key) => [key, handle]))
  const server = createRpcServer({ services: [service(methods, handlers)], onUnexpected: () => undefined })
  const answer = await server.receive(undefined, utf8ToBytes(textOf(input)))
  return answer === undefined ? undefined : JSON.parse(new TextDecoder().decode(answer))
}

function jsonrpcOf({ jsonrpc }: Readonly<Record<string, unknown>>): unknown {
  return jsonrpc
}

const ROWS_OF_CODE: Readonly<Record<number, readonly string[]>> = {
  [-32601]: ['L0-29'],
  [-32602]: ['L0-31'],
}

function jsonRpcRows({ input, expected }: Vector): readonly string[] {
  const message = objectOf(input)
  if (message === undefined) return ['L0-10']
  if (!isRequest(input)) return jsonrpcOf(message) === '2.0' ? ['L0-11'] : ['L0-25']
  const { error } = ExpectedAnswer.safeParse(expected).data ?? {}
  if (error?.data !== undefined) return ['L0-30', 'L0-31']
  return ROWS_OF_CODE[error?.code ?? 0] ?? ['L0-26']
}

async function checkJsonRpc(vector: Vector): Promise<void> {
  const answer = await answerOf(vector)
  if (!isRequest(vector.input)) {
    expect(answer).toEqual({ jsonrpc: '2.0', id: null, error: { code: -32700, message: expect.any(String) } })
    return
  }
  const { id, error, type, result } = shaped(ExpectedAnswer, vector.expected)
  expect(answer).toMatchObject({ jsonrpc: '2.0', id })
  if (type !== undefined) expect(LSPS_MESSAGE_TYPE).toBe(type)
  if (error === undefined) {
    expect(answer).toHaveProperty('result', result ?? expect.anything())
    return
  }
  const unrecognized = error.data?.unrecognized.toSorted()
  expect(answer).toHaveProperty('error.code', error.code)
  if (unrecognized === undefined) return
  expect(shaped(ExpectedAnswer, answer).error?.data?.unrecognized.toSorted()).toEqual(unrecognized)
}

/** A client that has sent one list_protocols request with the given id, and what became of it. */
function clientAwaiting(id: string) {
  const sent: string[] = []
  const ignored: string[] = []
  let deliver: (payload: Uint8Array) => void = () => undefined
  const client = createRpcClient({
    transport: {
      send: async (payload) => {
        sent.push(new TextDecoder().decode(payload))
      },
      onMessage(callback) {
        deliver = callback
        return () => undefined
      },
    },
    clock: new ManualClock(),
    newId: () => id,
    onIgnored: (what) => ignored.push(what),
  })
  const outcome = client.call(lsps0, 'lsps0.list_protocols', {}, never).then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  )
  return { sent, ignored, outcome, deliver: (message: unknown) => deliver(utf8ToBytes(textOf(message))) }
}

/** What a client makes of a response to its own request. */
async function receivedFault(message: unknown): Promise<RpcFault> {
  const { id } = shaped(z.looseObject({ id: z.string() }), objectOf(message))
  const client = clientAwaiting(id)
  client.deliver(message)
  const outcome = await client.outcome
  if ('error' in outcome && outcome.error instanceof RpcFault) return outcome.error
  throw new Error(`no fault but ${JSON.stringify(outcome)}`)
}

async function parsesAsResult(message: unknown): Promise<boolean> {
  const client = clientAwaiting(shaped(z.looseObject({ id: z.string() }), objectOf(message)).id)
  client.deliver(message)
  return 'result' in (await client.outcome)
}

async function checkJson({ input, expected }: Vector): Promise<void> {
  if (typeof expected === 'string') {
    const client = clientAwaiting(shaped(z.object({ id: z.string() }), input).id)
    await expect.poll(() => client.sent).toHaveLength(1)
    expect(JSON.parse(client.sent[0] ?? '')).toEqual(JSON.parse(expected))
    return
  }
  const shape = shaped(
    z.union([z.object({ parses: z.boolean() }), z.object({ code: z.int(), data: z.unknown() })]),
    expected,
  )
  if ('parses' in shape) {
    if ('method' in (objectOf(input) ?? {}))
      expect(outcome(await createLsp().send(textOf(input))) === 'ok').toBe(shape.parses)
    else expect(await parsesAsResult(input)).toBe(shape.parses)
    return
  }
  const { code, data } = await receivedFault(input)
  expect({ code, data: data ?? null }).toEqual(shape)
}

function jsonRows({ expected }: Vector): readonly string[] {
  if (typeof expected === 'string') return ['L0-20']
  return z.object({ parses: z.boolean() }).safeParse(expected).success ? ['L0-24'] : ['L0-33', 'L0-37']
}

function jsonNegativeRows({ input }: Vector): readonly string[] {
  return 'error' in (objectOf(input) ?? {}) ? ['L0-35'] : ['L0-42']
}

/** LDK gives the peer up in these cases; bLIP-50 has a client ignore what it cannot match, and read objects in `data`. */
async function checkJsonNegative({ input }: Vector): Promise<void> {
  const message = objectOf(input)
  if (message !== undefined && 'error' in message) {
    const { error } = shaped(z.object({ error: z.object({ code: z.int(), data: z.unknown() }) }), message)
    expect(await receivedFault(message)).toMatchObject(error)
    return
  }
  const client = clientAwaiting('another id')
  client.deliver(input)
  expect(client.ignored).toEqual(['unknown id'])
  client.deliver({ jsonrpc: '2.0', id: 'another id', result: { protocols: [2] } })
  expect(await client.outcome).toEqual({ result: { protocols: [2] } })
}

function checkFrame({ input, expected }: Vector): void {
  const { hex_prefix } = shaped(z.object({ hex_prefix: z.string() }), expected)
  const frame = encodeFrame(utf8ToBytes(textOf(input)))
  expect(bytesToHex(frame).startsWith(hex_prefix)).toBe(true)
  expect(decodeFrame(frame)).toEqual({ type: 'payload', payload: utf8ToBytes(textOf(input)) })
}

const FRAME_ERROR = /^(?:TooShort|InvalidMessageType)\((\d+)\)$/

function checkFrameNegative({ input, expected }: Vector): void {
  const { error } = shaped(z.object({ error: z.string().regex(FRAME_ERROR) }), expected)
  const value = Number(FRAME_ERROR.exec(error)?.[1])
  const frame = decodeFrame(hexToBytes(shaped(z.string(), input)))
  const tooShort = error.startsWith('TooShort')
  expect(frame).toEqual(tooShort ? { type: 'too-short', length: value } : { type: 'foreign', messageType: value })
}

function checkFeature({ input, expected }: Vector): void {
  const vector = bytesToHex(featureVector(shaped(z.object({ bit: z.int() }), input).bit))
  if (typeof expected === 'string') {
    expect(vector).toBe(expected)
    return
  }
  const { hex_len_bytes, first_byte } = shaped(z.object({ hex_len_bytes: z.int(), first_byte: z.string() }), expected)
  expect({ bytes: vector.length / 2, first: vector.slice(0, 2) }).toEqual({ bytes: hex_len_bytes, first: first_byte })
}

const Signed = z.object({ message: z.string(), signature: z.string().optional(), secret_key: z.string().optional() })

function checkSignature({ input, expected }: Vector): void {
  const { message, signature, secret_key } = shaped(Signed, input)
  const { pubkey, signature: made } = shaped(
    z.object({ pubkey: z.string(), signature: z.string().optional() }),
    expected,
  )
  const bytes = utf8ToBytes(message)
  if (secret_key !== undefined) expect(signMessage(bytes, hexToBytes(secret_key))).toBe(made)
  expect(recoverSigner(bytes, signature ?? made ?? '')).toBe(pubkey)
}

export const LSPS0_KINDS: KindChecks = {
  'lsps0/jsonrpc': { rows: jsonRpcRows, check: checkJsonRpc },
  'lsps0/json': { rows: jsonRows, check: checkJson },
  'lsps0/json-negative': { rows: jsonNegativeRows, check: checkJsonNegative },
  'lsps0/frame': { rows: ['L0-01'], check: checkFrame },
  'lsps0/frame-negative': { rows: ['L0-01'], check: checkFrameNegative },
  'lsps0/feature': { rows: ['L0-50'], check: checkFeature },
  'lsps0/ln_signature': { rows: ['L0-77'], check: checkSignature },
}
