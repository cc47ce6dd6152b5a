import type { NodeId } from '../../lsps/base/node-id.ts'
import { type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import type { Alias, Channel, Outpoint } from '../lnd/port.ts'

type Route = { readonly peer: NodeId; active: boolean }

/**
 * Whom a scid of a channel that is not announced leads to, and whether that peer can be paid now, in memory: read from
 * lnd's lists, kept up to date by its events. Bounded by lnd's open channels and their aliases. What is missing or stale
 * costs no more than a wait: the HTLC goes on as if nobody waited for anybody.
 */
export class Routes {
  #byScid = new Map<Scid, NodeId>()
  #byOutpoint = new Map<Outpoint, Route>()
  #peers = new Set<NodeId>()
  /** How many active channels each peer has. */
  #active = new Map<NodeId, number>()
  /** Texts of ids, which are the same at each look. */
  #texts = new Map<bigint, Scid>()
  #aliases = new Map<bigint, readonly bigint[]>()
  /** Channels that were told of while lnd's list was under way: that is newer. */
  #told = new Set<Outpoint>()

  peerAt(scid: Scid): NodeId | undefined {
    return this.#byScid.get(scid)
  }

  /** Whether it has a channel with us. */
  knows(peer: NodeId): boolean {
    return this.#peers.has(peer)
  }

  here(): Iterable<NodeId> {
    return this.#active.keys()
  }

  /** Whether a payment could go out to the peer now: lnd sends over any channel of it. */
  isHere(peer: NodeId): boolean {
    return this.#active.has(peer)
  }

  /** What an event says. Undefined when the channel is not in the list yet. */
  tell(outpoint: Outpoint, active: boolean): NodeId | undefined {
    this.#told.add(outpoint)
    const route = this.#byOutpoint.get(outpoint)
    if (route === undefined) return undefined
    this.#set(route, active)
    return route.peer
  }

  /** The peer's connection is gone, which lnd may tell before it tells of its channels. */
  away(peer: NodeId): void {
    if (!this.isHere(peer)) return
    for (const [outpoint, route] of this.#byOutpoint) {
      if (route.peer !== peer) continue
      this.#told.add(outpoint)
      this.#set(route, false)
    }
  }

  /** Called before lnd is asked for its list. */
  beginLook(): void {
    this.#told.clear()
  }

  /** What lnd listed; aliases only when they were asked for, otherwise those of last time stand. */
  endLook(channels: readonly Channel[], aliases?: readonly Alias[]): void {
    if (aliases !== undefined) this.#aliases = new Map(aliases.map(({ base, aliases: names }) => [base, names]))
    const before = this.#byOutpoint
    const texts = this.#texts
    this.#byScid = new Map()
    this.#byOutpoint = new Map()
    this.#texts = new Map()
    this.#active = new Map()
    this.#peers = new Set(channels.map(({ peer }) => peer))
    for (const channel of channels) {
      const { peer, outpoint } = channel
      const known = this.#told.has(outpoint) ? before.get(outpoint)?.active : undefined
      const route: Route = { peer, active: false }
      this.#byOutpoint.set(outpoint, route)
      this.#set(route, known ?? channel.active)
      // An announced channel is a router's: payments of strangers go over it, to whom nobody is called.
      for (const id of channel.private ? this.#namesOf(channel) : []) {
        const text = texts.get(id) ?? scidFromNumber(id)
        this.#texts.set(id, text)
        this.#byScid.set(text, peer)
      }
    }
  }

  *#namesOf({ chanId }: Channel): Iterable<bigint> {
    yield chanId
    yield* this.#aliases.get(chanId) ?? []
  }

  #set(route: Route, active: boolean): void {
    if (route.active === active) return
    route.active = active
    const count = (this.#active.get(route.peer) ?? 0) + (active ? 1 : -1)
    if (count > 0) this.#active.set(route.peer, count)
    else this.#active.delete(route.peer)
  }
}
