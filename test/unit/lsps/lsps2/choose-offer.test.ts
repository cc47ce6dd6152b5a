import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, type Ppm, U64_MAX } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import { chooseOffer, smallestPayment, type Wanted } from '../../../../lsps/lsps2/choose-offer.ts'
import { openingFee } from '../../../../lsps/lsps2/fee.ts'
import { highestFee } from '../../../../lsps/lsps2/fee-cap.ts'
import type { OpeningFeeParams } from '../../../../lsps/lsps2/schema.ts'
import { anyMsat, anyPpm, anyTerms, SAMPLE_TERMS } from '../arbitraries.ts'

const offer = (change: Partial<OpeningFeeParams> = {}): OpeningFeeParams => ({
  ...SAMPLE_TERMS,
  max_payment_size_msat: msat(1_000_000_000n),
  promise: 'proof',
  ...change,
})

const WANTED: Wanted = {
  payment: msat(100_000_000n),
  maxFee: { msat: msat(1_000_000n) },
  validUntil: (SAMPLE_TERMS.valid_until - 60_000) as Timestamp,
  lifetimeBlocks: 144,
  toSelfDelayBlocks: 144,
}

const choose = (menu: readonly OpeningFeeParams[], wanted: Partial<Wanted> = {}) =>
  chooseOffer(menu, { ...WANTED, ...wanted })

describe('the choice of an offer', () => {
  it('is the cheapest for the payment, wherever it stands in the menu [L2-05]', () => {
    const byRate = offer({ min_fee_msat: msat(1000n), proportional: 9000 as Ppm })
    const byMinimum = offer({ min_fee_msat: msat(800_000n), proportional: 100 as Ppm })
    const dear = offer({ min_fee_msat: msat(900_000n) })
    expect(choose([dear, byRate, byMinimum])).toEqual({ offer: byMinimum, fee: 800_000n })
    expect(choose([dear, byMinimum, byRate], { payment: msat(2_000_000n) })).toEqual({ offer: byRate, fee: 18_000n })
  })

  it('is the offer itself, for it has to go back as it came [L2-20]', () => {
    const menu = [offer()]
    expect(choose(menu)).toHaveProperty('offer', menu[0])
  })

  it('is of two equal prices the one that holds longer', () => {
    const longer = offer({ valid_until: (SAMPLE_TERMS.valid_until + 1) as Timestamp })
    expect(choose([offer(), longer, offer()])).toHaveProperty('offer', longer)
  })

  it('takes the cap itself, and no millisatoshi more', () => {
    expect(choose([offer()], { maxFee: { msat: msat(546_000n) } })).toHaveProperty('fee', 546_000n)
    expect(choose([offer()], { maxFee: { msat: msat(545_999n) } })).toEqual({
      code: 'too-expensive',
      cheapest: 546_000n,
      cap: 545_999n,
    })
    expect(choose([offer()], { maxFee: { ppm: 5460 as Ppm } })).toHaveProperty('fee', 546_000n)
    expect(choose([offer()], { maxFee: { ppm: 5459 as Ppm } })).toHaveProperty('code', 'too-expensive')
  })

  it.each([
    ['no-offers', [], {}],
    ['ends-too-soon', [offer()], { validUntil: (SAMPLE_TERMS.valid_until + 1) as Timestamp }],
    ['closes-too-soon', [offer({ min_lifetime: 143 })], {}],
    ['delay-too-short', [offer({ max_client_to_self_delay: 143 })], {}],
    ['too-large', [offer({ max_payment_size_msat: msat(99_999_999n) })], {}],
    ['too-small', [offer({ min_payment_size_msat: msat(100_000_001n) })], {}],
    ['too-small', [offer({ min_fee_msat: msat(100_000_000n) })], {}],
    ['too-small', [offer({ proportional: 1_000_000 as Ppm })], {}],
  ] as const)('is none, %s, when that is what is wrong with all of them', (code, menu, wanted) => {
    expect(choose([...menu], wanted)).toHaveProperty('code', code)
  })

  it('[L2-32] never is an offer whose fee does not fit into 64 bits', () => {
    const overflowing = offer({ proportional: 4_294_967_295 as Ppm, max_payment_size_msat: msat(U64_MAX) })
    const payment = msat(U64_MAX)
    expect(choose([overflowing], { payment })).toEqual({ code: 'too-large', largest: undefined })
    const fine = offer({ proportional: 0 as Ppm, max_payment_size_msat: msat(U64_MAX) })
    expect(choose([overflowing, fine], { payment })).toHaveProperty('offer', fine)
  })

  it('tells what amount would do', () => {
    const small = offer({ min_payment_size_msat: msat(200_000_000n) })
    expect(choose([small, offer({ min_payment_size_msat: msat(150_000_000n) })])).toHaveProperty(
      'smallest',
      150_000_000n,
    )
    const large = offer({ max_payment_size_msat: msat(50_000_000n) })
    expect(choose([large, offer({ max_payment_size_msat: msat(70_000_000n) })])).toHaveProperty('largest', 70_000_000n)
  })
})

/** Menus from the nearly sensible to the absurd. */
const anyMenu = () => {
  const near = fc.record({
    min_fee_msat: fc.bigInt({ min: 0n, max: 2_000_000n }).map(msat),
    proportional: fc.integer({ min: 0, max: 20_000 }) as fc.Arbitrary<Ppm>,
    min_payment_size_msat: fc.bigInt({ min: 0n, max: 200_000_000n }).map(msat),
    max_payment_size_msat: fc.bigInt({ min: 0n, max: 400_000_000n }).map(msat),
    min_lifetime: fc.integer({ min: 130, max: 300 }),
    max_client_to_self_delay: fc.integer({ min: 130, max: 300 }),
    valid_until: fc.integer({ min: -90_000, max: 90_000 }).map((ms) => (SAMPLE_TERMS.valid_until + ms) as Timestamp),
  })
  return fc.array(
    fc.oneof(near, anyTerms()).map((terms): OpeningFeeParams => ({ ...terms, promise: 'x' })),
    { maxLength: 12 },
  )
}

const anyWanted = (): fc.Arbitrary<Wanted> =>
  fc.record({
    payment: fc.oneof(fc.bigInt({ min: 0n, max: 400_000_000n }).map(msat), anyMsat()),
    maxFee: fc.oneof(
      fc.record({ msat: fc.oneof(fc.bigInt({ min: 0n, max: 3_000_000n }).map(msat), anyMsat()) }),
      fc.record({ ppm: anyPpm() }),
      fc.record({ msat: anyMsat(), ppm: anyPpm() }),
    ),
    validUntil: fc.constant(SAMPLE_TERMS.valid_until),
    lifetimeBlocks: fc.constant(144),
    toSelfDelayBlocks: fc.constant(144),
  })

describe('for any menu, the choice', () => {
  it('is never above the cap, nor outside of what the offer and the wallet allow, and nothing acceptable is cheaper', () => {
    let chosen = 0
    fc.assert(
      fc.property(anyMenu(), anyWanted(), (menu, wanted) => {
        const { payment, maxFee } = wanted
        const acceptable = menu.filter((one) => {
          const fee = openingFee(one, payment)
          const terms = one.valid_until >= wanted.validUntil && one.min_lifetime >= 144
          const size = payment >= one.min_payment_size_msat && payment <= one.max_payment_size_msat
          const price = fee !== undefined && fee < payment && fee <= highestFee(maxFee, payment)
          return terms && one.max_client_to_self_delay >= 144 && size && price
        })
        const choice = chooseOffer(menu, wanted)
        if ('code' in choice) {
          expect(acceptable).toEqual([])
          return
        }
        chosen += 1
        expect(acceptable).toContain(choice.offer)
        expect(choice.fee).toBe(openingFee(choice.offer, payment))
        for (const other of acceptable) expect(openingFee(other, payment) ?? 0n).toBeGreaterThanOrEqual(choice.fee)
      }),
      { numRuns: 2000 },
    )
    expect(chosen).toBeGreaterThan(50)
  })

  it('does not depend on the order of the menu', () => {
    fc.assert(
      fc.property(anyMenu(), anyWanted(), (menu, wanted) => {
        const { offer: _, ...straight } = { offer: undefined, ...chooseOffer(menu, wanted) }
        const { offer: __, ...reversed } = { offer: undefined, ...chooseOffer(menu.toReversed(), wanted) }
        expect(reversed).toEqual(straight)
      }),
    )
  })
})

describe('the smallest payment of an offer', () => {
  it('is sold by it, and one millisatoshi less is not', () => {
    const sells = (one: OpeningFeeParams, payment: bigint) => {
      const fee = openingFee(one, msat(payment))
      return fee !== undefined && fee < payment && payment >= one.min_payment_size_msat
    }
    fc.assert(
      fc.property(anyMenu(), (menu) => {
        for (const one of menu) {
          const least = smallestPayment(one)
          if (least === undefined || openingFee(one, least) === undefined) continue
          expect(sells(one, least)).toBe(true)
          if (least > 0n) expect(sells(one, least - 1n)).toBe(false)
        }
      }),
    )
  })
})
