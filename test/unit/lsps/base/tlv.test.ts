import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeBigSize,
  decodeTlvStream,
  decodeTu64,
  encodeBigSize,
  encodeTlvRecord,
  encodeTu64,
  TlvError,
} from '../../../../lsps/base/tlv.ts'

const anyU64 = () => fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })

describe('BigSize', () => {
  it.each([
    [0n, '00'],
    [252n, 'fc'],
    [253n, 'fd00fd'],
    [65_535n, 'fdffff'],
    [65_536n, 'fe00010000'],
    [4_294_967_295n, 'feffffffff'],
    [4_294_967_296n, 'ff0000000100000000'],
    [18_446_744_073_709_551_615n, 'ffffffffffffffffff'],
  ])('writes %d as %s', (n, hex) => {
    expect(bytesToHex(encodeBigSize(n))).toBe(hex)
  })

  it.each(['fd00fc', 'fe0000ffff', 'ff00000000ffffffff', 'fd00', 'fe000100', 'ff00', ''])('refuses "%s"', (hex) => {
    expect(() => decodeBigSize(hexToBytes(hex), 0)).toThrow(TlvError)
  })

  it('reads what it writes', () => {
    fc.assert(fc.property(anyU64(), (n) => decodeBigSize(encodeBigSize(n), 0).value === n))
  })
})

describe('a truncated integer', () => {
  it('reads what it writes, in the fewest bytes', () => {
    fc.assert(fc.property(anyU64(), (n) => decodeTu64(encodeTu64(n)) === n && encodeTu64(n)[0] !== 0))
  })

  it.each(['00', '0001', '010000000000000000'])('refuses %s', (hex) => {
    expect(() => decodeTu64(hexToBytes(hex))).toThrow(TlvError)
  })
})

describe('a TLV stream', () => {
  it('reads what it writes', () => {
    const records = fc.uniqueArray(fc.tuple(anyU64(), fc.uint8Array({ maxLength: 300 })), {
      selector: ([type]) => type,
    })
    fc.assert(
      fc.property(records, (unsorted) => {
        const sorted = unsorted.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([type, value]) => ({ type, value }))
        const bytes = Uint8Array.from(sorted.flatMap((record) => [...encodeTlvRecord(record)]))
        expect(decodeTlvStream(bytes)).toEqual(sorted)
      }),
    )
  })

  it('never does anything but decode or throw a TlvError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeTlvStream(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(TlvError)
        }
      }),
    )
  })
})
