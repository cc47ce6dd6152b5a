import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { ChannelEvent, Peer } from '../lnd/port.ts'
import { Chain, type ChainTx } from './chain.ts'
import { ChannelLife } from './channel-life.ts'
import { ChannelBook, type SimChannel } from './channels.ts'
import { Closing } from './closing.ts'
import { refuse } from './failures.ts'
import { ForwardLog } from './forward-log.ts'
import { drawIdentity, type Identity } from './identity.ts'
import { InterceptorHub } from './interceptor.ts'
import { Invoices } from './invoices.ts'
import { Opens } from './opens.ts'
import type { RemotePeer } from './peers.ts'
import type { SeededRandom } from './random.ts'
import { Receipts } from './receipts.ts'
import type { Stages } from './stages.ts'
import { Streams } from './streams.ts'
import { Switch } from './switch.ts'
import type { Violations } from './violations.ts'
import { WalletCoins } from './wallet-coins.ts'

const FIRST_CUSTOM_TYPE = 32_768
const PAYMENT_SECRET_BYTES = 32
/** What lnd keeps back for each announced channel, and at most, in satoshi. */
const RESERVE_PER_CHANNEL = 10_000n
const MAX_RESERVE = 100_000n
/** lnd's first pause before it connects again to a peer with a channel. */
const RECONNECT_MS = 1_000

/** Milliseconds of the node's own steps; 0 is "in the next promise job". */
export type NodeLatency = {
  /** `open_channel` to `accept_channel`. */
  readonly open: number
  /** `funding_created` to `funding_signed`. */
  readonly sign: number
  /** `channel_ready` of both sides. */
  readonly ready: number
  /** From a connection until the channels of the peer are reestablished. Default: 0. */
  readonly reestablish?: number
  /** A committed HTLC at the peer's. */
  readonly htlc: number
  /** From the hint of a transaction until the wallet lists it. Default: 0. */
  readonly listed?: number
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
  readonly identity: Identity
  readonly chain: Chain
  readonly coins: WalletCoins
  readonly channels: ChannelBook
  readonly streams: Streams
  readonly hub: InterceptorHub
  readonly opens: Opens
  readonly switchboard: Switch
  readonly closing: Closing
  readonly log: ForwardLog
  readonly invoices: Invoices
  readonly receipts: Receipts
  readonly requireInterceptor: boolean
  latency: NodeLatency
  /** Satoshi per virtual byte that `estimateFeerate` answers. */
  feerate = 2
  /** Where a test may kill the node, in order; see `killAt`. */
  readonly points: string[] = []
  killAt: number | undefined
  readonly #options: NodeOptions
  readonly #life: ChannelLife
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
    this.identity = drawIdentity(random)
    this.nodeId = this.identity.nodeId
    this.chain = new Chain(options.height)
    this.coins = new WalletCoins(this.chain, clock, random)
    this.channels = new ChannelBook(clock)
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
      onExit: (htlc, total) => this.invoices.onPart(htlc, total),
      deliver: (htlc) =>
        this.#later(this.latency.htlc, () => {
          if (htlc.delivered || !htlc.channel.linkUp) return
          htlc.delivered = true
          this.#known.get(htlc.channel.peer)?.onHtlc(htlc)
        }),
      point,
    })
    this.invoices = new Invoices({
      clock,
      height,
      secret: () => random.hex(PAYMENT_SECRET_BYTES),
      later: (ms, run) => this.#later(ms, run),
      emit: (invoice) => this.streams.emit('subscribeInvoice', invoice, invoice.paymentHash),
      settle: (htlc, preimage) => this.switchboard.settleExit(htlc, preimage),
      claimOnChain: (htlc, preimage) => this.switchboard.claimExit(htlc, preimage),
      fail: (htlc, reason) => this.switchboard.failExit(htlc, reason),
      point,
    })
    this.receipts = new Receipts({
      chain: this.chain,
      coins: this.coins,
      isUp: () => this.up,
      emit: (txid) => this.streams.emit('subscribeTransactions', { txid }),
      listed: this.latency.listed ?? 0,
      later: (ms, run) => this.#later(ms, run),
    })
    this.opens = new Opens({
      random,
      isOnline: (peer) => this.isOnline(peer),
      askPeer: (peer, step, request) => this.#known.get(peer)?.answerOpen(step, request) ?? { type: 'hang' },
      tellPeer: (peer, why) => this.#known.get(peer)?.onOpenFailed(undefined, why),
      later: (step, run) => this.#later(this.latency[step], run),
      point,
      onSigned: (reservation, outpoint) => this.#life.onSigned(reservation, outpoint),
    })
    this.#life = new ChannelLife({
      channels: this.channels,
      chain: this.chain,
      random,
      clock,
      stages,
      isUp: () => this.up,
      isOnline: (peer) => this.isOnline(peer),
      emit: (event) => this.#emit(event),
      minimumDepth: (peer) => this.#known.get(peer)?.minimumDepth ?? 1,
      whenReady: (run) => this.#later(this.latency.ready, run),
      onLinkUp: (channel) => {
        this.#known.get(channel.peer)?.onChannelReady(channel)
        this.switchboard.replay(channel)
        this.switchboard.resume(channel)
      },
      point,
    })
    this.closing = new Closing({
      chain: this.chain,
      channels: this.channels,
      coins: this.coins,
      random,
      switchboard: () => this.switchboard,
      emit: (event) => this.#emit(event),
      disconnect: (peer) => this.drop(peer),
      peerPreimage: (htlc) => this.#known.get(htlc.channel.peer)?.preimageFor(htlc),
    })
    this.chain.onBlock((block, confirmed) => this.#onBlock(block, confirmed))
  }

  /** In satoshi: for announced channels only, and those that were there before the story begins do not count. */
  get anchorReserve(): bigint {
    const announced = [...this.channels.all.values()].filter(
      (channel) => !channel.private && channel.pendingChannelId !== undefined && channel.state !== 'closed',
    )
    const wanted = BigInt(announced.length) * RESERVE_PER_CHANNEL
    return wanted < MAX_RESERVE ? wanted : MAX_RESERVE
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

  peers(): readonly Peer[] {
    const features = (peer: NodeId) => this.#known.get(peer)?.features ?? []
    return [...this.#online].map((nodeId) => ({ nodeId, inbound: true, features: features(nodeId) }))
  }

  connect(peer: NodeId): void {
    if (!this.up || this.#online.has(peer)) return
    this.#online.add(peer)
    this.streams.emit('subscribePeerEvents', { nodeId: peer, online: true })
    this.#life.peerCame(peer)
    this.#known.get(peer)?.onConnection(true)
    const reestablish = () => {
      for (const channel of this.channels.ofPeer(peer)) this.#life.bringUp(channel)
    }
    const ms = this.latency.reestablish ?? 0
    if (ms === 0) reestablish()
    else this.#later(ms, reestablish)
  }

  disconnect(peer: NodeId): void {
    if (!this.#online.delete(peer)) return
    this.#life.peerWent(peer)
    for (const channel of this.channels.ofPeer(peer)) this.#life.takeDown(channel)
    this.opens.peerGone(peer)
    this.streams.emit('subscribePeerEvents', { nodeId: peer, online: false })
    this.#known.get(peer)?.onConnection(false)
  }

  /** The operator's `disconnectpeer`: a peer that keeps its connections comes back after a while. */
  drop(peer: NodeId): void {
    this.disconnect(peer)
    this.#later(RECONNECT_MS, () => {
      if (this.#known.get(peer)?.reconnects === true) this.connect(peer)
    })
  }

  /** From a peer: lost when nobody listens. */
  receiveMessage(peer: NodeId, type: number, data: Uint8Array): void {
    if (this.#online.has(peer)) this.streams.emit('subscribeCustomMessages', { peer, type, data })
  }

  sendMessage(peer: NodeId, type: number, data: Uint8Array): void {
    if (type < FIRST_CUSTOM_TYPE) refuse(`msg type: ${type} not in custom range: <unknown> and not overridden`)
    if (!this.#online.has(peer)) refuse('peer is not connected')
    this.#known.get(peer)?.onMessage(type, data)
  }

  /** A confirmed channel that was there before the story begins. */
  addOldChannel(...old: Parameters<ChannelLife['addOld']>): SimChannel {
    return this.#life.addOld(...old)
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
    this.#life.forget()
    this.invoices.load()
    this.receipts.load()
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

  #onBlock(height: number, confirmed: readonly ChainTx[]): void {
    if (!this.up) return
    this.#life.onBlock()
    this.hub.onBlock(height)
    this.closing.onBlock(height, confirmed)
    this.invoices.onBlock(height)
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
    // Each with a signal of its own: Node goes through all listeners of a signal to add one.
    else void this.#options.clock.sleep(ms, new AbortController().signal).then(guarded)
  }
}
