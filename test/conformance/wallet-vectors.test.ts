import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { checkParts, type JitPurchase, msat, type Ppm } from '../../lsps/index.ts'
import { BOB, START } from './lsp.ts'
import { kindOf, loadVectors } from './vectors.ts'

const Amount = z.union([z.int(), z.string().regex(/^\d+$/)]).transform((value) => BigInt(value))
const Split = z.object({
  input: z.object({ parts_msat: z.array(Amount).min(1), opening_fee_msat: Amount }),
  expected: z.object({ forward_msat: z.array(Amount) }),
})
const Single = z.object({
  input: z.object({ amount_msat: Amount, min_fee_msat: Amount, proportional: z.int() }),
  expected: z.object({ decision: z.string().regex(/^forward \d+, tlv65537=\d+/) }),
})

/** What other implementations forward, and with it what a wallet behind them is given. */
const vectors = loadVectors()
const splits = vectors.filter((vector) => kindOf(vector) === 'lsps2/mpp-split' && Split.safeParse(vector).success)
const singles = vectors.filter((vector) => kindOf(vector) === 'lsps2/htlc' && Single.safeParse(vector).success)

const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)

function purchase({ fee, ppm = 0, amount }: { fee: bigint; ppm?: number; amount?: bigint }): JitPurchase {
  return {
    lsp: BOB,
    scid: '16100000x1x1' as JitPurchase['scid'],
    cltvExpiryDelta: 144,
    minFee: msat(fee),
    proportional: ppm as Ppm,
    validUntil: START as JitPurchase['validUntil'],
    lifetimeBlocks: 144,
    maxToSelfDelayBlocks: 144,
    ...(amount === undefined ? {} : { amount: msat(amount) }),
    maxFee: { ppm: 1_000_000 as Ppm },
    trust: 'lsp-first',
  }
}

const part = (onion: bigint, forwarded: bigint) => ({
  onionAmount: msat(onion),
  htlcAmount: msat(forwarded),
  extraFee: forwarded === onion ? undefined : msat(onion - forwarded),
})

describe('a wallet that agreed to the fee', () => {
  it('[L2-95] takes no millisatoshi less', () => {
    const bought = purchase({ fee: 546_000n, amount: 1_000_000n })
    expect(checkParts(bought, [part(1_000_000n, 454_000n)])).toHaveProperty('verdict', 'claim')
    expect(checkParts(bought, [part(1_000_000n, 453_999n)])).toHaveProperty('verdict', 'fail')
  })

  it.each(splits)('[L2-95] [L2-97] takes the split of another LSP: $id $name', (vector) => {
    const { input, expected } = Split.parse(vector)
    const amount = sum(input.parts_msat)
    const parts = input.parts_msat.map((onion, index) => part(onion, expected.forward_msat[index] ?? 0n))
    const bought = purchase({ fee: input.opening_fee_msat, amount })
    expect(checkParts(bought, parts)).toMatchObject({ verdict: 'claim', received: sum(expected.forward_msat) })
    const cheaper = { ...bought, minFee: msat(input.opening_fee_msat - 1n) }
    expect(checkParts(cheaper, parts)).toHaveProperty('reason.code', 'above-agreed-fee')
  })

  it.each(singles)('[L2-95] takes the single HTLC that another LSP forwards: $id $name', (vector) => {
    const { input, expected } = Single.parse(vector)
    const [, forwarded = ''] = /^forward (\d+)/.exec(expected.decision) ?? []
    const bought = purchase({ fee: input.min_fee_msat, ppm: input.proportional })
    const parts = [part(input.amount_msat, BigInt(forwarded))]
    expect(checkParts(bought, parts)).toMatchObject({ verdict: 'claim', received: BigInt(forwarded) })
  })
})
