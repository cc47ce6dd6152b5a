import { utf8ToBytes } from '@noble/hashes/utils.js'
import { isAddressOf, type OnchainAddress } from '../../lsps/base/address.ts'
import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { lsps1, lsps1Faults } from '../../lsps/lsps1/methods.ts'
import { checkOrder, echoOf, echoOfToken, hasToken, zeroConfFee } from '../../lsps/lsps1/rules.ts'
import type { CreateOrderParams, Lsps1Options, OrderResult, Payment } from '../../lsps/lsps1/schema.ts'
import { type OrderEvent, type OrderStates, statesAfter, statesOf } from '../../lsps/lsps1/states.ts'
import { lsps7, lsps7Faults } from '../../lsps/lsps7/methods.ts'
import { checkExtension } from '../../lsps/lsps7/rules.ts'
import type { CreateExtensionParams, ExtendableChannel, ExtensionResult } from '../../lsps/lsps7/schema.ts'
import { clientRejected, invalidParams } from '../../lsps/rpc/fault.ts'
import { createRpcServer, type ReceiveOptions, service } from '../../lsps/rpc/server.ts'
import { NOW, OPTIONS, OUTPOINT, paymentFor } from '../unit/lsps/lsps1/orders.ts'
import { ALICE } from './lsp.ts'

/** The fields of all results that the tests look at. */
type ResultFields = {
  readonly order_id?: unknown
  readonly created_at?: unknown
  readonly payment?: object
  readonly extendable_channels?: unknown
}

/** An answer as a client reads it. */
export type OrderAnswer = {
  readonly id: unknown
  readonly result?: ResultFields
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data?: Readonly<Record<string, unknown>>
  }
}

export type OrderLspConfig = {
  readonly options?: Lsps1Options
  readonly tokens?: readonly string[]
  readonly rejected?: readonly NodeId[]
  /** Of each way to pay, in sat. */
  readonly fees?: { readonly bolt11: Sat; readonly onchain: Sat }
  readonly minConfirmations?: number
  readonly extendable?: Readonly<Record<NodeId, readonly ExtendableChannel[]>>
  /** Spoils what create_order answers, before it is written. */
  readonly spoil?: (order: OrderResult) => OrderResult
  readonly spoilExtension?: (order: ExtensionResult) => ExtensionResult
}

type Context = { readonly peer: NodeId }
type Kept<Order> = { readonly peer: NodeId; readonly order: Order }

const WEEK_MS = 7 * 86_400_000
const HALF_A_YEAR = 26_280
/** Of channels that were bought long ago. */
const FUNDED_AT = (NOW - WEEK_MS) as Timestamp

/** What the states say now, in the payment object. */
function withStates(payment: Payment, { bolt11, onchain }: OrderStates): Payment {
  return {
    ...(payment.bolt11 === undefined || bolt11 === undefined ? {} : { bolt11: { ...payment.bolt11, state: bolt11 } }),
    ...(payment.onchain === undefined || onchain === undefined
      ? {}
      : { onchain: { ...payment.onchain, state: onchain } }),
  }
}

/** The protocol of a server without a node behind it: what it sells is only written down, and happens when a test says so. */
export function createOrderLsp(config: OrderLspConfig = {}) {
  const { options = OPTIONS, tokens = [], rejected = [], minConfirmations = 1, extendable = {} } = config
  const orders = new Map<string, Kept<OrderResult>>()
  const extensions = new Map<string, Kept<ExtensionResult>>()
  const unexpected: unknown[] = []
  const kept = new Map<string, Promise<Uint8Array | undefined>>()

  function paymentOf(clientBalance: Sat, refundAddress: OnchainAddress | undefined): Payment {
    const { bolt11, onchain } = paymentFor(clientBalance, config.fees)
    if (bolt11 === undefined || onchain === undefined) throw new Error('the sample lacks one')
    const { min_fee_for_0conf: feerate } = onchain
    return {
      bolt11,
      ...(refundAddress === undefined
        ? {}
        : {
            onchain: {
              ...onchain,
              min_onchain_payment_confirmations: minConfirmations,
              min_fee_for_0conf: zeroConfFee(minConfirmations, feerate ?? undefined),
              refund_onchain_address: refundAddress,
            },
          }),
    }
  }

  function checkCaller(
    { peer }: Context,
    { token, refund_onchain_address: refund }: Pick<CreateOrderParams, 'token' | 'refund_onchain_address'>,
  ) {
    if (refund !== undefined && !isAddressOf(refund, 'mainnet')) {
      throw invalidParams({ unrecognized: [], property: 'refund_onchain_address', message: 'of another network' })
    }
    if (rejected.includes(peer)) throw clientRejected('not served')
    return () => {
      if (hasToken(token) && !tokens.includes(token)) throw lsps1Faults.unrecognizedToken()
    }
  }

  async function createOrder(context: Context, params: CreateOrderParams): Promise<OrderResult> {
    const checkToken = checkCaller(context, params)
    const mismatch = checkOrder(options, params)
    if (mismatch !== undefined) throw lsps1Faults.optionMismatch(mismatch)
    checkToken()
    const order: OrderResult = {
      order_id: `order-${orders.size}`,
      ...echoOf(params),
      created_at: NOW,
      order_state: 'CREATED',
      payment: paymentOf(params.client_balance_sat, params.refund_onchain_address),
      channel: null,
    }
    orders.set(order.order_id, { peer: context.peer, order })
    return config.spoil?.(order) ?? order
  }

  async function createExtension(context: Context, params: CreateExtensionParams): Promise<ExtensionResult> {
    const checkToken = checkCaller(context, params)
    const channels = extendable[context.peer] ?? []
    const mismatch = checkExtension(channels, params)
    if (mismatch !== undefined) throw lsps7Faults.optionMismatch(mismatch)
    checkToken()
    const { short_channel_id, channel_extension_expiry_blocks } = params
    const until = channels.find((one) => one.short_channel_id === short_channel_id)?.expiration_block ?? 0
    const order: ExtensionResult = {
      order_id: `extension-${extensions.size}`,
      short_channel_id,
      channel_extension_expiry_blocks,
      new_channel_expiry_blocks: until + channel_extension_expiry_blocks,
      token: echoOfToken(params.token),
      created_at: NOW,
      order_state: 'CREATED',
      payment: paymentOf(sat(0n), params.refund_onchain_address),
      channel: { short_channel_id, funded_at: FUNDED_AT, expires_at: (NOW + WEEK_MS) as Timestamp },
    }
    extensions.set(order.order_id, { peer: context.peer, order })
    return config.spoilExtension?.(order) ?? order
  }

  function own<Order>(from: ReadonlyMap<string, Kept<Order>>, { peer }: Context, id: string): Order {
    const found = from.get(id)
    if (found === undefined || found.peer !== peer) throw lsps1Faults.notFound()
    return found.order
  }

  const server = createRpcServer<Context>({
    services: [
      service(lsps1, {
        'lsps1.get_info': async () => options,
        'lsps1.create_order': createOrder,
        'lsps1.get_order': async (context: Context, { order_id }) => own(orders, context, order_id),
      }),
      service(lsps7, {
        'lsps7.get_extendable_channels': async ({ peer }: Context) => ({
          extendable_channels: [...(extendable[peer] ?? [])],
        }),
        'lsps7.create_order': createExtension,
        'lsps7.get_order': async (context: Context, { order_id }) => own(extensions, context, order_id),
      }),
    ],
    onUnexpected: (error) => unexpected.push(error),
  })

  /** Repeated bytes get the first answer again, as from our peer endpoint (L0-44). */
  function answer(text: string, peer: NodeId, receive?: ReceiveOptions): Promise<Uint8Array | undefined> {
    const before = kept.get(peer + text)
    if (before !== undefined) return before
    const now = server.receive({ peer }, utf8ToBytes(text), receive)
    if (text.includes('create_order')) kept.set(peer + text, now)
    return now
  }

  async function send(message: unknown, peer = ALICE, receive?: ReceiveOptions): Promise<OrderAnswer | undefined> {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    const bytes = await answer(text, peer, receive)
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes))
  }

  let calls = 0
  return {
    orders,
    extensions,
    unexpected,
    send,
    call: (method: string, params: unknown, peer = ALICE) =>
      send({ jsonrpc: '2.0', id: `call ${calls++}`, method, params }, peer),
    /** What happened to an order; an event that cannot happen to it is told as undefined and changes nothing. */
    happen(id: string, event: OrderEvent): OrderResult | undefined {
      const found = orders.get(id)
      const states = found === undefined ? undefined : statesAfter(statesOf(found.order), event)
      if (found === undefined || states === undefined) return undefined
      const channel = {
        funded_at: NOW,
        funding_outpoint: OUTPOINT,
        expires_at: (NOW + HALF_A_YEAR * 600_000) as Timestamp,
      }
      const order = {
        ...found.order,
        order_state: states.order,
        payment: withStates(found.order.payment, states),
        channel: states.order === 'COMPLETED' ? channel : null,
      }
      orders.set(id, { peer: found.peer, order })
      return order
    },
    /** Whatever a test wants an order to be. */
    set(order: OrderResult, peer = ALICE) {
      orders.set(order.order_id, { peer, order })
    },
    setExtension(order: ExtensionResult, peer = ALICE) {
      extensions.set(order.order_id, { peer, order })
    },
  }
}

export type OrderLsp = ReturnType<typeof createOrderLsp>

export const SCID = '539268x845x1' as Scid
export const EXTENDABLE: ExtendableChannel = {
  original_order: { id: 'order-0', service: 'LSPS1' },
  short_channel_id: SCID,
  max_channel_extension_expiry_blocks: 13_000,
  expiration_block: 900_000,
}
