import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { DELIVERY_MS, HandedOn } from '../held/handed-on.ts'
import type { Held } from '../held/held.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Log } from '../kernel/log.ts'
import { Recent } from '../kernel/recent.ts'
import { SharedLook } from '../kernel/shared-look.ts'
import type { CircuitKey, LndPort } from '../lnd/port.ts'
import { type CapacityRule, largestCarried } from './capacity.ts'
import { isCarried, isUncounted, type Look, lookAt } from './carried.ts'
import { takeParts, total } from './parts.ts'
import type { StandingNames } from './standing-names.ts'
import type { Deal, JitEvent, Part, Sale } from './states.ts'
import { verdict } from './verdict.ts'

/** How long further parts of a payment are waited for that no channel carries, in ms: the channel is sized by them. */
export const GATHER_MS = 500
/** How long a forward that was let go is looked for in lnd's balances, in ms; a channel agrees on it within a second. */
export const UNCOUNTED_MS = 5_000
/** Clients whose last forwards are remembered until lnd's balances show them. */
export const MAX_CLIENTS = 1_000

/** The purchase under which another channel is sold: it was paid, and its channel stood. */
export type Purchase = Extract<Sale, { tag: 'paid' }>

export type SecondChannelsDeps = {
  readonly lnd: Pick<LndPort, 'listChannels'>
  readonly clock: Clock
  readonly log: Log
  readonly height: () => number
  readonly capacity: CapacityRule
  readonly names: Pick<StandingNames, 'clientOf' | 'underWay' | 'isStanding' | 'mayHaveLetGo'>
  /** A sale under way or ended. */
  readonly sale: (scid: Scid) => Promise<Sale | undefined>
  /** Channels of the client that are not paid for: they do not count, what does not fit elsewhere pays for them. */
  readonly unpaidChannels: (client: NodeId) => ReadonlySet<string>
  /** Why nothing more is sold to the client now; undefined: it is. */
  readonly refusal: (client: NodeId) => string | undefined
  /** Whether a sale counts on this circuit, held or forwarded. */
  readonly isOnRecord: (circuit: CircuitKey) => boolean
  readonly isHeld: (held: Held) => boolean
  /** As an ordinary forward: lnd sends it, or fails it at once. */
  readonly resume: (held: Held) => void
  /** At once. Only for what was never let go; lnd's own list has to say the same. */
  readonly fail: (held: Held) => void
  /** lnd does not hold it any more, and an answer would end the stream. */
  readonly drop: (held: Held) => void
  /** A new sale, on disk when this resolves. */
  readonly sell: (terms: Omit<Deal, 'scid'>) => Promise<Deal>
  /** Makes parts of one payment known to the sale; resolved when that is on disk and what was decided is answered. */
  readonly hear: (scid: Scid, payment: readonly [Held, ...Held[]]) => Promise<unknown>
}

/** What another channel costs: what was agreed on for any payment, less what was agreed on for the one that was paid. */
export function termsUnder({ scid: via, paymentSize: _, fee: __, ...terms }: Deal, at: Timestamp): Omit<Deal, 'scid'> {
  return { ...terms, via, createdAt: at }
}

/**
 * Payments to a name that leads to a client who is nobody's debtor: what the client's channels carry goes on as an
 * ordinary forward, and for what they do not carry another channel is sold by the terms of the purchase. This is the one
 * place where a name that payers use becomes a client, its terms and the sale that is under way: the standing scid of
 * LSPS4 (continuous JIT) would be one more source of names here.
 *
 * What is not on record goes on as an ordinary forward, or is failed where only a channel that nobody paid for would
 * carry it; what is to pay for a channel is on record, as of any sale, before anything else happens. Bounded by what may be held at once.
 */
export class SecondChannels {
  readonly #deps: SecondChannelsDeps
  /** lnd's list is long: however many payments come, it is asked for one at a time. */
  readonly #look: SharedLook<Look>
  /** What is decided under one name is decided one after the other. */
  readonly #lock = new KeyedLock()
  readonly #inHand = new Map<CircuitKey, Set<Held>>()
  readonly #gathering = new Map<string, { readonly payment: Held[]; readonly served: Promise<void> }>()
  /** What lnd held when this process began; as many as stood in its channels then. */
  #stood: ReadonlySet<CircuitKey> | undefined
  readonly #gone: HandedOn
  readonly #uncounted = new Recent<NodeId, readonly LetGo[]>(MAX_CLIENTS)

  constructor(deps: SecondChannelsDeps) {
    this.#deps = deps
    // What went on before this process is in `#stood`: nothing else did.
    this.#gone = new HandedOn((deps.clock.now() - DELIVERY_MS) as Timestamp)
    this.#look = new SharedLook(async (signal) => lookAt(await deps.lnd.listChannels(signal)))
  }

  /**
   * Call once the sales are loaded, before anything is placed. What stands at lnd now and is on no record, the process
   * before may have let go: its forward can be in the memory of lnd for two minutes and show in no list.
   */
  start(signal: AbortSignal): void {
    if (!this.#deps.names.mayHaveLetGo) this.#stood = new Set()
    // When it fails, the next look takes its place.
    else this.#lookAgain(signal).catch(() => undefined)
  }

  /** Whether it is being decided about this circuit: then nobody else may answer it. */
  hasInHand(circuit: CircuitKey): boolean {
    return this.#inHand.has(circuit)
  }

  /** Decides about a payment that no sale has on record; said twice of the same one, it changes nothing. */
  place(held: Held, signal: AbortSignal): void {
    const { circuit } = held.offer
    const before = this.#inHand.get(circuit)
    if (before?.has(held)) return
    this.#inHand.set(circuit, (before ?? new Set()).add(held))
    this.#place(held, signal)
      .catch((error: unknown) => {
        // Still held, and looked at again soon.
        if (!signal.aborted) this.#deps.log.warn({ circuit, err: error }, 'not known whether a payment fits a channel')
      })
      .finally(() => {
        const inHand = this.#inHand.get(circuit)
        inHand?.delete(held)
        if (inHand?.size === 0) this.#inHand.delete(circuit)
      })
  }

  /** As an ordinary forward, and never as anything else when lnd offers it again. */
  letGo(held: Held): void {
    this.#gone.add(held.offer.circuit, this.#deps.clock.now())
    this.#deps.resume(held)
  }

  async #place(held: Held, signal: AbortSignal): Promise<void> {
    const { requestedScid: name } = held.offer
    const short = await this.#lock.run(name, async () => this.#letGoWhatFits([held], await this.#lookAgain(signal)))
    if (short.length > 0) await this.#gather(held, signal)
  }

  async #lookAgain(signal: AbortSignal): Promise<Look> {
    const look = await this.#look.ask(signal)
    this.#stood ??= new Set([...look.incoming.keys()].filter((circuit) => !this.#deps.isOnRecord(circuit)))
    return look
  }

  /** Resolved when the payment to which this belongs was decided about. */
  #gather(held: Held, signal: AbortSignal): Promise<void> {
    const { requestedScid: name, paymentHash } = held.offer
    const key = `${name}/${paymentHash}`
    const gathering = this.#gathering.get(key)
    if (gathering !== undefined) {
      gathering.payment.push(held)
      return gathering.served
    }
    const payment = [held]
    const served = this.#deps.clock
      .sleep(GATHER_MS, signal)
      .finally(() => this.#gathering.delete(key))
      .then(() => this.#lock.run(name, () => this.#serve(name, payment, signal)))
    this.#gathering.set(key, { payment, served })
    return served
  }

  async #serve(name: Scid, payment: readonly Held[], signal: AbortSignal): Promise<void> {
    // Once more: a channel may have been paid for meanwhile, and lnd must be known to hold what is put on record.
    const look = await this.#lookAgain(signal)
    const short = this.#letGoWhatFits(payment, look)
    const [first, ...further] = short
    if (first === undefined) return
    const scid = this.#deps.names.underWay(name)?.deal.scid ?? (await this.#sell(name, short, look))
    if (scid !== undefined) await this.#deps.hear(scid, [first, ...further])
    else for (const held of short) this.#refuse(held, look)
  }

  async #sell(name: Scid, payment: readonly Held[], look: Look): Promise<Scid | undefined> {
    const { names, sale, clock, sell, log } = this.#deps
    const paid = names.isStanding(name) ? await sale(name) : undefined
    if (paid?.tag !== 'paid') return undefined
    const at = clock.now()
    const why = this.#whyNot(paid, payment, look, at)
    if (why === undefined) return (await sell(termsUnder(paid.deal, at))).scid
    log.info({ jit: name, why }, 'a payment fits no channel of its client, and none is opened for it')
    return undefined
  }

  #whyNot({ deal, channel }: Purchase, payment: readonly Held[], look: Look, at: Timestamp): string | undefined {
    const { refusal, capacity, height } = this.#deps
    // lnd finds the client by the channel to which the name is bound.
    if (!look.channels.some(({ outpoint }) => outpoint === channel.outpoint)) return 'its channel is gone'
    const refused = refusal(deal.client)
    if (refused !== undefined) return refused
    const parts = payment.map((held) => partOf(held, at))
    const sale = { deal: { ...termsUnder(deal, at), scid: deal.scid }, parts: [], refused: [] }
    const taken = takeParts(sale, parts, { height: height(), at, bound: true })
    const [fault] = taken.refused
    if (fault !== undefined) return fault.why
    const most = largestCarried(capacity.most, capacity, parts.length)
    return total(parts) > most ? `${total(parts)} msat, more than a channel may carry` : undefined
  }

  /** Those that go on as ordinary forwards are answered; the others are returned. */
  #letGoWhatFits(payment: readonly Held[], look: Look): readonly Held[] {
    return payment.filter((held) => {
      const { circuit, requestedScid: name, amountOut } = held.offer
      if (!this.#deps.isHeld(held)) return false
      const sale = this.#deps.names.underWay(name)
      if (sale !== undefined && verdict(sale, circuit).type !== 'judge') return false // on record meanwhile
      if (!look.incoming.has(circuit)) {
        this.#deps.drop(held)
        return false
      }
      const client = this.#deps.names.clientOf(name)
      if (client !== undefined && !this.#mayBeForwarded(circuit, look)) {
        if (!this.#fits(amountOut, client, look)) return true
        this.#remember(client, circuit, amountOut)
      }
      this.letGo(held)
      return false
    })
  }

  /** By lnd's list, or because it was let go, perhaps before this process began: then it is never put on record. */
  #mayBeForwarded(circuit: CircuitKey, { incoming }: Look): boolean {
    const isForgotten = !this.#gone.isComplete(this.#deps.clock.now()) // perhaps: more went on than it can hold
    const wasLetGo = isForgotten || this.#gone.has(circuit) || this.#stood?.has(circuit) === true
    return wasLetGo || incoming.get(circuit) !== undefined
  }

  #fits(amount: Msat, client: NodeId, look: Look): boolean {
    const unpaid = this.#deps.unpaidChannels(client)
    const channels = look.channels.filter(({ peer, outpoint }) => peer === client && !unpaid.has(outpoint))
    const since = this.#deps.clock.now() - UNCOUNTED_MS
    const last = this.#uncounted.get(client) ?? []
    const uncounted = last.filter(({ circuit, at }) => at > since && isUncounted(circuit, look))
    this.#uncounted.set(client, uncounted)
    return isCarried(
      amount,
      channels,
      uncounted.map((forward) => forward.amount),
    )
  }

  #remember(client: NodeId, circuit: CircuitKey, amount: Msat): void {
    const last = (this.#uncounted.get(client) ?? []).filter((forward) => forward.circuit !== circuit)
    this.#uncounted.set(client, [...last, { circuit, amount, at: this.#deps.clock.now() }])
  }

  /** It gets no channel: lnd fails it at once, but for one of the client's that nobody has paid for yet. */
  #refuse(held: Held, look: Look): void {
    const { requestedScid: name, amountOut } = held.offer
    const client = this.#deps.names.clientOf(name)
    const unpaid = client === undefined ? new Set<string>() : this.#deps.unpaidChannels(client)
    const free = look.channels.filter(({ outpoint }) => unpaid.has(outpoint))
    if (isCarried(amountOut, free, [])) this.#deps.fail(held)
    else this.letGo(held)
  }
}

type LetGo = { readonly circuit: CircuitKey; readonly amount: Msat; readonly at: Timestamp }

/** What a sale is told of parts of one payment that came together. */
export function partHeld(
  [first, ...further]: readonly [Held, ...Held[]],
  facts: Omit<Extract<JitEvent, { type: 'part-held' }>, 'type' | 'part' | 'further'>,
): JitEvent {
  const event = { type: 'part-held', part: partOf(first, facts.at), ...facts } as const
  return further.length === 0 ? event : { ...event, further: further.map((held) => partOf(held, facts.at)) }
}

/** An offered HTLC as a sale has it on record. */
function partOf({ offer }: Held, at: Timestamp): Part {
  const { circuit, paymentHash, amountIn, amountOut, expiryIn, expiryOut, autoFailHeight } = offer
  return { circuit, paymentHash, amountIn, amountOut, expiryIn, expiryOut, autoFailHeight, heldAt: at }
}
