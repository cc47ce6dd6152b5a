import { isIP } from 'node:net'
import * as z from 'zod'
import { Msat, type Ppm, Sat, U32_MAX } from '../../lsps/base/amount.ts'
import { formatDatetime, parseDatetime, type Timestamp } from '../../lsps/base/datetime.ts'

/**
 * The kinds of value that a config file holds. The message of each kind says how to write it right: an error then names
 * the place, the value and the fix.
 */

/** A whole number within bounds that have a meaning. */
export function count(min: number, max: number) {
  const error = `write a whole number from ${min} to ${max}`
  return z.int({ error }).min(min, { error }).max(max, { error })
}

export function flag() {
  return z.boolean({ error: 'write true or false' })
}

export function choice<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: `write ${names.map((name) => `"${name}"`).join(' or ')}` })
}

/** A file or folder. `~` is the home folder; a relative path starts at the folder of the config file. */
export function path(example: string) {
  const error = `write a path like "${example}"`
  return z.string({ error }).min(1, { error })
}

/** `host:port`; an IPv6 address stands in brackets. */
export function address(example: string) {
  const error = `write host:port like "${example}"`
  return z.string({ error }).regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/@]+):[1-9]\d{0,4}$/, { error })
}

/** An IP address, without a port. */
export function ipAddress(example: string) {
  const error = `write an IP address like "${example}"`
  return z.string({ error }).refine((text) => isIP(text) !== 0, { error })
}

/** Millisatoshi as a decimal string. */
export function millisatoshi(example: string) {
  return z.pipe(decimal(example, 'msat'), Msat)
}

/** Satoshi as a decimal string. */
export function satoshi(example: string) {
  return z.pipe(decimal(example, 'sat'), Sat)
}

export function partsPerMillion(most = U32_MAX) {
  return z.codec(
    count(0, most),
    z.custom<Ppm>((value) => typeof value === 'number'),
    { decode: (millionths) => millionths as Ppm, encode: (ppm) => ppm as number },
  )
}

/** A moment, UTC. */
export function datetime(example: string) {
  const error = `write a UTC datetime like "${example}"`
  return z.codec(
    z.string({ error }).refine((text) => parseDatetime(text) !== undefined, { error }),
    z.custom<Timestamp>((value) => typeof value === 'number'),
    { decode: (text) => parseDatetime(text) as Timestamp, encode: formatDatetime },
  )
}

/** Where a server is asked, over HTTP or HTTPS; without user and password, which would be a secret. */
export function webAddress(example: string) {
  const error = `write an address like "${example}"`
  return z.string({ error }).refine((text) => /^https?:\/\/[^\s@]+$/.test(text) && URL.canParse(text), { error })
}

/** A place in a JSON text: keys or positions with dots between them. */
export function keyPath(example: string) {
  const error = `write keys with dots between them like "${example}"`
  return z.string({ error }).regex(/^[^.\s]{1,64}(\.[^.\s]{1,64}){0,7}$/, { error })
}

/** How many times larger one thing may be than another. */
export function ratio(min: number, max: number) {
  const error = `write a number from ${min} to ${max}`
  return z.number({ error }).min(min, { error }).max(max, { error })
}

/** A short name: it appears in logs, in promises and on the command line. */
export function shortName(example: string) {
  const error = `write a name of 1 to 32 lower-case letters, digits and dashes like "${example}"`
  return z.string({ error }).regex(/^[a-z0-9][a-z0-9-]{0,31}$/, { error })
}

/** SHA-256, in hex. */
export function hash(how: string) {
  const error = `write 64 lower-case hex characters: ${how}`
  return z.string({ error }).regex(/^[0-9a-f]{64}$/, { error })
}

/** Nineteen digits: more than all the bitcoin there will be, in either unit. */
function decimal(example: string, unit: string) {
  const error = `write ${unit} as a decimal string in quotes, like "${example}"`
  return z.string({ error }).regex(/^(0|[1-9]\d{0,18})$/, { error })
}
