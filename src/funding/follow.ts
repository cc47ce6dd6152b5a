import { refusedWith } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Channel, Lease, LndPort, PendingChannel } from '../lnd/port.ts'
import { isEmpty } from './closing.ts'
import { transactionId } from './psbt.ts'
import type { ChannelOrder, Funding, FundingEvent, Transaction } from './states.ts'

/** So deep in the chain a transaction counts as final: no reorganisation of the main chain was ever that long. */
export const FINAL_CONFIRMATIONS = 6
/**
 * A withheld funding is published so many blocks before a payment in its channel expires (D27): time for it to get into
 * a block, and the closing of the channel after it. Less than the 18 blocks that wallets leave themselves at least.
 */
export const EXPIRY_MARGIN_BLOCKS = 12

type Standing = Extract<Funding, { tag: 'standing' }>

export type FollowDeps = {
  readonly lnd: LndPort
  readonly log: Log
  readonly leaseSeconds: number
  readonly dispatch: (id: string, event: FundingEvent) => Promise<unknown>
}

/** What lnd lists at one block, each list asked for once. */
type Lists = {
  readonly open: () => Promise<readonly Channel[]>
  readonly pending: () => Promise<readonly PendingChannel[]>
  readonly leases: () => Promise<readonly Lease[]>
  readonly isClosed: (outpoint: string) => Promise<boolean>
}

/**
 * What is done for standing fundings at each block. Derived from the state on disk and from what lnd lists, so nothing
 * needs to remember it; doing it twice is harmless.
 */
export class FollowUp {
  readonly #deps: FollowDeps

  constructor(deps: FollowDeps) {
    this.#deps = deps
  }

  async run(live: Iterable<readonly [string, Funding]>, height: number, signal: AbortSignal): Promise<void> {
    const lists = this.#lists(signal)
    for (const [id, funding] of live) {
      if (funding.tag !== 'standing' && funding.tag !== 'discarding') continue
      try {
        if (funding.tag === 'standing') await this.#followUp(id, funding, { lists, height }, signal)
        else await this.#keepCoins(funding.order, lists, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#deps.log.warn({ funding: id, err: error }, 'funding not followed up, next block tries again')
      }
    }
  }

  async #followUp(
    id: string,
    funding: Standing,
    { lists, height }: { readonly lists: Lists; readonly height: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { order, outpoint, tx } = funding
    // Neither waits for the other: while no mempool takes the transaction its coins must not be spent by another one.
    const done = await Promise.allSettled([
      tx.stage === 'mined' ? undefined : this.#keepCoins(order, lists, signal),
      tx.stage === 'published' || tx.stage === 'mined' ? this.#confirm(id, order, tx, signal) : undefined,
      this.#watchChannel(id, funding, lists, height),
    ])
    if (tx.stage === 'published' || tx.stage === 'mined') {
      await this.#publishClosing(order, outpoint, await lists.pending(), signal)
    }
    for (const result of done) if (result.status === 'rejected') throw result.reason
  }

  /** Publishes again what is in no block, and counts the blocks of what is. */
  async #confirm(
    id: string,
    order: ChannelOrder,
    tx: Extract<Transaction, { stage: 'published' | 'mined' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { lnd, dispatch } = this.#deps
    const confirmations = (await lnd.confirmations(transactionId(tx.raw), signal)) ?? 0
    if (confirmations >= FINAL_CONFIRMATIONS) {
      await dispatch(id, { type: 'confirmed' })
      return
    }
    if (confirmations > 0) {
      await dispatch(id, { type: 'mined' })
      return
    }
    await dispatch(id, { type: 'reorganised' })
    await lnd.publishTransaction({ raw: tx.raw, label: order.memo }, signal)
  }

  /** D27, and what the owner must hear: a channel does not wait for ever for a funding that somebody depends on. */
  async #watchChannel(id: string, { outpoint, chanId, tx, closed }: Standing, lists: Lists, height: number) {
    const { dispatch } = this.#deps
    if (closed === true || chanId === undefined) return
    const pending = await lists.pending() // before the open ones: the order in which a channel moves
    const channel = (await lists.open()).find((candidate) => candidate.outpoint === outpoint)
    if (channel === undefined) {
      const closing = pending.some((candidate) => candidate.outpoint === outpoint && candidate.stage === 'closing')
      if (closing) await dispatch(id, { type: 'channel-closing' })
      else if (await lists.isClosed(outpoint)) await dispatch(id, { type: 'channel-closed' })
      return
    }
    if (tx.stage === 'unsigned' && mustBePublished(channel, height)) await dispatch(id, { type: 'publish-due' })
  }

  /**
   * A close that was tried before the funding was known could not get into any mempool, and lnd tries again only when
   * it restarts (funding.md): a payment in the channel would outlive its expiry, and the payer's with it (D27).
   */
  async #publishClosing(
    order: ChannelOrder,
    outpoint: string,
    pending: readonly PendingChannel[],
    signal: AbortSignal,
  ): Promise<void> {
    const closingTx = pending.find((channel) => channel.outpoint === outpoint)?.closingTx
    if (closingTx === undefined) return
    try {
      await this.#deps.lnd.publishTransaction({ raw: closingTx, label: order.memo }, signal)
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      this.#deps.log.info({ outpoint, err: error }, 'closing transaction not taken: the channel closes by another one')
    }
  }

  async #keepCoins(order: ChannelOrder, lists: Lists, signal: AbortSignal): Promise<void> {
    const { lnd, leaseSeconds } = this.#deps
    const leases = await lists.leases()
    for (const lease of leases.filter((held) => held.id === order.pendingChannelId)) {
      await lnd.leaseOutput({ ...lease, seconds: leaseSeconds }, signal)
    }
  }

  #lists(signal: AbortSignal): Lists {
    const { lnd } = this.#deps
    const pending = once(() => lnd.pendingChannels(signal))
    const open = once(() => lnd.listChannels(signal))
    const closed = once(() => lnd.closedChannels(signal))
    const isClosed = async (outpoint: string) => (await closed()).some((channel) => channel.outpoint === outpoint)
    return { open, pending, leases: once(() => lnd.listLeases(signal)), isClosed }
  }
}

/** Something settled over the channel, or a payment in it comes near its expiry. */
export function mustBePublished(channel: Channel, height: number): boolean {
  const { pendingHtlcs } = channel
  if (!isEmpty({ ...channel, pendingHtlcs: [] })) return true
  return pendingHtlcs.some(({ incoming, expiryHeight }) => !incoming && expiryHeight - height <= EXPIRY_MARGIN_BLOCKS)
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  return () => {
    asked ??= ask()
    return asked
  }
}
