import { type BitcoinNetwork, isAddressOf } from '../../lsps/base/address.ts'
import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import { satPerKwFromVbyte } from '../../lsps/base/fee-rate.ts'
import type { Handlers } from '../../lsps/base/method.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type lsps1, lsps1Faults, type Mismatch } from '../../lsps/lsps1/methods.ts'
import { checkOrder, hasToken, isLargeChannel, OPTION_SUPPORT_LARGE_CHANNEL } from '../../lsps/lsps1/rules.ts'
import type { CreateOrderParams, Lsps1Options, OrderResult } from '../../lsps/lsps1/schema.ts'
import { clientRejected, invalidParams } from '../../lsps/rpc/fault.ts'
import { SidecarError } from '../kernel/errors.ts'
import type { Tokens } from '../kernel/tokens.ts'
import { type Price, type PricingRule, priceOf } from './pricing.ts'
import type { NewOrder, OrdersService } from './service.ts'
import type { Order } from './states.ts'
import { viewOf } from './view.ts'

/** Who asks. What somebody says over HTTP to be is proven by nothing. */
export type Caller =
  | { readonly kind: 'peer'; readonly nodeId: NodeId }
  | { readonly kind: 'http'; readonly publicKey?: NodeId }

export type OrdersHandlersDeps = {
  readonly orders: Pick<OrdersService, 'place' | 'get' | 'rejection'>
  readonly options: { readonly current: () => Lsps1Options }
  readonly tokens: Tokens
  readonly clock: Clock
  /** Why nothing is sold to anybody now, for the client to read; undefined when it is. */
  readonly notSelling: () => string | undefined
  /** Why this client is not served now, beside what the orders themselves say; undefined when it is. */
  readonly rejection: (client: NodeId) => string | undefined
  /** The largest channel that could be opened now, in sat. */
  readonly largestChannel: () => Sat
  /** Satoshi per virtual byte for a transaction that confirms within so many blocks; undefined while it is unknown. */
  readonly feerate: (blocks: number, signal: AbortSignal) => Promise<number | undefined>
  /** Feature bits of a peer; undefined while it is not connected. */
  readonly featuresOf: (client: NodeId, signal: AbortSignal) => Promise<readonly number[] | undefined>
  /** Ends every wait. */
  readonly signal: AbortSignal
}

export type OrdersHandlersConfig = {
  readonly network: BitcoinNetwork
  readonly pricing: PricingRule
  /** By the name of a token: what it takes off a price, in millionths. */
  readonly discounts: ReadonlyMap<string, PricingRule['marginPpm']>
  /** Whether payments by Lightning are taken. */
  readonly lightning: 'taken' | 'not-taken'
  /** How deep a payment on chain must be; absent: none is taken. */
  readonly onchain?: { readonly confirmations: number; readonly zeroConfPerOrder: Sat }
}

/** The three methods of bLIP-51, for peers and over HTTP alike. */
export function ordersHandlers(deps: OrdersHandlersDeps, config: OrdersHandlersConfig): Handlers<typeof lsps1, Caller> {
  const { orders, options } = deps
  return {
    'lsps1.get_info': async () => options.current(),

    'lsps1.create_order': (caller, params) =>
      asking(async () => seen(await orders.place(await judge(deps, config, caller, params), deps.signal))),

    'lsps1.get_order': async (caller, { order_id: id }) => {
      const order = isOrderId(id) ? await orders.get(id) : undefined
      const view = order !== undefined && isVisible(order, caller) ? viewOf(order) : undefined
      if (view === undefined) throw lsps1Faults.notFound()
      return view
    },
  }
}

/**
 * What needs an answer of lnd to be answered.
 * @throws RpcFault 1 while lnd is away: the client may try again
 */
export async function asking<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof SidecarError && error.retryable)) throw error
    throw clientRejected('the node does not answer at the moment, try again later')
  }
}

const ORDER_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whatever else somebody sends is no order of ours, and never reaches the database (L1-52). */
export function isOrderId(id: string): boolean {
  return ORDER_ID.test(id)
}

/** An order is shown to the peer that made it; one that was made over HTTP to whoever knows its id there (L1-52). */
export function isVisible({ terms }: Order, caller: Caller): boolean {
  if (caller.kind === 'http') return terms.origin === 'http'
  return terms.origin === 'peer' && terms.client === caller.nodeId
}

function seen(order: Order): OrderResult {
  const view = viewOf(order)
  if (view === undefined) throw new Error(`order ${order.terms.id} is no order of a channel`)
  return view
}

/** In this order: -32602, 1, 100, 102 (L1-33). Nothing is made or written down before all of it holds (L1-35). */
async function judge(
  deps: OrdersHandlersDeps,
  config: OrdersHandlersConfig,
  caller: Caller,
  params: CreateOrderParams,
): Promise<NewOrder> {
  const { clock, tokens, options, largestChannel } = deps
  checkFields(params, config)
  const client = clientOf(caller)
  const refusal = refusalOf(deps, caller, client)
  if (refusal !== undefined) throw clientRejected(refusal)
  const mismatch = checkOrder(options.current(), params) ?? (await tooLarge(deps, client, params))
  if (mismatch !== undefined) throw lsps1Faults.optionMismatch(mismatch)
  const tokenName = hasToken(params.token) ? tokens.nameOf(params.token, clock.now()) : undefined
  if (hasToken(params.token) && tokenName === undefined) throw lsps1Faults.unrecognizedToken()

  const capacity = capacityOf(params)
  if (capacity > largestChannel()) throw clientRejected('no channel of this size can be opened now, try again later')
  const satPerVbyte = await deps.feerate(params.funding_confirms_within_blocks, deps.signal)
  if (satPerVbyte === undefined) throw clientRejected('no channel can be priced now, try again later')
  const price = priceFor(config, params, tokenName, satPerVbyte)
  const onchain =
    params.refund_onchain_address === undefined ? undefined : onchainOf(config, params, price, satPerVbyte)
  const unpayable = unpayableOf(config, onchain)
  if (unpayable !== undefined) throw clientRejected(unpayable)
  return {
    client,
    origin: caller.kind,
    purpose: {
      type: 'channel',
      lspBalance: params.lsp_balance_sat,
      clientBalance: params.client_balance_sat,
      confirmations: params.required_channel_confirmations,
      confirmsWithin: params.funding_confirms_within_blocks,
      expiryBlocks: params.channel_expiry_blocks,
      announce: params.announce_channel,
    },
    ...(params.token === undefined ? {} : { token: params.token }),
    ...(tokenName === undefined ? {} : { tokenName }),
    ...(params.refund_onchain_address === undefined ? {} : { refundAddress: params.refund_onchain_address }),
    price,
    ...(onchain === undefined ? {} : { onchain }),
  }
}

/** Why nobody could pay for an order: each has one way at least (L1-45). */
export function unpayableOf(
  { lightning }: Pick<OrdersHandlersConfig, 'lightning'>,
  onchain: object | undefined,
): string | undefined {
  if (lightning === 'taken' || onchain !== undefined) return undefined
  return 'name a refund_onchain_address: payments are taken on chain only'
}

/** What the codec of the parameters cannot know (L1-16, L1-23). */
function checkFields(params: CreateOrderParams, { network }: OrdersHandlersConfig): void {
  const address = params.refund_onchain_address
  if (address !== undefined && !isAddressOf(address, network)) {
    const message = `not an address of ${network}`
    throw invalidParams({ unrecognized: [], property: 'refund_onchain_address', message })
  }
  if (params.announce_channel && params.required_channel_confirmations === 0) {
    const message = 'an announced channel needs at least one confirmation'
    throw invalidParams({ unrecognized: [], property: 'announce_channel', message })
  }
}

function clientOf(caller: Caller): NodeId {
  const client = caller.kind === 'peer' ? caller.nodeId : caller.publicKey
  if (client === undefined) throw invalidParams({ unrecognized: [], property: 'public_key', message: 'required' })
  return client
}

/** Over HTTP nobody is kept from ordering by what somebody else did under the same name. */
function refusalOf(deps: OrdersHandlersDeps, caller: Caller, client: NodeId): string | undefined {
  const whose = caller.kind === 'peer' ? client : undefined
  return deps.notSelling() ?? deps.orders.rejection(whose) ?? deps.rejection(client)
}

function capacityOf({ lsp_balance_sat, client_balance_sat }: CreateOrderParams): Sat {
  return sat(lsp_balance_sat + client_balance_sat)
}

/** Better now than after it was paid: a peer without large channels refuses one (L1-21). */
async function tooLarge(
  { featuresOf, signal }: OrdersHandlersDeps,
  client: NodeId,
  params: CreateOrderParams,
): Promise<Mismatch | undefined> {
  if (!isLargeChannel(capacityOf(params))) return undefined
  const features = await featuresOf(client, signal)
  if (features?.some((bit) => OPTION_SUPPORT_LARGE_CHANNEL.includes(bit)) === true) return undefined
  const message =
    features === undefined
      ? 'connect first: your node has to support large channels'
      : 'your node supports no large channels'
  return { property: 'max_channel_balance_sat', message }
}

function priceFor(
  { pricing, discounts }: OrdersHandlersConfig,
  params: CreateOrderParams,
  tokenName: string | undefined,
  satPerVbyte: number,
): Price {
  return priceOf(pricing, {
    lspBalance: params.lsp_balance_sat,
    clientBalance: params.client_balance_sat,
    blocks: params.channel_expiry_blocks,
    satPerVbyte,
    discountPpm: tokenName === undefined ? undefined : discounts.get(tokenName),
  })
}

/** Without a confirmation only what the operator risks, and never when a balance is pushed. */
function onchainOf(
  { onchain }: OrdersHandlersConfig,
  params: CreateOrderParams,
  { fee }: Price,
  satPerVbyte: number,
): NewOrder['onchain'] {
  if (onchain === undefined) return undefined
  const risk = onchain.zeroConfPerOrder
  const mayRisk = risk > 0n && params.client_balance_sat === 0n && fee <= risk
  if (!mayRisk) return { confirmations: onchain.confirmations }
  return { confirmations: 0, minFeeFor0conf: satPerKwFromVbyte(satPerVbyte) }
}
