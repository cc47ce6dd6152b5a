import * as z from 'zod'
import { Msat, Ppm, U32_MAX } from '../base/amount.ts'
import { Datetime, formatDatetime } from '../base/datetime.ts'

/** Longest promise that a client accepts (L2-11). */
export const MAX_PROMISE_BYTES = 512

/** Printable ASCII without the two characters that JSON escapes (L2-11). */
const PROMISE = /^[ !#-[\]-~]*$/

/** What a server may send and a client accepts as proof of an offer (L2-11, L2-13). */
export const FeePromise = z
  .string()
  .max(MAX_PROMISE_BYTES, `promise is longer than ${MAX_PROMISE_BYTES} bytes`)
  .regex(PROMISE, 'promise is not plain printable ASCII')

/** A number of blocks as a JSON integer, 0 to 2^32-1. */
export const Blocks = z.int().min(0).max(U32_MAX)

const terms = {
  min_fee_msat: Msat,
  proportional: Ppm,
  valid_until: Datetime,
  min_lifetime: Blocks,
  max_client_to_self_delay: Blocks,
  min_payment_size_msat: Msat,
  max_payment_size_msat: Msat,
}

/** What an offer is about: the seven fields that its promise covers (L2-10). */
export type FeeTerms = z.output<z.ZodObject<typeof terms>>

/** An offer: exactly these eight fields (L2-04). */
export type OpeningFeeParams = FeeTerms & { readonly promise: string }

const Offered = z.strictObject({ ...terms, promise: FeePromise })
const Claimed = z.strictObject({ ...terms, promise: z.string() })

type WireOffer = z.input<typeof Claimed>

/** How the offers that were read from a server looked, so that `buy` returns them verbatim (L2-20). */
const wireForms = new WeakMap<OpeningFeeParams, WireOffer>()

const Decoded = z.custom<OpeningFeeParams>((v) => typeof v === 'object' && v !== null)

/** The eight names; the values are the inner schema's business. */
const WireNames = z.strictObject(Object.fromEntries(Object.keys(Claimed.shape).map((name) => [name, z.unknown()])))

function decodeWith(schema: typeof Offered | typeof Claimed, wire: unknown, ctx: z.core.ParsePayload) {
  const decoded = z.safeDecode(schema, wire as WireOffer)
  if (decoded.success) return decoded.data
  for (const { path, message } of decoded.error.issues) ctx.issues.push({ code: 'custom', input: wire, path, message })
  return z.NEVER
}

/** Written out: the menu is the hottest answer, and the generic encoder takes ten times as long. */
function toWire(offer: OpeningFeeParams): WireOffer {
  return {
    min_fee_msat: offer.min_fee_msat.toString(),
    proportional: offer.proportional,
    valid_until: formatDatetime(offer.valid_until),
    min_lifetime: offer.min_lifetime,
    max_client_to_self_delay: offer.max_client_to_self_delay,
    min_payment_size_msat: offer.min_payment_size_msat.toString(),
    max_payment_size_msat: offer.max_payment_size_msat.toString(),
    promise: offer.promise,
  }
}

/** One entry of a menu. A client fails the flow when it has an unknown field, unlike elsewhere (L2-21). */
export const OpeningFeeParams = z.codec(WireNames, Decoded, {
  decode(wire, ctx) {
    const offer = decodeWith(Offered, wire, ctx)
    if (ctx.issues.length === 0) wireForms.set(offer, wire as WireOffer)
    return offer
  },
  encode: toWire,
})

/** The offer that a client claims to have got. Its promise may be any text: a wrong one is 201, not -32602 (L2-47). */
export const ClaimedFeeParams = z.codec(WireNames, Decoded, {
  decode: (wire, ctx) => decodeWith(Claimed, wire, ctx),
  encode: (offer) => wireForms.get(offer) ?? toWire(offer),
})
