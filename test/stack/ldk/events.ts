import * as ldk from 'lightningdevkit'
import { hex, optionalU64, reversedHex, u64 } from './runtime.ts'

/** LDK's events as far as a wallet needs them, as plain data. Amounts in millisatoshi. */
export type WalletEvent =
  | { readonly type: 'open-request'; readonly temporaryId: Uint8Array; readonly nodeId: string; readonly sat: bigint }
  | { readonly type: 'channel-pending'; readonly nodeId: string; readonly outpoint: string }
  | { readonly type: 'channel-ready'; readonly nodeId: string }
  | { readonly type: 'channel-closed'; readonly nodeId: string; readonly reason: string }
  | { readonly type: 'claimable'; readonly paymentHash: string; readonly amount: bigint; readonly skimmed: bigint }
  | { readonly type: 'claimed'; readonly paymentHash: string; readonly amount: bigint; readonly skimmed: bigint }
  | { readonly type: 'sent'; readonly paymentHash: string; readonly preimage: string; readonly fee: bigint }
  | { readonly type: 'send-failed'; readonly paymentHash: string; readonly reason: string }
  | { readonly type: 'forwardable' }
  | { readonly type: 'broadcast-commitment'; readonly raw: Uint8Array }
  | { readonly type: 'other'; readonly name: string }

export function readEvent(event: ldk.Event): WalletEvent {
  if (event instanceof ldk.Event_OpenChannelRequest)
    return {
      type: 'open-request',
      temporaryId: event.temporary_channel_id.get_a(),
      nodeId: hex(event.counterparty_node_id),
      sat: u64(event.funding_satoshis),
    }
  if (event instanceof ldk.Event_ChannelPending)
    return {
      type: 'channel-pending',
      nodeId: hex(event.counterparty_node_id),
      outpoint: `${reversedHex(event.funding_txo.get_txid())}:${event.funding_txo.get_index()}`,
    }
  if (event instanceof ldk.Event_ChannelReady) return { type: 'channel-ready', nodeId: hex(event.counterparty_node_id) }
  if (event instanceof ldk.Event_ChannelClosed)
    return { type: 'channel-closed', nodeId: hex(event.counterparty_node_id), reason: event.reason.to_str() }
  if (event instanceof ldk.Event_PaymentClaimable)
    return {
      type: 'claimable',
      paymentHash: hex(event.payment_hash),
      amount: u64(event.amount_msat),
      skimmed: u64(event.counterparty_skimmed_fee_msat),
    }
  if (event instanceof ldk.Event_PaymentClaimed)
    return {
      type: 'claimed',
      paymentHash: hex(event.payment_hash),
      amount: u64(event.amount_msat),
      skimmed: event.htlcs.reduce((sum, htlc) => sum + u64(htlc.get_counterparty_skimmed_fee_msat()), 0n),
    }
  if (event instanceof ldk.Event_PaymentSent)
    return {
      type: 'sent',
      paymentHash: hex(event.payment_hash),
      preimage: hex(event.payment_preimage),
      fee: optionalU64(event.fee_paid_msat) ?? 0n,
    }
  if (event instanceof ldk.Event_PaymentFailed) return sendFailed(event)
  if (event instanceof ldk.Event_PendingHTLCsForwardable) return { type: 'forwardable' }
  if (
    event instanceof ldk.Event_BumpTransaction &&
    event.bump_transaction instanceof ldk.BumpTransactionEvent_ChannelClose
  )
    return { type: 'broadcast-commitment', raw: event.bump_transaction.commitment_tx }
  return { type: 'other', name: event.constructor.name }
}

function sendFailed(event: ldk.Event_PaymentFailed): WalletEvent {
  const hash = event.payment_hash
  const { reason } = event
  return {
    type: 'send-failed',
    paymentHash: hash instanceof ldk.Option_ThirtyTwoBytesZ_Some ? hex(hash.some) : '',
    reason:
      reason instanceof ldk.Option_PaymentFailureReasonZ_Some
        ? String(ldk.PaymentFailureReason[reason.some])
        : 'no reason given',
  }
}
