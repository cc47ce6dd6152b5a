import type { NodeId } from '../../lsps/base/node-id.ts'
import type { TimestampStyle } from '../../lsps/lsps5/signed-text.ts'
import { STANDARD_FAULTS } from '../../lsps/rpc/fault.ts'
import { isJsonObject } from '../../lsps/rpc/framing.ts'
import type { Request, ResponseMessage } from '../../lsps/rpc/message.ts'
import type { ToleratedParams } from '../../lsps/rpc/server.ts'
import { Recent } from '../kernel/recent.ts'

/** One way in which a real client differs from the specs, and what is done about it. */
export type Quirk = {
  /** The client, and the versions that were looked at. */
  readonly client: string
  readonly recognisedBy: string
  readonly difference: string
  /** Where it can be read that the client is so. */
  readonly source: string
}

/** `isLightningLiquidity`, and what `Quirks` sees of answers. */
const RECOGNISED_BY_WHAT_IT_SENDS = 'what it sends'

/**
 * All that is done differently for whom (decisions D4 to D8). What is done for everybody stands here too, since it is
 * done for the sake of one client. Each row has a test by its name in `test/unit/callers/quirks.test.ts`.
 */
export const QUIRKS = {
  'error-data': {
    client: 'lightning-liquidity up to 0.2.7 (LDK, ldk-node)',
    recognisedBy: RECOGNISED_BY_WHAT_IT_SENDS,
    difference: '`error.data` is left out: its type there is a string; at an object it ignores us until it reconnects',
    source: 'lightning-liquidity 0.2.7, src/lsps0/ser.rs: LSPSResponseError (D4, L0-14, L0-39)',
  },
  hold: {
    client: 'lightning-liquidity up to 0.2.7 (LDK, ldk-node)',
    recognisedBy: RECOGNISED_BY_WHAT_IT_SENDS,
    difference: 'the payment state `HOLD` is told as `EXPECT_PAYMENT`: it does not know the word and ignores us then',
    source: 'lightning-liquidity 0.2.7, src/lsps1/msgs.rs: LSPS1PaymentState (D7)',
  },
  'onchain-without-fee': {
    client: 'lightning-liquidity up to 0.2.7 (LDK, ldk-node)',
    recognisedBy: RECOGNISED_BY_WHAT_IT_SENDS,
    difference: '`payment.onchain` is left out unless `min_fee_for_0conf` has a value: it has to be a number there',
    source: 'lightning-liquidity 0.2.7, src/lsps1/msgs.rs: LSPS1OnchainPaymentInfo (D8, L1-74)',
  },
  'notification-time': {
    client: 'lightning-liquidity up to 0.2.7 (LDK, ldk-node)',
    recognisedBy: RECOGNISED_BY_WHAT_IT_SENDS,
    difference: 'times of notifications end in `+00:00`: it writes the time so anew before it verifies the signature',
    source: 'lightning-liquidity 0.2.7, src/lsps5/validator.rs, src/lsps0/ser.rs: LSPSDateTime (D9, L5-44)',
  },
  'token-null': {
    client: 'lightning-liquidity up to 0.2.7 (LDK, ldk-node)',
    recognisedBy: 'nothing: for everybody',
    difference: 'an order echoes `"token": null` as it was sent: ldk-node gives up unless its words come back the same',
    source: 'ldk-node 0.7.1, src/liquidity.rs: lsps1_request_channel (D5, L1-42)',
  },
  'client-info': {
    client: 'ZEUS',
    recognisedBy: 'the parameter itself',
    difference: '`client_info` in `lsps1.create_order` and `lsps7.create_order` is ignored instead of refused',
    source: 'ZeusLN/zeus f39a8ee5, stores/LSPStore.ts and utils/ClientInfoUtils.ts (D6)',
  },
  'blank-refund-address': {
    client: 'ZEUS',
    recognisedBy: 'the parameter itself',
    difference: 'an empty `refund_onchain_address` is no address instead of a bad one: its form starts empty',
    source:
      'ZeusLN/zeus f39a8ee5, views/LSPS1/index.tsx and views/LSPS7/index.tsx: refundOnchainAddress (L1-19, L1-20)',
  },
} as const satisfies Readonly<Record<string, Quirk>>

const ORDER_TOLERANCE = { unknown: ['client_info'], blank: ['refund_onchain_address'] }

/** What is accepted of clients over every transport; rows `client-info` and `blank-refund-address`. */
export const TOLERATED: ToleratedParams = {
  'lsps1.create_order': ORDER_TOLERANCE,
  'lsps7.create_order': ORDER_TOLERANCE,
}

/** Peers whose client library was recognised; the one recognised first is forgotten first. */
export const MAX_RECOGNISED_PEERS = 100_000

/** Its request ids: 16 random bytes in hex. Others have such ids too. */
const LIGHTNING_LIQUIDITY_ID = /^[0-9a-f]{32}$/
/** Nobody else writes the parameters of an order in this order, or a token that there is not as null. */
const LIGHTNING_LIQUIDITY_ORDER = [
  'lsp_balance_sat',
  'client_balance_sat',
  'required_channel_confirmations',
  'funding_confirms_within_blocks',
  'channel_expiry_blocks',
  'token',
  'announce_channel',
].join()
const ITS_REFUND_ADDRESS = ',refund_onchain_address'

const RESULTS_WITH_PAYMENT: ReadonlySet<string> = new Set([
  'lsps1.create_order',
  'lsps1.get_order',
  'lsps7.create_order',
  'lsps7.get_order',
])

/** What an order's payment options say, as far as a quirk looks at it. */
type Payment = {
  readonly bolt11?: { readonly state: string } | undefined
  readonly onchain?: { readonly min_fee_for_0conf?: unknown } | undefined
}

/** Recognises the library of a peer by what it sends, and knows what of an answer it can read. */
export class Quirks {
  readonly #lightningLiquidity = new Recent<NodeId, true>(MAX_RECOGNISED_PEERS)

  observe(peer: NodeId, request: Request): void {
    if (isLightningLiquidity(request)) this.#recognise(peer)
  }

  /** It could not read an answer of ours: whatever it is, it is served as the library that is known for it (L0-12). */
  observeResponse(peer: NodeId, { message }: ResponseMessage): void {
    const { id, error } = message
    if (id !== null || !isJsonObject(error)) return
    const { code } = error
    if (code === STANDARD_FAULTS.parseError.code) this.#recognise(peer)
  }

  /** Undefined: as bLIP-55 says. */
  timestampStyle(peer: NodeId): TimestampStyle | undefined {
    return this.omitsErrorData(peer) ? '+00:00' : undefined
  }

  omitsErrorData(peer: NodeId): boolean {
    return this.#lightningLiquidity.get(peer) === true
  }

  /** The result of a handler as this client can read it. */
  adapt(peer: NodeId, request: Request, result: unknown): unknown {
    if (!RESULTS_WITH_PAYMENT.has(request.method) || !hasPayment(result)) return result
    // After a restart of ours a client that polls sends nothing else that tells it; its order still does.
    if (result.token === null && isItsId(request)) this.#recognise(peer)
    return this.omitsErrorData(peer) ? { ...result, payment: readable(result.payment) } : result
  }

  #recognise(peer: NodeId): void {
    if (!this.omitsErrorData(peer)) this.#lightningLiquidity.set(peer, true)
  }
}

function isItsId({ id }: Request): boolean {
  return typeof id === 'string' && LIGHTNING_LIQUIDITY_ID.test(id)
}

/** By `"token": null`, or by an order whose parameters stand as it writes them; and by the shape of its ids. */
function isLightningLiquidity(request: Request): boolean {
  const { method, params } = request
  if (!isItsId(request) || !isJsonObject(params)) return false
  const { token } = params
  if (method === 'lsps2.get_info') return token === null
  if (method !== 'lsps1.create_order') return false
  const names = Object.keys(params).join()
  return (
    token === null || names === LIGHTNING_LIQUIDITY_ORDER || names === LIGHTNING_LIQUIDITY_ORDER + ITS_REFUND_ADDRESS
  )
}

function hasPayment(result: unknown): result is { readonly token?: unknown; readonly payment: Payment } {
  return typeof result === 'object' && result !== null && 'payment' in result
}

/** Rows `hold` and `onchain-without-fee`. */
function readable({ bolt11, onchain, ...others }: Payment): Payment {
  const known = bolt11?.state === 'HOLD' ? { ...bolt11, state: 'EXPECT_PAYMENT' } : bolt11
  const feeIsTold = typeof onchain?.min_fee_for_0conf === 'number'
  return {
    ...others,
    ...(known === undefined ? {} : { bolt11: known }),
    ...(feeIsTold ? { onchain } : {}),
  }
}
