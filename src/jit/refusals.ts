import { formatDatetime } from '../../lsps/base/datetime.ts'
import type { Handlers } from '../../lsps/base/method.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { lsps2 } from '../../lsps/lsps2/methods.ts'
import { RpcFault } from '../../lsps/rpc/fault.ts'
import type { RefusedRequest } from '../journal/decisions.ts'

type Jit = Handlers<typeof lsps2, { readonly peer: NodeId }>
type Offer = Parameters<Jit['lsps2.buy']>[1]['opening_fee_params']

/** The same handlers; every fault for the peer is told, with the numbers that led to it. A token's text is not. */
export function tellRefusals(handlers: Jit, onRefused: (refused: RefusedRequest) => void): Jit {
  const told = (peer: NodeId, method: string, inputs: RefusedRequest['inputs'], error: unknown) => {
    if (!(error instanceof RpcFault)) return
    const { message } = error.data ?? {}
    const why = typeof message === 'string' ? message : error.message
    onRefused({ peer, method, code: error.code, why, inputs })
  }
  return {
    'lsps2.get_info': async (context, params) => {
      try {
        return await handlers['lsps2.get_info'](context, params)
      } catch (error) {
        told(context.peer, 'lsps2.get_info', {}, error)
        throw error
      }
    },
    'lsps2.buy': async (context, params) => {
      try {
        return await handlers['lsps2.buy'](context, params)
      } catch (error) {
        const { opening_fee_params: offer, payment_size_msat: size } = params
        const payment: Record<string, string> = size === undefined ? {} : { payment_msat: `${size}` }
        told(context.peer, 'lsps2.buy', { ...termsOf(offer), ...payment }, error)
        throw error
      }
    },
  }
}

function termsOf(offer: Offer): Record<string, string> {
  return {
    min_fee_msat: `${offer.min_fee_msat}`,
    proportional: `${offer.proportional}`,
    valid_until: formatDatetime(offer.valid_until),
  }
}
