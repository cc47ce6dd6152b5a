import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { HandedOn } from '../held/handed-on.ts'
import type { Held } from '../held/held.ts'
import type { Exposure, HeldLimits } from '../held/limits.ts'
import { type PendingCircuits, pendingCircuits } from '../held/pending.ts'
import { isExpiring, isLnds, refuse } from '../held/refusing.ts'
import type { Log } from '../kernel/log.ts'
import { Bell } from '../kernel/wait.ts'
import type { ChannelEvent, CircuitKey, HtlcOffer, Interceptor, LndPort } from '../lnd/port.ts'
import type { Store, Write } from '../store/port.ts'
import { whyOn } from './arrival.ts'
import { givingWay } from './giving-way.ts'
import { Patience } from './patience.ts'
import { type Waited, waitedTable } from './records.ts'
import { Room, type Waiting } from './room.ts'
import { Routes } from './routes.ts'

/** Between two looks at lnd's lists, which are long, while somebody is waited for. */
export const LOOK_PAUSE_MS = 250
/** The same while nobody is. */
export const QUIET_LOOK_PAUSE_MS = 2_000
/** After a look that failed. */
export const LOOK_AGAIN_MS = 2_000
/** While somebody is waited for whose connection is there and whose channel is not, in case an event was lost. */
export const ARRIVING_LOOK_MS = 1_000
/** While anybody is waited for. */
export const WAITING_LOOK_MS = 10_000
/** While nobody is: events tell. */
const IDLE_MS = 3_600_000
/** HTLCs that end for larger ones and are failed at the next look; so many are held beside the limits meanwhile. */
export const MAX_GIVING_WAY = 10
/** Blocks that an HTLC must have left before lnd fails it, or it is not worth a wait: one may come at any moment. */
export const LEAST_BLOCKS = 6

export type WakeDeps = {
  readonly lnd: Pick<LndPort, 'listChannels' | 'listAliases'>
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /**
   * Whether the client has a webhook. Any channel with such a client will do, whoever opened it: the client asked to be
   * woken, and what is held for it is bounded all the same.
   */
  readonly reaches: (client: NodeId) => boolean
  /** Wakes the client; `usefulUntil`: nobody waits for it afterwards. Never throws, never waits. */
  readonly callClient: (client: NodeId, usefulUntil: Timestamp) => void
  /** Whether a sale has this HTLC on record: then the sale answers it. */
  readonly isOfSale: (offer: HtlcOffer) => boolean
  /** Takes what does not wait and what waits no longer: each offer once for each stream. */
  readonly next: (offer: HtlcOffer, stream: Interceptor) => void
  /** A commit failed: the process must stop now. */
  readonly onFatal: (error: unknown) => void
}

export type WakeConfig = {
  /** How long a client is waited for. */
  readonly holdMs: number
  readonly limits: HeldLimits
  /** lnd may resume by itself what is held, when we are gone (D2): a record does not show then that it never went on. */
  readonly lndResumes: boolean
}

/**
 * The waiting room in front of the sales: a payment to a client that has a channel and is away waits for the client,
 * which is called by its webhook; when a channel of it is active the payment goes on, otherwise it fails in time.
 */
export class WakeGate {
  readonly #deps: WakeDeps
  readonly #config: WakeConfig
  readonly #routes = new Routes()
  readonly #room = new Room()
  readonly #patience: Patience
  readonly #handedOn: HandedOn
  /** Clients that are waited for and connected: their channels come up in a moment. */
  readonly #arriving = new Set<NodeId>()
  readonly #bell = new Bell()
  /** What waited when the process before ended, and what lnd offered of it before the start; bounded by these names. */
  #names: ReadonlySet<string> = new Set()
  readonly #early = new Map<CircuitKey, Held>()
  #isReady = false
  /** Those whose record is being deleted, with what lnd offered of them since. */
  readonly #ending = new Map<CircuitKey, Held[]>()
  #height = 0
  #mustLook = true
  #mustAskAliases = true
  #looksAgain = false

  constructor(deps: WakeDeps, config: WakeConfig) {
    this.#deps = deps
    this.#config = config
    this.#patience = new Patience(config.holdMs)
    this.#handedOn = new HandedOn(deps.clock.now())
  }

  /** All that waits, for people. */
  get waiting(): readonly Waiting[] {
    return this.#room.all()
  }

  /** First thing at start: foreign forwards must not wait for more than these keys. */
  async loadNames(): Promise<void> {
    this.#names = new Set(await this.#deps.store.keys(waitedTable.name))
  }

  async load(): Promise<void> {
    for await (const [circuit, waited] of waitedTable.entries(this.#deps.store)) this.#room.set({ ...waited, circuit })
    if (this.#config.lndResumes) this.#room.doubt()
  }

  /** Whether it waits, or waited when the process before ended, and certainly was never handed on. */
  wasNeverHandedOn(circuit: CircuitKey): boolean {
    const waiting = this.#room.get(circuit)
    return waiting !== undefined && waiting.mayHaveGoneOn !== true
  }

  /** Serves until the signal aborts; call once the sales are loaded. */
  async start(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    while (!signal.aborted) {
      if (!this.#mustLook) {
        await this.#bell.next(this.#pauseMs(), clock, signal).catch(() => undefined)
        this.#mustLook ||= this.#room.size > 0
        continue
      }
      this.#mustLook = false
      try {
        await this.#look(signal)
        await this.#rest(signal)
        if (!this.#looksAgain) continue
        this.#looksAgain = false
        this.#lookForNames()
      } catch (error) {
        if (signal.aborted) return
        this.#mustLook = true
        log.warn({ waiting: this.#room.size, err: error }, 'lnd does not list its channels, will be asked again')
        await clock.sleep(LOOK_AGAIN_MS, signal).catch(() => undefined)
      }
    }
  }

  /** Every HTLC that lnd would forward. In this tick it goes on, or waits in memory. */
  onOffer(offer: HtlcOffer, stream: Interceptor): void {
    const { circuit, requestedScid } = offer
    if (!this.#isReady) {
      if (this.#names.has(circuit)) this.#early.set(circuit, { offer, stream })
      else this.#pass(offer, stream)
      return
    }
    const peer = this.#routes.peerAt(requestedScid)
    if (peer === undefined) this.#pass(offer, stream)
    else this.#arrive({ offer, stream }, peer)
  }

  /** What the stream offered cannot be answered through it any more; lnd offers it again to the next one. */
  onInterceptorLost(): void {
    this.#early.clear()
    for (const circuit of this.#ending.keys()) this.#ending.set(circuit, []) // lnd offers them again
    this.#room.loseStream()
    if (this.#config.lndResumes) this.#room.doubt()
  }

  onPeer(peer: NodeId, online: boolean): void {
    const end = this.#room.endFor(peer)
    if (!online) {
      this.#arriving.delete(peer)
      this.#routes.away(peer)
      if (this.#routes.knows(peer) && this.#deps.reaches(peer)) this.#lookForNames()
      // It came for a moment, too short for its channel.
      if (end !== undefined && end > this.#deps.clock.now()) this.#deps.callClient(peer, end)
      return
    }
    if (end === undefined) return
    this.#arriving.add(peer)
    this.#lookSoon()
  }

  /** Without an event: the stream of them is new, and whatever was missed is to be looked up. */
  onChannelEvent(event?: ChannelEvent): void {
    if (event?.type === 'pending') return
    const { outpoint } = event ?? {}
    if (outpoint === undefined || event?.type === 'open' || event?.type === 'closed') {
      this.#lookForNames()
      return
    }
    const isActive = event?.type === 'active'
    const peer = this.#routes.tell(outpoint, isActive)
    // lnd names a channel when it is made, and a sale binds its scid in the moment after it is active.
    if (isActive) this.#looksAgain = true
    if (isActive || peer === undefined) this.#lookForNames()
    if (isActive && peer !== undefined) this.#clientCame(peer)
    // A name may have been bound to it meanwhile, which nobody tells of.
    if (!isActive && peer !== undefined && this.#deps.reaches(peer)) this.#lookForNames()
  }

  onBlock(height: number): void {
    this.#height = height
    if (this.#room.all().some((waiting) => this.#isOver(waiting))) this.#lookSoon()
  }

  /** To a peer that we have a channel with. */
  #arrive(held: Held, peer: NodeId): void {
    const { offer, stream } = held
    const waiting = this.#room.get(offer.circuit)
    const again = waiting === undefined ? undefined : { ...waiting, held }
    if (again !== undefined) this.#room.set(again)
    const why = this.#routes.isHere(peer) ? 'its client is here' : this.#whyOn(offer, peer)
    if (why === undefined) {
      if (again === undefined) this.#hold(held, peer)
      this.#lookSoon() // perhaps its forward is under way, or the client is here after all
    } else if (again === undefined) this.#pass(offer, stream)
    else this.#handOn([again], why)
  }

  /** Whatever goes on is remembered, whoever it is for: it may be known only later that its client can be waited for. */
  #pass(offer: HtlcOffer, stream: Interceptor): void {
    const { circuit } = offer
    this.#handedOn.add(circuit, this.#deps.clock.now())
    const ending = this.#ending.get(circuit)
    if (ending === undefined) this.#deps.next(offer, stream)
    else ending.push({ offer, stream }) // its record is being deleted: that comes first
  }

  #whyOn(offer: HtlcOffer, client: NodeId): string | undefined {
    const { circuit, amountIn: amount } = offer
    return whyOn({
      isOfSale: this.#deps.isOfSale(offer),
      wentOn: this.#handedOn.has(circuit),
      isWaiting: this.#room.get(circuit) !== undefined,
      isReachable: this.#deps.reaches(client),
      isExpiring: offer.autoFailHeight - this.#height < LEAST_BLOCKS,
      isPaused: this.#patience.isPaused(client, this.#deps.clock.now()),
      isTooMuch: this.#givingWay({ client, amount }) === undefined,
    })
  }

  #hold(held: Held, client: NodeId): void {
    const { clock, log, callClient } = this.#deps
    const { circuit, amountIn: amount } = held.offer
    const since = clock.now()
    const giveWay = (this.#givingWay({ client, amount }) ?? []).map(({ held: place, circuit: name, ...one }) => {
      const ending = { ...one, givesWay: true as const }
      this.#room.set({ ...ending, circuit: name, ...(place === undefined ? {} : { held: place }) })
      return waitedTable.put(name, ending)
    })
    const end = this.#room.endFor(client) ?? since
    const until = end > since ? end : ((since + this.#config.holdMs) as Timestamp)
    const doubt = this.#handedOn.isComplete(since) ? {} : { mayHaveGoneOn: true as const }
    const waited: Waited = { client, amount, since, until, ...doubt }
    this.#room.set({ ...waited, circuit, held })
    this.#write([...giveWay, waitedTable.put(circuit, waited)])
    log.info({ client, circuit, amount: `${amount}`, until }, 'payment waits for a client that is away')
    if (end <= since) callClient(client, until)
  }

  /** What waits already and has to end for it; undefined: it has to go on itself. */
  #givingWay(one: Exposure): readonly Waiting[] | undefined {
    const staying = this.#room.all().filter(({ givesWay }) => givesWay !== true)
    const gone = givingWay(one, staying, this.#config.limits)
    const ending = this.#room.size - staying.length + (gone?.length ?? 0)
    return gone === undefined || (gone.length > 0 && ending > MAX_GIVING_WAY) ? undefined : gone
  }

  /** Reads who is where, and does what that means for whatever waited before lnd was asked. */
  async #look(signal: AbortSignal): Promise<void> {
    const { lnd } = this.#deps
    const waiting = this.#room.all()
    const asksAliases = this.#mustAskAliases
    this.#mustAskAliases = false
    this.#routes.beginLook()
    const asked = Promise.all([lnd.listChannels(signal), asksAliases ? lnd.listAliases(signal) : undefined])
    asked.catch(() => {
      this.#mustAskAliases ||= asksAliases
    })
    const [channels, aliases] = await asked
    this.#routes.endLook(channels, aliases)
    if (!this.#isReady) this.#begin()
    for (const client of this.#routes.here()) this.#patience.came(client)
    for (const client of this.#room.clients()) if (this.#routes.isHere(client)) this.#clientCame(client)
    for (const client of this.#arriving) if (this.#room.endFor(client) === undefined) this.#arriving.delete(client)
    const pending = pendingCircuits(channels)
    for (const one of waiting) await this.#settle(one, pending, signal)
  }

  /** It is known from here on who is where. The process before called the clients too: what is said twice, they say. */
  #begin(): void {
    const { clock, callClient } = this.#deps
    this.#isReady = true
    for (const held of this.#early.values()) {
      const client = this.#room.get(held.offer.circuit)?.client
      if (client === undefined) this.onOffer(held.offer, held.stream)
      else this.#arrive(held, client)
    }
    this.#early.clear()
    for (const client of this.#room.clients()) {
      const end = this.#room.endFor(client)
      if (end !== undefined && end > clock.now()) callClient(client, end)
    }
  }

  #clientCame(client: NodeId): void {
    this.#arriving.delete(client)
    this.#patience.came(client)
    this.#handOn(this.#room.of(client), 'its client has come')
  }

  async #settle(one: Waiting, pending: PendingCircuits, signal: AbortSignal): Promise<void> {
    if (this.#room.get(one.circuit) !== one) return // it went, or lnd has offered it again since
    const found = pending.get(one.circuit)
    if (found?.forwarded === true) {
      this.#handOn([one], 'it went on before')
      return
    }
    if (!this.#isOver(one)) return
    const { clock, log } = this.#deps
    const { client, circuit, until, held } = one
    // Only who had all the time is taken for one who does not come: blocks may end a wait at any moment.
    if (clock.now() >= until) this.#patience.missed(client, until, clock.now())
    if (held === undefined && found !== undefined) return // lnd offers it again, and then it fails
    if (held !== undefined && one.mayHaveGoneOn) {
      this.#handOn([one], 'its client did not come')
      return
    }
    this.#room.take(one)
    if (held !== undefined) {
      await refuse(held, { pending: async () => pending, height: () => this.#height }, signal)
      log.info({ client, circuit }, 'payment failed: its client did not come')
    }
    this.#write([waitedTable.del(circuit)])
  }

  /** The record ends before the HTLC goes on: see `Waited`. A kill in between costs no more than a failed payment. */
  #handOn(all: readonly Waiting[], why: string): void {
    const { clock, log, next } = this.#deps
    const going = all.filter((one) => this.#room.take(one))
    if (going.length === 0) return
    for (const { circuit, held } of going) {
      this.#handedOn.add(circuit, clock.now())
      this.#ending.set(circuit, held === undefined ? [] : [held])
      log.info({ circuit, why }, 'payment waits no longer')
    }
    this.#write(
      going.map(({ circuit }) => waitedTable.del(circuit)),
      () => {
        for (const { circuit } of going) {
          const held = this.#ending.get(circuit)?.at(-1)
          this.#ending.delete(circuit)
          if (held !== undefined && !isLnds(held.offer, this.#height)) next(held.offer, held.stream)
        }
      },
    )
  }

  #isOver({ since, until, held, givesWay }: Waiting): boolean {
    const now = this.#deps.clock.now()
    const isLate = givesWay === true || now >= until || now < since // the clock went back: nobody knows how long it waited
    return isLate || (held !== undefined && isExpiring(held.offer, this.#height))
  }

  #write(writes: readonly Write[], then: () => void = () => undefined): void {
    this.#deps.store.commit(writes).then(then, this.#deps.onFatal)
  }

  /** Between two looks; a shorter pause when somebody begins to wait. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    const end = clock.now() + QUIET_LOOK_PAUSE_MS
    await clock.sleep(LOOK_PAUSE_MS, signal).catch(() => undefined)
    const left = () => Math.min(end - clock.now(), QUIET_LOOK_PAUSE_MS)
    while (this.#room.size === 0 && left() > 0 && !signal.aborted) {
      await this.#bell.next(left(), clock, signal).catch(() => undefined)
    }
  }

  #pauseMs(): number {
    const end = this.#room.nextEnd()
    if (end === undefined) return IDLE_MS
    const most = this.#arriving.size > 0 ? ARRIVING_LOOK_MS : WAITING_LOOK_MS
    const left = end - this.#deps.clock.now()
    return left > 0 ? Math.min(left, most) : most
  }

  #lookForNames(): void {
    this.#mustAskAliases = true
    this.#lookSoon()
  }

  #lookSoon(): void {
    this.#mustLook = true
    this.#bell.ring()
  }
}
