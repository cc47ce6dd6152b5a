import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type Msat, msat, type Ppm, U64_MAX } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import type { Scid } from '../../../../lsps/base/scid.ts'
import { computeOpeningFee } from '../../../../lsps/lsps2/fee.ts'
import { channelRouteHint, type ReceivedPart } from '../../../../lsps/lsps2/invoice.ts'
import { agreedFee, checkParts, invoiceRules, JitPurchase, revealRule } from '../../../../lsps/lsps2/purchase.ts'
import { splitFee } from '../../../../lsps/lsps2/split.ts'
import { NODE, SAMPLE_TERMS } from '../arbitraries.ts'

const AMOUNT = msat(100_000_000n)
const FEE = msat(546_000n)

const fixed: JitPurchase = {
  lsp: NODE,
  scid: '16100000x1x1' as Scid,
  cltvExpiryDelta: 144,
  minFee: SAMPLE_TERMS.min_fee_msat,
  proportional: SAMPLE_TERMS.proportional,
  validUntil: SAMPLE_TERMS.valid_until,
  lifetimeBlocks: 1008,
  maxToSelfDelayBlocks: 2016,
  amount: AMOUNT,
  maxFee: { msat: msat(600_000n) },
  trust: 'lsp-first',
}
const { amount: _, ...variable } = fixed

const part = (onion: bigint, extra?: bigint): ReceivedPart => ({
  onionAmount: msat(onion),
  htlcAmount: msat(onion - (extra ?? 0n)),
  extraFee: extra === undefined ? undefined : msat(extra),
})

describe('the invoice of a purchase', () => {
  const now = (SAMPLE_TERMS.valid_until - 600_500) as Timestamp
  const rules = (purchase: JitPurchase, expirySeconds?: number) =>
    invoiceRules(purchase, { now, finalCltvBlocks: 40, expirySeconds })

  it('[L2-55] [L2-56] [L2-57] [L2-53] with an amount has the amount, basic_mpp, one free hop and two more blocks', () => {
    expect(rules(fixed)).toEqual({
      amount: AMOUNT,
      routeHint: {
        nodeId: NODE,
        scid: '16100000x1x1',
        baseFeeMsat: 0,
        feeProportionalMillionths: 0,
        cltvExpiryDelta: 144,
      },
      basicMpp: true,
      minFinalCltvExpiryDelta: 42,
      expirySeconds: 600,
    })
  })

  it('[L2-57] [L2-53] without an amount has neither amount nor basic_mpp', () => {
    expect(rules(variable)).toMatchObject({ amount: undefined, basicMpp: false })
  })

  it('[L2-55] lives as long as the wallet wants, but not longer than the offer', () => {
    expect(rules(fixed, 60)).toHaveProperty('expirySeconds', 60)
    expect(rules(fixed, 601)).toHaveProperty('expirySeconds', 600)
    const later = (at: number) => invoiceRules(fixed, { now: at as Timestamp, finalCltvBlocks: 40 })
    expect(later(SAMPLE_TERMS.valid_until - 1000)).toHaveProperty('expirySeconds', 1)
    expect(later(SAMPLE_TERMS.valid_until - 999)).toBeUndefined()
    expect(later(SAMPLE_TERMS.valid_until + 1)).toBeUndefined()
  })

  it('[L2-55] expires before the offer ends, whenever it is made', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.integer({ min: 1, max: 100_000 }), (before, wanted) => {
        const at = SAMPLE_TERMS.valid_until - before
        const made = invoiceRules(fixed, { now: at as Timestamp, finalCltvBlocks: 40, expirySeconds: wanted })
        if (made === undefined) {
          expect(before).toBeLessThan(1000)
          return
        }
        // BOLT11 counts from a whole second, the one that has begun.
        expect((Math.floor(at / 1000) + made.expirySeconds) * 1000).toBeLessThanOrEqual(SAMPLE_TERMS.valid_until)
        expect(made.expirySeconds).toBeGreaterThanOrEqual(1)
      }),
    )
  })

  it('[L2-98] is followed by invoices over the channel itself, by its alias and at its price', () => {
    const policy = { baseFeeMsat: 1000, feeProportionalMillionths: 250, cltvExpiryDelta: 80 }
    const alias = '16000000x0x7' as Scid
    expect(channelRouteHint(NODE, { alias, ...policy })).toEqual({ nodeId: NODE, scid: alias, ...policy })
  })

  it('[L2-85] expects nothing of the alias: it may be the scid that was sold', () => {
    const policy = { baseFeeMsat: 0, feeProportionalMillionths: 0, cltvExpiryDelta: 144 }
    expect(channelRouteHint(NODE, { alias: fixed.scid, ...policy })).toEqual(rules(fixed)?.routeHint)
  })
})

describe('a purchase', () => {
  it.each([fixed, variable])('survives being stored as JSON', (purchase) => {
    const stored = JSON.stringify(z.encode(JitPurchase, purchase))
    expect(z.decode(JitPurchase, JSON.parse(stored))).toEqual(purchase)
  })

  it('has the promised fee', () => {
    expect(agreedFee(fixed, msat(1n))).toBe(FEE)
    expect(agreedFee(variable, msat(1_000_000_000n))).toBe(1_200_000n)
    expect(agreedFee(variable, msat(U64_MAX))).toBeUndefined()
  })

  it('[L2-101] [L2-86] reveals the preimage at once where the LSP waits for it, and when it likes otherwise', () => {
    expect(revealRule({ trust: 'client-first' })).toBe('at-once')
    expect(revealRule({ trust: 'lsp-first' })).toBe('when-satisfied')
    const paid = checkParts({ ...fixed, trust: 'client-first' }, [part(AMOUNT, FEE)])
    expect(paid).toMatchObject({ verdict: 'claim', reveal: 'at-once' })
  })
})

describe('the parts of a payment with an amount', () => {
  it('[L2-95] [L2-97] are claimed when the whole less the fee is there', () => {
    expect(checkParts(fixed, [])).toEqual({ verdict: 'wait', missing: AMOUNT - FEE })
    const first = part(60_000_000n, FEE)
    expect(checkParts(fixed, [first])).toEqual({ verdict: 'wait', missing: 40_000_000n })
    expect(checkParts(fixed, [first, part(39_999_999n)])).toEqual({ verdict: 'wait', missing: 1n })
    expect(checkParts(fixed, [first, part(40_000_000n)])).toEqual({
      verdict: 'claim',
      received: AMOUNT - FEE,
      fee: FEE,
      reveal: 'when-satisfied',
    })
  })

  it('[L2-97] are claimed too when less, or nothing, was kept back', () => {
    expect(checkParts(fixed, [part(AMOUNT)])).toMatchObject({ verdict: 'claim', received: AMOUNT, fee: 0n })
    expect(checkParts(fixed, [part(AMOUNT, 1n)])).toMatchObject({ verdict: 'claim', fee: 1n })
  })

  it('[L2-95] are failed when a part lacks more, or less, than it declares', () => {
    const lies = [
      { onionAmount: AMOUNT, htlcAmount: msat(AMOUNT - FEE), extraFee: undefined },
      { onionAmount: AMOUNT, htlcAmount: msat(AMOUNT - FEE), extraFee: msat(FEE - 1n) },
      { onionAmount: AMOUNT, htlcAmount: AMOUNT, extraFee: FEE },
    ]
    for (const lie of lies) {
      const reason = { code: 'undeclared-deduction', part: 1 }
      expect(checkParts(fixed, [part(1000n), lie])).toEqual({ verdict: 'fail', reason })
    }
  })

  it('[L2-95] are failed when more was kept back than agreed, in one part or in all together', () => {
    const reason = { code: 'above-agreed-fee', deducted: FEE + 1n, agreed: FEE }
    expect(checkParts(fixed, [part(AMOUNT, FEE + 1n)])).toEqual({ verdict: 'fail', reason })
    const two = [part(50_000_000n, 300_000n), part(50_000_000n, FEE - 299_999n)]
    expect(checkParts(fixed, two)).toEqual({ verdict: 'fail', reason })
  })

  it('have the fee of the amount, even if more is paid', () => {
    const more = msat(1_000_000_000n)
    expect(checkParts(fixed, [part(more, FEE)])).toHaveProperty('verdict', 'claim')
    expect(checkParts(fixed, [part(more, 1_200_000n)])).toHaveProperty('reason.code', 'above-agreed-fee')
  })

  it('are failed above the cap whatever the price says', () => {
    const purchase = { ...fixed, maxFee: { msat: msat(FEE - 1n) } }
    const reason = { code: 'above-cap', deducted: FEE, cap: FEE - 1n }
    expect(checkParts(purchase, [part(AMOUNT, FEE)])).toEqual({ verdict: 'fail', reason })
  })

  it('[L2-31] are failed when they leave 64 bits', () => {
    const reason = { code: 'overflow' }
    expect(checkParts(fixed, [part(U64_MAX), part(1n)])).toEqual({ verdict: 'fail', reason })
  })
})

describe('the payment without an amount', () => {
  it('[L2-95] [L2-67] may lack the fee of what arrives', () => {
    expect(checkParts(variable, [])).toEqual({ verdict: 'wait', missing: 1n })
    expect(checkParts(variable, [part(460_000_000n, 552_000n)])).toMatchObject({ verdict: 'claim', fee: 552_000n })
    expect(checkParts(variable, [part(460_000_000n, 552_001n)])).toHaveProperty('reason.code', 'above-agreed-fee')
    expect(checkParts(variable, [part(1_000_000n, 546_000n)])).toMatchObject({ verdict: 'claim', received: 454_000n })
  })

  it('is failed when its fee is above the cap, as amount or as share', () => {
    const capped = (maxFee: JitPurchase['maxFee']) =>
      checkParts({ ...variable, maxFee }, [part(1_000_000_000n, 1_200_000n)])
    expect(capped({ msat: msat(1_199_999n) })).toHaveProperty('reason.code', 'above-cap')
    expect(capped({ ppm: 1199 as Ppm })).toHaveProperty('reason', {
      code: 'above-cap',
      deducted: 1_200_000n,
      cap: 1_199_000n,
    })
    expect(capped({ ppm: 1200 as Ppm })).toHaveProperty('verdict', 'claim')
  })

  it('[L2-57] comes in one part', () => {
    const reason = { code: 'several-parts' }
    expect(checkParts(variable, [part(1_000_000n), part(1_000_000n)])).toEqual({ verdict: 'fail', reason })
  })

  it('[L2-31] is failed when its fee leaves 64 bits', () => {
    expect(checkParts(variable, [part(U64_MAX)])).toHaveProperty('reason.code', 'overflow')
  })
})

/** Parts as a payer sends them for an amount, perhaps a little more than it. */
const anyParts = (least: bigint) =>
  fc.array(fc.bigInt({ min: 1000n, max: 60_000_000n }), { minLength: 1, maxLength: 10 }).map((amounts) => {
    const sum = amounts.reduce((a, b) => a + b, 0n)
    const parts = sum < least ? [...amounts, least - sum + 1000n] : amounts
    return parts.map(msat)
  })

describe('for any parts', () => {
  it('[L2-95] [L2-96] [L2-97] an honest split of the agreed fee is never refused, in any order, and claimed as a whole', () => {
    fc.assert(
      fc.property(anyParts(AMOUNT), fc.bigInt({ min: 1n, max: 1000n }), fc.nat(), (amounts, minimum, turn) => {
        const split = splitFee(amounts, FEE, msat(minimum))
        fc.pre(split !== undefined)
        const parts = (split ?? []).map(({ amountOut, extraFee }, index): ReceivedPart => {
          return { onionAmount: amounts[index] as Msat, htlcAmount: amountOut, extraFee }
        })
        const first = turn % parts.length
        const order = [...parts.slice(first), ...parts.slice(0, first)]
        for (let count = 0; count <= order.length; count += 1) {
          expect(checkParts(fixed, order.slice(0, count)).verdict).not.toBe('fail')
        }
        const whole = checkParts(fixed, order)
        expect(whole).toMatchObject({ verdict: 'claim', fee: FEE })
      }),
    )
  })

  it('[L2-95] a single HTLC less its own fee is never refused', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 547_000n, max: 10_000_000_000n }).map(msat), (amount) => {
        const fee = computeOpeningFee(SAMPLE_TERMS, amount)
        const purchase = { ...variable, maxFee: { msat: fee } }
        expect(checkParts(purchase, [part(amount, fee)])).toMatchObject({ verdict: 'claim', received: amount - fee })
      }),
    )
  })

  it('[L2-95] nothing is claimed with an undeclared deduction, above the agreed fee, above the cap, or for less than the rest', () => {
    const amounts = fc.bigInt({ min: 0n, max: 120_000_000n }).map(msat)
    const wild = fc.record({
      onionAmount: amounts,
      htlcAmount: amounts,
      extraFee: fc.option(amounts, { nil: undefined }),
    })
    const declared = fc
      .tuple(amounts, fc.bigInt({ min: 0n, max: 700_000n }))
      .map(([onion, extra]) => part(onion, extra > onion ? onion : extra))
    const anyPart = fc.oneof({ weight: 1, arbitrary: wild }, { weight: 9, arbitrary: declared })
    const cap = fc.bigInt({ min: 0n, max: 700_000n }).map((n) => ({ msat: msat(n) }))
    let claimed = 0
    fc.assert(
      fc.property(
        fc.array(anyPart, { maxLength: 4 }),
        cap,
        fc.constantFrom(fixed, variable as JitPurchase),
        (parts, maxFee, purchase) => {
          const verdict = checkParts({ ...purchase, maxFee }, parts)
          if (verdict.verdict !== 'claim') return
          claimed += 1
          const sum = (of: (one: ReceivedPart) => bigint) => parts.reduce((total, one) => total + of(one), 0n)
          const onion = sum(({ onionAmount }) => onionAmount)
          const arrived = sum(({ htlcAmount }) => htlcAmount)
          const agreed = computeOpeningFee(SAMPLE_TERMS, purchase.amount ?? msat(onion))
          for (const one of parts) expect(one.htlcAmount + (one.extraFee ?? 0n)).toBe(one.onionAmount)
          expect(verdict.fee).toBe(onion - arrived)
          expect(verdict.received).toBe(arrived)
          expect(verdict.fee).toBeLessThanOrEqual(agreed < maxFee.msat ? agreed : maxFee.msat)
          expect(arrived).toBeGreaterThanOrEqual(purchase.amount === undefined ? 1n : purchase.amount - agreed)
        },
      ),
      { numRuns: 3000 },
    )
    expect(claimed).toBeGreaterThan(100)
  })
})
