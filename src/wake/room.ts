import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Held } from '../held/held.ts'
import type { CircuitKey } from '../lnd/port.ts'
import type { Waited } from './records.ts'

export type Waiting = Waited & {
  readonly circuit: CircuitKey
  /** Where it is answered; none while lnd has not offered it (again), after a start or a lost stream. */
  readonly held?: Held
}

/** The HTLCs that wait, bounded by the limits of what may be held. */
export class Room {
  readonly #waiting = new Map<CircuitKey, Waiting>()

  get size(): number {
    return this.#waiting.size
  }

  get(circuit: CircuitKey): Waiting | undefined {
    return this.#waiting.get(circuit)
  }

  /** One that is offered again replaces itself: the newest stream is the one to answer. */
  set(waiting: Waiting): void {
    this.#waiting.set(waiting.circuit, waiting)
  }

  /** Takes it out: whoever takes it answers it. False when somebody else did, or lnd has offered it anew. */
  take(waiting: Waiting): boolean {
    if (this.#waiting.get(waiting.circuit) !== waiting) return false
    return this.#waiting.delete(waiting.circuit)
  }

  all(): readonly Waiting[] {
    return [...this.#waiting.values()]
  }

  of(client: NodeId): readonly Waiting[] {
    return this.all().filter((waiting) => waiting.client === client)
  }

  clients(): ReadonlySet<NodeId> {
    return new Set(this.all().map(({ client }) => client))
  }

  /** Until when the client is waited for: all that comes for it meanwhile waits until then, and no longer. */
  endFor(client: NodeId): Timestamp | undefined {
    const ends = this.of(client).map(({ until }) => until)
    return ends.length === 0 ? undefined : (Math.max(...ends) as Timestamp)
  }

  /** The next end of a wait. */
  nextEnd(): Timestamp | undefined {
    const ends = this.all().map(({ until }) => until)
    return ends.length === 0 ? undefined : (Math.min(...ends) as Timestamp)
  }

  /** lnd may have resumed what was held. */
  doubt(): void {
    for (const waiting of this.all()) this.#waiting.set(waiting.circuit, { ...waiting, mayHaveGoneOn: true })
  }

  /** What lnd offered can be answered no more. */
  loseStream(): void {
    for (const { held: _, ...waiting } of this.all()) this.#waiting.set(waiting.circuit, waiting)
  }
}
