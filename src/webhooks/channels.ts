import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { delayAfter, STREAM_BACKOFF } from '../kernel/backoff.ts'
import type { Log } from '../kernel/log.ts'
import { Bell } from '../kernel/wait.ts'
import type { LndPort } from '../lnd/port.ts'

/** At the latest, whatever is heard. Webhooks are kept for days, so nobody misses an hour. */
export const LONGEST_BETWEEN_LOOKS_MS = 3_600_000
/** At the earliest: a node may have thousands of channels, and their list is long. */
export const LEAST_BETWEEN_LOOKS_MS = 10_000

export type ChannelWatchDeps = {
  readonly lnd: Pick<LndPort, 'listChannels' | 'pendingChannels'>
  readonly clock: Clock
  readonly log: Log
  /** Whether anybody's channels matter now; the lists are not asked for otherwise. */
  readonly isNeeded: () => boolean
  /** Everybody who has a channel, after each look. */
  readonly onLooked: () => Promise<void>
}

/** Who has a channel with us, in lnd's own words: its events name no peers, so they are only hints to look again. */
export class ChannelWatch {
  readonly #deps: ChannelWatchDeps
  readonly #bell = new Bell()
  #peers: ReadonlySet<NodeId> | undefined
  #rung = false

  constructor(deps: ChannelWatchDeps) {
    this.#deps = deps
  }

  /** Undefined before the first look. */
  has(client: NodeId): boolean | undefined {
    return this.#peers?.has(client)
  }

  /** Something may have changed. */
  ring(): void {
    this.#rung = true
    this.#bell.ring()
  }

  /**
   * Of one client, right now.
   * @throws SidecarError
   */
  async ask(client: NodeId, signal: AbortSignal): Promise<boolean> {
    return (await this.#deps.lnd.listChannels(signal, client)).length > 0
  }

  /** Looks until it succeeded once: notifications wait for it. */
  async first(signal: AbortSignal): Promise<void> {
    for (let failures = 1; !signal.aborted && !(await this.#look(signal)); failures += 1) {
      await this.#deps.clock.sleep(delayAfter(failures, STREAM_BACKOFF, 0), signal).catch(() => undefined)
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    while (!signal.aborted) {
      if (!this.#rung) await this.#bell.next(LONGEST_BETWEEN_LOOKS_MS, clock, signal).catch(() => undefined)
      if (signal.aborted) return
      if (!(await this.#look(signal))) this.#rung = true
      await clock.sleep(LEAST_BETWEEN_LOOKS_MS, signal).catch(() => undefined)
    }
  }

  /** False when it has to be done again. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { lnd, log, isNeeded, onLooked } = this.#deps
    this.#rung = false
    if (!isNeeded()) return true
    try {
      // A channel that is being closed counts: its client may count on seven days from when it is closed (L5-12).
      const [open, pending] = await Promise.all([lnd.listChannels(signal), lnd.pendingChannels(signal)])
      this.#peers = new Set([...open, ...pending].map(({ peer }) => peer))
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'channels of webhook clients not looked up, will be tried again')
      return false
    }
    await onLooked()
    return true
  }
}
