import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Msat } from '../../../../lsps/base/amount.ts'
import { Datetime } from '../../../../lsps/base/datetime.ts'
import { createEncoder } from '../../../../lsps/base/encoder.ts'
import { Scid } from '../../../../lsps/base/scid.ts'
import { lsps2 } from '../../../../lsps/lsps2/methods.ts'
import { anyMsat, anyTerms, anyTimestamp, anyU32 } from '../arbitraries.ts'

type Outcome = { readonly encoded: unknown } | 'refused'

function outcomeOf(encode: () => unknown): Outcome {
  try {
    return { encoded: encode() }
  } catch {
    return 'refused'
  }
}

function expectSame(schema: z.ZodType, value: unknown): Outcome {
  const expected = outcomeOf(() => z.encode(schema, value))
  const encode = createEncoder(schema)
  expect(outcomeOf(() => encode(value))).toStrictEqual(expected)
  return expected
}

const Upper = z.codec(z.string().max(3), z.string(), {
  decode: (text) => text.toUpperCase(),
  encode(text, ctx) {
    if (text.includes('!')) ctx.issues.push({ code: 'custom', input: text, message: 'shouts' })
    return text.toLowerCase()
  },
})

/** One of each kind, those left to zod among them. */
const KINDS: Readonly<Record<string, z.ZodType>> = {
  string: z.string(),
  'checked string': z
    .string()
    .min(1)
    .max(4)
    .regex(/^[a-z]*$/),
  'refined string': z.string().refine((text) => !text.includes('\0')),
  'changed string': z.string().trim().toUpperCase(),
  number: z.number(),
  integer: z.int().min(0).max(9),
  'chained integer': z.number().int().nonnegative(),
  bigint: z.bigint(),
  boolean: z.boolean(),
  null: z.null(),
  undefined: z.undefined(),
  unknown: z.unknown(),
  literal: z.literal(['a', 1]),
  enum: z.enum(['a', 'b']),
  custom: z.custom<number>((value) => value === 7),
  optional: z.string().optional(),
  nullable: z.int().nullable(),
  default: z.string().default('a'),
  array: z.array(z.int()),
  'short array': z.array(z.int()).max(1),
  union: z.union([z.null(), Msat]),
  codec: Upper,
  amount: Msat,
  datetime: Datetime,
  scid: Scid,
  object: z.object({ a: z.string(), b: Msat.optional(), c: z.array(Upper) }),
  'strict object': z.strictObject({ a: z.unknown().optional(), tag: z.unknown().optional() }),
  'object with undefined': z.object({ a: z.undefined(), b: z.unknown() }),
  'loose object': z.looseObject({ a: z.string() }),
  'object with a default': z.object({ a: z.string().default('x'), b: Msat }),
  'checked object': z.object({ a: z.int(), b: z.int() }).refine(({ a, b }) => a < b),
  'tagged union': z.discriminatedUnion('tag', [
    z.object({ tag: z.literal('a'), b: Msat }),
    z.object({ tag: z.literal('b'), c: z.string().optional() }),
  ]),
  record: z.record(z.string(), z.int()),
  tuple: z.tuple([z.int(), Msat]),
}

const anyLeaf = () =>
  fc.oneof(
    fc.constantFrom('a', 'b', 'abc', ' a ', 'A!', '', '1x2x3', 'a\0', 1, 7, -1, 0.5, Number.NaN, null, undefined, true),
    fc.string(),
    fc.integer(),
    anyMsat(),
    fc.bigInt(),
    anyTimestamp(),
  )

const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { maxDepth: 3 },
    anyLeaf(),
    fc.array(tie('anything'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'tag', 'd', '__proto__'), tie('anything'), { maxKeys: 4 }),
  ),
}))

/** What chance alone would seldom draw. */
const EXAMPLES: [unknown][] = [['A!'], [{ a: 'x', c: ['A!'] }], [{ a: 'x', c: ['A'], b: 1n }], [{ tag: 'a', b: 7n }]]

describe('a fast encoder', () => {
  it.each(Object.entries(KINDS))('encodes and refuses as zod does: %s', (_kind, schema) => {
    fc.assert(
      fc.property(anything, (value) => void expectSame(schema, value)),
      { examples: EXAMPLES },
    )
  })

  it.each(Object.entries(KINDS))('encodes what zod decoded: %s', (_kind, schema) => {
    const decoded = anything
      .map((value) => z.safeDecode(schema, value))
      .filter(({ success }) => success)
      .map(({ data }) => data)
    const samples = fc.sample(fc.option(decoded, { maxDepth: 0, nil: 'a' }), 50)
    for (const value of samples) expectSame(schema, value)
  })

  it('encodes a menu', () => {
    const menu = fc.array(
      anyTerms().map((terms) => ({ ...terms, promise: 'ab'.repeat(32) })),
      { maxLength: 3 },
    )
    const { result } = lsps2['lsps2.get_info']
    fc.assert(
      fc.property(menu, (opening_fee_params_menu) => {
        expect(expectSame(result, { opening_fee_params_menu })).not.toBe('refused')
      }),
    )
  })

  it('encodes the answer to a purchase', () => {
    const { result } = lsps2['lsps2.buy']
    fc.assert(
      fc.property(anyU32(), fc.option(fc.boolean(), { nil: undefined }), (lsp_cltv_expiry_delta, trusts) => {
        const answer = { jit_channel_scid: '16000001x2x3', lsp_cltv_expiry_delta, client_trusts_lsp: trusts }
        expect(expectSame(result, answer)).not.toBe('refused')
      }),
    )
  })

  it('says what is wrong in the words of the schema', () => {
    const encode = createEncoder(z.object({ a: z.string().max(1, 'too long') }))
    expect(() => encode({ a: 'ab' })).toThrow(/too long/)
  })
})
