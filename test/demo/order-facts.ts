import type { OrderRecord } from '../../src/admin/schema-orders.ts'
import type { OrdersTold } from './order-chapter.ts'
import { ORDER } from './order-terms.ts'
import type { WalletChannel } from './world.ts'

/** What `--json FILE` tells of the ordered channel and its longer life; amounts as decimal strings. */
export type OrderFacts = {
  readonly order_id: string
  readonly order_lsp_balance_sat: string
  readonly order_client_balance_sat: string
  /** Every number of the formula. */
  readonly order_price: OrderRecord['price']
  readonly order_fee_sat: string
  /** The fee, and what the wallet owns again in the channel. */
  readonly order_total_sat: string
  readonly order_payment_hash: string
  /** What left the wallet for it, by its own account. */
  readonly order_paid_msat: string
  /** From sending the payment to having the preimage. */
  readonly order_ms: number
  readonly order_funding_txid: string
  readonly order_funding_outpoint: string
  /** The size of the channel, as the operator's node lists it. */
  readonly order_channel_sat: string
  /** What the wallet found of its own in it. */
  readonly order_pushed_msat: string
  /** Until when the channel stays, as the wallet read it before and after the extension. */
  readonly order_expires_before: string
  readonly order_expires_after: string
  readonly order_expiry_height_before: number
  readonly order_expiry_height_after: number
  /** Milliseconds since the payment was sent. */
  readonly order_steps: readonly FactStep[]
  readonly extension_id: string
  readonly extension_blocks: number
  readonly extension_price: OrderRecord['price']
  readonly extension_fee_sat: string
  readonly extension_total_sat: string
  readonly extension_payment_hash: string
  readonly extension_paid_msat: string
  readonly extension_ms: number
  readonly extension_steps: readonly FactStep[]
}

export type FactStep = { readonly at_ms: number; readonly who: string; readonly what: string }

export function orderFacts(
  { channel, outpoint, pushed, extension, before, after }: OrdersTold,
  listed: Pick<WalletChannel, 'capacity'> | undefined,
): OrderFacts {
  return {
    order_id: channel.id,
    order_lsp_balance_sat: `${ORDER.lsp_balance_sat}`,
    order_client_balance_sat: `${ORDER.client_balance_sat}`,
    order_price: channel.price,
    order_fee_sat: channel.price.fee_sat,
    order_total_sat: `${channel.total}`,
    order_payment_hash: channel.paymentHash,
    order_paid_msat: `${channel.paid}`,
    order_ms: channel.ms,
    order_funding_txid: outpoint.split(':')[0] ?? '',
    order_funding_outpoint: outpoint,
    order_channel_sat: `${listed?.capacity ?? 0n}`,
    order_pushed_msat: `${pushed}`,
    order_expires_before: before.time,
    order_expires_after: after.time,
    order_expiry_height_before: before.height,
    order_expiry_height_after: after.height,
    order_steps: stepsOf(channel),
    extension_id: extension.id,
    extension_blocks: extension.price.blocks,
    extension_price: extension.price,
    extension_fee_sat: extension.price.fee_sat,
    extension_total_sat: `${extension.total}`,
    extension_payment_hash: extension.paymentHash,
    extension_paid_msat: `${extension.paid}`,
    extension_ms: extension.ms,
    extension_steps: stepsOf(extension),
  }
}

function stepsOf({ told, startedAt }: OrdersTold['channel'] | OrdersTold['extension']): readonly FactStep[] {
  return told.map(({ at, who, what }) => ({ at_ms: at - startedAt, who, what }))
}
