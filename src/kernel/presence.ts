/**
 * Who is connected, from a stream of events and from lists. What a stream missed while it was down a list tells; what
 * an event tells while a list is under way is newer than the list. Bounded by the peers of the node.
 */
export class Presence<Id> {
  readonly #online = new Set<Id>()
  /** Peers that events told of while a list of them was under way; one set for each list. */
  readonly #told = new Set<Set<Id>>()
  readonly #onOnline: (peer: Id) => void
  readonly #onOffline: (peer: Id) => void

  /** `onOnline` hears of everybody who came, each time it is told; `onOffline` of everybody who was here and went. */
  constructor(onOnline: (peer: Id) => void, onOffline: (peer: Id) => void = () => undefined) {
    this.#onOnline = onOnline
    this.#onOffline = onOffline
  }

  has(peer: Id): boolean {
    return this.#online.has(peer)
  }

  /** What an event says. */
  tell(peer: Id, online: boolean): void {
    for (const told of this.#told) told.add(peer)
    this.#set(peer, online)
  }

  /** Everybody who is connected. */
  async load(list: () => Promise<readonly Id[]>): Promise<void> {
    const told = new Set<Id>()
    this.#told.add(told)
    try {
      const connected = new Set(await list())
      for (const known of [...this.#online]) if (!connected.has(known) && !told.has(known)) this.#set(known, false)
      for (const peer of connected) if (!this.#online.has(peer) && !told.has(peer)) this.#set(peer, true)
    } finally {
      this.#told.delete(told)
    }
  }

  #set(peer: Id, online: boolean): void {
    if (!online) {
      if (this.#online.delete(peer)) this.#onOffline(peer)
      return
    }
    this.#online.add(peer)
    this.#onOnline(peer)
  }
}
