import * as z from 'zod'

declare const brand: unique symbol

/** Milliseconds since the Unix epoch, UTC. */
export type Timestamp = number & { readonly [brand]: 'timestamp' }

const DATETIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)$/
const DAY_MS = 86_400_000
const MAX_YEAR = 9999

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z0 = days + 719_468
  const era = Math.floor(z0 / 146_097)
  const dayOfEra = z0 - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  }
}

/**
 * Reads a UTC datetime with none to nine fractional digits, `Z` or `+00:00` (L0-78); digits below a millisecond are
 * dropped. Undefined for anything else, for dates that do not exist and for times before 1970.
 */
export function parseDatetime(text: string): Timestamp | undefined {
  const match = DATETIME.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => +part) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const days = daysFromCivil(year, month, day)
  const civil = civilFromDays(days)
  if (civil.year !== year || civil.month !== month || civil.day !== day) return undefined
  if (hour > 23 || minute > 59 || second > 59 || days < 0) return undefined
  const milliseconds = +(match[7] ?? '').slice(0, 3).padEnd(3, '0')
  return (days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds) as Timestamp
}

const OFFSET = /^(.*)([+-])([01]\d|2[0-3]):([0-5]\d)$/
const MINUTE_MS = 60_000

/**
 * Reads any instant that RFC 3339 writes, whatever its offset and case, except leap seconds (D9); as lenient otherwise
 * as `parseDatetime`, and undefined for the same reasons.
 */
export function parseInstant(text: string): Timestamp | undefined {
  const upper = text.toUpperCase()
  const match = OFFSET.exec(upper)
  if (match === null) return parseDatetime(upper)
  const [, local = '', sign, hours = 0, minutes = 0] = match
  const at = parseDatetime(`${local}Z`)
  if (at === undefined) return undefined
  const offset = (+hours * 60 + +minutes) * MINUTE_MS
  const instant = sign === '+' ? at - offset : at + offset
  return instant < 0 ? undefined : (instant as Timestamp)
}

function pad(n: number, width: number): string {
  return n.toString().padStart(width, '0')
}

/** `YYYY-MM-DDThh:mm:ss.uuuZ`, the only form that writers may use (L0-78). */
export function formatDatetime(at: Timestamp): string {
  const { year, month, day } = civilFromDays(Math.floor(at / DAY_MS))
  const ms = at - Math.floor(at / DAY_MS) * DAY_MS
  const time = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60]
  const clock = time.map((part) => pad(part, 2)).join(':')
  return `${pad(Math.min(year, MAX_YEAR), 4)}-${pad(month, 2)}-${pad(day, 2)}T${clock}.${pad(ms % 1000, 3)}Z`
}

/** The codec of the wire form (L0-78). */
export const Datetime = z.codec(
  z.string(),
  z.custom<Timestamp>((v) => typeof v === 'number'),
  {
    decode(text, ctx) {
      const at = parseDatetime(text)
      if (at !== undefined) return at
      ctx.issues.push({ code: 'custom', input: text, message: 'not a datetime of the form YYYY-MM-DDThh:mm:ss.uuuZ' })
      return z.NEVER
    },
    encode: formatDatetime,
  },
)
