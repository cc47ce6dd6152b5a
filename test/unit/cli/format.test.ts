import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatMilliseconds,
  formatMsat,
  formatSeconds,
  formatTime,
  type Paint,
  plain,
  table,
  thousands,
} from '../../../src/cli/format.ts'

describe('amounts', () => {
  it.each([
    ['0', '0 sat'],
    ['1', '0.001 sat'],
    ['999', '0.999 sat'],
    ['1000', '1 sat'],
    ['100000000', '100,000 sat'],
    ['9007199254740993', '9,007,199,254,740.993 sat'],
    ['-2500', '-2.500 sat'],
  ])('%s msat are %s', (msat, text) => {
    expect(formatMsat(msat)).toBe(text)
  })

  it('lose nothing', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (msat) => {
        const [whole = '', fraction = '000'] = formatMsat(msat.toString())
          .replace(' sat', '')
          .replaceAll(',', '')
          .split('.')
        expect(BigInt(whole) * 1000n + BigInt(fraction)).toBe(msat)
      }),
    )
  })

  it('have thousands separators only between thousands', () => {
    expect([0, 12, 123, 1234, 123_456, 1_234_567].map(thousands)).toEqual([
      '0',
      '12',
      '123',
      '1,234',
      '123,456',
      '1,234,567',
    ])
  })
})

describe('times', () => {
  it.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [61, '1 min 1 s'],
    [3600, '1 h'],
    [93_784, '1 d 2 h'],
  ])('%s s are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1412, '1.412 s'],
    [61_000, '1 min 1 s'],
  ])('%s ms are %s', (ms, text) => {
    expect(formatMilliseconds(ms)).toBe(text)
  })

  const NOW = Date.parse('2026-01-02T05:04:05.000Z')
  it.each([
    ['2026-01-02T05:04:04.900Z', '2026-01-02T05:04:04Z (now)'],
    ['2026-01-02T05:04:00.000Z', '2026-01-02T05:04:00Z (5 s ago)'],
    ['2026-01-02T03:00:00.123Z', '2026-01-02T03:00:00Z (2 h ago)'],
    ['2026-01-02T05:14:06.000Z', '2026-01-02T05:14:06Z (in 10 min)'],
  ])('%s is %s', (datetime, text) => {
    expect(formatTime(datetime, NOW)).toBe(text)
  })
})

describe('a table', () => {
  const columns = [{ title: 'name' }, { title: 'amount', align: 'right' as const }, { title: 'note' }]
  const rows = [
    ['a', '1', ''],
    ['long name', { text: '1,000', style: 'green' as const }, 'x'],
  ]

  it('is aligned', () => {
    expect(table(columns, rows, plain).split('\n')).toEqual([
      'name       amount  note',
      'a               1',
      'long name   1,000  x',
    ])
  })

  it('is as wide with colours as without', () => {
    const coloured: Paint = (style, text) => `<${style}>${text}</>`
    expect(table(columns, rows, coloured).replaceAll(/<[^>]*>/g, '')).toBe(table(columns, rows, plain))
  })
})
