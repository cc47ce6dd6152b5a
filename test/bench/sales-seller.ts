import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { authenticatedLndGrpc } from 'lightning'
import type { InterceptorSession } from '../../src/lnd/interceptor.ts'
import type { LndPort } from '../../src/lnd/port.ts'
import type { RawAnswer, RawOffer } from '../../src/lnd/raw.ts'
import { type BareNode, BareSeller, type SaleTerms, type SaleTimes, type Stream } from '../stack/bare-sale.ts'
import { benchConfig } from './node-setup.ts'
import { product } from './product.ts'
import { type SaleTrace, SaleWatch } from './timed-port.ts'

/**
 * The LSP's side of the sale benchmark, in a process of its own as `sluiced` is: the sidecar and the bare script, both
 * on the one interceptor that lnd allows. Offers for a sale of the script go to the script, all others to the sidecar.
 */

export type SellerOptions = {
  readonly folder: string
  readonly socket: string
  readonly certPath: string
  readonly macaroonPath: string
}
export type SellerCommand = { readonly type: 'bare'; readonly terms: SaleTerms } | { readonly type: 'sidecar' }
export type SellerAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'armed' }
  | { readonly type: 'bare-sold'; readonly heldAt: number; readonly times: SaleTimes }
  | { readonly type: 'sold'; readonly trace: SaleTrace }

const CALL_MS = 30_000

const options = JSON.parse(process.argv[2] ?? '') as SellerOptions
const tell = (answer: SellerAnswer) => process.send?.(answer)

/** The node as the bare script sees it: raw clients of the `lightning` package. */
function bareNode(): BareNode {
  const base64 = (path: string) => readFileSync(path).toString('base64')
  const { lnd } = authenticatedLndGrpc({
    cert: base64(options.certPath),
    macaroon: base64(options.macaroonPath),
    socket: options.socket.replace('127.0.0.1', 'localhost'), // TLS names no addresses
  })
  const rpc = lnd as unknown as BareNode['rpc']
  const call = <T>(service: keyof typeof rpc, method: string, request: object = {}) =>
    new Promise<T>((resolve, reject) => {
      rpc[service][method](request, { deadline: Date.now() + CALL_MS }, (error: Error | null, answer: T) => {
        if (error === null) resolve(answer)
        else reject(error)
      })
    })
  return { name: 'lsp', rpc, call, info: () => call('default', 'getInfo') }
}

async function main(): Promise<void> {
  const [{ createLndAdapter }, { createInterceptorSession }, { startSidecar }, { openLevelStore }] = await Promise.all([
    product<typeof import('../../src/lnd/adapter.ts')>('src/lnd/adapter'),
    product<typeof import('../../src/lnd/interceptor.ts')>('src/lnd/interceptor'),
    product<typeof import('../../src/sidecar.ts')>('src/sidecar'),
    product<typeof import('../../src/store/level.ts')>('src/store/level'),
  ])
  const { systemClock } = await product<typeof import('../../src/kernel/clock.ts')>('src/kernel/clock')
  const { systemEntropy } = await product<typeof import('../../src/kernel/entropy.ts')>('src/kernel/entropy')
  const { createLogger } = await product<typeof import('../../src/kernel/logger.ts')>('src/kernel/logger')

  const adapter = createLndAdapter(options)
  const bareSales = new Set<string>()
  const watch = new SaleWatch()
  let session: InterceptorSession | undefined
  let toBare: (offer: RawOffer) => void = () => undefined

  const call = adapter.connection.interceptor()
  call.on('data', (offer) => {
    if (bareSales.has(offer.outgoing_requested_chan_id)) toBare(offer)
    else session?.offer(offer)
  })
  call.on('error', (error) => {
    throw error
  })
  call.on('end', () => undefined)

  const shared: Stream = {
    on: (event, listener) => {
      if (event === 'data') toBare = listener as (offer: RawOffer) => void
      return shared
    },
    write: (message) => call.write(message as RawAnswer),
    cancel: () => undefined,
  }
  const bare = BareSeller.beside(bareNode(), shared)

  const lnd: LndPort = {
    ...watch.port(adapter),
    interceptHtlcs: async (onOffer, signal) => {
      session = createInterceptorSession(
        (answer) => call.write(answer),
        (offer, stream) => onOffer(offer, watch.onOffer(offer, stream)),
      )
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    },
  }
  const { data_dir: folder, ...config } = await benchConfig(options.folder, { log: { level: 'info' } })
  await startSidecar(
    { ...config, data_dir: folder },
    {
      lnd,
      store: watch.store(await openLevelStore(join(options.folder, 'db'))),
      clock: systemClock,
      entropy: systemEntropy,
      log: createLogger({ level: 'warn' }),
      seed: new Uint8Array(32),
      signal: new AbortController().signal,
      onFatal: (error) => {
        throw error
      },
    },
  )

  process.on('message', (command: SellerCommand) => {
    if (command.type === 'sidecar') {
      void watch.next().then((trace) => tell({ type: 'sold', trace }))
    } else {
      bareSales.add(String(command.terms.scid))
      void bare.sell(command.terms).then(({ heldAt, times }) => tell({ type: 'bare-sold', heldAt, times }))
    }
    tell({ type: 'armed' })
  })
  tell({ type: 'ready' })
}

process.once('disconnect', () => process.exit())
await main()
