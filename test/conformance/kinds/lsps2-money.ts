import { expect } from 'vitest'
import * as z from 'zod'
import { msat, OverflowError, type Ppm, U64_MAX } from '../../../lsps/base/amount.ts'
import { parseDatetime, type Timestamp } from '../../../lsps/base/datetime.ts'
import { computeOpeningFee } from '../../../lsps/lsps2/fee.ts'
import { type PartSplit, splitFee } from '../../../lsps/lsps2/split.ts'
import { checkPart } from '../../../src/jit/part-checks.ts'
import type { Deal, Part } from '../../../src/jit/states.ts'
import { createLsp, menuOf, outcome, TERMS } from '../lsp.ts'
import { type KindChecks, shaped, type Vector } from '../vectors.ts'

/** Vectors write amounts as decimal strings, small ones as numbers too. */
const Amount = z.union([z.int(), z.string().regex(/^\d+$/)]).transform((value) => BigInt(value))
const Priced = z.object({ min_fee_msat: Amount, proportional: z.int() })

/** bLIP-52's routine, in one line of unbounded integers. */
function feeOfBlip({ min_fee_msat, proportional }: z.output<typeof Priced>, size: bigint): bigint | 'overflow' {
  const sum = size * BigInt(proportional) + 999_999n
  const rate = sum / 1_000_000n
  return sum > U64_MAX ? 'overflow' : rate > min_fee_msat ? rate : min_fee_msat
}

function ourFee({ min_fee_msat, proportional }: z.output<typeof Priced>, size: bigint): bigint | 'overflow' {
  try {
    return computeOpeningFee({ min_fee_msat: msat(min_fee_msat), proportional: proportional as Ppm }, msat(size))
  } catch (error) {
    if (error instanceof OverflowError) return 'overflow'
    throw error
  }
}

/** An implementation's own answer may differ from the bLIP's only where the vector says so. */
function expectBlip<Answer>({
  expected: theirs,
  blip,
  note,
}: {
  expected: Answer
  blip: Answer
  note: string | undefined
}) {
  if (note === undefined) expect(theirs).toEqual(blip)
}

function checkFee({ input, expected, note }: Vector): void {
  const { payment_size_msat: size, ...terms } = shaped(Priced.extend({ payment_size_msat: Amount }), input)
  const { opening_fee_msat } = shaped(
    z.object({ opening_fee_msat: z.union([z.literal('overflow'), Amount]) }),
    expected,
  )
  const blip = feeOfBlip(terms, size)
  expect(ourFee(terms, size)).toBe(blip)
  expectBlip({ expected: opening_fee_msat, blip, note })
}

function feeRows({ input, note }: Vector): readonly string[] {
  const { payment_size_msat: size, ...terms } = shaped(Priced.extend({ payment_size_msat: Amount }), input)
  const overflows = feeOfBlip(terms, size) === 'overflow'
  return ['L2-30', ...(overflows ? ['L2-31'] : []), ...(note === undefined ? [] : ['L2-34'])]
}

const Limits = Priced.extend({ min_payment_size_msat: Amount, max_payment_size_msat: Amount })
const Asked = z.object({ payment_size_msat: Amount.nullish(), receivable_msat: Amount.nullish() })
const Flat = Limits.extend(Asked.shape)
const Nested = Asked.extend({ params: Limits })
const BuyOutcome = z.union([
  z.object({ blip52_error_code: z.int().nullable() }),
  z.object({ result: z.union([z.literal('ok'), z.int()]) }),
])

/** The vector's terms are offered by a server, bought from it, and answered. */
async function checkBuy({ input, expected }: Vector): Promise<void> {
  const given = shaped(z.union([Nested, Flat]), input)
  const limits = 'params' in given ? given.params : given
  const { payment_size_msat: size, receivable_msat: receivable } = given
  const terms = {
    ...TERMS,
    min_fee_msat: msat(limits.min_fee_msat),
    proportional: limits.proportional as Ppm,
    min_payment_size_msat: msat(limits.min_payment_size_msat),
    max_payment_size_msat: msat(limits.max_payment_size_msat),
  }
  const lsp = createLsp({ terms: [terms], ...(receivable == null ? {} : { receivable: msat(receivable) }) })
  const [offer] = await menuOf(lsp)
  const params = { opening_fee_params: offer, payment_size_msat: size?.toString() }
  const wanted = shaped(BuyOutcome, expected)
  expect(outcome(await lsp.call('lsps2.buy', params))).toBe(
    'result' in wanted ? wanted.result : (wanted.blip52_error_code ?? 'ok'),
  )
}

const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)

/** The bLIP asks that every part keeps the minimum and the sum is right; how the fee is spread is free (L2-96). */
function checkSplit({ input, expected, name }: Vector): void {
  const { parts_msat, opening_fee_msat } = shaped(
    z.object({ parts_msat: z.array(Amount), opening_fee_msat: Amount }),
    input,
  )
  const wanted = shaped(z.object({ forward_msat: z.array(Amount), skim_msat: z.array(Amount).optional() }), expected)
  const minimum = 1n
  const split = splitFee(parts_msat.map(msat), msat(opening_fee_msat), msat(minimum))
  if (split === undefined) throw new Error('the parts can carry the fee')
  const forwarded = split.map(({ amountOut }) => amountOut)
  expect(sum(forwarded)).toBe(sum(wanted.forward_msat))
  expect(forwarded.every((amount) => amount >= minimum)).toBe(true)
  if (!name.includes('greedy')) return
  expect(forwarded).toEqual(wanted.forward_msat)
  if (wanted.skim_msat !== undefined) expect(split.map(({ extraFee }) => extraFee ?? 0n)).toEqual(wanted.skim_msat)
}

const SinglePart = Priced.extend({
  amount_msat: Amount,
  htlc_minimum_msat: Amount,
  max_payment_size_msat: Amount,
  min_payment_size_msat: Amount.default(0n),
})
type SinglePart = z.output<typeof SinglePart>

function describeSplit(split: readonly PartSplit[] | undefined): string {
  const [part] = split ?? []
  return part === undefined ? 'reject' : `forward ${part.amountOut}, tlv65537=${part.extraFee ?? 0n}`
}

function inLimits({ amount_msat, min_payment_size_msat, max_payment_size_msat }: SinglePart): boolean {
  return min_payment_size_msat <= amount_msat && amount_msat <= max_payment_size_msat
}

function splitSinglePart(part: SinglePart): string {
  const fee = ourFee(part, part.amount_msat)
  if (fee === 'overflow' || !inLimits(part)) return 'reject'
  return describeSplit(splitFee([msat(part.amount_msat)], msat(fee), msat(part.htlc_minimum_msat)))
}

/** bLIP-52: forwarded when fee + htlc_minimum_msat <= htlc_value_msat (L2-67); CLN is stricter by one millisatoshi. */
function checkSinglePart(part: SinglePart, decision: string): void {
  const fee = feeOfBlip(part, part.amount_msat)
  if (fee === 'overflow') throw new Error('no such vector is known')
  const carries = fee + part.htlc_minimum_msat <= part.amount_msat && inLimits(part)
  const blip = carries ? `forward ${part.amount_msat - fee}, tlv65537=${fee}` : 'reject'
  expect(splitSinglePart(part)).toBe(blip)
  const exact = fee + part.htlc_minimum_msat === part.amount_msat
  if (!exact) expect(decision.startsWith(blip)).toBe(true)
}

const SIZE = msat(10_000_000n)
const HEIGHT = 800_000
const DEAL: Deal = {
  scid: '16100000x1x1',
  client: '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
  minFee: msat(2000n),
  proportional: 10_000,
  validUntil: 0,
  minLifetime: 1000,
  maxClientToSelfDelay: 2016,
  paymentSize: SIZE,
  fee: msat(100_000n),
  cltvExpiryDelta: 144,
  htlcMinimum: msat(1000n),
  partHold: 90_000,
  createdAt: 0,
} as unknown as Deal
const PART = {
  circuit: '1:1',
  amountIn: SIZE,
  amountOut: SIZE,
  expiryIn: HEIGHT + 400,
  expiryOut: HEIGHT + 100,
  autoFailHeight: HEIGHT + 390,
} as unknown as Part

/** bLIP-52 answers unknown_next_peer after the end of an offer, whatever others answer (L2-64, L2-70). */
function checkExpired(validUntil: string): void {
  const deal = { ...DEAL, validUntil: parseDatetime(validUntil) ?? (0 as Timestamp) }
  const codeAt = (at: number) => checkPart(deal, PART, { height: HEIGHT, at: at as Timestamp, bound: false })?.code
  expect(codeAt(deal.validUntil - 1)).toBeUndefined()
  expect(codeAt(deal.validUntil)).toBe('unknown_next_peer')
}

function checkHtlc({ input, expected }: Vector): void {
  const given = shaped(z.union([SinglePart, z.object({ valid_until: z.string() })]), input)
  if ('valid_until' in given) checkExpired(given.valid_until)
  else checkSinglePart(given, shaped(z.object({ decision: z.string() }), expected).decision)
}

export const LSPS2_MONEY_KINDS: KindChecks = {
  'lsps2/fee': { rows: feeRows, check: checkFee },
  'lsps2/buy-validation': { rows: ['L2-42', 'L2-43', 'L2-44'], check: checkBuy },
  'lsps2/mpp-split': { rows: ['L2-92', 'L2-96'], check: checkSplit },
  'lsps2/htlc': { rows: ({ input }) => ('valid_until' in (input as object) ? ['L2-70'] : ['L2-67']), check: checkHtlc },
}
