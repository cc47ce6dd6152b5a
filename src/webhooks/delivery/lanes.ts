import type { Clock } from '../../../lsps/base/clock.ts'
import { Recent } from '../../kernel/recent.ts'
import { childOf } from '../../kernel/wait.ts'

export type LaneLimits = {
  /** Deliveries under way, to all hosts. */
  readonly inFlight: number
  /** Of them, to hosts that did not answer last time, or were never asked: they can hang together, others go on. */
  readonly inFlightUnproven: number
  /** To one port of a host that answered last time. */
  readonly perHost: number
  /** To one host that did not, whatever ports of it are named. */
  readonly perUnprovenHost: number
  /** Deliveries that wait for their turn, to all hosts. */
  readonly waiting: number
  readonly waitingUnproven: number
  readonly waitingPerHost: number
  /** The longest wait: what comes later than this is late anyhow. */
  readonly waitMs: number
}

/** Hosts of which it is remembered what they did last time; the one asked longest ago is forgotten first. */
const MAX_REMEMBERED_HOSTS = 20_000

/** What its host did: `unknown` when it was not asked. */
export type Conduct = 'answered' | 'silent' | 'unknown'

/** The right to one delivery. */
export type Pass = {
  /** Gives it back, once; more is ignored. */
  readonly leave: (conduct: Conduct) => void
}

/** What hosts did last time, by host and port. */
export type Conducts = Recent<string, Exclude<Conduct, 'unknown'>>

export function noConducts(): Conducts {
  return new Recent(MAX_REMEMBERED_HOSTS)
}

export type Destination = {
  readonly host: string
  /** The host with its port. */
  readonly origin: string
  /** What a record says that it did; it counts until it has been asked by this process. */
  readonly lastTime: Conduct
}

type Standing = 'proven' | 'unproven'
type Waiter = { readonly destination: Destination; readonly enter: (pass: Pass) => void; lane: Lane }
/** A host with something under way or waiting. */
type Lane = { readonly key: string; readonly standing: Standing; running: number; readonly waiters: Set<Waiter> }
type Usage = { running: number; waiting: number }

/**
 * Who may be sent to now. Hosts that hang hold only what one such host, and all of them together, may hold; those who
 * wait take turns by host, not by notification, and turns go round between hosts that are known to answer and others.
 *
 * A port that answered has a lane of its own: nobody takes its places, or its standing, by naming other ports of its
 * host. All other ports of a host share one lane: being named with many gives a host that hangs no more places.
 */
export class Lanes {
  readonly #limits: LaneLimits
  readonly #clock: Clock
  readonly #lanes = new Map<string, Lane>()
  readonly #conducts: Conducts
  /** Hosts where somebody waits and the host's own limit allows one more; whose turn is next stands first. */
  readonly #ready: Readonly<Record<Standing, Map<string, Lane>>> = { proven: new Map(), unproven: new Map() }
  readonly #usage: Readonly<Record<Standing, Usage>> = {
    proven: { running: 0, waiting: 0 },
    unproven: { running: 0, waiting: 0 },
  }
  #next: Standing = 'proven'

  constructor(limits: LaneLimits, clock: Clock, conducts: Conducts) {
    this.#limits = limits
    this.#clock = clock
    this.#conducts = conducts
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
  async enter(destination: Destination, signal: AbortSignal): Promise<Pass | undefined> {
    signal.throwIfAborted()
    const { origin, lastTime } = destination
    if (lastTime !== 'unknown' && this.#conducts.get(origin) === undefined) this.#conducts.set(origin, lastTime)
    const lane = this.#laneOf(destination)
    if (lane.waiters.size === 0 && this.#hasRoom(lane) && this.#isOpen(lane.standing)) {
      return this.#admit(lane, destination)
    }
    if (this.#isFull(lane)) {
      this.#settle(lane)
      return undefined
    }
    return await this.#wait(lane, destination, signal)
  }

  async #wait(lane: Lane, destination: Destination, signal: AbortSignal): Promise<Pass | undefined> {
    let pass: Pass | undefined
    const waiting = childOf(signal)
    const called = new Promise<void>((resolve) => {
      const enter = (given: Pass) => {
        pass = given
        resolve()
      }
      const waiter = { destination, enter, lane }
      this.#join(waiter)
      waiting.signal.addEventListener('abort', () => this.#part(waiter), { once: true })
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

  #join(waiter: Waiter): void {
    waiter.lane.waiters.add(waiter)
    this.#usage[waiter.lane.standing].waiting += 1
    this.#settle(waiter.lane)
  }

  /** Nothing when it was called already. */
  #part(waiter: Waiter): void {
    if (!waiter.lane.waiters.delete(waiter)) return
    this.#usage[waiter.lane.standing].waiting -= 1
    this.#settle(waiter.lane)
  }

  #admit(lane: Lane, destination: Destination): Pass {
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
      this.#learn(lane, destination, conduct)
      this.#settle(lane)
      this.#call()
    }
    return { leave }
  }

  /** Those that wait for the same go where it belongs now; those under way count where they began. */
  #learn(lane: Lane, destination: Destination, conduct: Conduct): void {
    if (conduct === 'unknown') return
    this.#conducts.set(destination.origin, conduct)
    if (lane.standing === (conduct === 'answered' ? 'proven' : 'unproven')) return
    for (const waiter of [...lane.waiters].filter((one) => one.destination.origin === destination.origin)) {
      this.#part(waiter)
      waiter.lane = this.#laneOf(destination)
      this.#join(waiter)
    }
  }

  /** Lets in who may now, host by host. */
  #call(): void {
    for (let lane = this.#nextReady(); lane !== undefined; lane = this.#nextReady()) {
      const [waiter] = lane.waiters
      if (waiter === undefined) return // not reached: who is ready has somebody waiting
      lane.waiters.delete(waiter)
      this.#usage[lane.standing].waiting -= 1
      this.#ready[lane.standing].delete(lane.key) // to the end, if it is to stand there at all
      waiter.enter(this.#admit(lane, waiter.destination))
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
    if (lane.waiters.size === 0 || !this.#hasRoom(lane)) ready.delete(lane.key)
    else if (!ready.has(lane.key)) ready.set(lane.key, lane)
    if (lane.waiters.size === 0 && lane.running === 0) this.#lanes.delete(lane.key)
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

  #laneOf({ host, origin }: Destination): Lane {
    const standing = this.#conducts.get(origin) === 'answered' ? 'proven' : 'unproven'
    const key = standing === 'proven' ? origin : host
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane: Lane = { key, standing, running: 0, waiters: new Set() }
    this.#lanes.set(key, lane)
    return lane
  }
}
