import { msat } from '../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { scidFromNumber } from '../../../lsps/base/scid.ts'
import { DELIVERY_MS } from '../../../src/held/handed-on.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import type { Channel, HtlcAnswer, HtlcOffer, Interceptor, PendingHtlc } from '../../../src/lnd/port.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore, type SyncedBytes } from '../../../src/store/memory.ts'
import { type WakeConfig, WakeGate } from '../../../src/wake/service.ts'

export const nodeId = (n: number) => `02${n.toString(16).padStart(64, '0')}` as NodeId
export const CLIENT = nodeId(1)
export const OTHER = nodeId(2)
/** Without a webhook. */
export const STRANGER = nodeId(3)
export const PAYER_CHANNEL = 99n
export const HEIGHT = 1_000
export const HOLD_MS = 60_000
export const AMOUNT = 1_000_000n

export const CONFIG: WakeConfig = {
  holdMs: HOLD_MS,
  limits: { htlcs: 5, htlcsPerClient: 3, value: msat(5n * AMOUNT), valuePerClient: msat(3n * AMOUNT) },
  lndResumes: false,
}

export const chanIdOf = (peer: NodeId) => (16_000_000n << 40n) | (BigInt(`0x${peer.slice(2)}`) << 16n)
export const outpointOf = (peer: NodeId) => `${peer.slice(2)}:0`
export const scidOf = (peer: NodeId) => scidFromNumber(chanIdOf(peer))

export function channelTo(peer: NodeId, change: Partial<Channel> = {}): Channel {
  return {
    peer,
    outpoint: outpointOf(peer),
    chanId: chanIdOf(peer),
    active: false,
    private: true,
    pendingHtlcs: [],
    ...change,
  } as Channel
}

export type Answer = readonly [circuit: string, answer: HtlcAnswer['type']]

/** One gate on a node that is a list of channels; whoever calls, and what goes on or fails, is written down. */
export class Stage {
  readonly clock = new ManualClock()
  readonly bytes: SyncedBytes = new Map()
  readonly channels = new Map<string, Channel>()
  /** What each stream was answered. */
  readonly answers: Answer[] = []
  readonly wentOn: string[] = []
  readonly calls: (readonly [NodeId, Timestamp])[] = []
  readonly reachable = new Set([CLIENT, OTHER])
  readonly ofSale = new Set<string>()
  looks = 0
  aliases: readonly { readonly base: bigint; readonly aliases: readonly bigint[] }[] = []
  failLook: Error | undefined
  gate!: WakeGate
  stream!: Interceptor
  /** Offered to the stream and not answered. */
  open!: Set<string>
  fatal: unknown
  readonly #config: WakeConfig
  #htlcs = 0n
  #incarnation = 0
  #stop = new AbortController()

  constructor(config: WakeConfig = CONFIG) {
    this.#config = config
    for (const peer of [CLIENT, OTHER, STRANGER]) this.setChannel(channelTo(peer))
    this.setChannel(channelTo(nodeId(9), { chanId: PAYER_CHANNEL, active: true }))
    this.newStream()
  }

  /** A process that runs for long enough to know what it handed on. */
  static async settled(config?: WakeConfig): Promise<Stage> {
    const stage = new Stage(config)
    await stage.start()
    await stage.advance(DELIVERY_MS)
    return stage
  }

  create(): void {
    this.#incarnation += 1
    const incarnation = this.#incarnation
    this.gate = new WakeGate(
      {
        lnd: {
          listChannels: async () => {
            this.looks += 1
            if (this.failLook !== undefined) throw this.failLook
            return [...this.channels.values()]
          },
          listAliases: async () => this.aliases,
        },
        store: openMemoryStore({
          bytes: this.bytes,
          onBatch: async () => {
            // A dead process neither writes nor goes on.
            if (incarnation !== this.#incarnation) await new Promise(() => undefined)
          },
        }),
        clock: this.clock,
        log: silentLog,
        reaches: (client) => this.reachable.has(client),
        callClient: (client, until) => void this.calls.push([client, until]),
        isOfSale: ({ circuit }) => this.ofSale.has(circuit),
        next: (offer, stream) => {
          this.wentOn.push(offer.circuit)
          stream.answer(offer.circuit, { type: 'resume' })
        },
        onFatal: (error) => {
          this.fatal = error
        },
      },
      this.#config,
    )
    this.gate.onBlock(HEIGHT)
  }

  async start(): Promise<void> {
    this.create()
    await this.gate.loadNames()
    await this.run()
  }

  async run(): Promise<void> {
    await this.gate.load()
    this.#stop = new AbortController()
    void this.gate.start(this.#stop.signal)
    await this.advance(0)
  }

  /** As `kill -9`: what the next process knows is on disk. */
  async restart(): Promise<void> {
    this.kill()
    await this.start()
  }

  kill(): void {
    this.#incarnation += 1
    this.#stop.abort()
    this.gate.onInterceptorLost()
    this.newStream()
  }

  /** lnd's side of one stream: takes one answer to each offer, and none to what it did not offer. */
  newStream(): void {
    const open = new Set<string>()
    this.open = open
    this.stream = {
      answer: (circuit, { type }) => {
        if (open !== this.open) throw new Error(`${circuit} was answered to a stream that is gone`)
        if (!open.delete(circuit)) throw new Error(`${circuit} was answered and not offered`)
        this.answers.push([circuit, type])
        if (type === 'fail') this.#setPending(circuit, undefined)
      },
    }
  }

  loseStream(): void {
    this.gate.onInterceptorLost()
    this.newStream()
  }

  setChannel(channel: Channel): void {
    this.channels.set(channel.outpoint, channel)
  }

  /** A payer's HTLC is there; `scid` leads to the peer, when left out its channel's id. */
  htlc(peer: NodeId, change: Partial<HtlcOffer> = {}): HtlcOffer {
    const index = this.#htlcs
    this.#htlcs += 1n
    const circuit = `${PAYER_CHANNEL}:${index}`
    this.#setPending(circuit, { incoming: true, htlcIndex: index } as PendingHtlc)
    return {
      circuit,
      incomingChannel: PAYER_CHANNEL,
      paymentHash: index.toString(16).padStart(64, '0'),
      requestedScid: scidOf(peer),
      amountIn: msat(AMOUNT),
      amountOut: msat(AMOUNT),
      expiryIn: HEIGHT + 200,
      expiryOut: HEIGHT + 100,
      autoFailHeight: HEIGHT + 181,
      ...change,
    }
  }

  offer(offer: HtlcOffer): HtlcOffer {
    this.open.add(offer.circuit)
    this.gate.onOffer(offer, this.stream)
    return offer
  }

  /** Offers one, and lets the gate look. */
  async pay(peer: NodeId, change: Partial<HtlcOffer> = {}): Promise<string> {
    const { circuit } = this.offer(this.htlc(peer, change))
    await this.advance(1_000)
    return circuit
  }

  setForwarded(circuit: string): void {
    const [, index] = circuit.split(':')
    const forwardedTo = { channel: 1n, htlcIndex: 0n }
    this.#setPending(circuit, { incoming: true, htlcIndex: BigInt(index ?? 0), forwardedTo } as PendingHtlc)
  }

  /** The HTLC is in its channel no more. */
  removeHtlc(circuit: string): void {
    this.#setPending(circuit, undefined)
  }

  #setPending(circuit: string, htlc: PendingHtlc | undefined): void {
    const [, index] = circuit.split(':')
    const payer = this.channels.get(outpointOf(nodeId(9)))
    if (payer === undefined) throw new Error('the payer has a channel')
    const others = payer.pendingHtlcs.filter(({ htlcIndex }) => `${htlcIndex}` !== index)
    this.setChannel({ ...payer, pendingHtlcs: htlc === undefined ? others : [...others, htlc] })
  }

  /** The peer connects; its channel is active after `ms`. */
  async comes(peer: NodeId, ms = 0): Promise<void> {
    this.gate.onPeer(peer, true)
    await this.advance(ms)
    this.setChannel(channelTo(peer, { active: true }))
    this.gate.onChannelEvent({ type: 'active', outpoint: outpointOf(peer) })
    await this.advance(0)
  }

  async leaves(peer: NodeId): Promise<void> {
    this.setChannel(channelTo(peer))
    this.gate.onChannelEvent({ type: 'inactive', outpoint: outpointOf(peer) })
    this.gate.onPeer(peer, false)
    await this.advance(3_000)
  }

  get waiting(): readonly string[] {
    return this.gate.waiting.map(({ circuit }) => circuit)
  }

  get onDisk(): readonly string[] {
    return [...(this.bytes.get('wake-waiting')?.keys() ?? [])]
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }
}
