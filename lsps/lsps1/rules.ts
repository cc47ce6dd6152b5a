import type { Sat } from '../base/amount.ts'
import type { SatPerKw } from '../base/fee-rate.ts'
import type { Mismatch } from './methods.ts'
import type { CreateOrderParams, Lsps1Options, OrderResult } from './schema.ts'

/** From here on both nodes need `option_support_large_channel` (L1-21). In sat. */
export const LARGE_CHANNEL_SAT = 16_777_216n
/** BOLT9: either bit of `option_support_large_channel`. */
export const OPTION_SUPPORT_LARGE_CHANNEL: readonly number[] = [18, 19]

type OptionName = Exclude<keyof Lsps1Options, 'supports_zero_channel_reserve'>
type Limit = {
  /** What is ordered, in words. */
  readonly what: string
  readonly value: bigint | number
  readonly most?: OptionName
  readonly least?: OptionName
}

/** In the order in which the spec lists the parameters, the sum of the balances last (L1-18, L1-32). */
function limitsOf(params: CreateOrderParams): readonly Limit[] {
  const { lsp_balance_sat, client_balance_sat } = params
  return [
    {
      what: 'lsp_balance_sat',
      value: lsp_balance_sat,
      most: 'max_initial_lsp_balance_sat',
      least: 'min_initial_lsp_balance_sat',
    },
    {
      what: 'client_balance_sat',
      value: client_balance_sat,
      most: 'max_initial_client_balance_sat',
      least: 'min_initial_client_balance_sat',
    },
    {
      what: 'required_channel_confirmations',
      value: params.required_channel_confirmations,
      least: 'min_required_channel_confirmations',
    },
    {
      what: 'funding_confirms_within_blocks',
      value: params.funding_confirms_within_blocks,
      least: 'min_funding_confirms_within_blocks',
    },
    { what: 'channel_expiry_blocks', value: params.channel_expiry_blocks, most: 'max_channel_expiry_blocks' },
    {
      what: 'lsp_balance_sat and client_balance_sat together',
      value: lsp_balance_sat + client_balance_sat,
      most: 'max_channel_balance_sat',
      least: 'min_channel_balance_sat',
    },
  ]
}

/**
 * Why an order does not fit the options, by the first option in the spec's order that it breaks; undefined when it
 * fits (L1-10 to L1-18, L1-32). A client can ask before it orders, a server must.
 */
export function checkOrder(options: Lsps1Options, params: CreateOrderParams): Mismatch | undefined {
  for (const { what, value, most, least } of limitsOf(params)) {
    if (most !== undefined && value > options[most]) {
      return { property: most, message: `${what}: ${value} is more than ${options[most]}` }
    }
    if (least !== undefined && value < options[least]) {
      return { property: least, message: `${what}: ${value} is less than ${options[least]}` }
    }
  }
  return undefined
}

const PAIRS = [
  ['min_initial_client_balance_sat', 'max_initial_client_balance_sat'],
  ['min_initial_lsp_balance_sat', 'max_initial_lsp_balance_sat'],
  ['min_channel_balance_sat', 'max_channel_balance_sat'],
] as const satisfies readonly (readonly [OptionName, OptionName])[]

/** The first minimum that is above its maximum, so that nothing could be ordered; undefined when there is none (L1-04). */
export function checkOptions(options: Lsps1Options): Mismatch | undefined {
  const wrong = PAIRS.find(([least, most]) => options[least] > options[most])
  if (wrong === undefined) return undefined
  const [least, most] = wrong
  return { property: least, message: `${least} is ${options[least]}, more than ${most}, which is ${options[most]}` }
}

/** Absent, null and the empty text are no token (L1-34, D5). */
export function hasToken(token: string | null | undefined): token is string {
  return token !== undefined && token !== null && token !== ''
}

/** What an order says of its token: what was sent, and the empty text when nothing was (L1-42, D5). */
export function echoOfToken(token: string | null | undefined): string | null {
  return token === undefined ? '' : token
}

/** The fields of an order that repeat its request (L1-41, L1-42, L1-47). */
export type OrderEcho = Pick<
  OrderResult,
  | 'lsp_balance_sat'
  | 'client_balance_sat'
  | 'required_channel_confirmations'
  | 'funding_confirms_within_blocks'
  | 'channel_expiry_blocks'
  | 'announce_channel'
  | 'token'
>

/** What an order repeats of its request, verbatim. */
export function echoOf(params: CreateOrderParams): OrderEcho {
  return {
    lsp_balance_sat: params.lsp_balance_sat,
    client_balance_sat: params.client_balance_sat,
    required_channel_confirmations: params.required_channel_confirmations,
    funding_confirms_within_blocks: params.funding_confirms_within_blocks,
    channel_expiry_blocks: params.channel_expiry_blocks,
    announce_channel: params.announce_channel,
    token: echoOfToken(params.token),
  }
}

/** What `min_fee_for_0conf` says: the feerate only when a payment without confirmation may do (L1-74). */
export function zeroConfFee(minConfirmations: number, feerate: SatPerKw | undefined): SatPerKw | null {
  return minConfirmations > 0 ? null : (feerate ?? null)
}

/** Whether a channel of this size, both balances together, is refused by nodes without large channels (L1-21). */
export function isLargeChannel(capacity: Sat): boolean {
  return capacity >= LARGE_CHANNEL_SAT
}
