import { echoOfToken } from '../../lsps/lsps1/rules.ts'
import type { ExtensionResult } from '../../lsps/lsps7/schema.ts'
import type { LeaseTimes } from './extension-leases.ts'
import type { Order, Purpose } from './states.ts'
import { messageOf, orderState, paymentOf } from './view.ts'

type Extension = Extract<Purpose, { type: 'extension' }>

/** An extension as `lsps7.get_order` answers it (L7-03); `lease` is absent once the channel is gone. */
export function extensionView(order: Order, purpose: Extension, lease: LeaseTimes | undefined): ExtensionResult {
  const { terms } = order
  const message = order.tag === 'failed' ? messageOf(order) : undefined
  return {
    order_id: terms.id,
    short_channel_id: purpose.scid,
    channel_extension_expiry_blocks: purpose.blocks,
    new_channel_expiry_blocks: purpose.newExpiryHeight,
    token: echoOfToken(terms.token),
    created_at: terms.createdAt,
    order_state: orderState(order),
    payment: paymentOf(order),
    channel: { short_channel_id: purpose.scid, ...timesOf(order, lease) },
    ...(message === undefined ? {} : { message }),
  }
}

/** Of a channel that is gone nothing is promised any more: its end is told as the time of the order. */
function timesOf(order: Order, lease: LeaseTimes | undefined) {
  const told = order.tag === 'completed' ? order.channel : undefined
  const until = lease?.until ?? order.terms.createdAt
  const expiresAt = told === undefined || told.expiresAt < until ? until : told.expiresAt
  return { expires_at: expiresAt, funded_at: told?.fundedAt ?? lease?.fundedAt ?? order.terms.createdAt }
}
