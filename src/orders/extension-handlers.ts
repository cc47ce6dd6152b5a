import { isAddressOf } from '../../lsps/base/address.ts'
import { satPerKwFromVbyte } from '../../lsps/base/fee-rate.ts'
import type { Handlers } from '../../lsps/base/method.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { hasToken } from '../../lsps/lsps1/rules.ts'
import { type lsps7, lsps7Faults } from '../../lsps/lsps7/methods.ts'
import { checkExtension } from '../../lsps/lsps7/rules.ts'
import type { CreateExtensionParams, ExtensionResult } from '../../lsps/lsps7/schema.ts'
import { clientRejected, invalidParams } from '../../lsps/rpc/fault.ts'
import { extendableOf, type LeaseLimits, type LeaseTimes } from './extension-leases.ts'
import { extensionView } from './extension-view.ts'
import { BEING_EXTENDED, type Extensions, type WantedExtension } from './extensions.ts'
import {
  asking,
  isOrderId,
  isVisible,
  type OrdersHandlersConfig,
  type OrdersHandlersDeps,
  unpayableOf,
} from './handlers.ts'
import type { Order } from './states.ts'

/** A payment on chain is told to confirm within so many blocks: what `min_fee_for_0conf` asks for. */
const CONFIRMS_WITHIN = 6

export type ExtensionHandlersDeps = Pick<
  OrdersHandlersDeps,
  'orders' | 'tokens' | 'clock' | 'notSelling' | 'feerate' | 'signal'
> & {
  readonly extensions: Pick<Extensions, 'leases' | 'order'>
  /** Of a channel whose lifetime is promised; undefined once it is gone. */
  readonly times: (outpoint: string) => LeaseTimes | undefined
  /** The height of the chain, and how long a channel may be promised from now on. */
  readonly limits: () => LeaseLimits
}

export type ExtensionHandlersConfig = Pick<OrdersHandlersConfig, 'network' | 'discounts' | 'lightning' | 'onchain'>

/** The three methods of LSPS7, for peers: over HTTP nobody knows whose channels somebody asks for. */
export function extensionHandlers(
  deps: ExtensionHandlersDeps,
  config: ExtensionHandlersConfig,
): Handlers<typeof lsps7, { readonly peer: NodeId }> {
  const { orders, extensions, limits } = deps

  /** Clients poll it: lnd is not asked. */
  const seen = (order: Order): ExtensionResult | undefined => {
    const { purpose } = order.terms
    return purpose.type === 'extension' ? extensionView(order, purpose, deps.times(purpose.outpoint)) : undefined
  }

  return {
    'lsps7.get_extendable_channels': async ({ peer }) => {
      const leases = await asking(() => extensions.leases(peer))
      return { extendable_channels: leases.map((lease) => extendableOf(lease, limits())) }
    },

    'lsps7.create_order': async ({ peer }, params) => {
      const order = await asking(async () => extensions.order(await judge(deps, config, peer, params)))
      if (order === undefined) throw clientRejected(BEING_EXTENDED)
      const view = seen(order)
      if (view === undefined) throw new Error(`order ${order.terms.id} is no extension`)
      return view
    },

    'lsps7.get_order': async ({ peer }, { order_id: id }) => {
      const order = isOrderId(id) ? await orders.get(id) : undefined
      const isOwn = order !== undefined && isVisible(order, { kind: 'peer', nodeId: peer })
      const view = isOwn ? seen(order) : undefined
      if (view === undefined) throw lsps7Faults.notFound()
      return view
    },
  }
}

/** In this order, as for LSPS1: -32602, 1, 100, 102 (L7-04). Nothing is made before all of it holds. */
async function judge(
  deps: ExtensionHandlersDeps,
  config: ExtensionHandlersConfig,
  client: NodeId,
  params: CreateExtensionParams,
): Promise<WantedExtension> {
  const { orders, extensions, limits, tokens, clock, notSelling } = deps
  const { refund_onchain_address: refundAddress, token, channel_extension_expiry_blocks: blocks } = params
  if (refundAddress !== undefined && !isAddressOf(refundAddress, config.network)) {
    const message = `not an address of ${config.network}`
    throw invalidParams({ unrecognized: [], property: 'refund_onchain_address', message })
  }
  const refusal = notSelling() ?? orders.rejection(client)
  if (refusal !== undefined) throw clientRejected(refusal)
  const leases = await extensions.leases(client)
  const mismatch = checkExtension(
    leases.map((lease) => extendableOf(lease, limits())),
    params,
  )
  const lease = leases.find(({ scid }) => scid === params.short_channel_id)
  if (mismatch !== undefined) throw lsps7Faults.optionMismatch(mismatch)
  if (lease === undefined) throw new Error(`channel ${params.short_channel_id} passed its check and is not there`)
  const tokenName = hasToken(token) ? tokens.nameOf(token, clock.now()) : undefined
  if (hasToken(token) && tokenName === undefined) throw lsps7Faults.unrecognizedToken()
  const onchain = refundAddress === undefined ? undefined : await onchainOf(deps, config)
  const unpayable = unpayableOf(config, onchain)
  if (unpayable !== undefined) throw clientRejected(unpayable)
  return {
    lease,
    blocks,
    discountPpm: tokenName === undefined ? undefined : config.discounts.get(tokenName),
    ...(token === undefined ? {} : { token }),
    ...(tokenName === undefined ? {} : { tokenName }),
    ...(refundAddress === undefined ? {} : { refundAddress }),
    ...(onchain === undefined ? {} : { onchain }),
  }
}

/** Deep as for any order; without a confirmation up to what the operator risks: `order` looks at the price (L7-07). */
async function onchainOf(
  { feerate, signal }: Pick<ExtensionHandlersDeps, 'feerate' | 'signal'>,
  { onchain }: Pick<OrdersHandlersConfig, 'onchain'>,
): Promise<WantedExtension['onchain']> {
  if (onchain === undefined) return undefined
  const { confirmations, zeroConfPerOrder } = onchain
  const satPerVbyte = zeroConfPerOrder > 0n ? await feerate(CONFIRMS_WITHIN, signal) : undefined
  if (satPerVbyte === undefined) return { confirmations }
  return { confirmations, zeroConf: { upTo: zeroConfPerOrder, minFee: satPerKwFromVbyte(satPerVbyte) } }
}
