import { bytesToHex } from '@noble/hashes/utils.js'
import { describe, expect, it } from 'vitest'
import { msat, OverflowError, type Ppm } from '../../lsps/base/amount.ts'
import { encodeExtraFee, encodeExtraFeeRecord } from '../../lsps/lsps2/extra-fee.ts'
import { computeOpeningFee } from '../../lsps/lsps2/fee.ts'
import { splitFee } from '../../lsps/lsps2/split.ts'
import { createLsp, menuOf, outcome, TERMS } from './lsp.ts'

type Outcome = 'ok' | 202 | 203
type FeeRow = readonly [size: bigint, min: bigint, ppm: number, fee: bigint | 'overflow', buy: Outcome]

const FEES: readonly FeeRow[] = [
  [42_000n, 546_000n, 1200, 546_000n, 202],
  [1_000_000n, 546_000n, 1200, 546_000n, 'ok'],
  [455_000_000n, 546_000n, 1200, 546_000n, 'ok'],
  [455_000_001n, 546_000n, 1200, 546_001n, 'ok'],
  [455_000_834n, 546_000n, 1200, 546_002n, 'ok'],
  [500_000_000n, 546_000n, 1200, 600_000n, 'ok'],
  [1n, 0n, 1, 1n, 202],
  [1n, 0n, 0, 0n, 'ok'],
  [0n, 0n, 1200, 0n, 202],
  [999_999n, 0n, 1, 1n, 'ok'],
  [1_000_000n, 0n, 1, 1n, 'ok'],
  [1_000_001n, 0n, 1, 2n, 'ok'],
  [546_000n, 546_000n, 0, 546_000n, 202],
  [546_001n, 546_000n, 0, 546_000n, 'ok'],
  [546_001n, 546_000n, 1_000_000, 546_001n, 202],
  [1_000_000n, 0n, 1_000_000, 1_000_000n, 202],
  [1_000_000n, 0n, 999_999, 999_999n, 'ok'],
  [2_100_000_000_000_000_000n, 0n, 8, 16_800_000_000_000n, 'ok'],
  [2_100_000_000_000_000_000n, 0n, 9, 'overflow', 203],
  [18_446_744_073_709_551_615n, 0n, 1, 'overflow', 203],
  [18_446_744_073_708_551_616n, 0n, 1, 18_446_744_073_709n, 'ok'],
  [18_446_744_073_708_551_617n, 0n, 1, 'overflow', 203],
  [15_372_286_728_090_459n, 0n, 1200, 18_446_744_073_709n, 'ok'],
  [15_372_286_728_090_460n, 0n, 1200, 'overflow', 203],
  [15_372_286_728_091_294n, 0n, 1200, 'overflow', 203],
  [9_007_199_254_740_993n, 0n, 1000, 9_007_199_254_741n, 'ok'],
]

describe('the opening fee, worked', () => {
  it.each(FEES)('[L2-30] [L2-31] [L2-33] of %d msat with minimum %d and %d ppm is %s', (size, min, ppm, fee) => {
    const compute = () => computeOpeningFee({ min_fee_msat: msat(min), proportional: ppm as Ppm }, msat(size))
    if (fee === 'overflow') expect(compute).toThrow(OverflowError)
    else expect(compute()).toBe(fee)
  })

  it.each(FEES)(
    '[L2-32] [L2-42] a buy of %d msat with minimum %d and %d ppm, fee %s, is answered %s',
    async (...row) => {
      const [size, min, ppm, , wanted] = row
      const terms = {
        ...TERMS,
        min_fee_msat: msat(min),
        proportional: ppm as Ppm,
        min_payment_size_msat: msat(0n),
        max_payment_size_msat: msat(18_446_744_073_709_551_615n),
      }
      const lsp = createLsp({ terms: [terms] })
      const [opening_fee_params] = await menuOf(lsp)
      const answer = await lsp.call('lsps2.buy', { opening_fee_params, payment_size_msat: size.toString() })
      expect(outcome(answer)).toBe(wanted)
      expect(lsp.sold.length).toBe(wanted === 'ok' ? 1 : 0)
    },
  )
})

type SplitRow = readonly [
  parts: readonly bigint[],
  fee: bigint,
  out: readonly (readonly [bigint, bigint?])[] | undefined,
]

const five = (amount: bigint) => Array<bigint>(5).fill(amount)
const SPLITS: readonly SplitRow[] = [
  [[500_000_000n], 600_000n, [[499_400_000n, 600_000n]]],
  [[400_000n, 300_000n, 300_000n], 546_000n, [[1000n, 399_000n], [153_000n, 147_000n], [300_000n]]],
  [
    [546_000n, 454_000n],
    546_000n,
    [
      [1000n, 545_000n],
      [453_000n, 1000n],
    ],
  ],
  [[1000n, 999_000n], 546_000n, [[1000n], [453_000n, 546_000n]]],
  [five(200_000n), 995_000n, five(1000n).map((out) => [out, 199_000n] as const)],
  [five(200_000n), 995_001n, undefined],
  [[547_000n], 546_000n, [[1000n, 546_000n]]],
  [[546_999n], 546_000n, undefined],
]

describe('the split of the fee, worked', () => {
  it.each(SPLITS)('[L2-92] [L2-94] [L2-96] of the parts %s with the fee %d', (parts, fee, out) => {
    const split = splitFee(parts.map(msat), msat(fee), msat(1000n))
    expect(split).toEqual(out?.map(([amountOut, extraFee]) => ({ amountOut, extraFee })))
  })

  it.each(SPLITS.slice(6))('[L2-67] a single HTLC of %s with the fee %d', (parts, fee, out) => {
    expect(splitFee(parts.map(msat), msat(fee), msat(1000n)) === undefined).toBe(out === undefined)
  })
})

describe('the extra fee on the wire, worked', () => {
  it.each([
    [546_000n, '00000000000854d0'],
    [600_000n, '00000000000927c0'],
    [1n, '0000000000000001'],
  ])('[L2-93] %d msat is %s', (fee, value) => {
    expect(bytesToHex(encodeExtraFee(msat(fee)))).toBe(value)
    expect(bytesToHex(encodeExtraFeeRecord(msat(fee)))).toBe(`fe0001000108${value}`)
  })
})
