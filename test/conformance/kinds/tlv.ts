import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { expect } from 'vitest'
import * as z from 'zod'
import { msat } from '../../../lsps/base/amount.ts'
import { decodeBigSize, decodeTlvStream, decodeTu64, encodeTu64, TlvError } from '../../../lsps/base/tlv.ts'
import { encodeExtraFee, encodeExtraFeeRecord, readExtraFee } from '../../../lsps/lsps2/extra-fee.ts'
import { type KindChecks, shaped, type Vector } from '../vectors.ts'

const U64 = z.union([z.int(), z.string().regex(/^\d+$/)]).transform((value) => BigInt(value))

function checkEncode({ input, expected }: Vector): void {
  const { skimmed_fee_msat } = shaped(z.object({ skimmed_fee_msat: U64 }), input)
  const record = { tlv_hex: z.string(), lnd_out_wire_custom_records: z.object({ 65537: z.string() }).optional() }
  const wanted = shaped(z.object(record), expected)
  expect(bytesToHex(encodeExtraFeeRecord(msat(skimmed_fee_msat)))).toBe(wanted.tlv_hex)
  if (wanted.lnd_out_wire_custom_records === undefined) return
  expect(bytesToHex(encodeExtraFee(msat(skimmed_fee_msat)))).toBe(wanted.lnd_out_wire_custom_records[65537])
}

/** `ok: 1000`, `ok: none`, or the name of an error. */
function checkDecode({ input, expected }: Vector): void {
  const tlvs = hexToBytes(shaped(z.object({ tlv_tail_hex: z.string() }), input).tlv_tail_hex)
  const { result } = shaped(z.object({ result: z.string() }), expected)
  const fine = /^ok: (none|\d+)/.exec(result)
  if (fine === null) expect(() => readExtraFee(tlvs)).toThrow(TlvError)
  else expect(readExtraFee(tlvs)).toBe(fine[1] === 'none' ? undefined : BigInt(fine[1] ?? ''))
}

function checkStream({ input, expected, name }: Vector): void {
  const bytes = hexToBytes(shaped(z.string(), input))
  const prefix = /length prefix/.test(name) ? decodeBigSize(bytes, 0) : { value: BigInt(bytes.length), next: 0 }
  expect(prefix.value).toBe(BigInt(bytes.length - prefix.next))
  const records = decodeTlvStream(bytes.subarray(prefix.next))
  const { records: wanted } = shaped(z.object({ records: z.record(z.string(), z.string()) }), expected)
  expect(Object.fromEntries(records.map(({ type, value }) => [type.toString(), bytesToHex(value)]))).toEqual(wanted)
}

/** Where the vector's reason is in the words that we use too, it must be the same reason. */
const OUR_WORDS = /^(truncated|duplicate|increasing order|non-canonical)$/

function checkStreamNegative({ input, expected }: Vector): void {
  const { error } = shaped(z.object({ error: z.union([z.string(), z.literal(true)]) }), expected)
  const read = () => decodeTlvStream(hexToBytes(shaped(z.string(), input)))
  expect(read).toThrow(TlvError)
  if (typeof error === 'string' && OUR_WORDS.test(error)) expect(read).toThrow(error)
}

function checkTu64({ input, expected }: Vector): void {
  const { tu64 } = shaped(z.object({ tu64: U64 }), input)
  expect(bytesToHex(encodeTu64(tu64))).toBe(expected)
  expect(decodeTu64(hexToBytes(shaped(z.string(), expected)))).toBe(tu64)
}

function checkTu64Negative({ input }: Vector): void {
  expect(() => decodeTu64(hexToBytes(shaped(z.string(), input)))).toThrow(TlvError)
}

export const TLV_KINDS: KindChecks = {
  'blip25/encode': { rows: ['L2-93'], check: checkEncode },
  'blip25/decode': { rows: ['L2-93'], check: checkDecode },
  'tlv/tlv': { rows: ['L2-93'], check: checkStream },
  'tlv/tlv-negative': { rows: ['L2-93'], check: checkStreamNegative },
  'tlv/tu64': { rows: ['L2-93'], check: checkTu64 },
  'tlv/tu64-negative': { rows: ['L2-93'], check: checkTu64Negative },
}
