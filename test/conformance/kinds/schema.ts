import { expect } from 'vitest'
import * as z from 'zod'
import { Msat, Ppm } from '../../../lsps/base/amount.ts'
import { formatConnectionString, parseConnectionString } from '../../../lsps/base/connection-string.ts'
import { Datetime } from '../../../lsps/base/datetime.ts'
import { SatPerKw } from '../../../lsps/base/fee-rate.ts'
import { parseNodeId } from '../../../lsps/base/node-id.ts'
import { formatOutpoint, parseOutpoint, parseTxid } from '../../../lsps/base/outpoint.ts'
import { parseScid, scidFromNumber, scidToNumber } from '../../../lsps/base/scid.ts'
import { type KindChecks, shaped, type Vector } from '../vectors.ts'

/** The common types by what their vectors are called. */
type TypeCheck = { readonly named: RegExp; readonly rows: readonly string[]; readonly check: (vector: Vector) => void }

/** Vectors write JSON strings with their quotes, or without. */
function jsonString(value: unknown): string {
  const text = shaped(z.string(), value)
  return text.startsWith('"') ? shaped(z.string(), JSON.parse(text)) : text
}

function checkScid({ input, expected }: Vector): void {
  if (typeof input === 'string') {
    const text = jsonString(input)
    const scid = parseScid(text)
    expect(scid === undefined ? undefined : scidFromNumber(scidToNumber(scid))).toBe(text)
    return
  }
  const { hex } = shaped(z.object({ hex: z.string() }), input)
  expect(scidFromNumber(BigInt(`0x${hex}`))).toBe(expected)
}

function checkConnection({ input, expected }: Vector): void {
  const wanted = shaped(z.object({ node_id: z.string(), host: z.string(), port: z.int() }), expected)
  const connection = parseConnectionString(jsonString(input))
  if (connection === undefined) throw new Error('not read')
  expect({ node_id: connection.nodeId, host: connection.host, port: connection.port }).toEqual(wanted)
  expect(formatConnectionString(connection)).toBe(jsonString(input))
}

function checkFeeRate({ input, expected }: Vector): void {
  const { sat_per_kwu } = shaped(z.object({ sat_per_kwu: z.number() }), input)
  expect(z.decode(SatPerKw, sat_per_kwu as SatPerKw)).toBe(expected)
}

function checkPpm({ input, expected }: Vector): void {
  const percent = Number(jsonString(input).replace('%', ''))
  expect(z.decode(Ppm, Math.round(percent * 10_000) as Ppm)).toBe(expected)
}

function checkOutpoint({ input, expected }: Vector): void {
  const outpoint = parseOutpoint(jsonString(input))
  expect(outpoint).toMatchObject(shaped(z.record(z.string(), z.unknown()), expected))
  if (outpoint !== undefined) expect(formatOutpoint(outpoint)).toBe(jsonString(input).toLowerCase())
}

function checkMsat({ input, expected }: Vector): void {
  if (typeof input === 'string') {
    expect(z.encode(Msat, z.decode(Msat, jsonString(input)))).toBe(jsonString(expected ?? input))
    return
  }
  const { msat } = shaped(z.object({ msat: z.union([z.number(), z.string()]) }), input)
  expect(z.encode(Msat, BigInt(msat) as Msat)).toBe(jsonString(expected))
}

function checkDatetime({ input }: Vector): void {
  expect(z.encode(Datetime, z.decode(Datetime, jsonString(input)))).toBe(jsonString(input))
}

/** Readers take any number of fractional digits from other implementations (L0-78); what we write, every parser reads. */
function checkBadDatetime({ input }: Vector): void {
  const read = z.safeDecode(Datetime, jsonString(input))
  if (!/:\d\d(\.\d{1,9})?(Z|\+00:00)$/.test(jsonString(input)) || jsonString(input) < '1970')
    expect(read.success).toBe(false)
  if (read.success) expect(z.encode(Datetime, read.data)).toMatch(/:\d\d\.\d{3}Z$/)
}

function checkRefused(read: (text: string) => unknown) {
  return ({ input }: Vector): void => expect(read(jsonString(input))).toBeUndefined()
}

function checkRefusedJson(schema: z.ZodType) {
  return ({ input }: Vector): void => expect(z.safeDecode(schema, parsed(input) as never).success).toBe(false)
}

function parsed(input: unknown): unknown {
  return typeof input === 'string' ? JSON.parse(input) : input
}

function checkNormalised(read: (text: string) => string | undefined) {
  return ({ input }: Vector): void => expect(read(jsonString(input))).toBe(jsonString(input).toLowerCase())
}

const TYPES: readonly TypeCheck[] = [
  { named: /pubkey|public key|node.?id/, rows: ['L0-74'], check: checkNormalised(parseNodeId) },
  { named: /txid/, rows: ['L0-80'], check: checkNormalised(parseTxid) },
  { named: /scid/, rows: ['L0-73'], check: checkScid },
  { named: /connection/, rows: ['L0-75'], check: checkConnection },
  { named: /fee ?rate/, rows: ['L0-71'], check: checkFeeRate },
  { named: /ppm/, rows: ['L0-72'], check: checkPpm },
  { named: /outpoint/, rows: ['L0-82'], check: checkOutpoint },
  { named: /\b(msat|sat)\b/, rows: ['L0-70'], check: checkMsat },
  { named: /datetime/, rows: ['L0-78'], check: checkDatetime },
]

const NEGATIVES: readonly TypeCheck[] = [
  { named: /pubkey|public key|node.?id/, rows: ['L0-74'], check: checkRefused(parseNodeId) },
  { named: /txid/, rows: ['L0-80'], check: checkRefused(parseTxid) },
  { named: /ppm/, rows: ['L0-72'], check: checkRefusedJson(Ppm) },
  { named: /fee ?rate/, rows: ['L0-71'], check: checkRefusedJson(SatPerKw) },
  { named: /scid/, rows: ['L0-73'], check: checkRefused(parseScid) },
  { named: /connection/, rows: ['L0-75'], check: checkRefused(parseConnectionString) },
  { named: /outpoint/, rows: ['L0-82'], check: checkRefused(parseOutpoint) },
  { named: /\b(msat|sat)\b/, rows: ['L0-70'], check: checkRefused((text) => z.safeDecode(Msat, text).data) },
  { named: /datetime/, rows: ['L0-78'], check: checkBadDatetime },
]

function checkNamed(types: readonly TypeCheck[]) {
  return (vector: Vector): void => {
    const type = types.find(({ named }) => named.test(vector.name))
    if (type === undefined) throw new Error(`no check for the type "${vector.name}"`)
    type.check(vector)
  }
}

function rowsOf(types: readonly TypeCheck[]) {
  return ({ name }: Vector) => types.find(({ named }) => named.test(name))?.rows ?? []
}

export const SCHEMA_KINDS: KindChecks = {
  'lsps0/schema': { rows: rowsOf(TYPES), check: checkNamed(TYPES) },
  'lsps0/schema-negative': { rows: rowsOf(NEGATIVES), check: checkNamed(NEGATIVES) },
}
