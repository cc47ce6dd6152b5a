import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Datetime, formatDatetime, parseDatetime, type Timestamp } from '../../../../lsps/base/datetime.ts'
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
