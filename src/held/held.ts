import type { Scid } from '../../lsps/base/scid.ts'
import type { CircuitKey, HtlcAnswer, HtlcOffer, Interceptor } from '../lnd/port.ts'

export type Held = { readonly offer: HtlcOffer; readonly stream: Interceptor }

/** The HTLCs that wait for our answer now, in memory only: lnd offers them again to the next stream. */
export class HeldHtlcs {
  readonly #bySale = new Map<Scid, Map<CircuitKey, Held>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** A circuit that is offered again replaces itself: the newest stream is the one to answer. */
  add(held: Held): void {
    const { requestedScid, circuit } = held.offer
    const ofSale = this.#bySale.get(requestedScid) ?? new Map<CircuitKey, Held>()
    this.#bySale.set(requestedScid, ofSale)
    if (!ofSale.has(circuit)) this.#size += 1
    ofSale.set(circuit, held)
  }

  /** Puts back what was taken and could not be answered, unless it was offered again meanwhile. */
  putBack(held: Held): void {
    if (!this.#bySale.get(held.offer.requestedScid)?.has(held.offer.circuit)) this.add(held)
  }

  /** Whether it waits still, on the stream that offered it. */
  has(held: Held): boolean {
    return this.#bySale.get(held.offer.requestedScid)?.get(held.offer.circuit) === held
  }

  of(scid: Scid): readonly Held[] {
    return [...(this.#bySale.get(scid)?.values() ?? [])]
  }

  *all(): Iterable<Held> {
    for (const ofSale of this.#bySale.values()) yield* ofSale.values()
  }

  /** Takes it out: whoever takes it answers it. Undefined when somebody else did. */
  take({ offer, stream }: Held): Held | undefined {
    const ofSale = this.#bySale.get(offer.requestedScid)
    const held = ofSale?.get(offer.circuit)
    if (ofSale === undefined || held === undefined || held.stream !== stream) return undefined
    ofSale.delete(offer.circuit)
    if (ofSale.size === 0) this.#bySale.delete(offer.requestedScid)
    this.#size -= 1
    return held
  }

  clear(): void {
    this.#bySale.clear()
    this.#size = 0
  }

  answer(held: Held, answer: HtlcAnswer): void {
    held.stream.answer(held.offer.circuit, answer)
  }
}
