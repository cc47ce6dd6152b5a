import type { Msat, Sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { parseScid, type Scid, scidFromNumber, scidToNumber } from '../../lsps/base/scid.ts'
import type { Alias, Channel, ClosedChannel, CloseType, Outpoint, PendingChannel, PendingHtlc } from '../lnd/port.ts'
import { refuse } from './failures.ts'
import type { IncomingHtlc, OutgoingHtlc } from './htlcs.ts'
import { scores, type Watch } from './uptime.ts'

const MSAT_PER_SAT = 1000n
/** Two anchors of 330 sat, and the fee of a commitment without HTLCs at 2,500 sat per 1,000 weight units. */
const COMMITMENT_COST_SAT = 660n + 2810n
/** The peer's reserve: 1 % of the capacity, at least this, in satoshi. */
const LEAST_RESERVE_SAT = 1000n
const RESERVE_DIVISOR = 100n
const ANCHORS_SAT = 660n
/** Commitment fee at 2,500 sat per 1,000 weight units, doubled as a buffer: for the frame, and for each HTLC. */
const COMMITMENT_FEE_SAT = 2n * 2810n
const HTLC_FEE_SAT = 2n * 430n
/** The buffer is for so many HTLCs more than there are. */
const SPARE_HTLCS = 2n
/** lnd's window of aliases (aliasmgr): block heights from 16,000,000 to below 16,250,000. */
const FIRST_ALIAS_HEIGHT = 16_000_000n
const END_ALIAS_HEIGHT = 16_250_000n
const HEIGHT_SHIFT = 40n

export type FeePolicy = { readonly baseMsat: bigint; readonly ppm: bigint; readonly minHtlcMsat: bigint }

export type ChannelState = 'pending' | 'open' | 'closing' | 'closed'

/** A channel of the simulated node: what lnd keeps on disk, and `linkUp`, which it does not. */
export type SimChannel = {
  readonly peer: NodeId
  readonly outpoint: Outpoint
  readonly capacity: bigint
  readonly private: boolean
  readonly zeroConf: boolean
  readonly memo: string
  readonly pendingChannelId: string | undefined
  readonly policy: FeePolicy
  /** What this link was loaded with, where the channel's own policy was not in the graph yet; until the next link. */
  linkPolicy: FeePolicy | undefined
  /** Zero-conf: lnd's first alias for ever. Others: undefined until confirmed. */
  chanId: bigint
  state: ChannelState
  /** False between the change and the `visible` stage. */
  visible: boolean
  /** The peer is connected and both sides are ready. */
  linkUp: boolean
  local: bigint
  remote: bigint
  sent: bigint
  received: bigint
  watch: Watch
  nextIncoming: bigint
  nextOutgoing: bigint
  readonly incoming: Map<bigint, IncomingHtlc>
  readonly outgoing: Map<bigint, OutgoingHtlc>
  closingTx: string | undefined
  closeType: CloseType
  closedBy: ClosedChannel['initiator']
  /** The height at which the closing transaction confirmed. */
  closedAt: number | undefined
}

export function isAlias(scid: bigint): boolean {
  const height = scid >> HEIGHT_SHIFT
  return height >= FIRST_ALIAS_HEIGHT && height < END_ALIAS_HEIGHT
}

/** As lnd prints a short channel id. */
function inWords(scid: bigint): string {
  return scidFromNumber(scid).replaceAll('x', ':')
}

function pendingHtlcs(channel: SimChannel): readonly PendingHtlc[] {
  const incoming = [...channel.incoming.values()].map((htlc): PendingHtlc => {
    const shared = {
      incoming: true,
      htlcIndex: htlc.index,
      amount: htlc.amount as Msat,
      expiryHeight: htlc.expiry,
      paymentHash: htlc.hash,
    }
    const out = htlc.circuit?.outgoing
    return out === undefined
      ? shared
      : { ...shared, forwardedTo: { channel: out.channel.chanId, htlcIndex: out.index } }
  })
  const outgoing = [...channel.outgoing.values()].map(
    (htlc): PendingHtlc => ({
      incoming: false,
      htlcIndex: htlc.index,
      amount: htlc.amount as Msat,
      expiryHeight: htlc.expiry,
      paymentHash: htlc.hash,
    }),
  )
  return [...incoming, ...outgoing]
}

/** What the opener of an anchor channel cannot send (lnd.md 3), in msat. */
export function unspendable({ capacity, incoming, outgoing }: SimChannel): bigint {
  const reserve = capacity / RESERVE_DIVISOR
  const htlcs = BigInt(incoming.size + outgoing.size) + SPARE_HTLCS
  const least = reserve > LEAST_RESERVE_SAT ? reserve : LEAST_RESERVE_SAT
  return (least + ANCHORS_SAT + COMMITMENT_FEE_SAT + htlcs * HTLC_FEE_SAT) * MSAT_PER_SAT
}

function sendable(channel: SimChannel): Msat {
  const left = channel.local - unspendable(channel)
  return (left > 0n ? left : 0n) as Msat
}

/** lnd shows the opener's balance without what the commitment costs it: anchors and fee. */
function localBalance({ local, pendingChannelId }: SimChannel): Sat {
  const cost = pendingChannelId === undefined ? 0n : COMMITMENT_COST_SAT
  const balance = local / MSAT_PER_SAT
  return (balance > cost ? balance - cost : 0n) as Sat
}

function toChannel(channel: SimChannel, now: number): Channel {
  return {
    peer: channel.peer,
    outpoint: channel.outpoint,
    chanId: channel.chanId,
    active: channel.linkUp,
    private: channel.private,
    initiator: channel.pendingChannelId !== undefined,
    capacity: channel.capacity as Sat,
    localBalance: localBalance(channel),
    remoteBalance: (channel.remote / MSAT_PER_SAT) as Sat,
    sendable: sendable(channel),
    totalSent: (channel.sent / MSAT_PER_SAT) as Sat,
    totalReceived: (channel.received / MSAT_PER_SAT) as Sat,
    ...scores(channel.watch, now),
    memo: channel.memo,
    pendingHtlcs: pendingHtlcs(channel),
  }
}

function toPending(channel: SimChannel): PendingChannel {
  const { peer, outpoint, memo, closingTx } = channel
  if (channel.state === 'pending') return { peer, outpoint, memo, stage: 'opening' }
  return closingTx === undefined
    ? { peer, outpoint, memo, stage: 'closing' }
    : { peer, outpoint, memo, stage: 'closing', closingTx }
}

/** All channels that the node ever had, and the alias manager. Survives a restart of the node. */
export class ChannelBook {
  readonly all = new Map<Outpoint, SimChannel>()
  readonly #byPeer = new Map<NodeId, Set<SimChannel>>()
  readonly #byScid = new Map<bigint, SimChannel>()
  /** Every alias that was added or allocated, with its base. */
  readonly #aliases = new Map<bigint, bigint>()
  #nextAlias = FIRST_ALIAS_HEIGHT << HEIGHT_SHIFT
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(channel: SimChannel): void {
    this.all.set(channel.outpoint, channel)
    const siblings = this.#byPeer.get(channel.peer) ?? new Set()
    this.#byPeer.set(channel.peer, siblings.add(channel))
    if (channel.chanId !== 0n) this.setId(channel, channel.chanId)
  }

  setId(channel: SimChannel, chanId: bigint): void {
    channel.chanId = chanId
    this.#byScid.set(chanId, channel)
  }

  /** Counts up from 16000000x0x0; the key of the channel's aliases from now on. */
  allocateAlias(): bigint {
    while (this.#aliases.has(this.#nextAlias)) this.#nextAlias += 1n << 16n
    const alias = this.#nextAlias
    this.#nextAlias += 1n << 16n
    this.#aliases.set(alias, alias)
    return alias
  }

  ofPeer(peer: NodeId): readonly SimChannel[] {
    return [...(this.#byPeer.get(peer) ?? [])]
  }

  byId(chanId: bigint): SimChannel | undefined {
    return this.#byScid.get(chanId)
  }

  /** The channel that a forward to this scid or alias names, whatever its state. */
  resolve(scid: Scid): SimChannel | undefined {
    const id = scidToNumber(parseScid(scid) ?? ('0x0x0' as Scid))
    return this.#byScid.get(this.#aliases.get(id) ?? id)
  }

  /** XAddLocalChanAliases, in lnd's order of checks: a channel without a live link fails after the alias is stored. */
  addAlias(base: bigint, alias: bigint): void {
    if (!isAlias(alias)) refuse(`not a valid alias: SCID alias ${inWords(alias)} is not a valid alias`)
    if (!this.#aliases.has(base)) refuse(`base scid ${inWords(base)} not found`)
    if (this.#aliases.has(alias)) refuse('alias already exists')
    this.#aliases.set(alias, base)
    const channel = this.#byScid.get(base)
    if (channel?.linkUp !== true) {
      const pair = `base_scid=${inWords(base)}, alias_scid=${inWords(alias)}`
      refuse(`error adding scid alias, ${pair}: channel link not found`)
    }
  }

  /** A disturbance: lnd of some release lost an alias that was added by hand. */
  forgetAlias(alias: bigint): void {
    this.#aliases.delete(alias)
  }

  aliases(): readonly Alias[] {
    const sets = new Map<bigint, bigint[]>()
    for (const [alias, base] of this.#aliases) {
      const set = sets.get(base) ?? []
      set.push(alias)
      sets.set(base, set)
    }
    return [...sets].map(([base, aliases]) => ({ base, aliases }))
  }

  open(peer?: NodeId): readonly Channel[] {
    const from = peer === undefined ? [...this.all.values()] : this.ofPeer(peer)
    const now = this.#clock.now()
    return from
      .filter((channel) => channel.visible && channel.state === 'open')
      .map((channel) => toChannel(channel, now))
  }

  pending(): readonly PendingChannel[] {
    const wanted = (channel: SimChannel) =>
      channel.visible && (channel.state === 'pending' || channel.state === 'closing')
    return [...this.all.values()].filter(wanted).map(toPending)
  }

  closed(): readonly ClosedChannel[] {
    const closed = [...this.all.values()].filter((channel) => channel.state === 'closed')
    return closed.map(({ peer, outpoint, closeType, closedBy }) => ({ peer, outpoint, closeType, initiator: closedBy }))
  }
}
