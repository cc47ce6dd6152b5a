import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { ChannelEvent, Outpoint } from '../lnd/port.ts'
import type { Chain } from './chain.ts'
import type { ChannelBook, FeePolicy, SimChannel } from './channels.ts'
import type { Reservation } from './opens.ts'
import type { SeededRandom } from './random.ts'
import type { Session, Stages } from './stages.ts'
import { peerCame, peerWent, startWatch } from './uptime.ts'

const MSAT_PER_SAT = 1000n
const NO_FEES: FeePolicy = { baseMsat: 0n, ppm: 0n, minHtlcMsat: 1n }
const NEVER_ABORTED = new AbortController().signal
/** An old channel was confirmed so many blocks before the story begins. */
const OLD_BLOCKS = 100

export type ChannelLifeDeps = {
  readonly channels: ChannelBook
  readonly chain: Chain
  readonly random: SeededRandom
  readonly clock: Clock
  readonly stages: Stages
  readonly isUp: () => boolean
  readonly isOnline: (peer: NodeId) => boolean
  readonly emit: (event: ChannelEvent) => void
  /** How many confirmations the peer asks for before an ordinary channel is ready. */
  readonly minimumDepth: (peer: NodeId) => number
  /** Runs after `channel_ready` of both sides, if the node still lives then. */
  readonly whenReady: (run: () => void) => void
  readonly onLinkUp: (channel: SimChannel) => void
  /** A moment at which a test may kill the node: false when it did. */
  readonly point: (name: string) => boolean
}

/** From `funding_signed` to an active link, and up and down with the peer. */
export class ChannelLife {
  readonly #deps: ChannelLifeDeps

  constructor(deps: ChannelLifeDeps) {
    this.#deps = deps
  }

  /** The channel exists from here on, whatever happens to the node. */
  onSigned({ request, pending }: Reservation, outpoint: Outpoint): void {
    const { peer, capacity, push = 0n, zeroConf, memo, pendingChannelId } = request
    const fixed = { peer, outpoint, capacity, private: request.private, zeroConf, memo, pendingChannelId }
    const channel = this.#newChannel({ ...fixed, policy: NO_FEES }, capacity - push)
    this.#deps.channels.add(channel)
    if (!this.#deps.point('channel-pending')) return
    void this.#reveal(channel, () => {
      pending.resolve(outpoint)
      this.#deps.emit({ type: 'pending', outpoint })
      if (channel.zeroConf) this.#open(channel)
    })
  }

  /** A confirmed channel that was there before the story begins. */
  addOld(
    peer: NodeId,
    capacity: bigint,
    local: bigint,
    policy: FeePolicy,
    visibility: 'announced' | 'unannounced' = 'announced',
  ): SimChannel {
    const { channels, chain, random } = this.#deps
    const outpoint = `${random.hex(32)}:0`
    const position = BigInt(channels.all.size + 1)
    const isPrivate = visibility === 'unannounced'
    const kind = { private: isPrivate, zeroConf: false, memo: '', pendingChannelId: undefined }
    const channel = this.#newChannel({ peer, outpoint, capacity, policy, ...kind }, local)
    chain.grant(outpoint)
    channel.state = 'open'
    channel.visible = true
    channel.chanId = (BigInt(chain.height - OLD_BLOCKS) << 40n) | (position << 16n)
    channels.add(channel)
    this.bringUp(channel)
    return channel
  }

  /** The peer is there (again). */
  bringUp(channel: SimChannel): void {
    if (channel.state === 'pending' && channel.zeroConf && channel.visible) {
      this.#open(channel)
      return
    }
    if (channel.state !== 'open' || channel.linkUp || !this.#deps.isOnline(channel.peer)) return
    channel.linkUp = true
    if (!this.#deps.point('channel-active')) return
    this.#deps.emit({ type: 'active', outpoint: channel.outpoint })
    this.#deps.onLinkUp(channel)
  }

  takeDown(channel: SimChannel): void {
    if (!channel.linkUp) return
    channel.linkUp = false
    channel.linkPolicy = undefined
    this.#deps.emit({ type: 'inactive', outpoint: channel.outpoint })
  }

  /** Channels that wait for confirmations. */
  onBlock(): void {
    const { chain, channels, minimumDepth } = this.#deps
    for (const channel of channels.all.values()) {
      if (channel.state !== 'pending' || channel.zeroConf) continue
      const [txid = '', index] = channel.outpoint.split(':')
      const height = chain.transaction(txid)?.height
      if (height === undefined || (chain.confirmations(txid) ?? 0) < minimumDepth(channel.peer)) continue
      channels.setId(channel, this.#freeId(height, BigInt(index ?? 0)))
      this.#open(channel)
    }
  }

  /** Which transaction of its block the funding is, nobody knows here: the first whose place is free. */
  #freeId(height: number, index: bigint): bigint {
    for (let position = 1n; ; position += 1n) {
      const id = (BigInt(height) << 40n) | (position << 16n) | index
      if (this.#deps.channels.byId(id) === undefined) return id
    }
  }

  /** The node starts: what it knew of the uptime of peers was in its memory. */
  forget(): void {
    for (const channel of this.#deps.channels.all.values()) channel.watch = startWatch(this.#deps.clock.now(), false)
  }

  peerCame(peer: NodeId): void {
    for (const { watch } of this.#deps.channels.ofPeer(peer)) peerCame(watch, this.#deps.clock.now())
  }

  peerWent(peer: NodeId): void {
    for (const { watch } of this.#deps.channels.ofPeer(peer)) peerWent(watch, this.#deps.clock.now())
  }

  /** The channel shows in the lists, and is told of, only after its own stages. */
  async #reveal(channel: SimChannel, tell: () => void): Promise<void> {
    const { stages } = this.#deps
    const session: Session = { id: 0, alive: true, onEnd: new Set() }
    const call = 'node.channelPending'
    const n = stages.active ? stages.use(call) : 0
    const pass = async (stage: 'effective' | 'visible') => {
      if (stages.active) await stages.pass(session, { call, stage, n }, NEVER_ABORTED).catch(() => undefined)
    }
    await pass('effective')
    channel.visible = true
    await pass('visible')
    if (this.#deps.isUp()) tell()
  }

  #open(channel: SimChannel): void {
    if (channel.state !== 'pending') return
    channel.visible = true
    channel.state = 'open'
    if (channel.zeroConf) this.#deps.channels.setId(channel, this.#deps.channels.allocateAlias())
    this.#deps.emit({ type: 'open', outpoint: channel.outpoint })
    this.#deps.whenReady(() => this.bringUp(channel))
  }

  /** `local` in satoshi; the rest of the capacity is the peer's. */
  #newChannel(fixed: Fixed, local: bigint): SimChannel {
    return {
      ...fixed,
      linkPolicy: undefined,
      chanId: 0n,
      state: 'pending',
      visible: false,
      linkUp: false,
      local: local * MSAT_PER_SAT,
      remote: (fixed.capacity - local) * MSAT_PER_SAT,
      sent: 0n,
      received: 0n,
      watch: startWatch(this.#deps.clock.now(), this.#deps.isOnline(fixed.peer)),
      nextIncoming: 0n,
      nextOutgoing: 0n,
      incoming: new Map(),
      outgoing: new Map(),
      closingTx: undefined,
      closeType: 'cooperative',
      closedBy: 'unknown',
      closedAt: undefined,
    }
  }
}

type Fixed = Pick<
  SimChannel,
  'peer' | 'outpoint' | 'capacity' | 'private' | 'zeroConf' | 'memo' | 'pendingChannelId' | 'policy'
>
