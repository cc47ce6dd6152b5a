import { type Sat, sat } from '../base/amount.ts'
import type { Clock } from '../base/clock.ts'
import { createEncoder } from '../base/encoder.ts'
import type { RpcClient } from '../rpc/client.ts'
import { changedField, impossibleChange } from './changes.ts'
import { lsps1 } from './methods.ts'
import { OrderError } from './order-error.ts'
import { callAs, type Kind, type OrderHandle, orderHandle, type Placed, withinCap } from './order-handle.ts'
import { payableOptions, wrongPayment } from './payable.ts'
import { checkOrder, echoOf, hasToken, isLargeChannel } from './rules.ts'
import { type CreateOrderParams, type Lsps1Options, OrderResult } from './schema.ts'

/** A channel to be ordered. */
export type OrderRequest = {
  readonly order: CreateOrderParams
  /** The highest fee that the wallet accepts, in sat; what comes back as its own balance is not part of it. */
  readonly maxFee: Sat
  /** From 16,777,216 sat on: that both nodes have `option_support_large_channel`, which the wallet has to check (L1-21). */
  readonly largeChannels?: 'both-support' | undefined
  readonly signal: AbortSignal
}

/** Buys channels of one LSP (bLIP-51). It never pays: that is for the wallet, after it wrote the order's id down. */
export interface OrderClient {
  /** @throws OrderError */
  getInfo(signal: AbortSignal): Promise<Lsps1Options>
  /**
   * Asks what is offered, checks the order against it, makes it, and checks the answer: that it is what was ordered,
   * that each price is the fee and the wallet's own balance (L1-48), that a refund would come back to the wallet.
   *
   * Keep `order.order_id` before you pay: with it, `order(id)` goes on after a restart of the wallet.
   * @throws OrderError; an order that was made nevertheless is not paid for and ends by itself. OverflowError when both
   * balances together leave 64 bits.
   */
  createOrder(request: OrderRequest): Promise<Placed<OrderResult>>
  /** An order that was made before, perhaps before a restart of the wallet. Asks nothing yet. */
  order(id: string): OrderHandle<OrderResult>
}

/** Calls the LSP of `client`; a connection that breaks and comes back is the transport's business. */
export function orderClient({ client, clock }: { readonly client: RpcClient; readonly clock: Clock }): OrderClient {
  const getInfo = (signal: AbortSignal) => callAs(client, lsps1, 'lsps1.get_info', {}, { signal })
  return {
    getInfo,
    async createOrder({ order: params, maxFee, largeChannels, signal }) {
      const capacity = sat(params.lsp_balance_sat + params.client_balance_sat)
      if (isLargeChannel(capacity) && largeChannels !== 'both-support') {
        throw new OrderError({ code: 'large-channel', capacity })
      }
      const mismatch = checkOrder(await getInfo(signal), params)
      if (mismatch !== undefined) {
        throw new OrderError({ code: 'option-mismatch', property: mismatch.property, said: mismatch.message })
      }
      const order = await callAs(client, lsps1, 'lsps1.create_order', params, { signal })
      const { client_balance_sat: clientBalance, refund_onchain_address: refundAddress } = params
      const wrong = wrongEcho(params, order) ?? wrongPayment(order.payment, { clientBalance, refundAddress })
      if (wrong !== undefined) throw new OrderError({ code: 'bad-answer', what: wrong })
      const options = payableOptions(order.payment, { now: clock.now(), refundAddress })
      return { order, options: withinCap(options, maxFee) }
    },
    order: (id) => orderHandle(id, channelOrders(client), clock),
  }
}

const encodeOrder = createEncoder(OrderResult)

function channelOrders(client: RpcClient): Kind<OrderResult> {
  return {
    ask: (order_id, signal) => callAs(client, lsps1, 'lsps1.get_order', { order_id }, { signal, orderId: order_id }),
    textOf: (order) => JSON.stringify(encodeOrder(order)),
    impossibleChange,
  }
}

function wrongEcho(params: CreateOrderParams, order: OrderResult): string | undefined {
  const { token, ...asked } = echoOf(params)
  const changed = changedField(asked, order)
  if (changed !== undefined) return `${changed.what} is ${changed.after}, ordered was ${changed.before}`
  const sameToken = hasToken(token) ? order.token === token : !hasToken(order.token)
  return sameToken ? undefined : 'token is not the one that was sent'
}
