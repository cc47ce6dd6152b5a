import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, type Ppm } from '../../../../lsps/base/amount.ts'
import { isOrdered, orderMenu } from '../../../../lsps/lsps2/menu.ts'

type Limits = readonly [min: number, max: number]
const offer = (fee: number, ppm: number, [min, max]: Limits = [1, 2]) => ({
  min_fee_msat: msat(BigInt(fee)),
  proportional: ppm as Ppm,
  min_payment_size_msat: msat(BigInt(min)),
  max_payment_size_msat: msat(BigInt(max)),
})

describe('a menu', () => {
  it.each([
    [[[1, 1]], true],
    [
      [
        [1, 1],
        [2, 1],
      ],
      true,
    ],
    [
      [
        [1, 1],
        [1, 2],
      ],
      true,
    ],
    [
      [
        [1, 1],
        [2, 2],
      ],
      true,
    ],
    [
      [
        [1, 1],
        [1, 1],
      ],
      false,
    ],
    [
      [
        [1, 2],
        [2, 1],
      ],
      false,
    ],
    [
      [
        [2, 1],
        [1, 2],
      ],
      false,
    ],
    [
      [
        [2, 2],
        [1, 1],
      ],
      false,
    ],
    [[], true],
  ] as const)('[L2-05] %j is ordered: %s', (prices, ordered) => {
    expect(isOrdered(prices.map(([fee, ppm]) => offer(fee, ppm)))).toBe(ordered)
  })

  it('[L2-05] [L2-07] is made of any offers by sorting and dropping what cannot stand', () => {
    const entry = { fee: fc.nat(3), ppm: fc.nat(3), limits: fc.tuple(fc.nat(5), fc.nat(5)) }
    const offers = fc.array(
      fc.record(entry).map(({ fee, ppm, limits }) => offer(fee, ppm, limits)),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(offers, (entries) => {
        const { menu, dropped } = orderMenu(entries)
        expect(isOrdered(menu)).toBe(true)
        expect(menu.every((one) => one.min_payment_size_msat <= one.max_payment_size_msat)).toBe(true)
        expect(new Set([...menu, ...dropped])).toEqual(new Set(entries))
        expect(menu.length + dropped.length).toBe(entries.length)
        if (entries.some((one) => one.min_payment_size_msat <= one.max_payment_size_msat)) expect(menu).not.toEqual([])
      }),
    )
  })

  it('[L2-07] has no offer whose limits admit no payment', () => {
    const impossible = offer(1, 1, [3, 2])
    expect(orderMenu([impossible, offer(2, 2)])).toEqual({ menu: [offer(2, 2)], dropped: [impossible] })
  })
})
