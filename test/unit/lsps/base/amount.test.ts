import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  Msat,
  msat,
  msatToSatCeil,
  msatToSatFloor,
  OverflowError,
  Ppm,
  sat,
  satToMsat,
  U64_MAX,
} from '../../../../lsps/base/amount.ts'
import { anyMsat } from '../arbitraries.ts'

const NOT_AMOUNTS = [
  '',
  '-1',
  '+1',
  ' 1',
  '1 ',
  '01',
  '1.0',
  '1e3',
  '0x10',
  '-0',
  '18446744073709551616',
  '99999999999999999999',
  '１',
]

describe('an amount', () => {
  it.each(['0', '1', '9007199254740993', '18446744073709551615'])('[L0-70] reads and writes "%s"', (text) => {
    const amount = z.decode(Msat, text)
    expect(amount).toBe(BigInt(text))
    expect(z.encode(Msat, amount)).toBe(text)
  })

  it.each([...NOT_AMOUNTS, 1, null, true, {}, []])('[L0-70] refuses %j', (value) => {
    expect(z.safeDecode(Msat, value as never).success).toBe(false)
  })

  it('[L0-70] survives the wire whatever its size', () => {
    fc.assert(fc.property(anyMsat(), (amount) => z.decode(Msat, z.encode(Msat, amount)) === amount))
  })

  it('throws when a computation leaves 64 bits', () => {
    expect(() => msat(U64_MAX + 1n)).toThrow(OverflowError)
    expect(() => sat(-1n)).toThrow(OverflowError)
    expect(() => satToMsat(sat(U64_MAX))).toThrow(OverflowError)
  })

  it('makes the rounding to satoshi visible', () => {
    expect([msatToSatFloor(msat(1999n)), msatToSatCeil(msat(1001n)), msatToSatCeil(msat(1000n))]).toEqual([1n, 2n, 1n])
  })
})

describe('parts per million', () => {
  it.each([0, 2500, 4_294_967_295, 1.0])('[L0-72] accepts %d', (value) => {
    expect(z.decode(Ppm, value as Ppm)).toBe(value)
  })

  it.each([-1, 2500.5, '2500', 4_294_967_296, null, Number.NaN])('[L0-72] refuses %j', (value) => {
    expect(z.safeDecode(Ppm, value as never).success).toBe(false)
  })
})
