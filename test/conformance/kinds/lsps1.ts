import { expect } from 'vitest'
import * as z from 'zod'
import { type Sat, sat, U32_MAX, U64_MAX } from '../../../lsps/base/amount.ts'
import { formatDatetime, parseDatetime } from '../../../lsps/base/datetime.ts'
import { lsps1 } from '../../../lsps/lsps1/methods.ts'
import { checkOrder, zeroConfFee } from '../../../lsps/lsps1/rules.ts'
import {
  CreateOrderParams,
  LightningState,
  Lsps1Options,
  OrderChannel,
  OrderResult,
  OrderState,
  Payment,
  PaymentBolt11,
  PaymentBolt12,
  PaymentOnchain,
} from '../../../lsps/lsps1/schema.ts'
import { clientRejected } from '../../../lsps/rpc/fault.ts'
import { OPTIONS, ORDER, ORDERED } from '../../unit/lsps/lsps1/orders.ts'
import { ALICE, outcome } from '../lsp.ts'
import { createOrderLsp, type OrderAnswer } from '../order-lsp.ts'
import { areOwn, type KindChecks, shaped, type Vector } from '../vectors.ts'

type Json = Readonly<Record<string, unknown>>

const JsonObject = z.record(z.string(), z.unknown())

function parsedInput(input: unknown): unknown {
  return typeof input === 'string' && /^\s*[[{]/.test(input) ? JSON.parse(input) : input
}

/** Messages by what only they have. */
const SHAPES: readonly {
  readonly has: readonly string[]
  readonly schema: z.ZodType
  readonly rows: readonly string[]
}[] = [
  { has: ['payment'], schema: OrderResult, rows: ['L1-41', 'L1-45'] },
  { has: ['order_state'], schema: OrderResult, rows: ['L1-44'] },
  { has: ['funding_outpoint', 'funded_at'], schema: OrderChannel, rows: ['L1-94'] },
  { has: ['invoice'], schema: PaymentBolt11, rows: ['L1-60', 'L1-61', 'L1-62'] },
  { has: ['offer'], schema: PaymentBolt12, rows: ['L1-60', 'L1-66'] },
  {
    has: ['address', 'min_onchain_payment_confirmations', 'min_fee_for_0conf'],
    schema: PaymentOnchain,
    rows: ['L1-73', 'L1-74'],
  },
  { has: ['bolt11', 'bolt12', 'onchain'], schema: Payment, rows: ['L1-45'] },
  { has: Object.keys(Lsps1Options.shape), schema: Lsps1Options, rows: ['L1-03'] },
  { has: Object.keys(CreateOrderParams.shape), schema: CreateOrderParams, rows: ['L1-10', 'L1-17'] },
  { has: ['order_id'], schema: lsps1['lsps1.get_order'].params, rows: ['L1-50'] },
]

function shapeOf(message: Json) {
  const shape = SHAPES.find(({ has }) => has.some((name) => name in message))
  if (shape === undefined) throw new Error(`no message of LSPS1 looks like ${JSON.stringify(message)}`)
  return shape
}

/** What a vector is about: the message itself, or what an answer carries. */
function messageOf(value: unknown): Json {
  const message = shaped(JsonObject, value)
  const { result } = message
  return result === undefined ? message : shaped(JsonObject, result)
}

/**
 * Times as instants (L0-78), no refund address instead of null (L1-19), and states as bLIP-51 names them: a reader takes
 * older and other names too (L1-68, L1-72).
 */
function normalised(value: unknown, inOnchain = ''): unknown {
  if (typeof value === 'string') {
    const at = parseDatetime(value)
    if (at !== undefined) return formatDatetime(at)
    if (value === 'HOLD' && inOnchain !== '') return 'PAID'
    return value === 'CANCELLED' ? 'REFUNDED' : value
  }
  if (Array.isArray(value)) return value.map((one) => normalised(one))
  if (typeof value !== 'object' || value === null) return value
  const address = 'address' in value ? 'onchain' : ''
  const members = Object.entries(value).filter(
    ([name, one]) => name !== 'refund_onchain_address' || (one ?? null) !== null,
  )
  return Object.fromEntries(members.map(([name, one]) => [name, normalised(one, address)]))
}

const sorted = (value: Json): string =>
  JSON.stringify(Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))))

/** Read, and written again: nothing that the message says may be lost or changed. */
function throughOurs(message: Json): Json {
  const { schema } = shapeOf(message)
  return z.encode(schema, z.decode(schema, message as never)) as Json
}

async function checkJson({ input, expected }: Vector): Promise<void> {
  const value = parsedInput(input)
  if (typeof expected === 'string' && typeof value === 'string') {
    const states = z.union([LightningState, OrderState])
    expect(z.decode(states, value as never)).toBe(expected)
    return
  }
  if (typeof expected === 'string') {
    const wanted = messageOf(JSON.parse(expected))
    expect(sorted(throughOurs(value === null ? wanted : messageOf(value)))).toBe(expected)
    return
  }
  const { parses } = shaped(z.object({ parses: z.boolean() }), expected)
  const message = shaped(JsonObject, value)
  if ('method' in message) {
    const code = outcome((await createOrderLsp().send(message)) as never)
    expect(code === -32602 || code === -32700).toBe(!parses)
    return
  }
  const subject = messageOf(message)
  if (!parses) expect(() => throughOurs(subject)).toThrow()
  else if (areOwn) expect(normalised(throughOurs(subject))).toEqual(normalised(subject))
  // Others may say more than anybody knows (L0-37).
  else expect(normalised(subject)).toMatchObject(normalised(throughOurs(subject)) as object)
}

function jsonRows({ input, expected }: Vector): readonly string[] {
  const value = parsedInput(input)
  if (typeof value === 'string')
    return value in { CREATED: 1, COMPLETED: 1, FAILED: 1 } ? ['L1-44'] : ['L1-67', 'L1-68']
  const message = value === null && typeof expected === 'string' ? JSON.parse(expected) : value
  return 'method' in message ? ['L1-30'] : shapeOf(messageOf(message)).rows
}

const { onchain: ONCHAIN } = ORDER.payment
const wireOf = <Schema extends z.ZodType>(schema: Schema, value: z.output<Schema>) => z.encode(schema, value) as Json

/** The order of the sample of bLIP-51, as it stands on the wire. */
export const GOOD_ORDER = wireOf(CreateOrderParams, ORDERED)

/** Good messages, to be spoilt by what a vector names. */
const GOOD: ReadonlyMap<z.ZodType, Json> = new Map<z.ZodType, Json>([
  [OrderResult, wireOf(OrderResult, ORDER)],
  [PaymentOnchain, wireOf(PaymentOnchain, ONCHAIN as PaymentOnchain)],
  [PaymentBolt11, wireOf(PaymentBolt11, ORDER.payment.bolt11 as PaymentBolt11)],
  [Lsps1Options, wireOf(Lsps1Options, OPTIONS)],
  [CreateOrderParams, GOOD_ORDER],
])

const NULL_OR_ABSENT = /MUST be null or absent/

/**
 * What bLIP-51 forbids is refused. Where a vector shows that others refuse what bLIP-51 demands, we read it, and write
 * it: what is done for clients that cannot is in the table of quirks (D7, D8).
 */
async function checkJsonNegative({ input, expected }: Vector): Promise<void> {
  const spoilt = messageOf(parsedInput(input))
  const { schema } = shapeOf(spoilt)
  const message = { ...GOOD.get(schema), ...spoilt }
  const { spec } = shaped(z.looseObject({ spec: z.string().optional() }), expected)
  if (spec !== undefined && NULL_OR_ABSENT.test(spec)) {
    const { min_fee_for_0conf: fee, ...absent } = message as Json & { readonly min_fee_for_0conf?: unknown }
    expect(fee).toBeNull()
    for (const one of [message, absent]) expect(throughOurs(one)).toEqual(one)
    const { min_onchain_payment_confirmations } = z.decode(PaymentOnchain, message as never)
    expect(zeroConfFee(min_onchain_payment_confirmations, 253 as never)).toBeNull()
    return
  }
  expect(z.safeDecode(schema, message as never).success).toBe(false)
  if (schema !== CreateOrderParams) return
  const answer = await createOrderLsp().call('lsps1.create_order', message)
  expect(answer?.error).toMatchObject({ code: -32602, data: { unrecognized: expect.any(Array) } })
}

/** Nothing breaks these but the one option that a vector is about. */
const ANYTHING: Lsps1Options = {
  min_required_channel_confirmations: 0,
  min_funding_confirms_within_blocks: 0,
  supports_zero_channel_reserve: false,
  max_channel_expiry_blocks: U32_MAX,
  min_initial_client_balance_sat: sat(0n),
  max_initial_client_balance_sat: sat(U64_MAX),
  min_initial_lsp_balance_sat: sat(0n),
  max_initial_lsp_balance_sat: sat(U64_MAX),
  min_channel_balance_sat: sat(0n),
  max_channel_balance_sat: sat(U64_MAX),
}

const WireAmounts = z.looseObject({ lsp_balance_sat: z.string(), client_balance_sat: z.string() })

/** What of an order an option limits. */
function limited(property: string, order: Json): bigint {
  const { lsp_balance_sat: lsp, client_balance_sat: client } = shaped(WireAmounts, order)
  if (property.endsWith('_channel_balance_sat')) return BigInt(lsp) + BigInt(client)
  if (property.endsWith('_lsp_balance_sat')) return BigInt(lsp)
  if (property.endsWith('_client_balance_sat')) return BigInt(client)
  return BigInt(shaped(z.number(), order[property.replace(/^(?:min|max)_/, '')]))
}

function optionsThatRefuse(property: string, order: Json): Lsps1Options {
  if (!(property in ANYTHING)) throw new Error(`${property} is no option of LSPS1`)
  const value = limited(property, order)
  const limit = property.startsWith('max_') ? value - 1n : value + 1n
  return { ...ANYTHING, [property]: property.endsWith('_sat') ? limit : Number(limit) }
}

const ExpectedError = z.looseObject({
  code: z.int().optional(),
  code_blip51: z.int().optional(),
  data: z.looseObject({ property: z.string().optional() }).optional(),
})

function askFor(order: Json, options: Lsps1Options): Promise<OrderAnswer | undefined> {
  return createOrderLsp({ options }).call('lsps1.create_order', order)
}

/** What does not fit the options. A value that no order may have is a fault of its own, and comes first (L1-33). */
async function checkMismatch(order: Json, property: string): Promise<void> {
  const options = optionsThatRefuse(property, order)
  const { lsp_balance_sat, client_balance_sat } = shaped(WireAmounts, order)
  const amounts = {
    lsp_balance_sat: BigInt(lsp_balance_sat) as Sat,
    client_balance_sat: BigInt(client_balance_sat) as Sat,
  }
  expect(checkOrder(options, { ...ORDERED, ...order, ...amounts } as never)?.property).toBe(property)
  const decoded = z.safeDecode(CreateOrderParams, order as never)
  if (!decoded.success) {
    const name = decoded.error.issues[0]?.path.join('.') ?? ''
    expect((await askFor(order, options))?.error).toMatchObject({ code: -32602, data: { property: name } })
    const repaired = { ...order, [name]: name.endsWith('_sat') ? '1' : 1 }
    await checkMismatch(repaired, property)
    return
  }
  expect((await askFor(order, options))?.error).toMatchObject({
    code: 100,
    data: { property, message: expect.any(String) },
  })
}

async function checkError({ input, expected }: Vector): Promise<void> {
  const given = shaped(JsonObject, parsedInput(input))
  const { code: said, code_blip51: code = said, data } = shaped(ExpectedError, expected)
  if ('order_id' in given) {
    const answer = await createOrderLsp().call('lsps1.get_order', given)
    expect(answer?.error).toEqual({ code, message: expect.any(String) })
    return
  }
  const order = { ...GOOD_ORDER, ...given }
  if (code === 100 && data?.property !== undefined) {
    await checkMismatch(order, data.property)
    return
  }
  const lsp = createOrderLsp({ tokens: ['valid'], rejected: code === 1 ? [ALICE] : [] })
  const answer = await lsp.call('lsps1.create_order', order)
  expect(answer?.error?.code).toBe(code)
  if (data !== undefined) expect(answer?.error?.data).toMatchObject(data)
  expect(lsp.orders.size).toBe(0)
}

function errorRows({ input, expected }: Vector): readonly string[] {
  const given = shaped(JsonObject, parsedInput(input))
  if ('order_id' in given) return ['L1-51']
  const { code, code_blip51 = code } = shaped(ExpectedError, expected)
  const rows: Readonly<Record<number, readonly string[]>> = { 1: ['L1-31'], 100: ['L1-32'], 102: ['L1-34'] }
  return rows[code_blip51 ?? 0] ?? ['L1-30']
}

/** The server answers a limit's fault without running the handler; the limits themselves are those of the surfaces. */
async function checkLimit({ input, expected }: Vector): Promise<void> {
  const { pending } = shaped(z.object({ pending: z.int() }), input)
  const { code } = shaped(z.object({ code: z.int() }), expected)
  const lsp = createOrderLsp()
  let asked = 0
  const admit = () => (++asked > pending ? clientRejected('too many pending requests') : undefined)
  const params = GOOD_ORDER
  const request = (id: number) => ({ jsonrpc: '2.0', id: `request ${id}`, method: 'lsps1.create_order', params })
  const answers = await Promise.all(
    Array.from({ length: pending + 1 }, (_, id) => lsp.send(request(id), ALICE, { admit })),
  )
  expect(answers.map((answer) => outcome(answer as never))).toEqual([...Array(pending).fill('ok'), code])
  expect(lsp.orders.size).toBe(pending)
}

const ANSWER_MUST_BE = /^response_(\w+)_must_be$/

/** What a client checks of the echo of its order. */
async function checkCompat({ input, expected }: Vector): Promise<void> {
  const { request } = shaped(z.object({ request: JsonObject }), input)
  const order: Json = { ...GOOD_ORDER, ...request }
  const { token } = order
  const tokens = typeof token === 'string' ? [token] : []
  const { result } = (await createOrderLsp({ tokens }).call('lsps1.create_order', order)) ?? {}
  for (const [name, value] of Object.entries(shaped(JsonObject, expected))) {
    const [, field = ''] = ANSWER_MUST_BE.exec(name) ?? []
    if (field === '') throw new Error(`no check knows "${name}"`)
    expect(result).toHaveProperty(field, value)
  }
  const { refund_onchain_address: _refund, token: _token, ...echoed } = order
  expect(result).toMatchObject(echoed)
}

export const LSPS1_KINDS: KindChecks = {
  'lsps1/json': { rows: jsonRows, check: checkJson },
  'lsps1/json-negative': { rows: ({ input }) => shapeOf(messageOf(parsedInput(input))).rows, check: checkJsonNegative },
  'lsps1/error': { rows: errorRows, check: checkError },
  'lsps1/limit': { rows: ['L0-36', 'L1-31'], check: checkLimit },
  'lsps1/compat': { rows: ['L1-41', 'L1-42'], check: checkCompat },
}
