import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Msat, msat, type Ppm, U64_MAX } from '../../../lsps/base/amount.ts'
import { computeOpeningFee } from '../../../lsps/lsps2/fee.ts'
import { isOrdered } from '../../../lsps/lsps2/menu.ts'
import {
  breakDown,
  isVolatile,
  leastPayment,
  type PricedOffer,
  type PricingRule,
  priceMenu,
} from '../../../src/jit/pricing.ts'

const ppm = (n: number) => n as Ppm
const HTLC_MINIMUM = msat(1000n)
const OFFER: PricedOffer = {
  min_fee_msat: msat(2_000_000n),
  proportional: ppm(4000),
  min_lifetime: 4320,
  max_client_to_self_delay: 2016,
  min_payment_size_msat: msat(10_000_000n),
  max_payment_size_msat: msat(1_000_000_000n),
  valid_for_seconds: 3600,
}
const RULE: PricingRule = {
  mode: 'live',
  open_vbytes: 165,
  close_vbytes: 235,
  margin_ppm: ppm(100_000),
  volatility_ppm: ppm(500_000),
  volatile_valid_for_seconds: 600,
}
const at = (satPerVbyte: number) => ({ satPerVbyte, lowest: satPerVbyte, highest: satPerVbyte })

const feerates = () => fc.integer({ min: 1, max: 10_000 })
/** Within the bounds of the config. */
const rules = (): fc.Arbitrary<PricingRule> =>
  fc.record({
    mode: fc.constantFrom('live' as const, 'fixed' as const),
    open_vbytes: fc.integer({ min: 1, max: 10_000 }),
    close_vbytes: fc.integer({ min: 0, max: 10_000 }),
    close_sat_per_vbyte: fc.option(feerates(), { nil: undefined }),
    margin_ppm: fc.integer({ min: 0, max: 10_000_000 }).map(ppm),
    volatility_ppm: fc.integer({ min: 0, max: 4_294_967_295 }).map(ppm),
    volatile_valid_for_seconds: fc.integer({ min: 600, max: 604_800 }),
  })

/** A menu as the config allows it: ordered, and each least payment above the least fee. */
const menus = (): fc.Arbitrary<readonly PricedOffer[]> =>
  fc
    .array(
      fc.record({
        fee: fc.bigInt({ min: 0n, max: 50_000_000n }),
        rate: fc.integer({ min: 0, max: 1_100_000 }),
        above: fc.bigInt({ min: 1n, max: 20_000_000n }),
        span: fc.bigInt({ min: 0n, max: 2_000_000_000n }),
      }),
      { maxLength: 6 },
    )
    .map((steps) => {
      const offers: PricedOffer[] = []
      const order = (a: { fee: bigint }, b: { fee: bigint }) => (a.fee < b.fee ? -1 : 1)
      const rates = steps.map(({ rate }) => rate).sort((a, b) => a - b)
      steps.toSorted(order).forEach(({ fee, above, span }, i) => {
        const offer = {
          ...OFFER,
          min_fee_msat: msat(fee),
          proportional: ppm(rates[i] ?? 0),
          min_payment_size_msat: msat(fee + above),
          max_payment_size_msat: msat(fee + above + span),
        }
        if (isOrdered([...offers.slice(-1), offer])) offers.push(offer)
      })
      return offers
    })

describe('the cost of a channel', () => {
  it('is the opening, the expected close and the margin, each to be recomputed by hand', () => {
    expect(breakDown(RULE, 12)).toEqual({
      satPerVbyte: 12,
      openVbytes: 165,
      openCost: 1_980_000n,
      closeSatPerVbyte: 12,
      closeVbytes: 235,
      closeCost: 2_820_000n,
      marginPpm: 100_000,
      margin: 480_000n,
      leastFee: 5_280_000n,
    })
  })

  it('reckons the close with a feerate of its own when there is one', () => {
    const { closeCost, leastFee } = breakDown({ ...RULE, close_sat_per_vbyte: 5 }, 12)
    expect([closeCost, leastFee]).toEqual([1_175_000n, 3_470_500n])
  })

  it('rounds the margin up', () => {
    expect(breakDown({ ...RULE, open_vbytes: 1, close_vbytes: 0, margin_ppm: ppm(1) }, 1).margin).toBe(1n)
  })

  it('always recomputes to the fee, and stays within 64 bits', () => {
    fc.assert(
      fc.property(rules(), feerates(), (rule, feerate) => {
        const { openVbytes, satPerVbyte, closeVbytes, closeSatPerVbyte, marginPpm, ...told } = breakDown(rule, feerate)
        const open = BigInt(openVbytes * satPerVbyte) * 1000n
        const close = BigInt(closeVbytes * closeSatPerVbyte) * 1000n
        const whole = (open + close) * BigInt(1_000_000 + marginPpm)
        expect(told.openCost + told.closeCost + told.margin).toBe(told.leastFee)
        expect(told.leastFee).toBe(whole / 1_000_000n + (whole % 1_000_000n === 0n ? 0n : 1n))
        expect(told.leastFee).toBeLessThanOrEqual(U64_MAX)
      }),
    )
  })

  it('never falls when the feerate rises', () => {
    fc.assert(
      fc.property(rules(), feerates(), feerates(), (rule, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        expect(breakDown(rule, low).leastFee).toBeLessThanOrEqual(breakDown(rule, high).leastFee)
      }),
    )
  })

  it('fails rather than leaves 64 bits', () => {
    const huge = { ...RULE, open_vbytes: Number.MAX_SAFE_INTEGER, margin_ppm: ppm(0) }
    expect(() => breakDown(huge, 100)).toThrow(RangeError)
  })
})

describe('the menu at a feerate', () => {
  it('is as the operator wrote it while the chain is cheaper', () => {
    const { offers, dropped } = priceMenu([OFFER], RULE, at(4), HTLC_MINIMUM)
    expect([offers, dropped]).toEqual([[{ ...OFFER, floor: OFFER.min_fee_msat }], []])
  })

  it('follows the chain when that costs more than the floor', () => {
    const { offers, breakdown } = priceMenu([OFFER], RULE, at(12), HTLC_MINIMUM)
    expect(offers).toMatchObject([{ min_fee_msat: 5_280_000n, floor: 2_000_000n, proportional: 4000 }])
    expect(breakdown?.leastFee).toBe(5_280_000n)
  })

  it('does not look at the chain when prices are fixed', () => {
    const { offers, breakdown } = priceMenu([OFFER], { ...RULE, mode: 'fixed' }, at(1000), HTLC_MINIMUM)
    expect([offers[0]?.min_fee_msat, breakdown]).toEqual([OFFER.min_fee_msat, undefined])
  })

  it('[L2-07] raises the least payment with the fee: what is left can be forwarded', () => {
    const { offers } = priceMenu([OFFER], RULE, at(100), HTLC_MINIMUM)
    expect(offers).toMatchObject([{ min_fee_msat: 44_000_000n, min_payment_size_msat: 44_001_000n }])
  })

  it('[L2-07] drops an offer whose largest payment does not cover the fee', () => {
    const small = { ...OFFER, max_payment_size_msat: msat(20_000_000n) }
    const { offers, dropped } = priceMenu([small, { ...OFFER, proportional: ppm(5000) }], RULE, at(100), HTLC_MINIMUM)
    expect([offers.map(({ proportional }) => proportional), dropped.length]).toEqual([[5000], 1])
  })

  it('[L2-05] drops an offer that costs the same as the one before it once both are at the cost of the chain', () => {
    const dear = { ...OFFER, min_fee_msat: msat(4_000_000n), min_lifetime: 12_960 }
    expect(priceMenu([OFFER, dear], RULE, at(4), HTLC_MINIMUM).offers).toHaveLength(2)
    const { offers, dropped } = priceMenu([OFFER, dear], RULE, at(12), HTLC_MINIMUM)
    expect(offers.map(({ min_lifetime }) => min_lifetime)).toEqual([4320])
    expect(dropped.map(({ min_lifetime }) => min_lifetime)).toEqual([12_960])
  })

  it('[L2-05] [L2-07] is always in order, never below the floor, and sells only what can be delivered', () => {
    fc.assert(
      fc.property(menus(), rules(), feerates(), (offered, rule, feerate) => {
        const { offers, dropped, breakdown } = priceMenu(offered, rule, at(feerate), HTLC_MINIMUM)
        expect(isOrdered(offers)).toBe(true)
        expect(offers.length + dropped.length).toBe(offered.length)
        for (const offer of offers) {
          const { min_fee_msat: fee, min_payment_size_msat: least, max_payment_size_msat: most } = offer
          expect(fee).toBe(max(offer.floor, breakdown?.leastFee ?? offer.floor))
          expect(least).toBeLessThanOrEqual(most)
          expect(least).toBeGreaterThan(fee)
          if (fee > offer.floor && offer.proportional < 1_000_000) {
            expect(least - computeOpeningFee(offer, least)).toBeGreaterThanOrEqual(HTLC_MINIMUM)
          }
        }
      }),
    )
  })

  it('never becomes cheaper when the feerate rises', () => {
    fc.assert(
      fc.property(menus(), rules(), feerates(), feerates(), (offered, rule, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        const [cheap] = priceMenu(offered, rule, at(low), HTLC_MINIMUM).offers
        const [dear] = priceMenu(offered, rule, at(high), HTLC_MINIMUM).offers
        if (cheap !== undefined && dear !== undefined) expect(cheap.min_fee_msat <= dear.min_fee_msat).toBe(true)
      }),
    )
  })
})

describe('the least payment', () => {
  it('leaves just enough, and one less would not', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        fc.integer({ min: 0, max: 990_000 }),
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        (fee, rate, left) => {
          const offer = { min_fee_msat: msat(fee), proportional: ppm(rate) }
          const least = leastPayment(offer, msat(left)) ?? msat(0n)
          const remains = (size: Msat) => size - computeOpeningFee(offer, size)
          expect(remains(least)).toBeGreaterThanOrEqual(left)
          expect(remains(msat(least - 1n))).toBeLessThan(left)
        },
      ),
    )
  })

  it('does not exist when the fee takes everything', () => {
    expect(leastPayment({ min_fee_msat: msat(0n), proportional: ppm(1_000_000) }, HTLC_MINIMUM)).toBeUndefined()
  })
})

describe('a feerate that moved', () => {
  const moved = (lowest: number, highest: number) => ({ satPerVbyte: highest, lowest, highest })

  it.each([
    ['by the limit', moved(10, 15), false],
    ['beyond it', moved(10, 16), true],
    ['far, but between whole numbers that round', moved(1, 2), false],
    ['not at all', moved(7, 7), false],
  ])('%s is volatile: %s', (_name, movement, volatile) => {
    expect(isVolatile(RULE, movement)).toBe(volatile)
  })

  it('shortens promises, in every mode', () => {
    for (const mode of ['live', 'fixed'] as const) {
      const { offers } = priceMenu([OFFER], { ...RULE, mode }, moved(10, 16), HTLC_MINIMUM)
      expect(offers[0]?.valid_for_seconds).toBe(600)
    }
  })

  it('does not lengthen them', () => {
    const short = { ...OFFER, valid_for_seconds: 700 }
    const rule = { ...RULE, volatile_valid_for_seconds: 900 }
    expect(priceMenu([short], rule, moved(10, 16), HTLC_MINIMUM).offers[0]?.valid_for_seconds).toBe(700)
  })
})

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
