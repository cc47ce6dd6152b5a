import { listen } from './link.ts'
import { product } from './product.ts'

/**
 * The lower bound of answering: each message is read as the product reads it, one JSON object in UTF-8, and answered with
 * a fixed text of the same length as the product's. No limits, no methods, no orders, and no simulated node between.
 */

export type BareAnswer = { readonly type: 'ready' }
export type BareOptions = { readonly socket: string; readonly result: string }

async function main({ socket, result }: BareOptions): Promise<void> {
  const { decodePayload } = await product<typeof import('../../lsps/rpc/framing.ts')>('lsps/rpc/framing')
  const { link } = await listen(socket, (peer, payload) => {
    const decoded = decodePayload(payload)
    if (!('object' in decoded)) throw new Error(decoded.bad)
    const { id } = decoded.object
    out?.send(peer, Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`))
  })
  process.once('disconnect', () => process.exit()) // never outlives the benchmark
  process.send?.({ type: 'ready' } satisfies BareAnswer)
  const out = await link
}

await main(JSON.parse(process.argv[2] ?? '') as BareOptions)
