import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { getPublicKey } from '@noble/secp256k1'
import { expect } from 'vitest'
import * as z from 'zod'
import { Msat, msat, type Ppm } from '../../../lsps/base/amount.ts'
import { Datetime } from '../../../lsps/base/datetime.ts'
import { orderMenu } from '../../../lsps/lsps2/menu.ts'
import { lsps2 } from '../../../lsps/lsps2/methods.ts'
import { createPromiseKey, makePromise, verifyPromise } from '../../../lsps/lsps2/promise.ts'
import { FeePromise, type FeeTerms, OpeningFeeParams } from '../../../lsps/lsps2/schema.ts'
import { clientRejected } from '../../../lsps/rpc/fault.ts'
import { ALICE, createLsp, menuOf, nodeId, outcome, TERMS } from '../lsp.ts'
import { type KindChecks, shaped, type Vector } from '../vectors.ts'

const Terms = z.object({
  min_fee_msat: Msat,
  proportional: z.int() as unknown as z.ZodType<Ppm, Ppm>,
  valid_until: Datetime,
  min_lifetime: z.int(),
  max_client_to_self_delay: z.int(),
  min_payment_size_msat: Msat,
  max_payment_size_msat: Msat,
})

const Promised = Terms.extend({ promise_secret_hex: z.string(), client_node_id: z.string().optional() })

/** Others serialise the terms differently, which is theirs to choose; ours must hold for its own and refuse theirs. */
function checkPromise({ input, expected }: Vector): void {
  const { promise_secret_hex, client_node_id, ...terms } = z.decode(Promised, input as never)
  const theirs = shaped(z.object({ promise: z.string() }), expected).promise
  const key = createPromiseKey(hexToBytes(promise_secret_hex))
  const client = client_node_id === undefined ? ALICE : nodeId(client_node_id)
  const ours = makePromise(key, client, terms)
  expect(z.safeDecode(FeePromise, ours).success).toBe(true)
  expect(verifyPromise([key], client, terms, ours)).toBe(true)
  expect(verifyPromise([key], client, terms, theirs)).toBe(theirs === ours)
}

const BASE =
  /promise_secret (?<secret>[0-9a-f]{2})\*32, client key (?<client>[0-9a-f]{2})\*32, (?<terms>\{.*\}), valid_until (?<until>\S+)/

function nodeOfKey(secretKey: string) {
  return nodeId(bytesToHex(getPublicKey(hexToBytes(secretKey))))
}

/** An offer made to one client, and what becomes of it when one thing is changed. */
async function checkPromiseNegative({ input, expected }: Vector): Promise<void> {
  const { base, mutation } = shaped(z.object({ base: z.string(), mutation: z.record(z.string(), z.unknown()) }), input)
  const { secret = '', client = '', terms = '', until } = BASE.exec(base)?.groups ?? {}
  const offered: FeeTerms = z.decode(Terms, { ...JSON.parse(terms), valid_until: until })
  const lsp = createLsp({ terms: [offered], secret: hexToBytes(secret.repeat(32)) })
  const buyer = nodeOfKey(client.repeat(32))
  const [offer] = await menuOf(lsp, buyer)
  const buy = { payment_size_msat: '50000000' }
  expect(outcome(await lsp.call('lsps2.buy', { opening_fee_params: offer, ...buy }, buyer))).toBe('ok')

  const { client_secret_key_hex, ...changed } = mutation
  const peer = typeof client_secret_key_hex === 'string' ? nodeOfKey(client_secret_key_hex) : buyer
  const answer = await lsp.call('lsps2.buy', { opening_fee_params: { ...offer, ...changed }, ...buy }, peer)
  expect(outcome(answer)).toBe(shaped(z.object({ error_code: z.int() }), expected).error_code)
  expect(lsp.sold).toHaveLength(1)
}

/** A client must refuse such a promise; a server never sends one, and takes none of a wrong type (L2-47). */
async function checkPromiseLimit({ input, expected }: Vector): Promise<void> {
  const shape = z.union([z.object({ promise_len: z.int() }), z.object({ promise: z.unknown() })])
  const given = shaped(shape, input)
  const promise = 'promise_len' in given ? 'x'.repeat(given.promise_len) : given.promise
  const lsp = createLsp()
  const offer = { ...(await menuOf(lsp))[0], promise }
  const refused = typeof expected === 'object' && expected !== null && 'error' in expected
  expect(z.safeDecode(OpeningFeeParams, offer).success).toBe(!refused)
  const answer = await lsp.call('lsps2.buy', { opening_fee_params: offer, payment_size_msat: '1000000' })
  expect(outcome(answer)).toBe(typeof promise === 'string' ? 201 : -32602)
}

const Expected = z.union([
  z.object({ parses: z.literal(true) }),
  z.object({ payment_size_msat: z.string().nullable() }),
  z.object({ server_must_accept: z.literal(true) }),
])

async function checkJson({ input, expected }: Vector): Promise<void> {
  const wanted = shaped(Expected, expected)
  const value: unknown = typeof input === 'string' ? JSON.parse(input) : input
  const message = shaped(z.record(z.string(), z.unknown()), value)
  if ('server_must_accept' in wanted) {
    expect(outcome(await createLsp().send(message))).toBe('ok')
    return
  }
  if ('payment_size_msat' in wanted) {
    const { payment_size_msat: size } = z.decode(lsps2['lsps2.buy'].params, message as never)
    expect(size).toBe(wanted.payment_size_msat === null ? undefined : BigInt(wanted.payment_size_msat))
    return
  }
  const schema = schemaOf(message)
  expect(z.encode(schema, z.decode(schema, message as never) as never)).toEqual(message)
}

function jsonRows({ input }: Vector): readonly string[] {
  const text = typeof input === 'string' ? input : JSON.stringify(input)
  if (text.includes('opening_fee_params_menu')) return ['L2-03', 'L2-04']
  if (text.includes('opening_fee_params')) return ['L2-40']
  return text.includes('jit_channel_scid') ? ['L2-48'] : ['L2-02']
}

function schemaOf(message: Readonly<Record<string, unknown>>): z.ZodType {
  const { 'lsps2.get_info': getInfo, 'lsps2.buy': buy } = lsps2
  if ('opening_fee_params_menu' in message) return getInfo.result
  if ('opening_fee_params' in message) return buy.params
  if ('jit_channel_scid' in message) return buy.result
  if ('token' in message || Object.keys(message).length === 0) return getInfo.params
  throw new Error(`no message of LSPS2 looks like ${JSON.stringify(message)}`)
}

function checkMenuOrder({ input, expected }: Vector): void {
  const prices = shaped(z.array(z.tuple([z.int(), z.int()])), input)
  const { menu } = orderMenu(
    prices.map(([fee, ppm]) => ({ ...TERMS, min_fee_msat: msat(BigInt(fee)), proportional: ppm as Ppm })),
  )
  expect(menu.map(({ min_fee_msat, proportional }) => [Number(min_fee_msat), proportional])).toEqual(expected)
}

/** The server answers a limit's fault without running the handler; the limits themselves are those of the peer surface. */
async function checkLimit({ input, expected }: Vector): Promise<void> {
  const { pending_get_info, next } = shaped(z.object({ pending_get_info: z.int(), next: z.string() }), input)
  const lsp = createLsp()
  let asked = 0
  const admit = () => (++asked > pending_get_info ? clientRejected('too many pending requests') : undefined)
  const request = (id: number) => ({ jsonrpc: '2.0', id: `request ${id}`, method: next, params: {} })
  const answers = await Promise.all(
    Array.from({ length: pending_get_info + 1 }, (_, id) => lsp.send(request(id), ALICE, { admit })),
  )
  const { error } = shaped(z.object({ error: z.object({ code: z.int() }) }), expected)
  expect(answers.map(outcome)).toEqual([...Array(pending_get_info).fill('ok'), error.code])
}

async function checkError({ input, expected }: Vector): Promise<void> {
  const params = shaped(z.object({ token: z.string() }), input)
  const { error } = shaped(z.object({ error: z.object({ code: z.int() }) }), expected)
  const answer = await createLsp({ tokens: ['valid'] }).call('lsps2.get_info', params)
  expect(answer?.error).toEqual({ code: error.code, message: expect.any(String) })
}

export const LSPS2_KINDS: KindChecks = {
  'lsps2/promise': { rows: ['L2-10', 'L2-11', 'L2-14'], check: checkPromise },
  'lsps2/promise-negative': { rows: ['L2-10', 'L2-41'], check: checkPromiseNegative },
  'lsps2/promise-limit': {
    rows: ({ input }) => ('promise_len' in (input as object) ? ['L2-11', 'L2-13'] : ['L2-47']),
    check: checkPromiseLimit,
  },
  'lsps2/json': { rows: jsonRows, check: checkJson },
  'lsps2/menu-order': { rows: ['L2-05'], check: checkMenuOrder },
  'lsps2/limit': { rows: ['L0-36'], check: checkLimit },
  'lsps2/error': { rows: ['L2-02'], check: checkError },
}
