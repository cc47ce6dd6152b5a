import type { Msat, Sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type {
  Channel,
  CircuitKey,
  CustomMessage,
  HtlcAnswer,
  HtlcEvent,
  HtlcOffer,
  Interceptor,
  LndPort,
  PeerEvent,
} from '../../src/lnd/port.ts'
import { refusedBy, unavailable } from '../../src/sandbox/failures.ts'
import { CLTV_INTERCEPT_DELTA, CLTV_REJECT_DELTA } from '../../src/sandbox/interceptor.ts'

const PAYERS_CHANNEL = 1n
const FEATURES: readonly number[] = [23, 31, 47, 51, 729]
const SELF = `02${'ee'.repeat(32)}` as NodeId
const FIRST_HEIGHT = 1000
const RICH = 100_000_000_000n as Sat
/** More than openings are under way at once. */
const COINS = Array.from({ length: 100 }, (_, index) => ({
  outpoint: `${'11'.repeat(32)}:${index}`,
  amount: RICH,
  confirmations: 100,
}))

/** An HTLC that stands in the payers' channel, and what it was answered so far. */
export type Standing = { readonly offer: HtlcOffer; answer: HtlcAnswer['type'] | undefined }

type Client = { readonly offer: (offer: HtlcOffer) => void; readonly end: (error: unknown) => void }

/**
 * The thinnest node that the sidecar can run on: it carries messages, offers HTLCs and opens no channel. All that the
 * sidecar sends is written down, also when it does not arrive; all that it may not do is a complaint.
 */
export class HostileNode {
  readonly sent: CustomMessage[] = []
  readonly complaints: string[] = []
  readonly standing = new Map<CircuitKey, Standing>()
  height = FIRST_HEIGHT
  readonly #online = new Set<NodeId>()
  /** Peers that read nothing: what is sent to them waits in the node. */
  readonly #deaf = new Map<NodeId, (() => void)[]>()
  #htlcs = 0
  #client: Client | undefined
  #onMessage: (message: CustomMessage) => void = () => undefined
  #onPeer: (event: PeerEvent) => void = () => undefined
  #onHtlc: (event: HtlcEvent) => void = () => undefined
  #onBlock: (height: number) => void = () => undefined

  get known(): number {
    return this.#online.size + this.#deaf.size + this.standing.size
  }

  connect(peer: NodeId): void {
    this.#online.add(peer)
    this.#onPeer({ nodeId: peer, online: true })
  }

  disconnect(peer: NodeId): void {
    this.hear(peer)
    this.#online.delete(peer)
    this.#onPeer({ nodeId: peer, online: false })
  }

  stopHearing(peer: NodeId): void {
    if (!this.#deaf.has(peer)) this.#deaf.set(peer, [])
  }

  hear(peer: NodeId): void {
    for (const release of this.#deaf.get(peer) ?? []) release()
    this.#deaf.delete(peer)
  }

  /** Answers that wait in the node for a peer that does not read. */
  waitingFor(peer: NodeId): number {
    return this.#deaf.get(peer)?.length ?? 0
  }

  say(peer: NodeId, type: number, data: Uint8Array): void {
    this.#onMessage({ peer, type, data })
  }

  /** A payer's HTLC to `requestedScid`; lnd has checked nothing of it. */
  add(htlc: Omit<HtlcOffer, 'circuit' | 'incomingChannel' | 'autoFailHeight'>): Standing {
    this.#htlcs += 1
    const circuit = `${PAYERS_CHANNEL}:${this.#htlcs}`
    const offer = {
      ...htlc,
      circuit,
      incomingChannel: PAYERS_CHANNEL,
      autoFailHeight: htlc.expiryIn - CLTV_REJECT_DELTA,
    }
    const standing: Standing = { offer, answer: undefined }
    this.standing.set(circuit, standing)
    // lnd itself fails what came too late to be offered, and what comes while nobody intercepts.
    if (this.#client === undefined || htlc.expiryIn < this.height + CLTV_INTERCEPT_DELTA) this.#end(standing, 'fail')
    else this.#client.offer(offer)
    return standing
  }

  /** The stream breaks; the next one gets everything offered again. */
  breakStream(): void {
    this.#client?.end(unavailable('interceptHtlcs', 'a broken connection'))
  }

  mine(): void {
    this.height += 1
    for (const standing of [...this.standing.values()]) {
      if (this.height >= standing.offer.autoFailHeight) this.#end(standing, 'fail')
    }
    this.#onBlock(this.height)
  }

  port(): LndPort {
    const until = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    const served: Partial<LndPort> = {
      getInfo: async () => ({
        nodeId: SELF,
        alias: 'hostile',
        version: '0.21.3-beta',
        network: 'regtest',
        blockHeight: this.height,
        syncedToChain: true,
        requireInterceptor: true,
        features: FEATURES,
        uris: [],
      }),
      listPeers: async () => [...this.#online].map((nodeId) => ({ nodeId, inbound: true, features: FEATURES })),
      sendCustomMessage: (message) => this.#send(message),
      signMessage: async () => 'd'.repeat(104),
      listChannels: async (_, peer) => [this.#channel()].filter((one) => peer === undefined || one.peer === peer),
      pendingChannels: async () => [],
      closedChannels: async () => [],
      listAliases: async () => [],
      listLeases: async () => [],
      walletBalance: async () => RICH,
      listUnspent: async () => COINS,
      anchorReserve: async () => 0n as Sat,
      estimateFeerate: async () => 2,
      forwardingHistory: async () => [],
      openChannel: ({ peer }) => {
        const words = /[0-7]$/.test(peer) ? 'remote canceled funding, possibly timed out' : `peer ${peer} is not online`
        const refused = Promise.reject(refusedBy('openChannel', words))
        refused.catch(() => undefined)
        return { template: refused, pending: refused, detach: () => undefined }
      },
      interceptHtlcs: (onOffer, signal) => this.#intercept(onOffer, signal),
      subscribeHtlcEvents: (onEvent, signal) => {
        this.#onHtlc = onEvent
        return until(signal)
      },
      subscribeChannelEvents: (_, signal) => until(signal),
      subscribePeerEvents: (onEvent, signal) => {
        this.#onPeer = onEvent
        return until(signal)
      },
      subscribeCustomMessages: (onEvent, signal) => {
        this.#onMessage = onEvent
        return until(signal)
      },
      subscribeBlocks: (onEvent, signal) => {
        this.#onBlock = onEvent
        onEvent(this.height)
        return until(signal)
      },
    }
    const refusing: ProxyHandler<Partial<LndPort>> = {
      get: (calls, name) =>
        Reflect.get(calls, name) ?? (() => Promise.reject(refusedBy(String(name), 'not on this node'))),
    }
    return new Proxy(served, refusing) as LndPort
  }

  async #send(message: CustomMessage): Promise<void> {
    this.sent.push(message)
    if (!this.#online.has(message.peer)) throw refusedBy('sendCustomMessage', 'peer is not connected')
    const waiting = this.#deaf.get(message.peer)
    if (waiting !== undefined) await new Promise<void>((resolve) => waiting.push(resolve))
  }

  async #intercept(onOffer: (offer: HtlcOffer, stream: Interceptor) => void, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const open = new Set<CircuitKey>()
      const stream: Interceptor = {
        answer: (circuit, { type }) => {
          if (!open.delete(circuit)) return
          const standing = this.standing.get(circuit)
          if (standing === undefined) this.complaints.push(`${type} for ${circuit}, which is not held: the stream ends`)
          else this.#end(standing, type)
        },
      }
      const onAbort = () => resolve()
      const client: Client = {
        offer: (offer) => {
          open.add(offer.circuit)
          onOffer(offer, stream)
        },
        end: (error) => {
          this.#client = undefined
          open.clear()
          signal.removeEventListener('abort', onAbort)
          reject(error)
        },
      }
      this.#client = client
      signal.addEventListener('abort', onAbort, { once: true })
      for (const { offer } of [...this.standing.values()]) client.offer(offer)
    })
  }

  #end(standing: Standing, answer: HtlcAnswer['type']): void {
    const { circuit } = standing.offer
    standing.answer = answer
    this.standing.delete(circuit)
    if (answer === 'resume-modified') this.complaints.push(`${circuit} was forwarded although no channel was opened`)
    if (answer !== 'fail') this.#onHtlc({ type: 'failed', circuit, reason: 'unknown_next_peer' })
  }

  #channel(): Channel {
    const pendingHtlcs = [...this.standing.values()].map(({ offer }) => ({
      incoming: true,
      htlcIndex: BigInt(offer.circuit.split(':')[1] ?? 0),
      amount: offer.amountIn,
      expiryHeight: offer.expiryIn,
      paymentHash: offer.paymentHash,
    }))
    return {
      peer: SELF,
      outpoint: `${'00'.repeat(32)}:0`,
      chanId: PAYERS_CHANNEL,
      active: true,
      private: true,
      initiator: false,
      capacity: RICH,
      localBalance: 0n as Sat,
      remoteBalance: RICH,
      sendable: 0n as Msat,
      totalSent: 0n as Sat,
      totalReceived: 0n as Sat,
      lifetimeSeconds: 0,
      uptimeSeconds: 0,
      memo: '',
      pendingHtlcs: pendingHtlcs.map((htlc) => ({ ...htlc, amount: htlc.amount as Msat })),
    }
  }
}
