import type { Clock } from '../../../lsps/base/clock.ts'
import { Recent } from '../../kernel/recent.ts'
import { childOf } from '../../kernel/wait.ts'

export type LaneLimits = {
  /** Deliveries under way, to all hosts. */
  readonly inFlight: number
  /** Of them, to hosts that did not answer last time, or were never asked: they can hang together, others go on. */
  readonly inFlightUnproven: number
  /** To one host that answered last time. */
  readonly perHost: number
  /** To one that did not. */
  readonly perUnprovenHost: number
  /** Deliveries that wait for their turn, to all hosts. */
  readonly waiting: number
  readonly waitingUnproven: number
  readonly waitingPerHost: number
  /** The longest wait: what comes later than this is late anyhow. */
  readonly waitMs: number
}

/** Hosts of which it is remembered that they answered; the one asked longest ago is forgotten first. */
const MAX_PROVEN_HOSTS = 10_000

/** What its host did: `unknown` when it was not asked. */
export type Conduct = 'answered' | 'silent' | 'unknown'

/** The right to one delivery. */
export type Pass = {
  /** Gives it back, once; more is ignored. */
  readonly leave: (conduct: Conduct) => void
}

type Standing = 'proven' | 'unproven'
type Waiter = { readonly enter: (pass: Pass) => void }
/** A host with something under way or waiting. */
type Lane = { readonly host: string; standing: Standing; running: number; readonly waiters: Set<Waiter> }
type Usage = { running: number; waiting: number }

/**
 * Who may be sent to now. Hosts that hang hold only what one such host, and all of them together, may hold; those who
 * wait take turns by host, not by notification, and turns go round between hosts that are known to answer and others.
 */
export class Lanes {
  readonly #limits: LaneLimits
  readonly #clock: Clock
  readonly #lanes = new Map<string, Lane>()
  readonly #proven = new Recent<string, true>(MAX_PROVEN_HOSTS)
  /** Hosts where somebody waits and the host's own limit allows one more; whose turn is next stands first. */
  readonly #ready: Readonly<Record<Standing, Map<string, Lane>>> = { proven: new Map(), unproven: new Map() }
  readonly #usage: Readonly<Record<Standing, Usage>> = {
    proven: { running: 0, waiting: 0 },
    unproven: { running: 0, waiting: 0 },
  }
  #next: Standing = 'proven'

  constructor(limits: LaneLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  get inFlight(): number {
    return this.#usage.proven.running + this.#usage.unproven.running
  }

  get waiting(): number {
    return this.#usage.proven.waiting + this.#usage.unproven.waiting
  }

  /**
   * Resolves when it is this host's turn; undefined when too many wait, or one waited too long.
   * @throws the reason of the signal
   */
  async enter(host: string, signal: AbortSignal): Promise<Pass | undefined> {
    signal.throwIfAborted()
    const lane = this.#lanes.get(host) ?? this.#newLane(host)
    if (lane.waiters.size === 0 && this.#hasRoom(lane) && this.#isOpen(lane.standing)) return this.#admit(lane)
    if (this.#isFull(lane)) {
      this.#settle(lane)
      return undefined
    }
    return await this.#wait(lane, signal)
  }

  async #wait(lane: Lane, signal: AbortSignal): Promise<Pass | undefined> {
    let pass: Pass | undefined
    const waiting = childOf(signal)
    const called = new Promise<void>((resolve) => {
      const waiter = {
        enter: (given: Pass) => {
          pass = given
          resolve()
        },
      }
      this.#join(lane, waiter)
      waiting.signal.addEventListener('abort', () => this.#part(lane, waiter), { once: true })
    })
    try {
      await Promise.race([called, this.#clock.sleep(this.#limits.waitMs, waiting.signal)])
      return pass
    } catch (error) {
      pass?.leave('unknown')
      throw error
    } finally {
      waiting.abort()
    }
  }

  #join(lane: Lane, waiter: Waiter): void {
    lane.waiters.add(waiter)
    this.#usage[lane.standing].waiting += 1
    this.#settle(lane)
  }

  /** Nothing when it was called already. */
  #part(lane: Lane, waiter: Waiter): void {
    if (!lane.waiters.delete(waiter)) return
    this.#usage[lane.standing].waiting -= 1
    this.#settle(lane)
  }

  #admit(lane: Lane): Pass {
    const { standing } = lane
    lane.running += 1
    this.#usage[standing].running += 1
    this.#settle(lane)
    let isOut = false
    const leave = (conduct: Conduct) => {
      if (isOut) return
      isOut = true
      lane.running -= 1
      this.#usage[standing].running -= 1
      this.#learn(lane, conduct)
      this.#settle(lane)
      this.#call()
    }
    return { leave }
  }

  #learn(lane: Lane, conduct: Conduct): void {
    if (conduct === 'unknown') return
    const standing = conduct === 'answered' ? 'proven' : 'unproven'
    if (standing === 'proven') this.#proven.set(lane.host, true)
    else this.#proven.delete(lane.host)
    if (lane.standing === standing) return
    this.#ready[lane.standing].delete(lane.host)
    this.#usage[lane.standing].waiting -= lane.waiters.size
    this.#usage[standing].waiting += lane.waiters.size
    lane.standing = standing
  }

  /** Lets in who may now, host by host. */
  #call(): void {
    for (let lane = this.#nextReady(); lane !== undefined; lane = this.#nextReady()) {
      const [waiter] = lane.waiters
      if (waiter === undefined) return // not reached: who is ready has somebody waiting
      lane.waiters.delete(waiter)
      this.#usage[lane.standing].waiting -= 1
      this.#ready[lane.standing].delete(lane.host) // to the end, if it is to stand there at all
      waiter.enter(this.#admit(lane))
    }
  }

  #nextReady(): Lane | undefined {
    const order: readonly Standing[] = this.#next === 'proven' ? ['proven', 'unproven'] : ['unproven', 'proven']
    for (const standing of order) {
      const [lane] = this.#ready[standing].values()
      if (lane === undefined || !this.#isOpen(standing)) continue
      this.#next = standing === 'proven' ? 'unproven' : 'proven'
      return lane
    }
    return undefined
  }

  /** Puts a lane where it belongs after a change of it. */
  #settle(lane: Lane): void {
    const ready = this.#ready[lane.standing]
    if (lane.waiters.size === 0 || !this.#hasRoom(lane)) ready.delete(lane.host)
    else if (!ready.has(lane.host)) ready.set(lane.host, lane)
    if (lane.waiters.size === 0 && lane.running === 0) this.#lanes.delete(lane.host)
  }

  #hasRoom({ standing, running }: Lane): boolean {
    return running < (standing === 'proven' ? this.#limits.perHost : this.#limits.perUnprovenHost)
  }

  #isOpen(standing: Standing): boolean {
    if (this.inFlight >= this.#limits.inFlight) return false
    return standing === 'proven' || this.#usage.unproven.running < this.#limits.inFlightUnproven
  }

  #isFull({ standing, waiters }: Lane): boolean {
    const { waiting, waitingUnproven, waitingPerHost } = this.#limits
    if (waiters.size >= waitingPerHost || this.waiting >= waiting) return true
    return standing === 'unproven' && this.#usage.unproven.waiting >= waitingUnproven
  }

  #newLane(host: string): Lane {
    const standing = this.#proven.get(host) === undefined ? 'unproven' : 'proven'
    const lane: Lane = { host, standing, running: 0, waiters: new Set() }
    this.#lanes.set(host, lane)
    return lane
  }
}
