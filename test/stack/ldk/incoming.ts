import { createHash, randomBytes } from 'node:crypto'
import * as ldk from 'lightningdevkit'
import { msat } from '../../../lsps/base/amount.ts'
import { checkParts, type JitPurchase } from '../../../lsps/lsps2/purchase.ts'
import { encodeInvoice, type HopHint } from './bolt11.ts'
import type { WalletEvent } from './events.ts'
import type { LdkNode } from './node.ts'
import { hex, nowSeconds } from './runtime.ts'

/** What the wallet's invoices ask of the last hop, in blocks. LDK wants at least 24. */
export const FINAL_CLTV_BLOCKS = 40
const INVOICE_SECONDS = 3600

/** What the wallet does when a payment for one of its invoices has come. */
export type OnPayment = 'claim' | 'hold' | 'fail'

export type InvoiceOptions = {
  /** Any amount when undefined. */
  readonly amountMsat?: bigint
  readonly description?: string
  readonly expirySeconds?: number
  /** The way to us. Default: the channel with most room to receive, none when there is none. */
  readonly hint?: HopHint
  /** The most that the LSP may keep back, over all parts; a payment with less is failed. Default: nothing. */
  readonly allowedSkimMsat?: bigint
  /** What was bought for this invoice: the payment is judged by it, and `allowedSkimMsat` does not count. */
  readonly purchase?: JitPurchase
  readonly finalCltvBlocks?: number
  /** Whether it may be paid in several parts. Default: yes. */
  readonly basicMpp?: boolean
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

type Expected = {
  readonly preimage: Uint8Array
  readonly amountMsat: bigint | undefined
  readonly allowedSkimMsat: bigint
  readonly purchase: JitPurchase | undefined
  readonly onPayment: OnPayment
}

/** The wallet's invoices and what came in for them. */
export class IncomingPayments {
  /** By payment hash. */
  readonly received = new Map<string, Received>()
  readonly #node: LdkNode
  readonly #expected = new Map<string, Expected>()

  constructor(node: LdkNode) {
    this.#node = node
  }

  createInvoice(options: InvoiceOptions): Invoice {
    const preimage = Uint8Array.from(randomBytes(32))
    const paymentHash = Uint8Array.from(createHash('sha256').update(preimage).digest())
    const { amountMsat, hint, expirySeconds = INVOICE_SECONDS, basicMpp } = options
    const secret = this.#node.manager.create_inbound_payment_for_hash(
      paymentHash,
      amountMsat === undefined ? ldk.Option_u64Z.constructor_none() : ldk.Option_u64Z.constructor_some(amountMsat),
      expirySeconds,
      ldk.Option_u16Z.constructor_none(),
    )
    if (!(secret instanceof ldk.Result_ThirtyTwoBytesNoneZ_OK)) throw new Error('LDK made no payment secret')
    const invoice = encodeInvoice(
      {
        paymentHash,
        paymentSecret: secret.res,
        description: options.description ?? '',
        timestamp: nowSeconds(),
        expirySeconds,
        minFinalCltvDelta: options.finalCltvBlocks ?? FINAL_CLTV_BLOCKS,
        ...(amountMsat === undefined ? {} : { amountMsat }),
        ...(hint === undefined ? {} : { hint }),
        ...(basicMpp === undefined ? {} : { basicMpp }),
      },
      this.#node.keys.get_node_secret_key(),
    )
    this.#expected.set(hex(paymentHash), {
      preimage,
      amountMsat,
      allowedSkimMsat: options.allowedSkimMsat ?? 0n,
      purchase: options.purchase,
      onPayment: options.onPayment ?? 'claim',
    })
    return { invoice, paymentHash: hex(paymentHash), preimage: hex(preimage) }
  }

  claim(paymentHash: string): void {
    const expected = this.#expected.get(paymentHash)
    if (expected === undefined) throw new Error(`the wallet has no invoice with hash ${paymentHash}`)
    this.#node.manager.claim_funds(expected.preimage)
  }

  fail(paymentHash: string): void {
    this.#node.manager.fail_htlc_backwards(Uint8Array.from(Buffer.from(paymentHash, 'hex')))
    const received = this.received.get(paymentHash)
    if (received !== undefined) this.received.set(paymentHash, { ...received, state: 'failed' })
  }

  onClaimable(event: Extract<WalletEvent, { type: 'claimable' }>): void {
    const { paymentHash, amount, skimmed } = event
    this.received.set(paymentHash, { paymentHash, amount, skimmed, state: 'claimable' })
    const expected = this.#expected.get(paymentHash)
    if (expected === undefined || !isEnough(expected, event) || expected.onPayment === 'fail') this.fail(paymentHash)
    else if (expected.onPayment === 'claim') this.claim(paymentHash)
  }

  /** May come twice for one payment. */
  onClaimed(event: Extract<WalletEvent, { type: 'claimed' }>): void {
    const { paymentHash, amount, skimmed } = event
    this.received.set(paymentHash, { paymentHash, amount, skimmed, state: 'claimed' })
  }
}

/**
 * LDK lets any skim through once underpaying HTLCs are accepted: what was agreed is for the wallet to check. LDK has
 * compared each part with its onion, and tells the sums: they are judged as one part.
 */
function isEnough(expected: Expected, payment: { readonly amount: bigint; readonly skimmed: bigint }): boolean {
  const { amount, skimmed } = payment
  if (expected.purchase !== undefined) {
    const extraFee = skimmed === 0n ? undefined : msat(skimmed)
    const whole = { onionAmount: msat(amount + skimmed), htlcAmount: msat(amount), extraFee }
    return checkParts(expected.purchase, [whole]).verdict === 'claim'
  }
  if (skimmed > expected.allowedSkimMsat) return false
  return expected.amountMsat === undefined || amount + skimmed >= expected.amountMsat
}
