import * as z from 'zod'

declare const unit: unique symbol

/** Millisatoshi, an unsigned 64-bit integer. */
export type Msat = bigint & { readonly [unit]: 'msat' }
/** Satoshi, an unsigned 64-bit integer. */
export type Sat = bigint & { readonly [unit]: 'sat' }
/** Parts per million, an unsigned 32-bit integer. */
export type Ppm = number & { readonly [unit]: 'ppm' }

export const U64_MAX = (1n << 64n) - 1n
export const U32_MAX = 0xffff_ffff
const MSAT_PER_SAT = 1000n

/** A computation that a spec defines left the unsigned 64-bit range. */
export class OverflowError extends RangeError {
  override readonly name = 'OverflowError'
}

function u64(n: bigint, name: string): bigint {
  if (n < 0n || n > U64_MAX) throw new OverflowError(`${n} ${name} is outside the unsigned 64-bit range`)
  return n
}

/** Checks the range that the specs compute in; call it on the result of every operation. */
export function msat(n: bigint): Msat {
  return u64(n, 'msat') as Msat
}

/** Checks the range that the specs compute in; call it on the result of every operation. */
export function sat(n: bigint): Sat {
  return u64(n, 'sat') as Sat
}

/** @throws OverflowError above 2^64-1 msat */
export function satToMsat(amount: Sat): Msat {
  return msat(amount * MSAT_PER_SAT)
}

/** Rounds down: what is left below one satoshi is dropped. */
export function msatToSatFloor(amount: Msat): Sat {
  return (amount / MSAT_PER_SAT) as Sat
}

/** Rounds up: a started satoshi counts as a whole one. */
export function msatToSatCeil(amount: Msat): Sat {
  return ((amount + MSAT_PER_SAT - 1n) / MSAT_PER_SAT) as Sat
}

const DECIMAL_U64 = /^(0|[1-9]\d{0,19})$/

function decimalCodec<T extends bigint>() {
  return z.codec(
    z.string().regex(DECIMAL_U64, 'not a decimal string of an unsigned 64-bit integer'),
    z.custom<T>((v) => typeof v === 'bigint'),
    {
      decode(text, ctx) {
        const n = BigInt(text)
        if (n <= U64_MAX) return n as T
        ctx.issues.push({ code: 'custom', input: text, message: 'amount exceeds 64 bits' })
        return z.NEVER
      },
      encode: (amount) => amount.toString(),
    },
  )
}

/** LSPS0 §common schemas: a decimal string without sign or leading zero, at most 2^64-1 (L0-70). */
export const Msat = decimalCodec<Msat>()
/** LSPS0 §common schemas: a decimal string without sign or leading zero, at most 2^64-1 (L0-70). */
export const Sat = decimalCodec<Sat>()
/** LSPS0 §common schemas: a JSON integer, 0 to 2^32-1 (L0-72). */
export const Ppm = z.custom<Ppm>((v) => Number.isInteger(v) && (v as number) >= 0 && (v as number) <= U32_MAX, {
  message: 'not an integer from 0 to 4294967295',
})
