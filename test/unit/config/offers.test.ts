import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, type Ppm } from '../../../lsps/base/amount.ts'
import { offersProblem } from '../../../src/config/offers.ts'

function offer(fee: bigint, proportional: number, sizes: { min?: bigint; max?: bigint } = {}) {
  return {
    min_fee_msat: msat(fee),
    proportional: proportional as Ppm,
    min_payment_size_msat: msat(sizes.min ?? fee + 1n),
    max_payment_size_msat: msat(sizes.max ?? sizes.min ?? fee + 1n),
  }
}

describe('the order of a menu (L2-05)', () => {
  it.each([
    ['a larger minimum, equal rate', offer(2n, 1)],
    ['an equal minimum, larger rate', offer(1n, 2)],
    ['both larger', offer(2n, 2)],
  ])('may go on with %s', (_, next) => {
    expect(offersProblem([offer(1n, 1), next])).toBeUndefined()
  })

  it.each([
    ['both equal', offer(5n, 5), [1, 'proportional']],
    ['a smaller minimum', offer(4n, 6), [1, 'min_fee_msat']],
    ['a smaller rate', offer(6n, 4), [1, 'proportional']],
  ])('may not go on with %s', (_, next, path) => {
    expect(offersProblem([offer(5n, 5), next])?.path).toEqual(path)
  })

  it('holds for every pair of a menu that is accepted', () => {
    const anyOffer = fc.tuple(fc.bigInt(0n, 3n), fc.nat(3)).map(([fee, ppm]) => offer(fee, ppm))
    fc.assert(
      fc.property(fc.array(anyOffer, { maxLength: 5 }), (offers) => {
        const ordered = offers.every((next, index) => {
          const before = offers[index - 1]
          if (before === undefined) return true
          const fee = next.min_fee_msat - before.min_fee_msat
          const ppm = next.proportional - before.proportional
          return fee >= 0n && ppm >= 0 && (fee > 0n || ppm > 0)
        })
        expect(offersProblem(offers) === undefined).toBe(ordered)
      }),
    )
  })
})

describe('the sizes of an offer (L2-07)', () => {
  it('start above the least fee', () => {
    expect(offersProblem([offer(1000n, 1, { min: 1000n })])?.path).toEqual([0, 'min_payment_size_msat'])
    expect(offersProblem([offer(1000n, 1, { min: 1001n })])).toBeUndefined()
  })

  it('may be one size but not run backwards', () => {
    expect(offersProblem([offer(1n, 1, { min: 9n, max: 9n })])).toBeUndefined()
    expect(offersProblem([offer(1n, 1, { min: 9n, max: 8n })])?.path).toEqual([0, 'max_payment_size_msat'])
  })
})
