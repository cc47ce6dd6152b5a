import { createHash, randomBytes } from 'node:crypto'
import * as ldk from 'lightningdevkit'
import type { Transport } from '../../../lsps/rpc/client.ts'
import type { Btcd } from '../btcd.ts'
import { waitFor } from '../wait.ts'
import { encodeInvoice, type HopHint } from './bolt11.ts'
import { ChainFollower } from './chain.ts'
import { readEvent, type WalletEvent } from './events.ts'
import { buildNode, type LdkNode } from './node.ts'
import { hex, loadLdk, nowSeconds, optionalU64, reversedHex, u64 } from './runtime.ts'
import { PeerSocket } from './tcp.ts'

const PUMP_MS = 50
const TICK_MS = 10_000
const CONNECT_MS = 15_000
const PAYMENT_MS = 60_000
const SYNC_MS = 30_000
/** LDK wants at least 24 blocks from the last hop. */
const MIN_FINAL_CLTV_DELTA = 40
const INVOICE_SECONDS = 3600
const SEND_ATTEMPTS = 3
/** For hints to our own channel: lnd's default. */
const LND_TIME_LOCK_DELTA = 80
/** A pump that goes on longer than this is a loop. */
const MAX_PUMP_ROUNDS = 100

/** What the wallet does when a payment for one of its invoices has come. */
export type OnPayment = 'claim' | 'hold' | 'fail'

/** Points of a sale at which a test can let the wallet disappear; each is before the wallet's answer goes out. */
export type Stage = 'open-request' | 'channel-pending' | 'channel-ready' | 'claimable' | 'claimed'

export type WalletOptions = {
  /** How it learns of blocks and broadcasts. */
  readonly btcd: Btcd
  /** 32 bytes; random by default. */
  readonly seed?: Uint8Array
  /** Accept channels before they confirm, from anybody who opens one. Default: yes. */
  readonly trustsZeroConf?: boolean
  /** LDK's log, from debug up. */
  readonly log?: (line: string) => void
}

export type Peer = { readonly nodeId: string; readonly host: string; readonly port: number }

export type InvoiceOptions = {
  /** Any amount when undefined. */
  readonly amountMsat?: bigint
  readonly description?: string
  readonly expirySeconds?: number
  /** The way to us. Default: the channel with most room to receive, none when there is none. */
  readonly hint?: HopHint
  /** The most that the LSP may keep back, over all parts; a payment with less is failed. Default: nothing. */
  readonly allowedSkimMsat?: bigint
  readonly onPayment?: OnPayment
}

export type Invoice = { readonly invoice: string; readonly paymentHash: string; readonly preimage: string }

/** A payment that came in. `amount` is what the wallet got, after what was kept back. Millisatoshi. */
export type Received = {
  readonly paymentHash: string
  readonly amount: bigint
  readonly skimmed: bigint
  readonly state: 'claimable' | 'claimed' | 'failed'
}

export type ChannelView = {
  readonly nodeId: string
  /** `txid:index`. */
  readonly outpoint: string | undefined
  readonly ready: boolean
  /** Ready and connected. */
  readonly usable: boolean
  readonly sat: bigint
  /** What can be received and sent now, millisatoshi, reserve deducted. */
  readonly inbound: bigint
  readonly outbound: bigint
  /** The short channel id for a route hint to us. */
  readonly inboundScid: bigint | undefined
}

type Expected = {
  readonly preimage: Uint8Array
  readonly amountMsat: bigint | undefined
  readonly allowedSkimMsat: bigint
  readonly onPayment: OnPayment
}

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
  readonly received = new Map<string, Received>()
  trustsZeroConf: boolean
  readonly #node: LdkNode
  readonly #chain: ChainFollower
  readonly #expected = new Map<string, Expected>()
  readonly #listeners = new Map<string, Set<(payload: Uint8Array) => void>>()
  readonly #unfollow: () => void
  readonly #timers: NodeJS.Timeout[]
  readonly #eventHandler: ldk.EventHandler
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

  private constructor(node: LdkNode, chain: ChainFollower, height: number, trustsZeroConf: boolean) {
    this.#node = node
    this.#chain = chain
    this.#height = height
    this.trustsZeroConf = trustsZeroConf
    this.nodeId = hex(node.manager.get_our_node_id())
    this.#eventHandler = ldk.EventHandler.new_impl({
      handle_event: (event) => {
        this.#pendingEvents.push(event.clone())
        return ldk.Result_NoneReplayEventZ.constructor_ok()
      },
    })
    this.#unfollow = chain.subscribe((tip) => void this.#catchUp(tip))
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
      onBroadcast: (raw) => wallet?.broadcast(raw),
    })
    wallet = new Wallet(node, chain, height, options.trustsZeroConf ?? true)
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
    const preimage = Uint8Array.from(randomBytes(32))
    const paymentHash = Uint8Array.from(createHash('sha256').update(preimage).digest())
    const { amountMsat, expirySeconds = INVOICE_SECONDS } = options
    const secret = this.#node.manager.create_inbound_payment_for_hash(
      paymentHash,
      amountMsat === undefined ? ldk.Option_u64Z.constructor_none() : ldk.Option_u64Z.constructor_some(amountMsat),
      expirySeconds,
      ldk.Option_u16Z.constructor_none(),
    )
    if (!(secret instanceof ldk.Result_ThirtyTwoBytesNoneZ_OK)) throw new Error('LDK made no payment secret')
    const hint = options.hint ?? this.#channelHint()
    const invoice = encodeInvoice(
      {
        paymentHash,
        paymentSecret: secret.res,
        description: options.description ?? '',
        timestamp: nowSeconds(),
        expirySeconds,
        minFinalCltvDelta: MIN_FINAL_CLTV_DELTA,
        ...(amountMsat === undefined ? {} : { amountMsat }),
        ...(hint === undefined ? {} : { hint }),
      },
      this.#node.keys.get_node_secret_key(),
    )
    this.#expected.set(hex(paymentHash), {
      preimage,
      amountMsat,
      allowedSkimMsat: options.allowedSkimMsat ?? 0n,
      onPayment: options.onPayment ?? 'claim',
    })
    return { invoice, paymentHash: hex(paymentHash), preimage: hex(preimage) }
  }

  #channelHint(): HopHint | undefined {
    const channels = this.channels().filter((channel) => channel.usable && channel.inboundScid !== undefined)
    const roomiest = channels.sort((a, b) => (a.inbound < b.inbound ? 1 : -1))[0]
    if (roomiest?.inboundScid === undefined) return undefined
    const { nodeId, inboundScid } = roomiest
    return { nodeId, scid: inboundScid, feeBaseMsat: 0, feePpm: 0, cltvDelta: LND_TIME_LOCK_DELTA }
  }

  /** Takes a held payment. */
  claim(paymentHash: string): void {
    const expected = this.#expected.get(paymentHash)
    if (expected === undefined) throw new Error(`the wallet has no invoice with hash ${paymentHash}`)
    this.#node.manager.claim_funds(expected.preimage)
    this.#pump()
  }

  /** Fails a held payment: the payer sees incorrect_or_unknown_payment_details. */
  fail(paymentHash: string): void {
    this.#node.manager.fail_htlc_backwards(Uint8Array.from(Buffer.from(paymentHash, 'hex')))
    const received = this.received.get(paymentHash)
    if (received !== undefined) this.received.set(paymentHash, { ...received, state: 'failed' })
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
    return this.#node.manager.list_channels().map((channel) => {
      const outpoint = channel.get_funding_txo() as ldk.OutPoint | null
      return {
        nodeId: hex(channel.get_counterparty().get_node_id()),
        outpoint: outpoint === null ? undefined : `${reversedHex(outpoint.get_txid())}:${outpoint.get_index()}`,
        ready: Boolean(channel.get_is_channel_ready()),
        usable: Boolean(channel.get_is_usable()),
        sat: u64(channel.get_channel_value_satoshis()),
        inbound: u64(channel.get_inbound_capacity_msat()),
        outbound: u64(channel.get_outbound_capacity_msat()),
        inboundScid: optionalU64(channel.get_inbound_payment_scid()),
      }
    })
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
    await this.#catchUp(tip)
    await waitFor(() => this.#height >= tip, { deadline: SYNC_MS, what: `the wallet to reach block ${tip}` })
  }

  #catchUp(tip: number): Promise<void> {
    if (tip <= this.#height) return this.#catchingUp
    this.#catchingUp = this.#catchingUp.then(async () => {
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

  private broadcast(raw: Uint8Array): void {
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
        return this.#answerOpen(event)
      case 'forwardable':
        return this.#node.manager.process_pending_htlc_forwards()
      case 'claimable':
        return this.#onClaimable(event)
      case 'claimed': {
        const { paymentHash, amount, skimmed } = event
        this.received.set(paymentHash, { paymentHash, amount, skimmed, state: 'claimed' })
        return
      }
      case 'broadcast-commitment':
        return this.broadcast(event.raw)
      default:
    }
  }

  #answerOpen(event: Extract<WalletEvent, { type: 'open-request' }>): void {
    const id = ldk.ChannelId.constructor_new(event.temporaryId)
    const peer = Uint8Array.from(Buffer.from(event.nodeId, 'hex'))
    this.#lastChannel += 1n
    if (this.trustsZeroConf) {
      this.#node.manager.accept_inbound_channel_from_trusted_peer_0conf(id, peer, this.#lastChannel)
    } else {
      this.#node.manager.accept_inbound_channel(id, peer, this.#lastChannel)
    }
  }

  #onClaimable(event: Extract<WalletEvent, { type: 'claimable' }>): void {
    const { paymentHash, amount, skimmed } = event
    const expected = this.#expected.get(paymentHash)
    this.received.set(paymentHash, { paymentHash, amount, skimmed, state: 'claimable' })
    if (expected === undefined || skimmed > expected.allowedSkimMsat || expected.onPayment === 'fail') {
      this.fail(paymentHash)
      return
    }
    if (expected.amountMsat !== undefined && amount + skimmed < expected.amountMsat) {
      this.fail(paymentHash)
      return
    }
    if (expected.onPayment === 'claim') this.claim(paymentHash)
  }
}

const MSAT_PER_SAT = 1000n

/** LDK tells capacities with the reserve already off, and never below zero: so the side that has room is asked. */
function ownedIn(channel: ldk.ChannelDetails): bigint {
  const inbound = u64(channel.get_inbound_capacity_msat())
  if (inbound > 0n) {
    const theirReserve = u64(channel.get_counterparty().get_unspendable_punishment_reserve())
    return (u64(channel.get_channel_value_satoshis()) - theirReserve) * MSAT_PER_SAT - inbound
  }
  const ourReserve = optionalU64(channel.get_unspendable_punishment_reserve()) ?? 0n
  return u64(channel.get_outbound_capacity_msat()) + ourReserve * MSAT_PER_SAT
}
