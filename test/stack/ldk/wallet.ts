import { randomBytes } from 'node:crypto'
import * as ldk from 'lightningdevkit'
import type { Transport } from '../../../lsps/rpc/client.ts'
import type { Btcd } from '../btcd.ts'
import { waitFor } from '../wait.ts'
import { ChainFollower } from './chain.ts'
import { type ChannelView, hintOf, ownedIn, viewChannel } from './channels.ts'
import { readEvent, type WalletEvent } from './events.ts'
import { IncomingPayments, type Invoice, type InvoiceOptions, type Received } from './incoming.ts'
import { buildNode, type LdkNode } from './node.ts'
import { hex, loadLdk } from './runtime.ts'
import { PeerSocket } from './tcp.ts'

const PUMP_MS = 50
const TICK_MS = 10_000
const CONNECT_MS = 60_000
const PAYMENT_MS = 60_000
const SYNC_MS = 60_000
const SEND_ATTEMPTS = 3
/** A pump that goes on longer than this is a loop. */
const MAX_PUMP_ROUNDS = 100

/** Points of a sale at which a test can let the wallet disappear; each is before the wallet's answer goes out. */
export type Stage = 'open-request' | 'channel-pending' | 'channel-ready' | 'claimable' | 'claimed'

export type WalletOptions = {
  /** How it learns of blocks and broadcasts. */
  readonly btcd: Btcd
  /** 32 bytes; random by default. */
  readonly seed?: Uint8Array
  /** Accept channels before they confirm, from anybody who opens one. Default: yes. */
  readonly trustsZeroConf?: boolean
  /** Refuse every channel that somebody opens. Default: no. */
  readonly refusesChannels?: boolean
  /** LDK's log, from debug up. */
  readonly log?: (line: string) => void
  /** Told each event when it comes, before the wallet reacts. */
  readonly onEvent?: (event: WalletEvent) => void
}

export type Peer = { readonly nodeId: string; readonly host: string; readonly port: number }

/**
 * A phone wallet: LDK in this process, connected to lnd over TCP. It keeps nothing on disk.
 *
 * Each public call may be made at any time; what it starts has happened when the matching `wait...` resolves.
 */
export class Wallet {
  readonly nodeId: string
  /** All events so far, oldest first. */
  readonly events: WalletEvent[] = []
  /** Raw transactions that LDK asked to broadcast, with btcd's refusal where there was one. */
  readonly broadcasts: { readonly raw: Uint8Array; refused?: string }[] = []
  trustsZeroConf: boolean
  refusesChannels: boolean
  readonly #node: LdkNode
  readonly #chain: ChainFollower
  readonly #incoming: IncomingPayments
  readonly #listeners = new Map<string, Set<(payload: Uint8Array) => void>>()
  readonly #unfollow: () => void
  readonly #timers: NodeJS.Timeout[]
  readonly #eventHandler: ldk.EventHandler
  readonly #onEvent: WalletOptions['onEvent']
  #pendingEvents: ldk.Event[] = []
  #socket: PeerSocket | undefined
  #peer: Peer | undefined
  #height: number
  #catchingUp = Promise.resolve()
  #pumping = false
  #pumpAgain = false
  #vanishAt: Stage | undefined
  #lastChannel = 0n
  #closed = false

  private constructor(node: LdkNode, chain: ChainFollower, height: number, options: WalletOptions) {
    this.#node = node
    this.#incoming = new IncomingPayments(node)
    this.#chain = chain
    this.#height = height
    this.trustsZeroConf = options.trustsZeroConf ?? true
    this.refusesChannels = options.refusesChannels ?? false
    this.#onEvent = options.onEvent
    this.nodeId = hex(node.manager.get_our_node_id())
    this.#eventHandler = ldk.EventHandler.new_impl({
      handle_event: (event) => {
        this.#pendingEvents.push(event.clone())
        return ldk.Result_NoneReplayEventZ.constructor_ok()
      },
    })
    // btcd may refuse a call, or be gone already: it is asked again with the next tip.
    this.#unfollow = chain.subscribe((tip) => void this.#catchUp(tip).catch(() => undefined))
    this.#timers = [
      setInterval(() => this.#pump(), PUMP_MS),
      setInterval(() => {
        node.peers.timer_tick_occurred()
        node.manager.timer_tick_occurred()
      }, TICK_MS),
    ]
  }

  static async create(options: WalletOptions): Promise<Wallet> {
    await loadLdk()
    const chain = ChainFollower.for(options.btcd)
    const height = await chain.tip()
    const tip = await chain.block(height)
    let wallet: Wallet | undefined
    const node = buildNode({
      seed: options.seed ?? Uint8Array.from(randomBytes(32)),
      chain,
      tip,
      log: options.log ?? (() => undefined),
      onBroadcast: (raw) => {
        if (wallet !== undefined) wallet.#broadcast(raw)
      },
    })
    wallet = new Wallet(node, chain, height, options)
    return wallet
  }

  // Connection

  /** Connects and waits for the peer's `init`. */
  async connect(peer: Peer): Promise<void> {
    this.#peer = peer
    this.#vanishAt = undefined
    await waitFor(
      async () => {
        if (this.connectedTo(peer.nodeId)) return true
        if (this.#socket?.open !== true) {
          this.#socket = await PeerSocket.dial(
            this.#node.peers,
            { nodeId: Uint8Array.from(Buffer.from(peer.nodeId, 'hex')), host: peer.host, port: peer.port },
            () => this.#pump(),
          )
        }
        return this.connectedTo(peer.nodeId)
      },
      { deadline: CONNECT_MS, pollMs: 5, what: `the wallet to be connected to ${peer.host}:${peer.port}` },
    )
  }

  connectedTo(nodeId: string): boolean {
    return this.#node.messages.connected.has(nodeId)
  }

  /** Cuts the connection at once, as a phone that loses its network. */
  disconnect(): void {
    this.#socket?.close()
    this.#socket = undefined
  }

  /** To the same peer as before. */
  async reconnect(): Promise<void> {
    if (this.#peer === undefined) throw new Error('the wallet was never connected')
    this.disconnect()
    await this.connect(this.#peer)
  }

  /** Disconnects the next time that the stage is reached, before the wallet's answer goes out; until `connect`. */
  vanishAt(stage: Stage): void {
    this.#vanishAt = stage
  }

  // LSPS messages

  /** LSPS payloads to and from one peer, for `lsps/rpc/client.ts`. */
  transport(nodeId: string): Transport {
    return {
      send: async (payload) => {
        if (!this.connectedTo(nodeId)) throw new Error(`the wallet is not connected to ${nodeId}`)
        this.#node.messages.queue(nodeId, payload)
        this.#pump()
      },
      onMessage: (callback) => {
        const listeners = this.#listeners.get(nodeId) ?? new Set()
        this.#listeners.set(nodeId, listeners.add(callback))
        return () => listeners.delete(callback)
      },
    }
  }

  // Receiving

  createInvoice(options: InvoiceOptions): Invoice {
    const hint = options.hint ?? hintOf(this.channels())
    return this.#incoming.createInvoice({ ...options, ...(hint === undefined ? {} : { hint }) })
  }

  /** All payments that came in, by payment hash. */
  get received(): ReadonlyMap<string, Received> {
    return this.#incoming.received
  }

  /** Takes a held payment. */
  claim(paymentHash: string): void {
    this.#incoming.claim(paymentHash)
    this.#pump()
  }

  /** Fails a held payment: the payer sees incorrect_or_unknown_payment_details. */
  fail(paymentHash: string): void {
    this.#incoming.fail(paymentHash)
    this.#pump()
  }

  /** Resolves with the payment once it is in the given state. */
  waitForPayment(paymentHash: string, state: Received['state'] = 'claimed'): Promise<Received> {
    return waitFor(
      () => {
        const received = this.received.get(paymentHash)
        return received?.state === state ? received : undefined
      },
      { deadline: PAYMENT_MS, pollMs: 5, what: `payment ${paymentHash} to be ${state} by the wallet` },
    )
  }

  // Sending

  /** Pays a BOLT11 invoice and waits for the end. @throws Error with LDK's reason when it fails */
  async pay(invoice: string): Promise<{ readonly preimage: string; readonly fee: bigint }> {
    const parsed = ldk.Bolt11Invoice.constructor_from_str(invoice)
    if (!(parsed instanceof ldk.Result_Bolt11InvoiceParseOrSemanticErrorZ_OK)) throw new Error('not a BOLT11 invoice')
    const parameters = ldk.UtilMethods.constructor_payment_parameters_from_invoice(parsed.res)
    if (!(parameters instanceof ldk.Result_C3Tuple_ThirtyTwoBytesRecipientOnionFieldsRouteParametersZNoneZ_OK))
      throw new Error('the invoice has no amount')
    const paymentHash = parameters.res.get_a()
    const sent = this.#node.manager.send_payment(
      paymentHash,
      parameters.res.get_b(),
      paymentHash,
      parameters.res.get_c(),
      ldk.Retry.constructor_attempts(SEND_ATTEMPTS),
    )
    if (!sent.is_ok()) throw new Error('LDK refused to send the payment')
    this.#pump()
    const key = hex(paymentHash)
    const end = await this.waitForEvent(
      (event) => (event.type === 'sent' || event.type === 'send-failed') && event.paymentHash === key,
      `payment ${key} to be sent`,
    )
    if (end.type !== 'sent') throw new Error(`the payment failed: ${'reason' in end ? end.reason : end.type}`)
    return { preimage: end.preimage, fee: end.fee }
  }

  // Channels

  channels(): readonly ChannelView[] {
    return this.#node.manager.list_channels().map(viewChannel)
  }

  /** What could be received and sent over usable channels, millisatoshi. */
  balances(): { readonly inbound: bigint; readonly outbound: bigint } {
    const usable = this.channels().filter((channel) => channel.usable)
    return {
      inbound: usable.reduce((sum, channel) => sum + channel.inbound, 0n),
      outbound: usable.reduce((sum, channel) => sum + channel.outbound, 0n),
    }
  }

  /** What the wallet owns in its open channels, to the millisatoshi: reserves count, HTLCs under way do not. */
  owned(): bigint {
    return this.#node.manager.list_channels().reduce((sum, channel) => sum + ownedIn(channel), 0n)
  }

  /** Lets a minute pass for LDK, that gives up parts of a payment whose others do not come after a few of them. */
  passMinute(): void {
    this.#node.manager.timer_tick_occurred()
  }

  waitForUsableChannel(): Promise<ChannelView> {
    return waitFor(() => this.channels().find((channel) => channel.usable), {
      deadline: PAYMENT_MS,
      pollMs: 5,
      what: 'the wallet to have a usable channel',
    })
  }

  /** Starts to close all channels, by agreement or alone. */
  closeChannels(how: 'cooperatively' | 'by-force'): void {
    for (const channel of this.#node.manager.list_channels()) {
      const id = channel.get_channel_id()
      const peer = channel.get_counterparty().get_node_id()
      if (how === 'cooperatively') this.#node.manager.close_channel(id, peer)
      else this.#node.manager.force_close_broadcasting_latest_txn(id, peer, 'closed by the test')
    }
    this.#pump()
  }

  /** Resolves with the first event, past or coming, that matches. */
  waitForEvent(matches: (event: WalletEvent) => boolean, what: string): Promise<WalletEvent> {
    return waitFor(() => this.events.find(matches), { deadline: PAYMENT_MS, pollMs: 5, what })
  }

  // Chain

  /** Waits until the wallet has seen btcd's best block. */
  async waitSynced(): Promise<void> {
    const tip = await this.#chain.tip()
    const reached = async () => {
      await this.#catchUp(tip)
      return this.#height >= tip
    }
    await waitFor(reached, { deadline: SYNC_MS, what: `the wallet to reach block ${tip}` })
  }

  #catchUp(tip: number): Promise<void> {
    if (tip <= this.#height) return this.#catchingUp
    this.#catchingUp = this.#catchingUp
      .catch(() => undefined)
      .then(async () => {
        while (this.#height < tip && !this.#closed) {
          const block = await this.#chain.block(this.#height + 1)
          this.#node.manager.as_Listen().block_connected(block.bytes, block.height)
          this.#node.monitors.as_Listen().block_connected(block.bytes, block.height)
          this.#height = block.height
          this.#pump()
        }
      })
    return this.#catchingUp
  }

  #broadcast(raw: Uint8Array): void {
    const entry: { readonly raw: Uint8Array; refused?: string } = { raw: Uint8Array.from(raw) }
    this.broadcasts.push(entry)
    this.#chain.broadcast(entry.raw).catch((error: Error) => {
      entry.refused = error.message
    })
  }

  /** Disconnects and stops; the wallet cannot be used again. */
  close(): void {
    if (this.#closed) return
    this.#unfollow()
    for (const timer of this.#timers) clearInterval(timer)
    this.disconnect()
    this.#closed = true
  }

  // The pump: events out of LDK, our reactions in, then messages out. Never entered twice.

  #pump(): void {
    if (this.#closed) return
    if (this.#pumping) {
      this.#pumpAgain = true
      return
    }
    this.#pumping = true
    try {
      for (let round = 0; round < MAX_PUMP_ROUNDS; round += 1) {
        this.#pumpAgain = false
        this.#handleEvents()
        this.#node.peers.process_events()
        for (const message of this.#node.messages.take()) {
          for (const listener of this.#listeners.get(message.nodeId) ?? []) listener(message.payload)
        }
        if (!this.#pumpAgain && this.#pendingEvents.length === 0) break
      }
    } finally {
      this.#pumping = false
    }
  }

  #handleEvents(): void {
    // LDK is busy until these return, so they only collect.
    this.#node.manager.as_EventsProvider().process_pending_events(this.#eventHandler)
    this.#node.monitors.as_EventsProvider().process_pending_events(this.#eventHandler)
    const events = this.#pendingEvents
    this.#pendingEvents = []
    for (const raw of events) {
      const event = readEvent(raw)
      this.events.push(event)
      this.#onEvent?.(event)
      if (event.type === this.#vanishAt) {
        this.disconnect()
        this.#pumpAgain = true
      }
      this.#react(event)
    }
    if (events.length > 0) this.#pumpAgain = true
  }

  #react(event: WalletEvent): void {
    switch (event.type) {
      case 'open-request':
        this.#answerOpen(event)
        break
      case 'forwardable':
        this.#node.manager.process_pending_htlc_forwards()
        break
      case 'claimable':
        this.#incoming.onClaimable(event)
        break
      case 'claimed':
        this.#incoming.onClaimed(event)
        break
      case 'broadcast-commitment':
        this.#broadcast(event.raw)
        break
      default:
    }
  }

  #answerOpen(event: Extract<WalletEvent, { type: 'open-request' }>): void {
    const id = ldk.ChannelId.constructor_new(event.temporaryId)
    const peer = Uint8Array.from(Buffer.from(event.nodeId, 'hex'))
    this.#lastChannel += 1n
    if (this.refusesChannels) {
      this.#node.manager.force_close_without_broadcasting_txn(id, peer, 'no channels, thank you')
    } else if (this.trustsZeroConf) {
      this.#node.manager.accept_inbound_channel_from_trusted_peer_0conf(id, peer, this.#lastChannel)
    } else {
      this.#node.manager.accept_inbound_channel(id, peer, this.#lastChannel)
    }
  }
}
