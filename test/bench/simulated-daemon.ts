import type { LndPort } from '../../src/lnd/port.ts'
import { listen } from './link.ts'
import { coreWaitMs } from './machine.ts'
import { benchConfig } from './node-setup.ts'
import { OfferFeed } from './offer-feed.ts'
import { product } from './product.ts'
import { simulated } from './simulated.ts'

/**
 * The sidecar with its database on disk, on the simulated node, in a process of its own: peers come in over a socket,
 * each message through the simulated node's stream. The benchmark drives it from another process, so that neither
 * takes time of the other's event loop, and so that it can be killed.
 */

export type DaemonOptions = {
  readonly folder: string
  readonly socket: string
  readonly peers: number
  /** The config's `peer`; otherwise limits that no honest load reaches. */
  readonly limits?: object
  /** The config's `orders`; otherwise there are none. */
  readonly orders?: object
}
export type Command =
  | { readonly type: 'offers'; readonly perSecond: number; readonly ms: number }
  | { readonly type: 'core-wait' }
  | { readonly type: 'invoices' }
export type Answer =
  | { readonly type: 'ready' }
  | { readonly type: 'offers'; readonly latencies: Float64Array }
  | { readonly type: 'core-wait'; readonly ms: number }
  /** How long the node took to make each hold invoice, by its text. */
  | { readonly type: 'invoices'; readonly ms: ReadonlyMap<string, number> }

const LSPS_MESSAGE_TYPE = 37_913

async function main(options: DaemonOptions): Promise<void> {
  const { world, start } = await simulated()
  const wallets = Array.from({ length: options.peers }, () => world.addWallet())
  for (const wallet of wallets) wallet.connect()
  const feed = new OfferFeed(await product<typeof import('../../src/lnd/interceptor.ts')>('src/lnd/interceptor'))
  const node = world.attach()
  const invoices = new Map<string, number>()
  const lnd: LndPort = {
    ...node,
    interceptHtlcs: (onOffer, signal) => feed.intercept(onOffer, signal),
    addHoldInvoice: async (request, signal) => {
      const start = performance.now()
      const invoice = await node.addHoldInvoice(request, signal)
      invoices.set(invoice, performance.now() - start)
      return invoice
    },
  }
  const { folder, limits: peer, orders } = options
  const changes = { ...(peer === undefined ? {} : { peer }), ...(orders === undefined ? {} : { orders }) }
  await start(await benchConfig(folder, changes), { folder, lnd })

  const { link } = await listen(options.socket, (peer, payload) => wallets[peer]?.send(LSPS_MESSAGE_TYPE, payload))
  process.on('message', (command: Command) => {
    if (command.type === 'core-wait') tell({ type: 'core-wait', ms: coreWaitMs() })
    else if (command.type === 'invoices') tell({ type: 'invoices', ms: invoices })
    else void feed.run(command).then((latencies) => tell({ type: 'offers', latencies }))
  })
  process.once('disconnect', () => process.exit()) // never outlives the benchmark
  tell({ type: 'ready' })
  const out = await link
  wallets.forEach((wallet, peer) => {
    wallet.onCustomMessage((_type, data) => out.send(peer, data))
  })
}

function tell(answer: Answer): void {
  process.send?.(answer)
}

await main(JSON.parse(process.argv[2] ?? '') as DaemonOptions)
