import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { SimChannel } from './channels.ts'
import type { IncomingHtlc } from './htlcs.ts'
import type { SimNode } from './node.ts'
import type { PeerAnswer } from './opens.ts'
import { PEER_FEATURES, type RemotePeer } from './peers.ts'
import type { SeededRandom } from './random.ts'
import { type PayInvoiceRequest, type Payment, type Sending, sendHtlc, sendToInvoice } from './sending.ts'
import type { Violations } from './violations.ts'

/** `lsp_cltv_expiry_delta` of the route hint, in blocks. */
const DEFAULT_HINT_DELTA = 144
/** The last hop's `min_final_cltv_expiry_delta`, in blocks. */
const DEFAULT_FINAL_DELTA = 40
const FEE: { readonly baseMsat: bigint; readonly ppm: bigint; readonly minHtlcMsat: bigint } = {
  baseMsat: 1000n,
  ppm: 1n,
  minHtlcMsat: 1n,
}

export type PayRequest = {
  readonly hash: string
  /** The hop after our node: a jit scid, an alias, or a real channel. */
  readonly scid: Scid
  /** What the last hop is to get, in msat. */
  readonly amount: bigint
  /** The amount that the onion tells our node to forward; `amount` when left out. It may lie. */
  readonly amountOut?: bigint
  /** What the HTLC carries; `amountOut` when left out. */
  readonly amountIn?: bigint
  /** Blocks from now to the expiry of the outgoing HTLC. */
  readonly finalDelta?: number
  /** Blocks between the two expiries. */
  readonly hintDelta?: number
}

/** A node with money and an old channel to ours. */
export class SimPayer implements RemotePeer {
  readonly nodeId: NodeId
  readonly features = PEER_FEATURES
  readonly minimumDepth = 3
  readonly channel: SimChannel
  readonly payments: Payment[] = []
  wantsConnection = true
  readonly reconnects = true
  readonly #node: SimNode
  readonly #violations: Violations

  constructor(node: SimNode, random: SeededRandom, violations: Violations, capacity: bigint) {
    this.nodeId = random.nodeId()
    this.#node = node
    this.#violations = violations
    node.know(this)
    this.channel = node.addOldChannel(this.nodeId, capacity, 0n, FEE)
    node.connect(this.nodeId)
  }

  connect(): void {
    this.wantsConnection = true
    this.#node.connect(this.nodeId)
  }

  /** Its link goes down; the next `connect` makes the node offer again what is not resolved (lnd.md 1.5). */
  disconnect(): void {
    this.wantsConnection = false
    this.#node.disconnect(this.nodeId)
  }

  /** Sends one HTLC. While the link is down it fails at once, as a payer's own node would say. */
  pay(request: PayRequest): Payment {
    const { hash, scid, amount } = request
    const amountOut = request.amountOut ?? amount
    const amountIn = request.amountIn ?? amountOut
    const expiryOut = this.#node.chain.height + (request.finalDelta ?? DEFAULT_FINAL_DELTA)
    const expiryIn = expiryOut + (request.hintDelta ?? DEFAULT_HINT_DELTA)
    const onion = { scid, amountOut, expiryOut, finalAmount: amount }
    return sendHtlc(this.#sending(), { hash, amount: amountIn, expiry: expiryIn, onion })
  }

  /**
   * Pays a hold invoice of our node; parts that are missing may be sent later with the same `total`.
   * @throws Error when the node never made this invoice
   */
  payInvoice(request: PayInvoiceRequest): readonly Payment[] {
    return sendToInvoice(this.#sending(), request)
  }

  #sending(): Sending {
    return { node: this.#node, violations: this.#violations, channel: this.channel, kept: this.payments }
  }

  /** HTLCs of it that are not resolved. */
  pending(): readonly IncomingHtlc[] {
    return [...this.channel.incoming.values()]
  }

  answerOpen(): PeerAnswer {
    return { type: 'refuse', error: 'this node opens its channels itself' }
  }

  onOpenFailed(): void {
    // Nobody opens channels to a payer.
  }

  onChannelReady(): void {
    // Its only channel was ready before the story begins.
  }

  onHtlc(): void {
    // Nobody pays a payer.
  }

  onMessage(): void {
    // Speaks no LSPS.
  }

  onConnection(): void {
    // Pays when the test says so.
  }

  preimageFor(): undefined {
    return undefined
  }
}
