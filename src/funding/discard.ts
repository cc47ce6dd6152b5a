import { sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import { SidecarError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type Bell, withDeadline } from '../kernel/wait.ts'
import type { LndPort, Outpoint } from '../lnd/port.ts'
import type { Closes } from './closes.ts'
import { isUntouched, paysOnlyUs } from './closing.ts'
import { look } from './look.ts'
import type { ChannelOrder, Funding, FundingEvent } from './states.ts'

/** How long a peer may take to agree on a close. */
export const CLOSE_DEADLINE_MS = 30_000
/** Between looks at a channel that is to be closed, when lnd's events say nothing; and when its peer is away for long. */
export const CLOSE_LOOK_MS = 5_000
export const LONGEST_CLOSE_LOOK_MS = 60_000
/** What share of the time waited so far the next pause is: a tenth. */
const PATIENCE = 10
/** For a peer that is away so long a withheld channel is closed without it: our coins are locked meanwhile. */
export const AWAY_MS = 60 * 60_000

export type DiscardDeps = {
  readonly lnd: LndPort
  readonly closes: Closes
  readonly clock: Clock
  readonly log: Log
  /** Rings when lnd says that some channel changed. */
  readonly bell: Bell
}

const isOrdinary = ({ confirmation }: ChannelOrder) => confirmation === 'ordinary'

type Discarding = Extract<Funding, { tag: 'discarding' }>
type Outcome = Extract<FundingEvent, { type: 'channel-closing' | 'channel-closed' | 'discard-refused' }>

/**
 * Gives up a channel whose funding was never signed (funding.md, Discard). The close comes first, so that lnd lets
 * nothing more into the channel and the peer hears of it; whether anything got in before is then final, and is read
 * once more before lnd forgets the channel.
 */
export class Discard {
  readonly #deps: DiscardDeps

  constructor(deps: DiscardDeps) {
    this.#deps = deps
  }

  /** Until lnd lists the channel as closing. Idempotent: it looks before each attempt. */
  async close({ order, outpoint }: Discarding, signal: AbortSignal): Promise<Outcome> {
    const { lnd, closes, clock, bell } = this.#deps
    const since = clock.now()
    for (let attempted = false; ; ) {
      const patience = Math.min((clock.now() - since) / PATIENCE, LONGEST_CLOSE_LOOK_MS)
      const rung = bell.next(Math.max(patience, CLOSE_LOOK_MS), clock, signal) // before the look: no event is missed between
      rung.catch(() => undefined)
      const sighting = await look(lnd, order, outpoint, signal)
      if (sighting.found === 'closing') return { type: 'channel-closing' }
      if (sighting.found === 'closed' || sighting.found === 'nothing') return { type: 'channel-closed' }
      if (sighting.found === 'pending' && (isOrdinary(order) || clock.now() - since >= AWAY_MS)) {
        // Nothing can be in it before its funding is in a block. The peer keeps a ghost of it (D28).
        await closes.abandon(outpoint, signal)
        return { type: 'channel-closed' }
      }
      if (sighting.found === 'open') {
        const isKept = closes.keeps(outpoint) !== undefined
        if (isKept || !isUntouched(sighting.channel, order.push ?? sat(0n))) return { type: 'discard-refused' }
        const away = clock.now() - since >= AWAY_MS
        const how = sighting.channel.active ? 'cooperative' : away ? 'force' : undefined
        if (how !== undefined && !attempted) {
          attempted = true
          await this.#attempt(order, outpoint, how, signal)
          continue // with a look at what came of it
        }
      }
      attempted = false
      await rung
    }
  }

  /** Removes the closing channel from lnd, unless the closing transaction shows that the peer has something in it. */
  async abandon(funding: Discarding, signal: AbortSignal): Promise<Outcome> {
    const { lnd, closes, log } = this.#deps
    const { order, outpoint, by } = funding
    const closed = await this.close(funding, signal) // it may have come back: lnd forgets a close that was not agreed on
    if (closed.type !== 'channel-closing') return closed
    const closing = (await lnd.pendingChannels(signal)).find((channel) => channel.outpoint === outpoint)
    const payments = by === 'owner' ? 'ruled-out' : 'possible'
    const isPromised = closes.keeps(outpoint) !== undefined
    const closingTx = closing?.closingTx
    if (isPromised || closingTx === undefined || !paysOnlyUs(closingTx, payments, order.push)) {
      log.warn({ order: order.pendingChannelId, outpoint }, 'a channel that was to be discarded may hold money')
      return { type: 'discard-refused' }
    }
    await closes.abandon(outpoint, signal)
    return { type: 'channel-closed' }
  }

  /** How it ended is not asked: the close of a channel without a funding fails, and works (funding.md). */
  async #attempt(
    order: ChannelOrder,
    outpoint: Outpoint,
    how: 'cooperative' | 'force',
    signal: AbortSignal,
  ): Promise<void> {
    const { closes, clock, log } = this.#deps
    // The fee is never paid: any that the peer finds usual will do.
    const request = how === 'force' ? { outpoint, how } : { outpoint, how, satPerVbyte: order.satPerVbyte }
    try {
      const promise = closes.close(request, signal)
      await withDeadline({ promise, ms: CLOSE_DEADLINE_MS, what: `the close of ${outpoint}`, clock, signal })
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof SidecarError)) throw error
      log.debug({ outpoint, how, err: error }, 'close of a channel whose funding is not published')
    }
  }
}
