import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { CircuitKey } from '../lnd/port.ts'
import type { SimChannel } from './channels.ts'
import type { IncomingHtlc, Resolution } from './htlcs.ts'
import type { SimNode } from './node.ts'
import type { PeerAnswer } from './opens.ts'
import { PEER_FEATURES, type RemotePeer } from './peers.ts'
import type { SeededRandom } from './random.ts'
import type { IncomingAdd } from './switch.ts'
import type { Violations } from './violations.ts'

/** `lsp_cltv_expiry_delta` of the route hint, in blocks. */
const DEFAULT_HINT_DELTA = 144
/** The last hop's `min_final_cltv_expiry_delta`, in blocks. */
const DEFAULT_FINAL_DELTA = 40
/** What payers add, in case blocks come while the payment is on its way (lnd's `BlockPadding`). */
const BLOCK_PADDING = 3
/** Of an HTLC that ends at our node: it is not forwarded. */
const NO_SCID = '0x0x0' as Scid
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

export type PayInvoiceRequest = {
  /** The text of a hold invoice of our node. */
  readonly invoice: string
  /** What each part carries, in msat; one part with all of it when left out. */
  readonly parts?: readonly bigint[]
  /** What the payer says that all parts are together, in msat; what the invoice asks when left out. */
  readonly total?: bigint
  /** Blocks from now to the expiry of each part; a little more than the invoice asks when left out. */
  readonly finalDelta?: number
}

export type PaymentResult =
  | { readonly status: 'settled'; readonly preimage: string }
  | { readonly status: 'failed'; readonly reason: string; readonly by: 'lsp' | 'peer' | 'chain' }

/** One HTLC of the payer; several of one hash are the parts of one payment. */
export type Payment = {
  readonly hash: string
  readonly amountIn: bigint
  readonly circuit: CircuitKey
  readonly expiryIn: number
  readonly expiryOut: number
  /** Undefined while it is on its way. */
  readonly outcome: PaymentResult | undefined
  readonly result: Promise<PaymentResult>
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
    return this.#send({ hash, amount: amountIn, expiry: expiryIn, onion })
  }

  /**
   * Pays a hold invoice of our node; parts that are missing may be sent later with the same `total`.
   * @throws Error when the node never made this invoice
   */
  payInvoice({ invoice, parts, total, finalDelta }: PayInvoiceRequest): readonly Payment[] {
    const wanted = this.#node.invoices.read(invoice)
    if (wanted === undefined) throw new Error(`${invoice} is not an invoice of the node`)
    const { paymentHash: hash, amount: asked, cltvExpiry } = wanted
    const exit = { total: total ?? asked }
    const expiry = this.#node.chain.height + (finalDelta ?? cltvExpiry + BLOCK_PADDING)
    return (parts ?? [exit.total]).map((amount) => {
      const onion = { scid: NO_SCID, amountOut: amount, expiryOut: expiry, finalAmount: amount }
      return this.#send({ hash, amount, expiry, onion, exit })
    })
  }

  #send(add: Omit<IncomingAdd, 'onResolved'>): Payment {
    const { hash, amount: amountIn, expiry: expiryIn } = add
    const { expiryOut } = add.onion
    let outcome: PaymentResult | undefined
    let finish: (result: PaymentResult) => void = () => undefined
    const result = new Promise<PaymentResult>((resolve) => {
      finish = resolve
    })
    const onResolved = (resolution: Resolution) => {
      if (outcome !== undefined) this.#violations.add('not-conserved', `${hash}: resolved twice`)
      outcome = toResult(resolution)
      finish(outcome)
    }
    const payment = {
      hash,
      amountIn,
      expiryIn,
      expiryOut,
      circuit: `${this.channel.chanId}:${this.channel.nextIncoming}`,
      get outcome() {
        return outcome
      },
      result,
    }
    this.payments.push(payment)
    if (!this.channel.linkUp || this.channel.remote < amountIn) {
      onResolved({ type: 'failed', reason: 'no_route', by: 'peer' })
      return payment
    }
    this.#node.switchboard.add(this.channel, { ...add, onResolved })
    return payment
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

function toResult(resolution: Resolution): PaymentResult {
  return resolution.type === 'settled'
    ? { status: 'settled', preimage: resolution.preimage }
    : { status: 'failed', reason: resolution.reason, by: resolution.by }
}
