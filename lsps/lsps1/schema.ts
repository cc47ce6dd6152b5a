import * as z from 'zod'
import { OnchainAddress } from '../base/address.ts'
import { Sat, U32_MAX, U64_MAX } from '../base/amount.ts'
import { Datetime } from '../base/datetime.ts'
import { SatPerKw } from '../base/fee-rate.ts'
import { Outpoint } from '../base/outpoint.ts'
import { PlainText } from '../base/plain-text.ts'

const U16_MAX = 0xffff
/** Longest id of an order (L1-40). */
export const MAX_ORDER_ID_CHARACTERS = 64
/** Longest invoice or offer (L1-65, L1-66). */
export const MAX_INVOICE_CHARACTERS = 2048

/** A JSON integer, 0 to 65535. */
const U16 = z.int().min(0).max(U16_MAX)
/** A number of blocks that is at least one. */
const SomeBlocks = z.int().min(1).max(U32_MAX)

function textUpTo(characters: number) {
  return z.string().refine((text) => text.length <= characters, `longer than ${characters} characters`)
}

/** Unique, at most 64 characters (L1-40). */
export const OrderId = textUpTo(MAX_ORDER_ID_CHARACTERS)

/** What the LSP sells: the result of `lsps1.get_info`, exactly these fields (L1-03). Amounts in sat. */
export const Lsps1Options = z.object({
  /** 0: channels without any confirmation may be had. */
  min_required_channel_confirmations: U16,
  min_funding_confirms_within_blocks: U16.min(1),
  supports_zero_channel_reserve: z.boolean(),
  max_channel_expiry_blocks: SomeBlocks,
  min_initial_client_balance_sat: Sat,
  max_initial_client_balance_sat: Sat,
  min_initial_lsp_balance_sat: Sat,
  max_initial_lsp_balance_sat: Sat,
  /** Of both balances together. */
  min_channel_balance_sat: Sat,
  max_channel_balance_sat: Sat,
})

export type Lsps1Options = z.output<typeof Lsps1Options>

/**
 * What a client shows to the LSP. Absent, null and the empty text all mean none (`hasToken`), but are kept apart: an
 * order echoes what was sent (L1-42, D5).
 */
export const Token = PlainText.nullable().optional()

/** Where a failed on-chain payment goes back to; null means absent (L1-19). */
export const RefundAddress = z.codec(
  z.union([z.null(), OnchainAddress]),
  z.union([z.custom<OnchainAddress>((v) => typeof v === 'string'), z.undefined()]),
  {
    decode: (address) => address ?? undefined,
    encode: (address) => address ?? null,
  },
)

/** What is ordered, and echoed verbatim in the order (L1-41). Amounts in sat. */
const wanted = {
  lsp_balance_sat: Sat,
  client_balance_sat: Sat,
  required_channel_confirmations: U16,
  funding_confirms_within_blocks: U16,
  channel_expiry_blocks: SomeBlocks,
  announce_channel: z.boolean(),
}

/** The parameters of `lsps1.create_order` (L1-10 to L1-19). */
export const CreateOrderParams = z
  .strictObject({
    ...wanted,
    lsp_balance_sat: Sat.refine((amount) => amount >= 1n, 'less than 1'),
    token: Token,
    refund_onchain_address: RefundAddress.optional(),
  })
  .refine(({ lsp_balance_sat, client_balance_sat }) => lsp_balance_sat + client_balance_sat <= U64_MAX, {
    path: ['client_balance_sat'],
    message: 'both balances together exceed 64 bits',
  })

export type CreateOrderParams = z.output<typeof CreateOrderParams>

/** `CREATED`; `COMPLETED` as soon as the funding transaction is published; `FAILED` (L1-44). */
export const OrderState = z.enum(['CREATED', 'COMPLETED', 'FAILED'])
export type OrderState = z.output<typeof OrderState>

/** Earlier versions of the spec wrote CANCELLED; clients still read it (L1-68). */
const WireState = z.enum(['EXPECT_PAYMENT', 'HOLD', 'PAID', 'REFUNDED', 'CANCELLED'])

/**
 * Of a payment by Lightning: `HOLD` while its HTLCs are here and the preimage is not released, `PAID` when it is
 * (L1-67). A cancelled invoice is `REFUNDED` (L1-68).
 */
export const LightningState = z.codec(WireState, z.enum(['EXPECT_PAYMENT', 'HOLD', 'PAID', 'REFUNDED']), {
  decode: (state) => (state === 'CANCELLED' ? 'REFUNDED' : state),
  encode: (state) => state,
})
export type LightningState = z.output<typeof LightningState>

/**
 * Of a payment on chain: `PAID` when it counts as confirmed; there is no HOLD (L1-72). lightning-liquidity says HOLD
 * for money that arrived and may still come back, which is what PAID means here.
 */
export const OnchainState = z.codec(WireState, z.enum(['EXPECT_PAYMENT', 'PAID', 'REFUNDED']), {
  decode(state) {
    if (state === 'HOLD') return 'PAID'
    return state === 'CANCELLED' ? 'REFUNDED' : state
  },
  encode: (state) => state,
})
export type OnchainState = z.output<typeof OnchainState>

/** What every payment option says (L1-61 to L1-63); amounts in sat. */
const price = { expires_at: Datetime, fee_total_sat: Sat, order_total_sat: Sat }

/** Payment by a hold invoice (L1-65). */
export const PaymentBolt11 = z.object({
  state: LightningState,
  ...price,
  invoice: textUpTo(MAX_INVOICE_CHARACTERS),
})
export type PaymentBolt11 = z.output<typeof PaymentBolt11>

/** Payment by an offer: lnd has none, other LSPs may (L1-66). */
export const PaymentBolt12 = z.object({
  state: LightningState,
  ...price,
  offer: textUpTo(MAX_INVOICE_CHARACTERS),
})
export type PaymentBolt12 = z.output<typeof PaymentBolt12>

/** Payment to an address of this order (L1-73). */
export const PaymentOnchain = z.object({
  state: OnchainState,
  ...price,
  address: OnchainAddress,
  min_onchain_payment_confirmations: U16,
  /** Null or absent unless a payment without confirmation may do (L1-74): `zeroConfFee`. */
  min_fee_for_0conf: SatPerKw.nullable().optional(),
  refund_onchain_address: OnchainAddress.nullable().optional(),
})
export type PaymentOnchain = z.output<typeof PaymentOnchain>

/** The options that this order can be paid by: pay one of them. Those that nobody here knows are ignored (L1-45). */
export const Payment = z.object({
  bolt11: PaymentBolt11.optional(),
  bolt12: PaymentBolt12.optional(),
  onchain: PaymentOnchain.optional(),
})
export type Payment = z.output<typeof Payment>

/** The channel of a completed order (L1-94). The LSP does not close it before `expires_at`. */
export const OrderChannel = z.object({ funded_at: Datetime, funding_outpoint: Outpoint, expires_at: Datetime })
export type OrderChannel = z.output<typeof OrderChannel>

/** An order as it stands: the result of `lsps1.create_order` and of `lsps1.get_order` (L1-40 to L1-47). */
export const OrderResult = z.object({
  order_id: OrderId,
  ...wanted,
  token: z.string().nullable().optional(),
  created_at: Datetime,
  order_state: OrderState,
  payment: Payment,
  /** Null until the funding transaction is published. */
  channel: OrderChannel.nullable(),
  /** Not of the bLIP: why it failed, or what it waits for, in words for people. Clients ignore what they do not know. */
  message: z.string().optional(),
})
export type OrderResult = z.output<typeof OrderResult>
