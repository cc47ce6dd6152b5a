import { formatDatetime } from '../../lsps/base/datetime.ts'
import type { FlightStep } from '../journal/flight.ts'
import { sumOf } from './onchain.ts'
import type { Price } from './pricing.ts'
import type { Order, Terms } from './states.ts'
import { orderState, paymentOf } from './view.ts'

/** An order as an operator sees it: amounts are decimal strings, times UTC datetimes. */

/** `steps`: of its flight record, the last one last. */
export function summarizeOrder(order: Order, steps: readonly FlightStep[]) {
  const { terms } = order
  const { id, client, origin, purpose, createdAt, expiresAt, fee, total, tokenName } = terms
  return {
    id,
    state: order.tag,
    order_state: orderState(order),
    purpose: purpose.type,
    client,
    origin,
    created_at: formatDatetime(createdAt),
    updated_at: formatDatetime(steps.at(-1)?.at ?? createdAt),
    expires_at: formatDatetime(expiresAt),
    fee_sat: `${fee}`,
    total_sat: `${total}`,
    ...('by' in order ? { paid_by: order.by, paid_at: formatDatetime(order.paidAt) } : {}),
    ...(tokenName === undefined ? {} : { token: tokenName }),
    ...(order.tag === 'completed' ? { outpoint: order.channel.outpoint, booked: order.booked } : {}),
    ...(order.tag === 'failed' ? { reason: order.why } : {}),
    ...(order.tag === 'completed' && order.lost !== undefined ? { lost: order.lost } : {}),
  }
}

/** All that is on record of one order. */
export function describeOrder(order: Order, steps: readonly FlightStep[]) {
  const { terms } = order
  const first = terms.createdAt
  const ordered: FlightStep = {
    at: first,
    what: 'ordered',
    detail: { client: terms.client, total_sat: `${terms.total}` },
  }
  return {
    ...summarizeOrder(order, steps),
    wanted: wantedOf(terms),
    price: priceOf(terms.price),
    ...bolt11Of(order),
    ...onchainOf(order),
    ...('attempts' in order ? { attempts: order.attempts } : {}),
    failures: ('failures' in order ? order.failures : []).map(({ at, reason, detail }) => ({
      at: formatDatetime(at),
      reason,
      detail,
    })),
    ...(order.tag === 'opening' ? { pending_channel_id: order.pendingChannelId } : {}),
    ...(order.tag === 'opening' && order.withdrawn !== undefined ? { withdrawn: order.withdrawn } : {}),
    ...channelOf(order),
    steps: [ordered, ...steps].map(({ at, what, detail }) => ({
      at: formatDatetime(at),
      offset_ms: Math.max(0, at - first),
      what,
      detail,
    })),
  }
}

function wantedOf({ purpose }: Terms) {
  if (purpose.type === 'extension') {
    const { outpoint, scid, blocks, newExpiryHeight } = purpose
    return { outpoint, short_channel_id: scid, blocks, new_expiry_height: newExpiryHeight }
  }
  return {
    lsp_balance_sat: `${purpose.lspBalance}`,
    client_balance_sat: `${purpose.clientBalance}`,
    confirmations: purpose.confirmations,
    confirms_within: purpose.confirmsWithin,
    blocks: purpose.expiryBlocks,
    announce: purpose.announce,
  }
}

/** The numbers of the formula, as they were when it was ordered. */
function priceOf(price: Price) {
  return {
    base_sat: `${price.base}`,
    lsp_balance_sat: `${price.lspBalance}`,
    blocks: price.blocks,
    capital_ppm_per_year: price.capitalPpmPerYear,
    capital_sat: `${price.capital}`,
    client_balance_sat: `${price.clientBalance}`,
    client_ppm: price.clientPpm,
    client_sat: `${price.client}`,
    sat_per_vbyte: price.satPerVbyte,
    open_vbytes: price.openVbytes,
    open_sat: `${price.openCost}`,
    close_sat_per_vbyte: price.closeSatPerVbyte,
    close_vbytes: price.closeVbytes,
    close_sat: `${price.closeCost}`,
    margin_ppm: price.marginPpm,
    margin_sat: `${price.margin}`,
    ...(price.discountPpm === undefined ? {} : { discount_ppm: price.discountPpm, discount_sat: `${price.discount}` }),
    fee_sat: `${price.fee}`,
  }
}

function bolt11Of(order: Order) {
  const { bolt11 } = order.terms
  const state = paymentOf(order).bolt11?.state
  if (bolt11 === undefined || state === undefined) return {}
  const { invoice, received, heldUntil } = order.payment
  return {
    bolt11: {
      state,
      invoice_state: invoice,
      payment_hash: bolt11.paymentHash,
      ...(received === undefined ? {} : { received_msat: `${received}` }),
      ...(heldUntil === undefined || invoice !== 'held' ? {} : { held_until_height: heldUntil }),
    },
  }
}

function onchainOf(order: Order) {
  const { onchain, refundAddress } = order.terms
  if (onchain === undefined) return {}
  const { deposits } = order.payment
  return {
    onchain: {
      state: paymentOf(order).onchain?.state ?? 'EXPECT_PAYMENT',
      address: onchain.address,
      confirmations: onchain.confirmations,
      ...(refundAddress === undefined ? {} : { refund_address: refundAddress }),
      received_sat: `${sumOf(deposits)}`,
      deposits: deposits.map(({ outpoint, amount, confirmations, gone, sold, refund }) => ({
        outpoint,
        amount_sat: `${amount}`,
        confirmations,
        ...(gone === true ? { gone } : {}),
        ...(sold === undefined ? {} : { sold_sat: `${sold}` }),
        ...(refund === undefined
          ? {}
          : {
              refund: {
                amount_sat: `${refund.amount}`,
                stage: refund.stage,
                ...(refund.txid === undefined ? {} : { txid: refund.txid }),
                ...(refund.fee === undefined ? {} : { chain_fee_sat: `${refund.fee}` }),
              },
            }),
      })),
    },
  }
}

function channelOf(order: Order) {
  if (order.tag !== 'completed') return {}
  const { outpoint, fundedAt, expiresAt } = order.channel
  return { channel: { outpoint, funded_at: formatDatetime(fundedAt), expires_at: formatDatetime(expiresAt) } }
}
