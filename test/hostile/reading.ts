import { isUtf8 } from 'node:buffer'

/**
 * How LSPS0 and bLIP-52 read a message, written down a second time: nothing of what is tested is used here. What is
 * said of a message is what its answer has to be, as far as the message alone decides it.
 */

export type Id = string | number
export type Reading =
  /** No answer: it looks like one itself (L0-12). */
  | { readonly type: 'response' }
  /** -32700 with id null (L0-10, L0-11). */
  | { readonly type: 'bad' }
  | { readonly type: 'request'; readonly id: Id; readonly method: string; readonly params: unknown }

const MAX_BYTES = 65_533
const MAX_ID_BYTES = 512

type Fields = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parsed(bytes: Buffer): unknown {
  if (bytes.length === 0 || bytes.length > MAX_BYTES || bytes.includes(0) || !isUtf8(bytes)) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function isId(id: unknown): id is Id {
  if (typeof id === 'string') return Buffer.byteLength(id, 'utf8') <= MAX_ID_BYTES
  return typeof id === 'number' && Number.isSafeInteger(id)
}

export function read(bytes: Buffer): Reading {
  const message = parsed(bytes)
  if (!isObject(message)) return { type: 'bad' }
  const { jsonrpc, id, method, params } = message
  if (typeof method !== 'string' && ('result' in message || 'error' in message)) return { type: 'response' }
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isId(id)) return { type: 'bad' }
  return { type: 'request', id, method, params }
}

/** What -32602 has to name: every unknown parameter; else one of those that are wrong. */
export type Fault = { readonly unrecognized: readonly string[]; readonly properties: readonly string[] }

const U64_MAX = 18_446_744_073_709_551_615n
const U32_MAX = 4_294_967_295

export function isAmount(value: unknown): value is string {
  return (
    typeof value === 'string' && /^(?:0|[1-9][0-9]*)$/.test(value) && value.length <= 20 && BigInt(value) <= U64_MAX
  )
}

const isU32 = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= U32_MAX

/** Milliseconds since 1970, or undefined for what is no UTC datetime (L0-78). */
export function instantOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)$/.exec(value)
  if (match === null) return undefined
  const [, second = '', fraction = ''] = match
  const at = Date.parse(`${second}Z`)
  // A date that does not exist is moved to one that does: then it is not the same text any more.
  if (Number.isNaN(at) || at < 0 || new Date(at).toISOString().slice(0, second.length) !== second) return undefined
  return at + Number(fraction.slice(0, 3).padEnd(3, '0'))
}

const OFFER_FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  min_fee_msat: isAmount,
  proportional: isU32,
  valid_until: (value) => instantOf(value) !== undefined,
  min_lifetime: isU32,
  max_client_to_self_delay: isU32,
  min_payment_size_msat: isAmount,
  max_payment_size_msat: isAmount,
  promise: (value) => typeof value === 'string',
}

const TOKEN = 'token'
const OFFER = 'opening_fee_params'
const SIZE = 'payment_size_msat'

const isToken = (token: unknown) =>
  token === undefined || token === null || (typeof token === 'string' && !token.includes('\0'))

const unknownIn = (params: Fields, known: readonly string[]) =>
  Object.keys(params).filter((name) => !known.includes(name))

export type GetInfo = { readonly token: string | undefined }
export type Buy = { readonly offer: Fields; readonly size: bigint | undefined }

export function readListProtocols(params: unknown): Fault | undefined {
  if (params === undefined || params === null) return undefined
  if (!isObject(params)) return { unrecognized: [], properties: [] }
  const unrecognized = unknownIn(params, [])
  return unrecognized.length === 0 ? undefined : { unrecognized, properties: [] }
}

export function readGetInfo(given: unknown): GetInfo | Fault {
  const params = given ?? {}
  if (!isObject(params)) return { unrecognized: [], properties: [] }
  const unrecognized = unknownIn(params, [TOKEN])
  if (unrecognized.length > 0) return { unrecognized, properties: [] }
  const { token } = params
  if (!isToken(token)) return { unrecognized, properties: [TOKEN] }
  return { token: token === null || token === '' ? undefined : (token as string | undefined) }
}

export function readBuy(given: unknown): Buy | Fault {
  const params = given ?? {}
  if (!isObject(params)) return { unrecognized: [], properties: [] }
  const { [OFFER]: offer, [SIZE]: size } = params
  const nested = isObject(offer) ? unknownIn(offer, Object.keys(OFFER_FIELDS)).map((name) => `${OFFER}.${name}`) : []
  const unrecognized = [...unknownIn(params, [OFFER, SIZE]), ...nested]
  if (unrecognized.length > 0) return { unrecognized, properties: [] }
  const wrongFields = isObject(offer)
    ? Object.entries(OFFER_FIELDS)
        .filter(([name, fits]) => !fits(Object.hasOwn(offer, name) ? offer[name] : undefined))
        .map(([name]) => `${OFFER}.${name}`)
    : [OFFER]
  const wrongSize = size === undefined || size === null || isAmount(size) ? [] : [SIZE]
  const properties = [...wrongFields, ...wrongSize]
  if (properties.length > 0) return { unrecognized, properties }
  return { offer: offer as Fields, size: isAmount(size) ? BigInt(size) : undefined }
}

/** The same terms under the same promise, whatever text carried them (L2-16). */
export function sameOffer(one: Fields, other: Fields): boolean {
  const [{ promise }, { promise: otherPromise }] = [one, other]
  if (promise !== otherPromise) return false // nearly always enough, and much faster
  const canonical = (offer: Fields) =>
    JSON.stringify(
      Object.keys(OFFER_FIELDS).map((name) => (name === 'valid_until' ? instantOf(offer[name]) : offer[name])),
    )
  return canonical(one) === canonical(other)
}

/** The opening fee in msat; undefined when it leaves 64 bits (L2-30, L2-31). */
export function feeOf(offer: Fields, size: bigint): bigint | undefined {
  const { proportional, min_fee_msat } = offer
  const product = size * BigInt(Number(proportional)) + 999_999n
  if (product > U64_MAX) return undefined
  const least = BigInt(String(min_fee_msat))
  return product / 1_000_000n > least ? product / 1_000_000n : least
}
