import type { Timestamp } from '../lsps/base/datetime.ts'
import { scidFromNumber } from '../lsps/base/scid.ts'
import { lsps7 } from '../lsps/lsps7/methods.ts'
import { type Service, service } from '../lsps/rpc/server.ts'
import type { Channel, LndPort } from './lnd/port.ts'
import { extensionHandlers } from './orders/extension-handlers.ts'
import type { Lease, LeaseTimes } from './orders/extension-leases.ts'
import { Extensions } from './orders/extensions.ts'
import type { OrdersHandlersConfig, OrdersHandlersDeps } from './orders/handlers.ts'
import { BLOCK_MS } from './orders/opening.ts'
import type { OrdersService } from './orders/service.ts'
import type { PeerContext } from './peer/endpoint.ts'
import type { Promises } from './promises/ledger.ts'
import { type LifetimePromise, untilHeight } from './promises/states.ts'

/** Where longer lives of channels (LSPS7) meet the ledger of promises and lnd. */

export type ExtendingDeps = Omit<OrdersHandlersDeps, 'orders' | 'rejection' | 'largestChannel' | 'featuresOf'> & {
  readonly orders: OrdersService
  readonly promises: Promises
  readonly lnd: Pick<LndPort, 'listChannels'>
}

export function createExtensions(deps: ExtendingDeps, { pricing }: Pick<OrdersHandlersConfig, 'pricing'>): Extensions {
  const { orders, promises, lnd, clock, signal } = deps
  return new Extensions({
    orders,
    clock,
    pricing,
    signal,
    height: () => promises.moment.height,
    leases: async (client, callSignal) =>
      (await lnd.listChannels(callSignal, client)).flatMap((channel) => {
        const promise = promises.live.get(channel.outpoint)
        return promise === undefined ? [] : leaseOf(promise, channel)
      }),
  })
}

/** The methods of LSPS7 for peers. */
export function extensionService(
  extensions: Extensions,
  deps: ExtendingDeps,
  config: OrdersHandlersConfig,
): Service<PeerContext> {
  const { promises, options } = deps
  const limits = () => ({ height: promises.moment.height, mostBlocks: options.current().max_channel_expiry_blocks })
  const times = (outpoint: string) => {
    const promise = promises.live.get(outpoint)
    return promise && timesOf(promise)
  }
  return service<typeof lsps7, PeerContext>(lsps7, extensionHandlers({ ...deps, extensions, limits, times }, config))
}

/** None before the funding is in a block: until then nobody can say until when the channel stays. */
export function leaseOf(
  promise: LifetimePromise,
  { peer, chanId, capacity }: Pick<Channel, 'peer' | 'chanId' | 'capacity'>,
): readonly Lease[] {
  const until = untilHeight(promise)
  if (until === undefined || promise.peer !== peer) return []
  return [
    {
      outpoint: promise.outpoint,
      scid: scidFromNumber(chanId),
      client: peer,
      capacity,
      source: promise.source,
      extensions: promise.extensions.map(({ order }) => order),
      untilHeight: until,
      ...timesOf(promise),
    },
  ]
}

function timesOf({ notBefore, madeAt, blocks }: LifetimePromise): LeaseTimes {
  return { until: notBefore ?? ((madeAt + blocks * BLOCK_MS) as Timestamp), fundedAt: madeAt }
}
