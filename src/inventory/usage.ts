import type { Sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Refused, Wanted } from './opening.ts'

/** Undefined: no such cap. */
export type Caps = {
  readonly channelsPerPeer: number
  readonly capacityPerPeer: Sat | undefined
  readonly capacityPerToken: Sat | undefined
  readonly capacity: Sat | undefined
}

/** A channel of ours, being opened or standing. */
export type Holding = { readonly peer: NodeId; readonly token: string; readonly capacity: Sat }

type PeerUsage = { channels: number; capacity: bigint }

/** What our channels use of the caps, counted as they come and go: a purchase must not wait for a sum. */
export class Usage {
  readonly #holdings = new Map<string, Holding>()
  readonly #peers = new Map<NodeId, PeerUsage>()
  readonly #tokens = new Map<string, bigint>()
  #capacity = 0n

  get capacity(): bigint {
    return this.#capacity
  }

  get channels(): number {
    return this.#holdings.size
  }

  ofPeer(peer: NodeId): Readonly<PeerUsage> {
    return this.#peers.get(peer) ?? { channels: 0, capacity: 0n }
  }

  ofToken(token: string): bigint {
    return this.#tokens.get(token) ?? 0n
  }

  /** The peer with the most channels and the capacity of the largest one, for people. */
  get largest(): { readonly channels: number; readonly peerCapacity: bigint; readonly tokenCapacity: bigint } {
    let channels = 0
    let peerCapacity = 0n
    for (const usage of this.#peers.values()) {
      channels = Math.max(channels, usage.channels)
      if (usage.capacity > peerCapacity) peerCapacity = usage.capacity
    }
    let tokenCapacity = 0n
    for (const [token, capacity] of this.#tokens) if (token !== '' && capacity > tokenCapacity) tokenCapacity = capacity
    return { channels, peerCapacity, tokenCapacity }
  }

  /** The same id again replaces what was counted. */
  set(id: string, holding: Holding): void {
    const before = this.#holdings.get(id)
    if (before?.peer === holding.peer && before.token === holding.token && before.capacity === holding.capacity) return
    this.delete(id)
    this.#holdings.set(id, holding)
    this.#count(holding, 1)
  }

  delete(id: string): void {
    const holding = this.#holdings.get(id)
    if (holding === undefined) return
    this.#holdings.delete(id)
    this.#count(holding, -1)
  }

  /** Forgets all that is not kept. */
  retain(isKept: (id: string) => boolean): void {
    for (const id of [...this.#holdings.keys()]) if (!isKept(id)) this.delete(id)
  }

  #count({ peer, token, capacity }: Holding, sign: 1 | -1): void {
    const change = BigInt(sign) * capacity
    const usage = this.#peers.get(peer) ?? { channels: 0, capacity: 0n }
    usage.channels += sign
    usage.capacity += change
    if (usage.channels === 0) this.#peers.delete(peer)
    else this.#peers.set(peer, usage)
    const ofToken = this.ofToken(token) + change
    if (ofToken === 0n) this.#tokens.delete(token)
    else this.#tokens.set(token, ofToken)
    this.#capacity += change
  }
}

/** Pure: which cap a further channel would break. */
export function capRefusal(usage: Usage, wanted: Pick<Wanted, 'peer' | 'token' | 'capacity'>, caps: Caps) {
  const { peer, token, capacity } = wanted
  return (
    peerRefusal(usage, peer, capacity, caps) ??
    tokenRefusal(usage, token, capacity, caps) ??
    totalRefusal(usage, capacity, caps)
  )
}

function peerRefusal(usage: Usage, peer: NodeId, capacity: Sat, caps: Caps): Refused | undefined {
  const used = usage.ofPeer(peer)
  if (used.channels >= caps.channelsPerPeer) {
    return { reason: 'peer-cap', detail: `the peer has ${used.channels} channels of ours, max_channels_per_peer` }
  }
  if (caps.capacityPerPeer === undefined || used.capacity + capacity <= caps.capacityPerPeer) return undefined
  const detail = `${capacity} sat beside ${used.capacity} sat exceed max_capacity_per_peer_sat`
  return { reason: 'peer-cap', detail }
}

/** Without a token there is no partner to bound. */
function tokenRefusal(usage: Usage, token: string, capacity: Sat, caps: Caps): Refused | undefined {
  const used = usage.ofToken(token)
  if (token === '' || caps.capacityPerToken === undefined || used + capacity <= caps.capacityPerToken) return undefined
  return { reason: 'token-cap', detail: `${capacity} sat beside ${used} sat exceed max_capacity_per_token_sat` }
}

function totalRefusal(usage: Usage, capacity: Sat, caps: Caps): Refused | undefined {
  if (caps.capacity === undefined || usage.capacity + capacity <= caps.capacity) return undefined
  return { reason: 'total-cap', detail: `${capacity} sat beside ${usage.capacity} sat exceed max_capacity_sat` }
}
