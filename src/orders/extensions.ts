import { type Ppm, type Sat, sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Extended } from './effects.ts'
import { type Lease, newExpiryHeight } from './extension-leases.ts'
import { BLOCK_MS } from './opening.ts'
import { type Price, type PricingRule, priceOf } from './pricing.ts'
import type { NewOrder, OrdersService } from './service.ts'
import type { Order, Purpose, Terms } from './states.ts'

/** Said to a client whose earlier extension of the same channel is being paid (L7-08). */
export const BEING_EXTENDED = 'an extension of this channel is being paid, order again when it is done'
/** Why an order was given up for a newer one of the same channel (L7-08). */
export const REPLACED = 'replaced by a newer order for the same channel'

type ExtensionPurpose = Extract<Purpose, { type: 'extension' }>

export type ExtensionsDeps = {
  readonly orders: Pick<OrdersService, 'live' | 'place' | 'cancel'>
  /** Channels of this client that were sold here and stand. Asks lnd. */
  readonly leases: (client: NodeId, signal: AbortSignal) => Promise<readonly Lease[]>
  readonly height: () => number
  readonly clock: Clock
  readonly pricing: PricingRule
  /** Ends every wait. */
  readonly signal: AbortSignal
}

/** What is asked for, checked against the lease. */
export type WantedExtension = Pick<NewOrder, 'token' | 'tokenName' | 'refundAddress'> & {
  readonly lease: Lease
  readonly blocks: number
  readonly discountPpm?: Ppm | undefined
  /** How deep a payment on chain must be, and up to which price none need be; absent: none is taken. */
  readonly onchain?: {
    readonly confirmations: number
    readonly zeroConf?: { readonly upTo: Sat; readonly minFee: number }
  }
}

/** Longer lives of channels that were sold here (LSPS7): the payment of an order, and the ledger of promises at its end. */
export class Extensions {
  readonly #deps: ExtensionsDeps
  /** By channel: two orders of one at once take turns. */
  readonly #lock = new KeyedLock()

  constructor(deps: ExtensionsDeps) {
    this.#deps = deps
  }

  leases(client: NodeId): Promise<readonly Lease[]> {
    return this.#deps.leases(client, this.#deps.signal)
  }

  /**
   * A new order. An earlier one of the same channel that nobody has paid is given up; while one is being paid there is
   * no other (L7-08): undefined then.
   */
  order({ lease, blocks, discountPpm, onchain, ...wanted }: WantedExtension): Promise<Order | undefined> {
    const { orders, height, pricing, signal } = this.#deps
    const { outpoint, scid, client, capacity } = lease
    return this.#lock.run(outpoint, async () => {
      const earlier = [...orders.live.values()].filter((order) => isExtensionOf(order, outpoint) && isOpen(order))
      if (earlier.some(isBeingPaid)) return undefined
      for (const { terms } of earlier) await orders.cancel(terms.id, REPLACED)
      const expiry = newExpiryHeight(lease, height(), blocks)
      const purpose: ExtensionPurpose = { type: 'extension', outpoint, scid, blocks, newExpiryHeight: expiry }
      // Nothing is opened and nothing closed for it: what it costs is that the capacity stays bound.
      const priced = { lspBalance: capacity, clientBalance: sat(0n), blocks, satPerVbyte: 0, discountPpm }
      const price = priceOf(pricing, priced)
      const paidOnchain = onchain === undefined ? {} : { onchain: depthOf(onchain, price) }
      return orders.place({ ...wanted, ...paidOnchain, client, origin: 'peer', purpose, price }, signal)
    })
  }

  /** Whether a channel that was paid for again can stay: on disk only with the order's completion, once (L7-06). */
  async extend({ client, purpose }: Terms): Promise<Extended> {
    if (purpose.type !== 'extension') return { refused: 'it is no extension' }
    const lease = (await this.leases(client)).find(({ outpoint }) => outpoint === purpose.outpoint)
    if (lease === undefined) return { refused: `channel ${purpose.scid} is closed or closes` }
    const from = Math.max(lease.until, this.#deps.clock.now())
    return { expiresAt: (from + purpose.blocks * BLOCK_MS) as Timestamp, fundedAt: lease.fundedAt }
  }
}

function depthOf(
  { confirmations, zeroConf }: NonNullable<WantedExtension['onchain']>,
  { fee }: Price,
): NonNullable<NewOrder['onchain']> {
  if (zeroConf === undefined || fee > zeroConf.upTo) return { confirmations }
  return { confirmations: 0, minFeeFor0conf: zeroConf.minFee }
}

function isExtensionOf({ terms: { purpose } }: Order, outpoint: string): boolean {
  return purpose.type === 'extension' && purpose.outpoint === outpoint
}

function isOpen({ tag }: Order): boolean {
  return tag !== 'completed' && tag !== 'failed'
}

/** A payment is here, or on its way: in no block yet, or not all of it. */
function isBeingPaid({ tag, payment }: Order): boolean {
  return tag !== 'created' || payment.invoice === 'held' || payment.deposits.length > 0
}
