import * as z from 'zod'
import { Msat, type Ppm, Sat, U32_MAX } from '../../lsps/base/amount.ts'

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

/** Millisatoshi as a decimal string. */
export function millisatoshi(example: string) {
  return z.pipe(decimal(example, 'msat'), Msat)
}

/** Satoshi as a decimal string. */
export function satoshi(example: string) {
  return z.pipe(decimal(example, 'sat'), Sat)
}

export function partsPerMillion() {
  return z.codec(
    count(0, U32_MAX),
    z.custom<Ppm>((value) => typeof value === 'number'),
    { decode: (millionths) => millionths as Ppm, encode: (ppm) => ppm as number },
  )
}

/** Nineteen digits: more than all the bitcoin there will be, in either unit. */
function decimal(example: string, unit: string) {
  const error = `write ${unit} as a decimal string in quotes, like "${example}"`
  return z.string({ error }).regex(/^(0|[1-9]\d{0,18})$/, { error })
}
