import type { Clock } from '../../lsps/base/clock.ts'
import { refusedWith, SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { withDeadline } from '../kernel/wait.ts'
import type { FundingTemplate, LndPort, OpenAttempt, OpenRequest, Outpoint } from '../lnd/port.ts'
import { lockIdOf } from './follow.ts'
import { look } from './look.ts'
import { fundingOutpoint } from './psbt.ts'
import type { ChannelOrder, FundingEvent, RefusalReason } from './states.ts'

/** How long a peer may take to answer open_channel; funding.md ends a hung one by disconnecting. */
export const ACCEPT_DEADLINE_MS = 30_000
/** How long a peer may take to send funding_signed after we verified. */
export const SIGNED_DEADLINE_MS = 30_000
/** While an earlier attempt of the same id still lives in lnd's memory: look again after this. */
export const STILL_PRESENT_PAUSE_MS = 200
/** Looks at an earlier attempt that does not end; after them the peer is disconnected, which ends it. */
export const MAX_STILL_PRESENT_LOOKS = 50

export type NegotiationDeps = {
  readonly lnd: LndPort
  readonly clock: Clock
  readonly log: Log
  /** Seconds that the coins of an unconfirmed funding stay locked; renewed while it lives. */
  readonly leaseSeconds: number
  readonly minConfs: number
}

export type Refusal = Extract<FundingEvent, { type: 'refused' }>
type Funded = Extract<FundingEvent, { type: 'psbt-funded' }>
export type Found = Extract<FundingEvent, { type: 'channel-found' | 'channel-closing' | 'channel-closed' }>

/** No channel of the transaction exists, and none ever will. */
type Dead = { readonly type: 'dead' }

/** Opens channels over lnd's PSBT shim, one attempt per order at a time. Holds only running attempts in memory. */
export class Negotiation {
  readonly #deps: NegotiationDeps
  readonly #attempts = new Map<string, OpenAttempt>()
  /** Of those, the ones that lnd or the peer ended. */
  readonly #ended = new WeakSet<OpenAttempt>()

  constructor(deps: NegotiationDeps) {
    this.#deps = deps
  }

  /**
   * Steps 1 to 3 of the recipe. Idempotent by the order's pending_chan_id: verify was never sent in this state, so
   * nothing can exist; what an earlier run left behind (a reservation, locked coins) is removed first.
   */
  async negotiate(order: ChannelOrder, replayed: boolean, signal: AbortSignal): Promise<Funded | Refusal> {
    if (replayed) {
      const sighting = await look(this.#deps.lnd, order, undefined, signal)
      if (sighting.found !== 'nothing') {
        throw new Error(`channel ${sighting.outpoint} exists for ${order.pendingChannelId} before it was verified`)
      }
      await this.cleanUp(order, signal)
      const isOver = order.beginBefore !== undefined && this.#deps.clock.now() >= order.beginBefore
      if (isOver || order.withdrawn === true)
        return { type: 'refused', reason: 'failed', detail: 'nobody wants it any more' }
    }
    return this.#open(order, signal)
  }

  /** Steps 5 and 6, and after a crash rule (c) of funding.md: adopt what is there or prove that nothing is. */
  async verify(
    order: ChannelOrder,
    { psbt, outpoint }: { psbt: string; outpoint: Outpoint },
    replayed: boolean,
    signal: AbortSignal,
  ): Promise<Funded | Refusal | Found> {
    const attempt = this.#attempts.get(order.pendingChannelId)
    let fund: 'again' | 'no-more' = 'again'
    if (!replayed && attempt !== undefined) {
      const error = await this.#tell(order, { psbt, outpoint, attempt }, signal)
      if (error === undefined) return { type: 'channel-found', outpoint }
      if (isTimeout(error)) fund = 'no-more'
    }
    const found = await this.#recover(order, outpoint, fund, signal)
    if (found.type === 'dead') throw new Error(`order ${order.pendingChannelId} was given up by nobody`)
    return found
  }

  /** Steps 1 and 2 for a member of a batch: what its channel wants to be paid, or why there is none. Idempotent. */
  async begin(order: ChannelOrder, signal: AbortSignal): Promise<FundingTemplate | Refusal> {
    try {
      return await this.#request(order, signal)
    } catch (error) {
      return this.#refused(order, error, signal)
    }
  }

  /** Whether lnd or the peer ended an attempt that `begin` began, or another process did that. */
  hasEnded(order: ChannelOrder): boolean {
    const attempt = this.#attempts.get(order.pendingChannelId)
    return attempt === undefined || this.#ended.has(attempt)
  }

  /**
   * As `verify`, for a member of a batch: it gets no transaction of its own. `dead`: its peer never signed, and what it
   * was asked to sign for is forgotten on our side.
   */
  async verifyMember(
    order: ChannelOrder,
    { psbt, outpoint }: { psbt: string; outpoint: Outpoint },
    replayed: boolean,
    signal: AbortSignal,
  ): Promise<Found | Refusal | Dead> {
    const attempt = this.#attempts.get(order.pendingChannelId)
    if (!replayed && attempt !== undefined) {
      const error = await this.#tell(order, { psbt, outpoint, attempt }, signal)
      if (error === undefined) return { type: 'channel-found', outpoint }
    }
    const found = await this.#recover(order, outpoint, 'none', signal)
    if (found.type === 'psbt-funded') throw new Error(`batch member ${order.pendingChannelId} has its own transaction`)
    return found
  }

  /** Tells lnd of the transaction; undefined when the channel exists, else what ended the attempt. */
  async #tell(
    order: ChannelOrder,
    { psbt, outpoint, attempt }: { psbt: string; outpoint: Outpoint; attempt: OpenAttempt },
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      await this.#deps.lnd.verifyFunding({ psbt, pendingChannelId: order.pendingChannelId }, signal)
      const pending = await this.#within(SIGNED_DEADLINE_MS, 'funding_signed', attempt.pending, signal)
      if (pending !== outpoint) throw new Error(`lnd opened ${pending}, expected ${outpoint}`)
      return undefined
    } catch (error) {
      signal.throwIfAborted()
      // Any error of these two proves nothing: lnd may have opened the channel all the same (funding.md, Coins).
      this.#deps.log.warn({ order: order.pendingChannelId, err: error }, 'verify ended in an error, looking')
      return error
    } finally {
      if (this.#attempts.get(order.pendingChannelId) === attempt) this.#drop(order)
    }
  }

  /** Ends lnd's reservation, if there is one, and unlocks the order's coins. Idempotent. */
  async cleanUp(order: ChannelOrder, signal: AbortSignal): Promise<void> {
    this.#drop(order)
    await this.#cancel(order, signal)
    // Coins of a batch are others' as well: it lets them go itself.
    if (order.batch === undefined) await this.releaseCoins(order, signal)
  }

  /** Unlocks every coin that is locked for the order's own transaction, or its batch's. Idempotent. */
  async releaseCoins(order: ChannelOrder, signal: AbortSignal): Promise<void> {
    const leases = await this.#deps.lnd.listLeases(signal)
    for (const lease of leases.filter(({ id }) => id === lockIdOf(order))) {
      await this.#deps.lnd.releaseOutput(lease, signal)
    }
  }

  /**
   * `no-more`: the peer had its time to sign, and is not given another transaction to hang on to with our coins. `none`:
   * only whether the channel exists is to be known.
   */
  async #recover(
    order: ChannelOrder,
    outpoint: Outpoint,
    fund: 'again' | 'no-more' | 'none',
    signal: AbortSignal,
  ): Promise<Funded | Refusal | Found | Dead> {
    for (let looks = 0; ; looks += 1) {
      const found = await this.#find(order, outpoint, signal)
      if (found !== undefined) return found
      if (looks === MAX_STILL_PRESENT_LOOKS) await this.#disconnect(order, signal)
      await this.#cancel(order, signal) // its "ok" proves nothing: the next open tells
      const next = await this.#reopen(order, outpoint, fund, signal)
      if (next !== 'still-present') return next
      await this.#deps.clock.sleep(STILL_PRESENT_PAUSE_MS, signal)
    }
  }

  /** Opens again under the same id: only lnd's answer to that shows whether the earlier attempt is dead. */
  async #reopen(
    order: ChannelOrder,
    outpoint: Outpoint,
    fund: 'again' | 'no-more' | 'none',
    signal: AbortSignal,
  ): Promise<Funded | Refusal | Found | Dead | 'still-present'> {
    let template: FundingTemplate
    try {
      template = await this.#request(order, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (refusedWith(error, /already present/)) return 'still-present'
      const refusal = classify(error)
      const found = await this.#find(order, outpoint, signal)
      if (found !== undefined) return found
      await this.cleanUp(order, signal)
      return refusal
    }
    const found = await this.#find(order, outpoint, signal)
    if (found !== undefined) {
      this.#drop(order)
      await this.#cancel(order, signal)
      return found
    }
    if (fund === 'none') {
      await this.cleanUp(order, signal)
      return { type: 'dead' }
    }
    if (fund === 'no-more') {
      await this.cleanUp(order, signal)
      return { type: 'refused', reason: 'client-gone', detail: 'the client did not sign for its channel in time' }
    }
    await this.releaseCoins(order, signal) // the old transaction is dead: never signed, and never will be
    return this.#fund(order, template, signal)
  }

  async #open(order: ChannelOrder, signal: AbortSignal): Promise<Funded | Refusal> {
    try {
      return await this.#fund(order, await this.#request(order, signal), signal)
    } catch (error) {
      return this.#refused(order, error, signal)
    }
  }

  /** @throws the error itself when the order may be tried again as it is */
  async #refused(order: ChannelOrder, error: unknown, signal: AbortSignal): Promise<Refusal> {
    signal.throwIfAborted()
    if (refusedWith(error, /already present/)) throw error // of an earlier run: the retry cleans up first
    const refusal = classify(error)
    if (refusal.reason === 'client-gone' && !isRefusal(error)) await this.#disconnect(order, signal)
    await this.cleanUp(order, signal)
    return refusal
  }

  async #request(order: ChannelOrder, signal: AbortSignal): Promise<FundingTemplate> {
    this.#drop(order)
    const attempt = this.#deps.lnd.openChannel(requestOf(order), signal)
    attempt.pending.catch(() => this.#ended.add(attempt)) // whoever waits for it handles it; nobody may wait
    this.#attempts.set(order.pendingChannelId, attempt)
    return this.#within(ACCEPT_DEADLINE_MS, 'accept_channel', attempt.template, signal)
  }

  async #fund(order: ChannelOrder, template: FundingTemplate, signal: AbortSignal): Promise<Funded | Refusal> {
    try {
      const psbt = await this.#selectCoins(order, template, signal)
      return { type: 'psbt-funded', psbt, outpoint: fundingOutpoint(psbt, template) }
    } catch (error) {
      if (!isRefusal(error)) throw error
      await this.cleanUp(order, signal)
      const reason = refusedWith(error, /insufficient|not enough/i) ? 'no-coins' : 'failed'
      return { type: 'refused', reason, detail: detailOf(error) }
    }
  }

  /** The coins that were claimed for the order; lnd's own choice when one of them was spent or locked meanwhile. */
  async #selectCoins(order: ChannelOrder, template: FundingTemplate, signal: AbortSignal): Promise<string> {
    const { lnd, leaseSeconds, minConfs } = this.#deps
    const { satPerVbyte, coins } = order
    const lock = { satPerVbyte, lockId: order.pendingChannelId, lockSeconds: leaseSeconds }
    if (coins !== undefined) {
      const { address, amount } = template
      try {
        return await lnd.fundPsbt({ ...lock, ...coins, outputs: [{ address, amount }] }, signal)
      } catch (error) {
        if (!isRefusal(error)) throw error
        this.#deps.log.warn({ order: order.pendingChannelId, err: error }, 'claimed coins not to be had, lnd selects')
      }
    }
    return lnd.fundPsbt({ ...lock, template: template.template, minConfs }, signal)
  }

  async #find(order: ChannelOrder, outpoint: Outpoint, signal: AbortSignal): Promise<Found | undefined> {
    const sighting = await look(this.#deps.lnd, order, outpoint, signal)
    if (sighting.found === 'nothing') return undefined
    if (sighting.outpoint !== outpoint) {
      throw new Error(
        `channel ${sighting.outpoint} carries the memo of ${order.pendingChannelId}, expected ${outpoint}`,
      )
    }
    switch (sighting.found) {
      case 'closing':
        return { type: 'channel-closing' }
      case 'closed':
        return { type: 'channel-closed' }
      case 'pending':
      case 'open':
        return { type: 'channel-found', outpoint }
    }
  }

  async #cancel(order: ChannelOrder, signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.lnd.cancelFunding(order.pendingChannelId, signal)
    } catch (error) {
      if (!isRefusal(error)) throw error // refused: lnd has no such reservation any more
    }
  }

  async #disconnect(order: ChannelOrder, signal: AbortSignal): Promise<void> {
    await this.#deps.lnd.disconnectPeer(order.peer, signal).catch((error: unknown) => {
      if (!isRefusal(error)) throw error // refused: it is gone already
    })
  }

  #drop(order: ChannelOrder): void {
    this.#attempts.get(order.pendingChannelId)?.detach()
    this.#attempts.delete(order.pendingChannelId)
  }

  #within<T>(ms: number, what: string, promise: Promise<T>, signal: AbortSignal): Promise<T> {
    return withDeadline({ promise, ms, what, clock: this.#deps.clock, signal })
  }
}

/** An alias hides where a channel stands that is not in the chain yet, or not to be known: only for those. */
function requestOf(order: ChannelOrder): OpenRequest {
  const isPrivate = order.visibility !== 'announced'
  const zeroConf = order.confirmation !== 'ordinary'
  return {
    peer: order.peer,
    capacity: order.capacity,
    pendingChannelId: order.pendingChannelId,
    memo: order.memo,
    private: isPrivate,
    zeroConf,
    scidAlias: isPrivate && zeroConf,
    maxLocalCsv: order.maxLocalCsv,
    ...(order.push === undefined ? {} : { push: order.push }),
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof SidecarError && error.failure.code === 'TIMED_OUT'
}

function isRefusal(error: unknown): boolean {
  return error instanceof SidecarError && error.failure.code === 'LND_REFUSED'
}

export function detailOf(error: unknown): string {
  if (error instanceof SidecarError && 'detail' in error.failure) return error.failure.detail
  return error instanceof Error ? error.message : String(error)
}

/** @throws the error itself when it does not say that this attempt is over */
function classify(error: unknown): Refusal {
  const refused = (reason: RefusalReason): Refusal => ({ type: 'refused', reason, detail: detailOf(error) })
  if (isTimeout(error)) return refused('client-gone')
  if (!isRefusal(error)) throw error
  if (refusedWith(error, /not online|exiting|disconnected|peer not connected/i)) return refused('client-gone')
  if (refusedWith(error, /remote canceled|received funding error/i)) return refused('client-refused')
  return refused('failed')
}
