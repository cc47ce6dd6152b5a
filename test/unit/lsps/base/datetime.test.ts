import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  Datetime,
  formatDatetime,
  parseDatetime,
  parseInstant,
  type Timestamp,
} from '../../../../lsps/base/datetime.ts'
import { anyTimestamp } from '../arbitraries.ts'

const MALFORMED = [
  '2023-02-30T00:00:00.000Z',
  '2023-13-01T00:00:00.000Z',
  '2023-02-23',
  '2023-02-23T08:47:30.511',
  '2023-02-23T08:47:30.511+01:00',
  '2023-02-23t08:47:30.511z',
  '2023-02-23T24:00:00.000Z',
  '2023-02-23T08:60:00.000Z',
  '2023-02-23T08:47:60.000Z',
  '2023-02-23T08:47:30.Z',
  '2023-02-23T08:47:30.0123456789Z',
  ' 2023-02-23T08:47:30.511Z',
  '1900-01-01T00:00:00Z',
  '2100-02-29T00:00:00.000Z',
  '',
]

describe('a datetime', () => {
  it('[L0-78] is written with three fractional digits and Z', () => {
    expect(formatDatetime(1_677_142_050_511 as Timestamp)).toBe('2023-02-23T08:47:30.511Z')
    expect(formatDatetime(1_677_142_050_000 as Timestamp)).toBe('2023-02-23T08:47:30.000Z')
    expect(formatDatetime(0 as Timestamp)).toBe('1970-01-01T00:00:00.000Z')
  })

  it('[L0-78] is written as the platform writes it', () => {
    fc.assert(fc.property(anyTimestamp(), (at) => formatDatetime(at) === new Date(at).toISOString()))
  })

  it('[L0-78] survives the wire', () => {
    fc.assert(fc.property(anyTimestamp(), (at) => z.decode(Datetime, z.encode(Datetime, at)) === at))
  })

  it.each([
    ['2023-02-23T08:47:30Z', '2023-02-23T08:47:30.000Z'],
    ['2023-02-23T08:47:30.5Z', '2023-02-23T08:47:30.500Z'],
    ['2023-02-23T08:47:30.511999999Z', '2023-02-23T08:47:30.511Z'],
    ['2023-02-23T08:47:30.511+00:00', '2023-02-23T08:47:30.511Z'],
    ['2024-02-29T23:59:59.999Z', '2024-02-29T23:59:59.999Z'],
  ])('[L0-78] reads the lenient form %s', (text, written) => {
    const at = parseDatetime(text)
    expect(at === undefined ? undefined : formatDatetime(at)).toBe(written)
  })

  it.each(MALFORMED)('[L0-78] refuses "%s"', (text) => {
    expect(parseDatetime(text)).toBeUndefined()
    expect(z.safeDecode(Datetime, text).success).toBe(false)
  })
})

describe('an instant', () => {
  it.each([
    '2023-02-23T08:47:30.511Z',
    '2023-02-23T08:47:30.511+00:00',
    '2023-02-23T08:47:30.511-00:00',
    '2023-02-23T09:47:30.511+01:00',
    '2023-02-23T14:17:30.511+05:30',
    '2023-02-22T22:47:30.511-10:00',
    '2023-02-24T08:46:30.511999999+23:59',
    '2023-02-23t08:47:30.511z',
  ])('[L0-78] is read from %s, as RFC 3339 allows it', (text) => {
    expect(parseInstant(text)).toBe(1_677_142_050_511)
  })

  it('[L0-78] is read in any offset', () => {
    fc.assert(
      fc.property(anyTimestamp(), fc.integer({ min: -1439, max: 1439 }), (at, minutes) => {
        const local = at + minutes * 60_000
        fc.pre(local >= 0 && local <= 253_402_300_799_999)
        const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
        const offset = `${minutes < 0 ? '-' : '+'}${`${hours}`.padStart(2, '0')}:${`${rest}`.padStart(2, '0')}`
        expect(parseInstant(new Date(local).toISOString().replace('Z', offset))).toBe(at)
      }),
    )
  })

  it.each([
    ...MALFORMED.filter((text) => !/\+01:00|z$/.test(text)),
    '2023-02-23T08:47:30.511+24:00',
    '2023-02-23T08:47:30.511+00:60',
    '2023-02-23T08:47:30.511+0000',
    '2023-02-23T08:47:30.511Z+00:00',
    '2023-02-23 08:47:30.511Z',
    '1970-01-01T00:00:00.000+00:01',
  ])('[L0-78] is not "%s"', (text) => {
    expect(parseInstant(text)).toBeUndefined()
  })
})
