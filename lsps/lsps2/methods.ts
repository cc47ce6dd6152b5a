import * as z from 'zod'
import { Msat } from '../base/amount.ts'
import type { FaultDefinition } from '../base/method.ts'
import { method } from '../base/method.ts'
import { PlainText } from '../base/plain-text.ts'
import { Scid } from '../base/scid.ts'
import { fault, type RpcFault, STANDARD_FAULTS } from '../rpc/fault.ts'
import { Blocks, ClaimedFeeParams, OpeningFeeParams } from './schema.ts'

/** The errors of bLIP-52; none of them has `data`. */
export const LSPS2_FAULTS = {
  unrecognizedToken: {
    code: 200,
    name: 'unrecognized_or_stale_token',
    message: 'The token is unknown or no longer valid.',
  },
  invalidFeeParams: {
    code: 201,
    name: 'invalid_opening_fee_params',
    message: 'These fee parameters are not ours, not yours or no longer valid. Ask for a new menu.',
  },
  paymentTooSmall: {
    code: 202,
    name: 'payment_size_too_small',
    message: 'The payment is too small for these fee parameters.',
  },
  paymentTooLarge: {
    code: 203,
    name: 'payment_size_too_large',
    message: 'The payment is larger than we can deliver with these fee parameters.',
  },
} as const satisfies Readonly<Record<string, FaultDefinition>>

/** Makes the errors of bLIP-52, ready to throw. */
export const lsps2Faults: { readonly [Name in keyof typeof LSPS2_FAULTS]: () => RpcFault } = {
  /** 200, `lsps2.get_info` */
  unrecognizedToken: () => fault(LSPS2_FAULTS.unrecognizedToken),
  /** 201, `lsps2.buy` */
  invalidFeeParams: () => fault(LSPS2_FAULTS.invalidFeeParams),
  /** 202, `lsps2.buy` */
  paymentTooSmall: () => fault(LSPS2_FAULTS.paymentTooSmall),
  /** 203, `lsps2.buy` */
  paymentTooLarge: () => fault(LSPS2_FAULTS.paymentTooLarge),
}

/** Absent, null and the empty text are the same: no token (D5). */
const Token = z.codec(PlainText.nullable(), z.union([z.string(), z.undefined()]), {
  decode: (token) => (token === null || token === '' ? undefined : token),
  encode: (token) => token ?? null,
})

/** Absent and null are the same: the invoice has no amount. */
const PaymentSize = z.codec(
  z.union([z.null(), Msat]),
  z.union([z.custom<Msat>((v) => typeof v === 'bigint'), z.undefined()]),
  {
    decode: (size) => size ?? undefined,
    encode: (size) => size ?? null,
  },
)

/** bLIP-52: just-in-time channels. */
export const lsps2 = {
  'lsps2.get_info': method({
    summary:
      'Lists the terms on which a channel is opened when the first payment arrives; none when that is not possible now.',
    params: z.strictObject({ token: Token.optional() }),
    result: z.object({ opening_fee_params_menu: z.array(OpeningFeeParams) }),
    faults: [STANDARD_FAULTS.clientRejected, LSPS2_FAULTS.unrecognizedToken],
  }),
  'lsps2.buy': method({
    summary: 'Takes one entry of the menu and answers the short channel id to put into the invoice.',
    params: z.strictObject({ opening_fee_params: ClaimedFeeParams, payment_size_msat: PaymentSize.optional() }),
    result: z.object({
      jit_channel_scid: Scid,
      lsp_cltv_expiry_delta: Blocks,
      /** Absent is false: the channel's funding is published at once (L2-48, L2-49). */
      client_trusts_lsp: z.boolean().optional(),
    }),
    faults: [
      STANDARD_FAULTS.clientRejected,
      LSPS2_FAULTS.invalidFeeParams,
      LSPS2_FAULTS.paymentTooSmall,
      LSPS2_FAULTS.paymentTooLarge,
    ],
  }),
}
