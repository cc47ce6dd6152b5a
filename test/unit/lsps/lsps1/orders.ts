import fc from 'fast-check'
import { type OnchainAddress, parseAddress } from '../../../../lsps/base/address.ts'
import { type Sat, sat, U32_MAX, U64_MAX } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import { type SatPerKw, satPerKwFromVbyte } from '../../../../lsps/base/fee-rate.ts'
import { type Outpoint, parseOutpoint } from '../../../../lsps/base/outpoint.ts'
import type { CreateOrderParams, Lsps1Options, OrderResult, Payment } from '../../../../lsps/lsps1/schema.ts'
import { anyTimestamp } from '../arbitraries.ts'

export const REFUND_ADDRESS = address('bc1qvmsy0f3yyes6z9jvddk8xqwznndmdwapvrc0xrmhd3vqj5rhdrrq6hz49h')
export const LSP_ADDRESS = address('bc1p5uvtaxzkjwvey2tfy49k5vtqfpjmrgm09cvs88ezyy8h2zv7jhas9tu4yr')
/** An invoice begins like this; nobody here reads the rest. */
export const INVOICE_REST = '1p3aht9ysp580g4633gd2x9lc5al0wd8wx0mpn9748jeyz46kqjrpxn52uhfpjq'
export const ORDER_ID = 'bb4b5d0a-8334-49d8-9463-90a6d413af7c'
export const NOW = 1_900_000_000_000 as Timestamp

export function address(text: string): OnchainAddress {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new Error(`not an address: ${text}`)
  return parsed
}

export function outpoint(text: string): Outpoint {
  const parsed = parseOutpoint(text)
  if (parsed === undefined) throw new Error(`not an outpoint: ${text}`)
  return parsed
}

export const OUTPOINT = outpoint(`${'0301e048'.repeat(8)}:0`)

/** The options of the sample of bLIP-51, with a smallest balance of the LSP that can be ordered. */
export const OPTIONS: Lsps1Options = {
  min_required_channel_confirmations: 0,
  min_funding_confirms_within_blocks: 6,
  supports_zero_channel_reserve: true,
  max_channel_expiry_blocks: 20_160,
  min_initial_client_balance_sat: sat(20_000n),
  max_initial_client_balance_sat: sat(100_000_000n),
  min_initial_lsp_balance_sat: sat(10_000n),
  max_initial_lsp_balance_sat: sat(100_000_000n),
  min_channel_balance_sat: sat(50_000n),
  max_channel_balance_sat: sat(100_000_000n),
}

/** The order of the sample of bLIP-51. */
export const ORDERED: CreateOrderParams = {
  lsp_balance_sat: sat(5_000_000n),
  client_balance_sat: sat(2_000_000n),
  required_channel_confirmations: 0,
  funding_confirms_within_blocks: 6,
  channel_expiry_blocks: 144,
  token: '',
  refund_onchain_address: REFUND_ADDRESS,
  announce_channel: true,
}

/** An invoice for so many satoshi, as far as anybody here reads one. */
export function invoiceFor(total: Sat): string {
  return `lnbc${total * 10n}n${INVOICE_REST}`
}

/** Both ways to pay, with their fees in sat. */
export function paymentFor(clientBalance: Sat, fees = { bolt11: sat(8888n), onchain: sat(9999n) }): Payment {
  const expires_at = (NOW + 3_600_000) as Timestamp
  const total = (fee: Sat) => sat(fee + clientBalance)
  return {
    bolt11: {
      state: 'EXPECT_PAYMENT',
      expires_at,
      fee_total_sat: fees.bolt11,
      order_total_sat: total(fees.bolt11),
      invoice: invoiceFor(total(fees.bolt11)),
    },
    onchain: {
      state: 'EXPECT_PAYMENT',
      expires_at,
      fee_total_sat: fees.onchain,
      order_total_sat: total(fees.onchain),
      address: LSP_ADDRESS,
      min_onchain_payment_confirmations: 0,
      min_fee_for_0conf: satPerKwFromVbyte(2),
      refund_onchain_address: REFUND_ADDRESS,
    },
  }
}

/** An order that was just made. */
export const ORDER: OrderResult = {
  order_id: ORDER_ID,
  lsp_balance_sat: ORDERED.lsp_balance_sat,
  client_balance_sat: ORDERED.client_balance_sat,
  required_channel_confirmations: ORDERED.required_channel_confirmations,
  funding_confirms_within_blocks: ORDERED.funding_confirms_within_blocks,
  channel_expiry_blocks: ORDERED.channel_expiry_blocks,
  announce_channel: ORDERED.announce_channel,
  token: '',
  created_at: NOW,
  order_state: 'CREATED',
  payment: paymentFor(ORDERED.client_balance_sat),
  channel: null,
}

export const anySat = (): fc.Arbitrary<Sat> => fc.bigInt({ min: 0n, max: U64_MAX }).map((n) => sat(n))
const anyU16 = () => fc.integer({ min: 0, max: 65_535 })
const someBlocks = () => fc.integer({ min: 1, max: U32_MAX })
const anyToken = () => fc.oneof(fc.string(), fc.constant(null), fc.constant(undefined))
const anyAddress = () => fc.constantFrom(REFUND_ADDRESS, LSP_ADDRESS)
const anyFeerate = () => fc.integer({ min: 253, max: 10_000_000 }) as fc.Arbitrary<SatPerKw>
const anyOutpoint = () =>
  fc
    .tuple(fc.stringMatching(/^[0-9a-f]{64}$/), fc.integer({ min: 0, max: 65_535 }))
    .map(([txid, index]) => outpoint(`${txid}:${index}`))

/** Two amounts that fit into 64 bits together. */
const anyBalances = () =>
  fc
    .tuple(fc.bigInt({ min: 1n, max: U64_MAX }), fc.bigInt({ min: 0n, max: U64_MAX }))
    .map(([lsp, other]) => ({ lsp_balance_sat: sat(lsp), client_balance_sat: sat(other % (U64_MAX - lsp + 1n)) }))

export const anyParams = (): fc.Arbitrary<CreateOrderParams> =>
  fc
    .tuple(
      anyBalances(),
      fc.record({
        required_channel_confirmations: anyU16(),
        funding_confirms_within_blocks: anyU16(),
        channel_expiry_blocks: someBlocks(),
        token: anyToken().filter((token) => token?.includes('\0') !== true),
        refund_onchain_address: fc.option(anyAddress(), { nil: undefined }),
        announce_channel: fc.boolean(),
      }),
    )
    .map(([balances, rest]) => ({ ...balances, ...rest }))

export const anyOptions = (): fc.Arbitrary<Lsps1Options> =>
  fc.record({
    min_required_channel_confirmations: anyU16(),
    min_funding_confirms_within_blocks: fc.integer({ min: 1, max: 65_535 }),
    supports_zero_channel_reserve: fc.boolean(),
    max_channel_expiry_blocks: someBlocks(),
    min_initial_client_balance_sat: anySat(),
    max_initial_client_balance_sat: anySat(),
    min_initial_lsp_balance_sat: anySat(),
    max_initial_lsp_balance_sat: anySat(),
    min_channel_balance_sat: anySat(),
    max_channel_balance_sat: anySat(),
  })

const anyPrice = () => ({ expires_at: anyTimestamp(), fee_total_sat: anySat(), order_total_sat: anySat() })
const lightningState = () => fc.constantFrom('EXPECT_PAYMENT', 'HOLD', 'PAID', 'REFUNDED' as const)

export const anyPayment = (): fc.Arbitrary<Payment> =>
  fc.record(
    {
      bolt11: fc.record({ state: lightningState(), ...anyPrice(), invoice: fc.string() }),
      bolt12: fc.record({ state: lightningState(), ...anyPrice(), offer: fc.string() }),
      onchain: fc.record({
        state: fc.constantFrom('EXPECT_PAYMENT', 'PAID', 'REFUNDED' as const),
        ...anyPrice(),
        address: anyAddress(),
        min_onchain_payment_confirmations: anyU16(),
        min_fee_for_0conf: fc.option(anyFeerate(), { nil: null }),
        refund_onchain_address: anyAddress(),
      }),
    },
    { requiredKeys: [] },
  )

export const anyOrder = (): fc.Arbitrary<OrderResult> =>
  fc.record({
    order_id: fc.string({ maxLength: 64 }),
    lsp_balance_sat: anySat(),
    client_balance_sat: anySat(),
    required_channel_confirmations: anyU16(),
    funding_confirms_within_blocks: anyU16(),
    channel_expiry_blocks: someBlocks(),
    announce_channel: fc.boolean(),
    token: fc.option(fc.string(), { nil: null }),
    created_at: anyTimestamp(),
    order_state: fc.constantFrom('CREATED', 'COMPLETED', 'FAILED' as const),
    payment: anyPayment(),
    channel: fc.option(
      fc.record({ funded_at: anyTimestamp(), funding_outpoint: anyOutpoint(), expires_at: anyTimestamp() }),
      { nil: null },
    ),
  })
