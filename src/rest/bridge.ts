import type { Clock } from '../../lsps/base/clock.ts'
import { parseDatetime, type Timestamp } from '../../lsps/base/datetime.ts'
import { type NodeId, parseNodeId } from '../../lsps/base/node-id.ts'
import { clientRejected, invalidParams, type RpcFault } from '../../lsps/rpc/fault.ts'
import { isJsonObject, type JsonObject } from '../../lsps/rpc/framing.ts'
import type { RpcServer } from '../../lsps/rpc/server.ts'
import { type Answer, faultAnswer } from './answers.ts'
import type { HttpCaller, RestConfig, RestPort } from './port.ts'
import { UnpaidOrders } from './unpaid-orders.ts'

/** There is no id in HTTP; the log names the method. */
const REQUEST_ID = 'http'

export type Bridge = {
  readonly getInfo: (caller: HttpCaller) => Promise<Answer>
  readonly createOrder: (caller: HttpCaller, body: unknown) => Promise<Answer>
  readonly getOrder: (caller: HttpCaller, query: unknown) => Promise<Answer>
}

/** The three calls of LSPS1 as wallets make them over HTTP: the same handlers as for peers, and bounds of its own. */
export function createBridge(
  {
    server,
    uris,
    clock,
  }: { readonly server: RpcServer<HttpCaller>; readonly uris: RestPort['uris']; readonly clock: Clock },
  config: Pick<RestConfig, 'maxUnpaidPerAddress' | 'maxUnpaidPerPublicKey'>,
): Bridge {
  const unpaid = new UnpaidOrders({
    perAddress: config.maxUnpaidPerAddress,
    perPublicKey: config.maxUnpaidPerPublicKey,
  })

  const call = (caller: HttpCaller, method: string, params: unknown) =>
    server.call(caller, { type: 'request', id: REQUEST_ID, method, params })

  async function ask(caller: HttpCaller, method: string, params: unknown): Promise<Answer> {
    const outcome = await call(caller, method, params)
    return 'fault' in outcome ? faultAnswer(outcome.fault) : { status: 200, body: outcome.result as JsonObject }
  }

  /** Those in the way are looked at first: a wallet that paid does not have to tell us so. */
  async function placeFor(caller: HttpCaller, publicKey: NodeId) {
    const orderer = { address: caller.address, publicKey }
    const first = unpaid.reserve(orderer, clock.now())
    if (!('refusal' in first)) return first
    for (const orderId of first.inTheWay) {
      const outcome = await call(caller, 'lsps1.get_order', { order_id: orderId })
      if ('fault' in outcome || !waitsForPayment(outcome.result)) unpaid.settle(orderer, orderId)
    }
    return unpaid.reserve(orderer, clock.now())
  }

  return {
    async getInfo(caller) {
      const { status, body } = await ask(caller, 'lsps1.get_info', {})
      return { status, body: status === 200 ? { ...body, uris: uris() } : body }
    },

    async createOrder(caller, body) {
      if (!isJsonObject(body)) return faultAnswer(invalid('', 'send a JSON object'))
      const { public_key: key, ...params } = body
      const publicKey = typeof key === 'string' ? parseNodeId(key) : undefined
      if (publicKey === undefined) {
        return faultAnswer(invalid('public_key', key === undefined ? 'required' : 'not a compressed public key in hex'))
      }
      const place = await placeFor(caller, publicKey)
      if ('refusal' in place) return faultAnswer(clientRejected(place.refusal))
      const outcome = await call({ ...caller, publicKey }, 'lsps1.create_order', params)
      if ('fault' in outcome) {
        place.given()
        return faultAnswer(outcome.fault)
      }
      const order = outcome.result as JsonObject
      const { order_id: orderId } = order
      if (typeof orderId === 'string' && waitsForPayment(order)) place.made(orderId, payableUntil(order, clock.now()))
      else place.given()
      return { status: 200, body: order }
    },

    getOrder(caller, query) {
      return ask(caller, 'lsps1.get_order', isJsonObject(query) ? query : {})
    },
  }
}

function invalid(property: string, message: string): RpcFault {
  return invalidParams({ unrecognized: [], ...(property === '' ? {} : { property }), message })
}

function paymentOptions(order: unknown): readonly JsonObject[] {
  if (!isJsonObject(order)) return []
  const { payment } = order
  return isJsonObject(payment) ? Object.values(payment).filter(isJsonObject) : []
}

/** Whether an order, as it is told, can still be paid and was not. */
function waitsForPayment(order: unknown): boolean {
  return paymentOptions(order).some(({ state }) => state === 'EXPECT_PAYMENT') && !paymentOptions(order).some(isPaid)
}

function isPaid({ state }: JsonObject): boolean {
  return state === 'HOLD' || state === 'PAID'
}

/** The last moment at which one of its options can be paid. */
function payableUntil(order: unknown, now: Timestamp): Timestamp {
  const ends = paymentOptions(order).map(({ expires_at: end }) =>
    typeof end === 'string' ? parseDatetime(end) : undefined,
  )
  return Math.max(now, ...ends.filter((end) => end !== undefined)) as Timestamp
}
