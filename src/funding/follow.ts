import type { Sat } from '../../lsps/base/amount.ts'
import { refusedWith } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Channel, LndPort, Outpoint } from '../lnd/port.ts'
import { type BumpLimits, planBump } from './bump.ts'
import { isEmpty } from './closing.ts'
import { closeOf, type Lists } from './lists.ts'
import { REBUMP_BLOCKS } from './machine.ts'
import { inputsOf, inputsOfPsbt, transactionId } from './psbt.ts'
import type { ChannelOrder, Funding, FundingEvent, Transaction } from './states.ts'

/** So deep in the chain a transaction counts as final: no reorganisation of the main chain was ever that long. */
export const FINAL_CONFIRMATIONS = 6
/**
 * A withheld funding is published so many blocks before a payment in its channel expires (D27): time for it to get into
 * a block, and the closing of the channel after it. Less than the 18 blocks that wallets leave themselves at least.
 */
export const EXPIRY_MARGIN_BLOCKS = 12

type Standing = Extract<Funding, { tag: 'standing' }>
type OnChain = Extract<Transaction, { stage: 'published' | 'mined' }>

export type FollowConfig = {
  readonly leaseSeconds: number
  /** Blocks without a confirmation after which a child pays for the transaction. */
  readonly bumpAfterBlocks: number
  readonly bumpLimits: BumpLimits
  readonly confTarget: number
}

export type FollowDeps = {
  readonly lnd: LndPort
  readonly log: Log
  readonly dispatch: (id: string, event: FundingEvent) => Promise<unknown>
}

type Block = { readonly height: number; readonly lists: Lists; readonly signal: AbortSignal }

/**
 * What is done for fundings at each block. Derived from the state on disk and from what lnd lists, so nothing needs to
 * remember it; doing it twice is harmless.
 */
export class FollowUp {
  readonly #deps: FollowDeps
  readonly #config: FollowConfig

  constructor(deps: FollowDeps, config: FollowConfig) {
    this.#deps = deps
    this.#config = config
  }

  async run(live: Iterable<readonly [string, Funding]>, block: Block): Promise<void> {
    for (const [id, funding] of live) {
      try {
        await this.#followUp(id, funding, block)
      } catch (error) {
        if (block.signal.aborted) return
        this.#deps.log.warn({ funding: id, err: error }, 'funding not followed up, next block tries again')
      }
    }
  }

  async #followUp(id: string, funding: Funding, block: Block): Promise<void> {
    const { dispatch } = this.#deps
    switch (funding.tag) {
      case 'discarding':
        // One that was found again by its channel alone has no transaction, and needs no coins.
        return this.#keepCoins(funding.order, funding.psbt === '' ? [] : inputsOfPsbt(funding.psbt), block)
      case 'conflicted':
        // Until a person has dealt with it; see the log.
        if ((await closeOf(block.lists, funding.outpoint)) === 'channel-closed') {
          await dispatch(id, { type: 'channel-closed' })
        }
        return
      case 'standing':
        return this.#followStanding(id, funding, block)
      default:
        return
    }
  }

  async #followStanding(id: string, funding: Standing, block: Block): Promise<void> {
    const { order, outpoint, tx } = funding
    const published = tx.stage === 'published' || tx.stage === 'mined'
    // Nothing of it waits for the rest: while no mempool takes the transaction its coins must not be spent by another.
    const done = await Promise.allSettled([
      tx.stage === 'mined' ? undefined : this.#keepCoins(order, coinsOf(tx), block),
      published ? this.#confirm(id, funding, tx, block) : undefined,
      tx.stage === 'signed' ? this.#publish(id, funding, tx.raw, block) : undefined,
      this.#watchChannel(id, funding, block),
    ])
    if (published) await this.#publishClosing(order, outpoint, block)
    for (const result of done) if (result.status === 'rejected') throw result.reason
  }

  /** Publishes again what is in no block, and counts the blocks of what is. */
  async #confirm(id: string, funding: Standing, tx: OnChain, block: Block): Promise<void> {
    const { lnd, dispatch } = this.#deps
    const confirmations = (await lnd.confirmations(transactionId(tx.raw), block.signal)) ?? 0
    if (confirmations > 0) {
      const childFee = await this.#childFee(funding, tx, block.signal)
      const type = confirmations >= FINAL_CONFIRMATIONS ? 'confirmed' : 'mined'
      await dispatch(id, { type, ...(childFee === undefined ? {} : { childFee }) })
      return
    }
    await dispatch(id, { type: 'unconfirmed', height: block.height })
    await this.#publish(id, funding, tx.raw, block)
    await this.#hurry(id, funding, tx, block)
  }

  async #childFee({ outpoint }: Standing, { bump }: OnChain, signal: AbortSignal): Promise<Sat | undefined> {
    if (bump === undefined) return undefined
    const change = `${outpoint.split(':')[0]}:${bump.change}`
    const spends = await this.#deps.lnd.spends([change], signal)
    return (spends.find(({ confirmations }) => confirmations > 0) ?? spends[0])?.fee
  }

  /** A refusal is looked into: coins that are spent by another transaction, deep in the chain, never come back. */
  async #publish(id: string, { order, outpoint }: Standing, raw: string, { signal }: Block): Promise<void> {
    const { lnd, log, dispatch } = this.#deps
    try {
      await lnd.publishTransaction({ raw, label: order.memo }, signal)
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      const spends = await lnd.spends(inputsOf(raw), signal)
      const rival = spends.find(({ txid, confirmations }) => txid !== transactionId(raw) && confirmations > 0)
      if (rival === undefined) throw error
      const { txid: spentBy, confirmations } = rival
      const facts = { funding: id, outpoint, owner: order.owner, peer: order.peer, capacity: order.capacity, spentBy }
      if (confirmations < FINAL_CONFIRMATIONS) {
        log.warn({ ...facts, confirmations }, 'the coins of a funding were spent by another transaction')
        return
      }
      log.error(
        {
          ...facts,
          fix:
            'find out who else spends from the wallet of lnd (a restored seed, another program, a lock that ran out), ' +
            "stop that, settle the customer's balance in this channel with the customer, then remove the channel: " +
            'lncli abandonchannel --i_know_what_i_am_doing',
        },
        'a funding can never confirm: its channel has no money behind it',
      )
      await dispatch(id, { type: 'conflicted', spentBy })
    }
  }

  /** CPFP with the change; never a replacement, which would take the money from under a zero-conf channel. */
  async #hurry(id: string, funding: Standing, tx: OnChain, { height, signal }: Block): Promise<void> {
    const { lnd, log, dispatch } = this.#deps
    const { bumpAfterBlocks, bumpLimits, confTarget } = this.#config
    if (tx.stage !== 'published' || tx.since === undefined) return
    const waited = height - tx.since
    const sinceBump = tx.bump === undefined ? REBUMP_BLOCKS : height - tx.bump.height
    if (waited < bumpAfterBlocks || sinceBump < REBUMP_BLOCKS) return
    const wanted = await lnd.estimateFeerate(confTarget, signal)
    const { outpoint, order } = funding
    const plan = planBump({ raw: tx.raw, outpoint, satPerVbyte: order.satPerVbyte }, wanted, bumpLimits)
    if (typeof plan === 'string') {
      log.info({ funding: id, outpoint, waited, wanted, why: plan }, 'a funding waits for long, and no child can help')
      return
    }
    await dispatch(id, { type: 'stuck', height, ...plan })
  }

  /** D27, and what the owner must hear: a channel does not wait for ever for a funding that somebody depends on. */
  async #watchChannel(id: string, { outpoint, chanId, tx, closed }: Standing, { lists, height }: Block): Promise<void> {
    const { dispatch } = this.#deps
    if (closed === true || chanId === undefined) return
    const close = await closeOf(lists, outpoint)
    if (close !== undefined) await dispatch(id, { type: close })
    if (close !== undefined || tx.stage !== 'unsigned') return
    const channel = (await lists.open()).get(outpoint)
    if (channel !== undefined && mustBePublished(channel, height)) await dispatch(id, { type: 'publish-due' })
  }

  /**
   * A close that was tried before the funding was known could not get into any mempool, and lnd tries again only when
   * it restarts (funding.md): a payment in the channel would outlive its expiry, and the payer's with it (D27).
   */
  async #publishClosing(order: ChannelOrder, outpoint: Outpoint, { lists, signal }: Block): Promise<void> {
    const closingTx = (await lists.pending()).get(outpoint)?.closingTx
    if (closingTx === undefined) return
    try {
      await this.#deps.lnd.publishTransaction({ raw: closingTx, label: order.memo }, signal)
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      this.#deps.log.info({ outpoint, err: error }, 'closing transaction not taken: the channel closes by another one')
    }
  }

  /** Extends the locks; `coins` are locked again should a lock have run out, which an outage longer than it may do. */
  async #keepCoins(order: ChannelOrder, coins: readonly Outpoint[], { lists, signal }: Block): Promise<void> {
    const { lnd, log } = this.#deps
    const seconds = this.#config.leaseSeconds
    const id = lockIdOf(order)
    const held = (await lists.leases()).filter((lease) => lease.id === id).map(({ outpoint }) => outpoint)
    for (const outpoint of held) await lnd.leaseOutput({ id, outpoint, seconds }, signal)
    for (const outpoint of coins.filter((coin) => !held.includes(coin))) {
      try {
        await lnd.leaseOutput({ id, outpoint, seconds }, signal)
      } catch (error) {
        if (!refusedWith(error, /./)) throw error
        log.warn({ order: id, coin: outpoint, err: error }, 'a coin of a funding is not locked for it any more')
      }
    }
  }
}

/** Under what id the coins of its transaction are locked. */
export function lockIdOf({ batch, pendingChannelId }: ChannelOrder): string {
  return batch ?? pendingChannelId
}

/** What nothing but a lock keeps for the transaction: once it was published, lnd's wallet knows that they are spent. */
function coinsOf(tx: Transaction): readonly Outpoint[] {
  if ('psbt' in tx) return inputsOfPsbt(tx.psbt)
  return tx.stage === 'signed' ? inputsOf(tx.raw) : []
}

/** Something settled over the channel, or a payment in it comes near its expiry. */
export function mustBePublished(channel: Channel, height: number): boolean {
  const { pendingHtlcs } = channel
  if (!isEmpty({ ...channel, pendingHtlcs: [] })) return true
  return pendingHtlcs.some(({ incoming, expiryHeight }) => !incoming && expiryHeight - height <= EXPIRY_MARGIN_BLOCKS)
}
