import type { OnchainAddress } from '../../lsps/base/address.ts'
import type { SatPerKw } from '../../lsps/base/fee-rate.ts'
import { parseOutpoint } from '../../lsps/base/outpoint.ts'
import { echoOfToken, zeroConfFee } from '../../lsps/lsps1/rules.ts'
import type {
  LightningState,
  OnchainState,
  OrderChannel,
  OrderResult,
  OrderState,
  PaymentBolt11,
  PaymentOnchain,
} from '../../lsps/lsps1/schema.ts'
import type { Deposit } from './onchain.ts'
import type { Order, Purpose, Terms } from './states.ts'

/** The states of bLIP-51 as the client reads them: the table at the end of its section on channels, nothing else. */

export function orderState({ tag }: Order): OrderState {
  if (tag === 'completed') return 'COMPLETED'
  return tag === 'failed' ? 'FAILED' : 'CREATED'
}

/** `REFUNDED` also for an invoice that was never paid: it is not to be paid any more (L1-67, L1-68). */
function lightningState({ payment: { invoice } }: Order): LightningState {
  switch (invoice) {
    case 'none':
    case 'open':
      return 'EXPECT_PAYMENT'
    case 'held':
      return 'HOLD'
    case 'settling':
    case 'settled':
      return 'PAID'
    case 'cancelling':
    case 'cancelled':
      return 'REFUNDED'
  }
}

/** `REFUNDED` once everything is on its way back (L1-72, L1-77). */
function onchainState(order: Order): OnchainState {
  const { deposits } = order.payment
  const isBack = deposits.length > 0 && deposits.every(isBackOf)
  switch (order.tag) {
    case 'created':
      return 'EXPECT_PAYMENT'
    case 'paid':
    case 'opening':
      return order.by === 'onchain' ? 'PAID' : 'EXPECT_PAYMENT'
    case 'completed':
      if (order.by === 'onchain') return 'PAID'
      return isBack ? 'REFUNDED' : 'EXPECT_PAYMENT'
    case 'failed':
      return isBack ? 'REFUNDED' : wasPaid(order) ? 'PAID' : 'EXPECT_PAYMENT'
  }
}

function isBackOf({ refund }: Deposit): boolean {
  return refund !== undefined && refund.stage !== 'owed' && refund.stage !== 'asked'
}

/** It was paid for in full, and the money is still on its way back. */
function wasPaid({ terms, payment }: Order): boolean {
  const confirmed = payment.deposits.filter(({ confirmations, gone }) => confirmations > 0 && gone === undefined)
  return confirmed.reduce((sum, { amount }) => sum + amount, 0n) >= terms.total
}

function priceOf({ fee, total, expiresAt }: Terms) {
  return { expires_at: expiresAt, fee_total_sat: fee, order_total_sat: total }
}

function bolt11Of(order: Order): PaymentBolt11 | undefined {
  const { bolt11 } = order.terms
  if (bolt11 === undefined) return undefined
  return { state: lightningState(order), ...priceOf(order.terms), invoice: bolt11.invoice }
}

/** Left out as soon as the order is paid for otherwise: nobody is to pay it any more (L1-80). */
function onchainOf(order: Order): PaymentOnchain | undefined {
  const { onchain, refundAddress } = order.terms
  if (onchain === undefined) return undefined
  const isBeside = 'by' in order && order.by === 'bolt11' && order.payment.deposits.length === 0
  if (isBeside) return undefined
  return {
    state: onchainState(order),
    ...priceOf(order.terms),
    address: onchain.address as OnchainAddress,
    min_onchain_payment_confirmations: onchain.confirmations,
    min_fee_for_0conf: zeroConfFee(onchain.confirmations, onchain.minFeeFor0conf as SatPerKw | undefined),
    ...(refundAddress === undefined ? {} : { refund_onchain_address: refundAddress as OnchainAddress }),
  }
}

/** The options that this order can be paid by, with what became of each. */
export function paymentOf(order: Order): OrderResult['payment'] {
  const bolt11 = bolt11Of(order)
  const onchain = onchainOf(order)
  return { ...(bolt11 === undefined ? {} : { bolt11 }), ...(onchain === undefined ? {} : { onchain }) }
}

/** Why an order failed, or why its channel is not open yet, for people; undefined when there is nothing to say. */
export function messageOf(order: Order): string | undefined {
  if (order.tag === 'failed') return order.why
  if (order.tag !== 'paid' && order.tag !== 'opening') return undefined
  const last = order.failures.at(-1)
  if (last !== undefined) return `the channel could not be opened yet: ${last.detail}`
  return order.tag === 'paid' ? 'waiting for you to connect' : undefined
}

function channelOf(order: Order): OrderChannel | null {
  if (order.tag !== 'completed') return null
  const outpoint = parseOutpoint(order.channel.outpoint)
  if (outpoint === undefined) throw new Error(`order ${order.terms.id} has the outpoint ${order.channel.outpoint}`)
  const { fundedAt, expiresAt } = order.channel
  return { funded_at: fundedAt, funding_outpoint: outpoint, expires_at: expiresAt }
}

/** An order of a channel as `lsps1.get_order` answers it; undefined for an extension. */
export function viewOf(order: Order): OrderResult | undefined {
  const { terms } = order
  if (terms.purpose.type !== 'channel') return undefined
  const message = messageOf(order)
  return {
    order_id: terms.id,
    ...echoOf(terms.purpose),
    token: echoOfToken(terms.token),
    created_at: terms.createdAt,
    order_state: orderState(order),
    payment: paymentOf(order),
    channel: channelOf(order),
    ...(message === undefined ? {} : { message }),
  }
}

function echoOf(purpose: Extract<Purpose, { type: 'channel' }>) {
  return {
    lsp_balance_sat: purpose.lspBalance,
    client_balance_sat: purpose.clientBalance,
    required_channel_confirmations: purpose.confirmations,
    funding_confirms_within_blocks: purpose.confirmsWithin,
    channel_expiry_blocks: purpose.expiryBlocks,
    announce_channel: purpose.announce,
  }
}
