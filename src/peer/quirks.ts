import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Request } from '../../lsps/rpc/message.ts'
import { Recent } from '../kernel/recent.ts'

/** Peers whose client library was recognised; the one recognised first is forgotten first. */
export const MAX_RECOGNISED_PEERS = 100_000

/** Request ids of lightning-liquidity: 16 random bytes in hex. */
const LIGHTNING_LIQUIDITY_ID = /^[0-9a-f]{32}$/

/**
 * What is done differently for whom, each with how the client is recognised (decisions D4, D7):
 *
 * | client | recognised by | difference | source |
 * |---|---|---|---|
 * | lightning-liquidity (LDK, ldk-node) | `"token": null` in `lsps2.get_info` and ids of its shape | `error.data` is left out: its type there is a string, an object makes it ignore us until it reconnects | L0-14, L0-39 |
 */
export class Quirks {
  readonly #lightningLiquidity = new Recent<NodeId, true>(MAX_RECOGNISED_PEERS)

  observe(peer: NodeId, request: Request): void {
    if (request.method !== 'lsps2.get_info' || typeof request.id !== 'string') return
    const { params } = request
    const nullToken = typeof params === 'object' && params !== null && 'token' in params && params.token === null
    if (!nullToken || !LIGHTNING_LIQUIDITY_ID.test(request.id)) return
    if (!this.omitsErrorData(peer)) this.#lightningLiquidity.set(peer, true)
  }

  omitsErrorData(peer: NodeId): boolean {
    return this.#lightningLiquidity.get(peer) === true
  }
}
