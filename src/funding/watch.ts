import { closeOf, type Lists } from './lists.ts'
import type { ChannelOrder, Funding, FundingNews, OrderName } from './states.ts'

export type WatchDeps = {
  readonly get: (pendingChannelId: string) => Promise<Funding | undefined>
  readonly notify: (order: OrderName, news: FundingNews) => Promise<void>
}

type Watched = { readonly order: ChannelOrder; readonly outpoint: string }

/**
 * Tells owners of the end of channels whose funding is confirmed and done with. Nothing of it is stored: an owner that
 * still waits for its fee is told at each block until it has heard.
 */
export class ClosedWatch {
  readonly #deps: WatchDeps
  /** Outpoints of what is watched, so that a block does not read them all from disk; bounded by what is watched. */
  #known = new Map<string, Watched>()

  constructor(deps: WatchDeps) {
    this.#deps = deps
  }

  async run(watched: Iterable<string>, lists: Lists): Promise<void> {
    const known = new Map<string, Watched>()
    for (const id of watched) {
      const channel = this.#known.get(id) ?? (await this.#confirmed(id))
      if (channel !== undefined) known.set(id, channel)
    }
    this.#known = known
    for (const { order, outpoint } of known.values()) {
      const close = await closeOf(lists, outpoint)
      if (close !== undefined) await this.#deps.notify(order, { type: 'channel-closed', outpoint })
    }
  }

  /** Of others the funding itself tells. */
  async #confirmed(id: string): Promise<Watched | undefined> {
    const funding = await this.#deps.get(id)
    return funding?.tag === 'confirmed' ? { order: funding.order, outpoint: funding.outpoint } : undefined
  }
}
