import { msat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { checkParts, type JitPurchase } from '../../lsps/lsps2/purchase.ts'
import type { OpenRequest } from '../lnd/port.ts'
import type { SimChannel } from './channels.ts'
import type { OutgoingHtlc } from './htlcs.ts'
import { Lane } from './lanes.ts'
import type { SimNode } from './node.ts'
import type { PeerAnswer } from './opens.ts'
import { PEER_FEATURES, type RemotePeer } from './peers.ts'
import type { SeededRandom } from './random.ts'
import { type Payment, sendToInvoice } from './sending.ts'
import type { Session, Stages } from './stages.ts'
import { sha256Hex } from './switch.ts'
import type { Violations } from './violations.ts'

/** LSPS0: messages of this type carry JSON-RPC. */
export const LSPS_MESSAGE_TYPE = 37_913
const PREIMAGE_BYTES = 32
/** BOLT 2: from this capacity on both sides must have said `option_support_large_channel`. */
const WUMBO_SAT = 16_777_216n
const WUMBO_BITS: readonly number[] = [18, 19]
/** What a peer has to keep in each channel: 1 % of it. */
const RESERVE_DIVISOR = 100n
const MSAT_PER_SAT = 1000n
const WRONG_AMOUNT = 'final_incorrect_htlc_amount'

/** What the wallet does with an open: `hang-sign` answers open_channel, but not funding_created. */
export type OpenPolicy = 'accept' | 'hang' | 'hang-sign' | { readonly refuse: string }
/** What the wallet does with a payment that it could claim; `dodge` fails each part of which a fee was kept, alone. */
export type PaymentPolicy = 'claim' | 'fail' | 'sit' | 'dodge'

/** What the wallet expects under a payment hash. */
export type Invoice = {
  readonly paymentHash: string
  readonly preimage: string
  /** What the payer is to send, in msat; undefined takes any amount. */
  readonly amount: bigint | undefined
  /** The most that may be withheld of it (the agreed opening fee), in msat. */
  readonly maxFee: bigint
  /** What the wallet bought: then the parts are judged as `lsps/` says. */
  readonly purchase: JitPurchase | undefined
}

export type Received = { readonly paymentHash: string; readonly amount: bigint; readonly extraFee: bigint }

/** Payloads of type 37913; the shape of `Transport` in `lsps/rpc/client.ts`. */
export type WalletTransport = {
  send(payload: Uint8Array): Promise<void>
  onMessage(callback: (payload: Uint8Array) => void): () => void
}

type Message = { readonly type: number; readonly data: Uint8Array }

export type WalletWorld = {
  readonly node: SimNode
  readonly random: SeededRandom
  readonly stages: Stages
  readonly violations: Violations
}

/** A wallet with an LSPS2 client's manners: a peer that is told, by the test, what to do. */
export class SimWallet implements RemotePeer {
  readonly nodeId: NodeId
  openPolicy: OpenPolicy = 'accept'
  paymentPolicy: PaymentPolicy = 'claim'
  /** Zero-conf channels are refused with LDK's words when false. */
  trustsNode = true
  readonly received: Received[] = []
  /** What it paid, to invoices of our node. */
  readonly payments: Payment[] = []
  /** Opens that it signed and the node forgot. */
  readonly ghosts: OpenRequest[] = []
  /** Errors about opens that the node sent. */
  readonly openErrors: string[] = []
  features: readonly number[] = [...PEER_FEATURES]
  minimumDepth = 3
  readonly channels = new Set<SimChannel>()
  wantsConnection = false
  readonly reconnects = false
  readonly #node: SimNode
  readonly #random: SeededRandom
  readonly #violations: Violations
  readonly #invoices = new Map<string, Invoice>()
  readonly #parts = new Map<string, OutgoingHtlc[]>()
  readonly #listeners = new Set<(type: number, data: Uint8Array) => void>()
  readonly #inbox: Lane<Message>

  constructor({ node, random, stages, violations }: WalletWorld) {
    this.nodeId = random.nodeId()
    this.#node = node
    this.#random = random
    this.#violations = violations
    const session: Session = { id: 0, alive: true, onEnd: new Set() }
    this.#inbox = new Lane<Message>({
      name: 'wallet.message',
      stage: 'answered',
      stages,
      session,
      deliver: ({ type, data }) => {
        for (const listener of this.#listeners) listener(type, data)
      },
      onError: (error) => {
        throw error
      },
    })
    node.know(this)
  }

  connect(): void {
    this.wantsConnection = true
    this.#node.connect(this.nodeId)
  }

  disconnect(): void {
    this.wantsConnection = false
    this.#node.disconnect(this.nodeId)
  }

  get online(): boolean {
    return this.#node.isOnline(this.nodeId)
  }

  /** Sets what it does with opens; one that it hung on is answered by the new policy. */
  setOpenPolicy(policy: OpenPolicy): void {
    this.openPolicy = policy
    this.#node.opens.peerWoke(this.nodeId)
  }

  /** Sets what it does with payments; those that it sits on are decided by the new policy. */
  setPaymentPolicy(policy: PaymentPolicy): void {
    this.paymentPolicy = policy
    for (const hash of [...this.#parts.keys()]) this.#decide(hash)
  }

  /** A payment that the wallet will accept. `amount` and `maxFee` in msat. */
  invoice({
    amount,
    maxFee = 0n,
    purchase,
  }: {
    readonly amount?: bigint
    readonly maxFee?: bigint
    readonly purchase?: JitPurchase
  } = {}): Invoice {
    const preimage = this.#random.hex(PREIMAGE_BYTES)
    const invoice: Invoice = { paymentHash: sha256Hex(preimage), preimage, amount, maxFee, purchase }
    this.#invoices.set(invoice.paymentHash, invoice)
    return invoice
  }

  /** What it received, in msat. */
  balance(): bigint {
    return this.received.reduce((sum, { amount }) => sum + amount, 0n)
  }

  /** Its part of its open channels, in msat; HTLCs under way do not count. */
  owned(): bigint {
    return this.openChannels().reduce((sum, { remote }) => sum + remote, 0n)
  }

  openChannels(): readonly SimChannel[] {
    return [...this.channels].filter(({ state }) => state === 'open')
  }

  /**
   * Pays a hold invoice of our node in one part, over the first of its channels that has enough.
   * @throws Error when it has no channel, or the node never made this invoice
   */
  payInvoice(invoice: string): Payment {
    const asked = this.#node.invoices.read(invoice)?.amount ?? 0n
    const open = this.openChannels()
    const channel = open.find((one) => one.linkUp && one.remote >= asked + reserveOf(one)) ?? open[0]
    if (channel === undefined) throw new Error('the wallet has no channel to pay over')
    const sending = { node: this.#node, violations: this.#violations, channel, kept: this.payments }
    const [payment] = sendToInvoice({ ...sending, reserve: reserveOf(channel) }, { invoice })
    if (payment === undefined) throw new Error('nothing was sent')
    return payment
  }

  closeChannel(channel: SimChannel, { force = false }: { readonly force?: boolean } = {}): void {
    this.#node.close(channel, force)
  }

  /** Any custom message to the node; nothing happens while it is not connected. */
  send(type: number, data: Uint8Array): void {
    this.#node.receiveMessage(this.nodeId, type, data)
  }

  onCustomMessage(listener: (type: number, data: Uint8Array) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The transport of an LSPS client. Sending while not connected rejects. */
  transport(): WalletTransport {
    return {
      send: async (payload) => {
        if (!this.online) throw new Error('not connected')
        this.send(LSPS_MESSAGE_TYPE, payload)
      },
      onMessage: (callback) =>
        this.onCustomMessage((type, data) => {
          if (type === LSPS_MESSAGE_TYPE) callback(data)
        }),
    }
  }

  answerOpen(step: 'open' | 'sign', request: OpenRequest): PeerAnswer {
    if (request.capacity >= WUMBO_SAT && !this.features.some((bit) => WUMBO_BITS.includes(bit))) {
      return { type: 'refuse', error: `Funding must be smaller than ${WUMBO_SAT}. It was ${request.capacity}` }
    }
    if (request.zeroConf && !this.trustsNode) return { type: 'refuse', error: 'zero-conf not trusted' }
    if (typeof this.openPolicy === 'object') return { type: 'refuse', error: this.openPolicy.refuse }
    if (this.openPolicy === 'hang') return { type: 'hang' }
    if (this.openPolicy === 'hang-sign' && step === 'sign') return { type: 'hang' }
    return { type: 'accept' }
  }

  onOpenFailed(request: OpenRequest | undefined, why: string): void {
    if (request === undefined) this.openErrors.push(why)
    else this.ghosts.push(request)
  }

  onChannelReady(channel: SimChannel): void {
    this.channels.add(channel)
  }

  onMessage(type: number, data: Uint8Array): void {
    this.#inbox.push({ type, data })
  }

  onConnection(): void {
    // Nothing to do: the node tells what the connection means for channels and opens.
  }

  preimageFor(htlc: OutgoingHtlc): string | undefined {
    const decided = htlc.resolution?.type === 'settle'
    const preimage = decided || this.paymentPolicy === 'claim' ? this.#invoices.get(htlc.hash)?.preimage : undefined
    // What it had decided to claim it counts already.
    if (preimage !== undefined && !decided) this.#receive(htlc)
    return preimage
  }

  /** A part of a payment: decided when all of them are here. */
  onHtlc(htlc: OutgoingHtlc): void {
    const parts = this.#parts.get(htlc.hash) ?? []
    parts.push(htlc)
    this.#parts.set(htlc.hash, parts)
    this.#decide(htlc.hash)
  }

  /** BOLT 4, `mpp_timeout`: fails the parts whose payment is not complete. */
  giveUpParts(): void {
    for (const [hash, parts] of [...this.#parts]) {
      if (promised(parts) >= (this.#invoices.get(hash)?.amount ?? 0n)) continue
      this.#parts.delete(hash)
      for (const part of parts) {
        if (part.channel.outgoing.has(part.index)) {
          this.#node.switchboard.resolve(part, { type: 'fail', reason: 'mpp_timeout' })
        }
      }
    }
  }

  #decide(hash: string): void {
    // What timed out on chain while the wallet sat on it is not there to be claimed any more.
    const parts = (this.#parts.get(hash) ?? []).filter(({ channel, index }) => channel.outgoing.has(index))
    const invoice = this.#invoices.get(hash)
    if (invoice !== undefined && this.paymentPolicy === 'dodge') {
      this.#dodge(invoice, parts)
      return
    }
    const verdict = invoice === undefined ? 'incorrect_or_unknown_payment_details' : judge(invoice, parts)
    if (verdict === 'wait') return
    const wrong = verdict === 'claim' ? undefined : verdict
    if (wrong === undefined && this.paymentPolicy === 'sit') return
    this.#parts.delete(hash)
    if (wrong !== undefined || invoice === undefined || this.paymentPolicy === 'fail') {
      const reason = wrong ?? 'incorrect_or_unknown_payment_details'
      for (const part of parts) this.#node.switchboard.resolve(part, { type: 'fail', reason })
      return
    }
    for (const part of parts) {
      this.#receive(part)
      this.#node.switchboard.resolve(part, { type: 'settle', preimage: invoice.preimage })
    }
  }

  #dodge({ paymentHash, preimage }: Invoice, parts: readonly OutgoingHtlc[]): void {
    this.#parts.delete(paymentHash)
    for (const part of parts) {
      const isFree = part.extraFee === undefined
      if (isFree) this.#receive(part)
      this.#node.switchboard.resolve(
        part,
        isFree ? { type: 'settle', preimage } : { type: 'fail', reason: 'incorrect_or_unknown_payment_details' },
      )
    }
  }

  #receive({ hash, amount, extraFee }: OutgoingHtlc): void {
    this.received.push({ paymentHash: hash, amount, extraFee: extraFee ?? 0n })
  }
}

function reserveOf({ capacity }: SimChannel): bigint {
  return (capacity * MSAT_PER_SAT) / RESERVE_DIVISOR
}

/** `claim`, `wait` for further parts, or the reason to fail all of them (L2-95, L2-97). */
function judge(invoice: Invoice, parts: readonly OutgoingHtlc[]): string {
  if (invoice.purchase !== undefined) {
    const received = parts.map(({ amount, finalAmount, extraFee }) => ({
      onionAmount: msat(finalAmount),
      htlcAmount: msat(amount),
      extraFee: extraFee === undefined ? undefined : msat(extraFee),
    }))
    const { verdict } = checkParts(invoice.purchase, received)
    return verdict === 'fail' ? WRONG_AMOUNT : verdict
  }
  const short = parts.some((part) => part.amount + (part.extraFee ?? 0n) < part.finalAmount)
  const fees = parts.reduce((sum, part) => sum + (part.extraFee ?? 0n), 0n)
  if (short || fees > invoice.maxFee) return WRONG_AMOUNT
  return invoice.amount !== undefined && promised(parts) < invoice.amount ? 'wait' : 'claim'
}

function promised(parts: readonly OutgoingHtlc[]): bigint {
  return parts.reduce((sum, part) => sum + part.amount + (part.extraFee ?? 0n), 0n)
}
