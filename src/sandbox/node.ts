import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { ChannelEvent, Outpoint } from '../lnd/port.ts'
import { Chain, type ChainTx } from './chain.ts'
import { ChannelBook, type FeePolicy, type SimChannel } from './channels.ts'
import { Closing } from './closing.ts'
import { refuse } from './failures.ts'
import { ForwardLog } from './forward-log.ts'
import { InterceptorHub } from './interceptor.ts'
import { Opens, type Reservation } from './opens.ts'
import type { RemotePeer } from './peers.ts'
import type { SeededRandom } from './random.ts'
import type { Stages } from './stages.ts'
import { Streams } from './streams.ts'
import { Switch } from './switch.ts'
import type { Violations } from './violations.ts'
import { WalletCoins } from './wallet-coins.ts'

const MSAT_PER_SAT = 1000n
const NO_FEES: FeePolicy = { baseMsat: 0n, ppm: 0n, minHtlcMsat: 1n }
const NEVER_ABORTED = new AbortController().signal
const FIRST_CUSTOM_TYPE = 32_768

/** Milliseconds of the node's own steps; 0 is "in the next promise job". */
export type NodeLatency = {
  /** `open_channel` to `accept_channel`. */
  readonly open: number
  /** `funding_created` to `funding_signed`. */
  readonly sign: number
  /** `channel_ready` of both sides. */
  readonly ready: number
  /** A committed HTLC at the peer's. */
  readonly htlc: number
}

export type NodeOptions = {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly stages: Stages
  readonly violations: Violations
  readonly requireInterceptor: boolean
  readonly height: number
  readonly latency: NodeLatency
}

/** lnd as far as a JIT sale can tell: what it keeps on disk, what it loses with its memory, and when it says what. */
export class SimNode {
  readonly nodeId: NodeId
  readonly chain: Chain
  readonly coins: WalletCoins
  readonly channels = new ChannelBook()
  readonly streams: Streams
  readonly hub: InterceptorHub
  readonly opens: Opens
  readonly switchboard: Switch
  readonly closing: Closing
  readonly log: ForwardLog
  readonly requireInterceptor: boolean
  latency: NodeLatency
  /** Satoshi per virtual byte that `estimateFeerate` answers. */
  feerate = 2
  /** Where a test may kill the node, in order; see `killAt`. */
  readonly points: string[] = []
  killAt: number | undefined
  readonly #options: NodeOptions
  readonly #known = new Map<NodeId, RemotePeer>()
  readonly #online = new Set<NodeId>()
  #epoch: number | undefined = 1
  #starts = 1
  #onKilled: () => void = () => undefined

  constructor(options: NodeOptions) {
    const { clock, random, stages, violations, requireInterceptor } = options
    this.#options = options
    this.latency = options.latency
    this.requireInterceptor = requireInterceptor
    this.nodeId = random.nodeId()
    this.chain = new Chain(options.height)
    this.coins = new WalletCoins(this.chain, clock, random)
    this.streams = new Streams(stages)
    this.log = new ForwardLog(clock)
    const height = () => this.chain.height
    this.hub = new InterceptorHub({ stages, violations, requireInterceptor, height })
    const point = (name: string) => this.#point(name)
    this.switchboard = new Switch({
      channels: this.channels,
      hub: this.hub,
      violations,
      log: this.log,
      height,
      isUp: () => this.up,
      emit: (event) => this.streams.emit('subscribeHtlcEvents', event),
      deliver: (htlc) =>
        this.#later(this.latency.htlc, () => {
          if (htlc.delivered || !htlc.channel.linkUp) return
          htlc.delivered = true
          this.#known.get(htlc.channel.peer)?.onHtlc(htlc)
        }),
      point,
    })
    this.opens = new Opens({
      random,
      isOnline: (peer) => this.isOnline(peer),
      askPeer: (peer, step, request) => this.#known.get(peer)?.answerOpen(step, request) ?? { type: 'hang' },
      tellPeer: (peer, why) => this.#known.get(peer)?.onOpenFailed(undefined, why),
      later: (step, run) => this.#later(this.latency[step], run),
      point,
      onSigned: (reservation, outpoint) => this.#onSigned(reservation, outpoint),
    })
    this.closing = new Closing({
      chain: this.chain,
      channels: this.channels,
      coins: this.coins,
      random,
      switchboard: () => this.switchboard,
      emit: (event) => this.#emit(event),
      peerPreimage: (htlc) => this.#known.get(htlc.channel.peer)?.preimageFor(htlc),
    })
    this.chain.onBlock((block, confirmed) => this.#onBlock(block, confirmed))
  }

  get up(): boolean {
    return this.#epoch !== undefined
  }

  /** Undefined while the node is down; another number after each start. */
  get epoch(): number | undefined {
    return this.#epoch
  }

  set onKilled(callback: () => void) {
    this.#onKilled = callback
  }

  know(peer: RemotePeer): void {
    this.#known.set(peer.nodeId, peer)
  }

  isOnline(peer: NodeId): boolean {
    return this.#online.has(peer)
  }

  online(): readonly NodeId[] {
    return [...this.#online]
  }

  connect(peer: NodeId): void {
    if (!this.up || this.#online.has(peer)) return
    this.#online.add(peer)
    this.streams.emit('subscribePeerEvents', { nodeId: peer, online: true })
    this.#known.get(peer)?.onConnection(true)
    for (const channel of this.channels.ofPeer(peer)) this.#bringUp(channel)
  }

  disconnect(peer: NodeId): void {
    if (!this.#online.delete(peer)) return
    for (const channel of this.channels.ofPeer(peer)) this.#takeDown(channel)
    this.opens.peerGone(peer)
    this.streams.emit('subscribePeerEvents', { nodeId: peer, online: false })
    this.#known.get(peer)?.onConnection(false)
  }

  /** From a peer: lost when nobody listens. */
  receiveMessage(peer: NodeId, type: number, data: Uint8Array): void {
    if (this.#online.has(peer)) this.streams.emit('subscribeCustomMessages', { peer, type, data })
  }

  sendMessage(peer: NodeId, type: number, data: Uint8Array): void {
    if (type < FIRST_CUSTOM_TYPE) refuse(`custom message type must be at least ${FIRST_CUSTOM_TYPE}`)
    if (!this.#online.has(peer)) refuse('peer is not connected')
    this.#known.get(peer)?.onMessage(type, data)
  }

  /** A confirmed channel that was there before the story begins. */
  addOldChannel(peer: NodeId, capacity: bigint, local: bigint, policy: FeePolicy): SimChannel {
    const { random } = this.#options
    const position = BigInt(this.channels.all.size + 1)
    const channel = newChannel({
      peer,
      outpoint: `${random.hex(32)}:0`,
      capacity,
      zeroConf: false,
      memo: '',
      pendingChannelId: undefined,
      policy,
    })
    this.chain.grant(channel.outpoint)
    channel.local = local * MSAT_PER_SAT
    channel.remote = (capacity - local) * MSAT_PER_SAT
    channel.state = 'open'
    channel.visible = true
    channel.chanId = (BigInt(this.chain.height - 100) << 40n) | (position << 16n)
    this.channels.add(channel)
    if (this.isOnline(peer)) this.#bringUp(channel)
    return channel
  }

  kill(): void {
    if (!this.up) return
    this.#epoch = undefined
    const ghosts = this.opens.clear()
    for (const request of ghosts) this.#known.get(request.peer)?.onOpenFailed(request, 'the node forgot it')
    this.log.nodeKilled()
    this.streams.endAll()
    this.hub.clear()
    for (const peer of [...this.#online]) {
      this.#online.delete(peer)
      for (const channel of this.channels.ofPeer(peer)) channel.linkUp = false
      this.#known.get(peer)?.onConnection(false)
    }
    this.#onKilled()
  }

  /** Peers that want to be connected come back at once. */
  restart(): void {
    if (this.up) return
    this.#starts += 1
    this.#epoch = this.#starts
    this.log.nodeStarted()
    this.switchboard.load()
    for (const channel of this.channels.all.values()) {
      channel.visible = true
      if (channel.state === 'closing') this.closing.rebroadcast(channel)
    }
    this.#onBlock(
      this.chain.height,
      [...this.chain.transactions()].filter(({ height }) => height !== undefined),
    )
    for (const peer of this.#known.values()) {
      if (peer.wantsConnection) this.connect(peer.nodeId)
    }
  }

  close(channel: SimChannel, force: boolean): void {
    this.closing.close(channel, force)
  }

  #onSigned({ request, pending }: Reservation, outpoint: Outpoint): void {
    const channel = newChannel({
      peer: request.peer,
      outpoint,
      capacity: request.capacity,
      zeroConf: request.zeroConf,
      memo: request.memo,
      pendingChannelId: request.pendingChannelId,
      policy: NO_FEES,
    })
    this.channels.add(channel)
    if (!this.#point('channel-pending')) return
    this.#reveal('node.channelPending', channel, () => {
      pending.resolve(outpoint)
      this.#emit({ type: 'pending', outpoint })
      if (channel.zeroConf) this.#open(channel)
    })
  }

  /** The channel exists; it shows in the lists and is told of only after its own stages. */
  #reveal(call: string, channel: SimChannel, tell: () => void): void {
    const { stages } = this.#options
    const session = { id: 0, alive: true, onEnd: new Set<() => void>() }
    const n = stages.active ? stages.use(call) : 0
    const pass = async (stage: 'effective' | 'visible') => {
      if (stages.active) await stages.pass(session, { call, stage, n }, NEVER_ABORTED).catch(() => undefined)
    }
    const run = async () => {
      await pass('effective')
      channel.visible = true
      await pass('visible')
      if (this.up) tell()
    }
    void run()
  }

  #open(channel: SimChannel): void {
    if (channel.state !== 'pending') return
    channel.visible = true
    channel.state = 'open'
    if (channel.zeroConf) this.channels.setId(channel, this.channels.allocateAlias())
    this.#emit({ type: 'open', outpoint: channel.outpoint })
    this.#later(this.latency.ready, () => this.#bringUp(channel))
  }

  #bringUp(channel: SimChannel): void {
    if (channel.state === 'pending' && channel.zeroConf && channel.visible) {
      this.#open(channel)
      return
    }
    if (channel.state !== 'open' || channel.linkUp || !this.isOnline(channel.peer)) return
    channel.linkUp = true
    this.#known.get(channel.peer)?.onChannelReady(channel)
    if (!this.#point('channel-active')) return
    this.#emit({ type: 'active', outpoint: channel.outpoint })
    this.switchboard.replay(channel)
    this.switchboard.resume(channel)
  }

  #takeDown(channel: SimChannel): void {
    if (!channel.linkUp) return
    channel.linkUp = false
    this.#emit({ type: 'inactive', outpoint: channel.outpoint })
  }

  #onBlock(height: number, confirmed: readonly ChainTx[]): void {
    if (!this.up) return
    for (const channel of this.channels.all.values()) {
      if (channel.state !== 'pending') continue
      const funding = confirmed.find((tx) => channel.outpoint.startsWith(`${tx.txid}:`))
      if (funding === undefined || channel.zeroConf) continue
      const vout = BigInt(channel.outpoint.split(':')[1] ?? 0)
      this.channels.setId(channel, (BigInt(funding.height ?? height) << 40n) | (1n << 16n) | vout)
      this.#open(channel)
    }
    this.hub.onBlock(height)
    this.closing.onBlock(height, confirmed)
    this.#expireIncoming(height)
    this.streams.emit('subscribeBlocks', height)
  }

  /** The payer takes back on chain what we did not settle in time. */
  #expireIncoming(height: number): void {
    for (const channel of this.channels.all.values()) {
      for (const htlc of [...channel.incoming.values()]) {
        if (height >= htlc.expiry) this.switchboard.failIncoming(htlc, 'permanent_channel_failure', 'chain')
      }
    }
  }

  #emit(event: ChannelEvent): void {
    this.streams.emit('subscribeChannelEvents', event)
  }

  #point(name: string): boolean {
    if (!this.up) return false
    if (!this.#options.stages.active && this.killAt === undefined) return true
    this.points.push(name)
    if (this.points.length - 1 !== this.killAt) return true
    this.kill()
    return false
  }

  /** Runs in a later job, if the node was not restarted until then. */
  #later(ms: number, run: () => void): void {
    const epoch = this.#epoch
    const guarded = () => {
      if (this.#epoch === epoch && epoch !== undefined) run()
    }
    if (ms === 0) queueMicrotask(guarded)
    else void this.#options.clock.sleep(ms, NEVER_ABORTED).then(guarded)
  }
}

function newChannel(
  fixed: Pick<SimChannel, 'peer' | 'outpoint' | 'capacity' | 'zeroConf' | 'memo' | 'pendingChannelId' | 'policy'>,
): SimChannel {
  return {
    ...fixed,
    chanId: 0n,
    state: 'pending',
    visible: false,
    linkUp: false,
    local: fixed.capacity * MSAT_PER_SAT,
    remote: 0n,
    sent: 0n,
    nextIncoming: 0n,
    nextOutgoing: 0n,
    incoming: new Map(),
    outgoing: new Map(),
    closingTx: undefined,
    closedAt: undefined,
  }
}
