import { type Sat, sat } from '../base/amount.ts'
import type { Clock } from '../base/clock.ts'
import { createEncoder } from '../base/encoder.ts'
import { changedField } from '../lsps1/changes.ts'
import { OrderError } from '../lsps1/order-error.ts'
import { callAs, type Kind, type OrderHandle, orderHandle, type Placed, withinCap } from '../lsps1/order-handle.ts'
import { payableOptions, wrongPayment } from '../lsps1/payable.ts'
import { hasToken } from '../lsps1/rules.ts'
import type { RpcClient } from '../rpc/client.ts'
import { impossibleExtensionChange } from './changes.ts'
import { lsps7 } from './methods.ts'
import { checkExtension } from './rules.ts'
import { type CreateExtensionParams, type ExtendableChannel, ExtensionResult } from './schema.ts'

/** A longer life for a channel, to be ordered. */
export type ExtensionRequest = {
  readonly order: CreateExtensionParams
  /** The highest fee that the wallet accepts, in sat. */
  readonly maxFee: Sat
  readonly signal: AbortSignal
}

/** Extends channels of one LSP (LSPS7). It never pays: that is for the wallet, after it wrote the order's id down. */
export interface ExtensionClient {
  /** @throws OrderError */
  getExtendableChannels(signal: AbortSignal): Promise<readonly ExtendableChannel[]>
  /**
   * Asks what can be extended, checks the order against it, makes it, and checks the answer: that it is what was
   * ordered, that the channel then lives as long as it should, that each total is the fee, and that a refund would
   * come back to the wallet. Keep `order.order_id` before you pay.
   * @throws OrderError; an order that was made nevertheless is not paid for and ends by itself
   */
  createOrder(request: ExtensionRequest): Promise<Placed<ExtensionResult>>
  /** An extension that was ordered before, perhaps before a restart of the wallet. Asks nothing yet. */
  order(id: string): OrderHandle<ExtensionResult>
}

/** Nothing is pushed to the client (L7-07). */
const NO_BALANCE = sat(0n)

/** Calls the LSP of `client`; a connection that breaks and comes back is the transport's business. */
export function extensionClient({
  client,
  clock,
}: {
  readonly client: RpcClient
  readonly clock: Clock
}): ExtensionClient {
  async function getExtendableChannels(signal: AbortSignal): Promise<readonly ExtendableChannel[]> {
    return (await callAs(client, lsps7, 'lsps7.get_extendable_channels', {}, { signal })).extendable_channels
  }
  return {
    getExtendableChannels,
    async createOrder({ order: params, maxFee, signal }) {
      const channels = await getExtendableChannels(signal)
      const mismatch = checkExtension(channels, params)
      if (mismatch !== undefined) {
        throw new OrderError({ code: 'option-mismatch', property: mismatch.property, said: mismatch.message })
      }
      const order = await callAs(client, lsps7, 'lsps7.create_order', params, { signal })
      const { refund_onchain_address: refundAddress } = params
      const agreement = { clientBalance: NO_BALANCE, refundAddress }
      const wrong = wrongAnswer(params, channels, order) ?? wrongPayment(order.payment, agreement)
      if (wrong !== undefined) throw new OrderError({ code: 'bad-answer', what: wrong })
      const options = payableOptions(order.payment, { now: clock.now(), refundAddress })
      return { order, options: withinCap(options, maxFee) }
    },
    order: (id) => orderHandle(id, extensions(client), clock),
  }
}

const encodeExtension = createEncoder(ExtensionResult)

function extensions(client: RpcClient): Kind<ExtensionResult> {
  return {
    ask: (order_id, signal) => callAs(client, lsps7, 'lsps7.get_order', { order_id }, { signal, orderId: order_id }),
    textOf: (order) => JSON.stringify(encodeExtension(order)),
    impossibleChange: impossibleExtensionChange,
  }
}

function wrongAnswer(
  { short_channel_id, channel_extension_expiry_blocks: blocks, token }: CreateExtensionParams,
  channels: readonly ExtendableChannel[],
  order: ExtensionResult,
): string | undefined {
  const changed = changedField({ short_channel_id, channel_extension_expiry_blocks: blocks }, order)
  if (changed !== undefined) return `${changed.what} is ${changed.after}, ordered was ${changed.before}`
  const sameToken = hasToken(token) ? order.token === token : !hasToken(order.token)
  if (!sameToken) return 'token is not the one that was sent'
  const promised = channels.find((channel) => channel.short_channel_id === short_channel_id)?.expiration_block ?? 0
  const least = promised + blocks
  const height = order.new_channel_expiry_blocks
  return height >= least ? undefined : `new_channel_expiry_blocks is ${height}, and should be ${least} at least`
}
