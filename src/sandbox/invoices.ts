import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { CircuitKey, HoldInvoiceRequest, Invoice, InvoiceHtlc } from '../lnd/port.ts'
import { HOLD_INVOICE_CANCEL_BLOCKS } from '../lnd/port.ts'
import { refuse } from './failures.ts'
import type { IncomingHtlc } from './htlcs.ts'
import { CLTV_REJECT_DELTA } from './interceptor.ts'
import { invoiceText } from './invoice-text.ts'
import { sha256Hex } from './switch.ts'

/** How long lnd holds the parts of a payment that is not complete. */
export const MPP_HOLD_MS = 120_000
/** Blocks before the expiry of an incoming HTLC at which lnd takes what it has the preimage of on chain. */
const BROADCAST_BLOCKS = 16
/** lnd 0.21.3, routing.MinCLTVDelta. */
const MIN_CLTV_EXPIRY = 24
const MAX_MEMO_BYTES = 1024
const MS_PER_SECOND = 1000
const WRONG_DETAILS = 'incorrect_or_unknown_payment_details'

type Part = {
  readonly htlc: IncomingHtlc
  readonly total: bigint
  readonly acceptedAt: number
  state: InvoiceHtlc['state']
}

type Stored = {
  readonly request: HoldInvoiceRequest
  readonly text: string
  readonly createdAt: number
  state: Invoice['state']
  preimage: string | undefined
  readonly parts: Map<CircuitKey, Part>
}

export type InvoicesDeps = {
  readonly clock: Clock
  readonly height: () => number
  readonly secret: () => string
  /** Runs later, if the node still lives then. */
  readonly later: (ms: number, run: () => void) => void
  readonly emit: (invoice: Invoice) => void
  /** Takes an HTLC out of its channel; does nothing while the link is down. */
  readonly settle: (htlc: IncomingHtlc, preimage: string) => void
  readonly fail: (htlc: IncomingHtlc, reason: string) => void
  /** Takes it with the preimage on chain, where no link is needed. */
  readonly claimOnChain: (htlc: IncomingHtlc, preimage: string) => void
  /** A moment at which a test may kill the node: false when it did. */
  readonly point: (name: string) => boolean
}

/** lnd's invoice registry, hold invoices only: all of it is on disk, save for the timers. */
export class Invoices {
  readonly #deps: InvoicesDeps
  readonly #byHash = new Map<string, Stored>()

  constructor(deps: InvoicesDeps) {
    this.#deps = deps
  }

  add(request: HoldInvoiceRequest): Stored['text'] {
    const { paymentHash, amount, memo, cltvExpiry, expirySeconds } = request
    if (Buffer.byteLength(memo) > MAX_MEMO_BYTES)
      refuse(`memo too large: ${Buffer.byteLength(memo)} bytes (maxsize=1024)`)
    if (cltvExpiry < MIN_CLTV_EXPIRY) refuse(`CLTV delta of ${cltvExpiry} must be greater than minimum of 24`)
    if (this.#byHash.has(paymentHash)) refuse('invoice with payment hash already exists')
    const text = invoiceText({ paymentHash, amount, secret: this.#deps.secret() })
    const createdAt = this.#deps.clock.now()
    const stored: Stored = { request, text, createdAt, state: 'open', preimage: undefined, parts: new Map() }
    this.#byHash.set(paymentHash, stored)
    this.#expireLater(stored, expirySeconds * MS_PER_SECOND)
    this.#deps.emit(toInvoice(stored))
    return text
  }

  lookup(paymentHash: string): (Invoice & { readonly request: string }) | undefined {
    const stored = this.#byHash.get(paymentHash)
    return stored && { ...toInvoice(stored), request: stored.text }
  }

  /** What a payer reads in an invoice. */
  read(text: string): HoldInvoiceRequest | undefined {
    return [...this.#byHash.values()].find((stored) => stored.text === text)?.request
  }

  settle(preimage: string): void {
    const stored = this.#byHash.get(sha256Hex(preimage)) ?? refuse('unable to locate invoice')
    if (stored.state === 'settled') return
    if (stored.state === 'open') refuse('invoice still open')
    if (stored.state === 'canceled') refuse('invoice already canceled')
    stored.state = 'settled'
    stored.preimage = preimage
    const held = heldParts(stored)
    for (const part of held) part.state = 'settled'
    if (!this.#deps.point('invoice-settled')) return
    for (const { htlc } of held) this.#deps.settle(htlc, preimage)
    this.#deps.emit(toInvoice(stored))
  }

  cancel(paymentHash: string): void {
    const stored = this.#byHash.get(paymentHash) ?? refuse('unable to locate invoice')
    if (stored.state === 'canceled') return
    if (stored.state === 'settled') refuse('invoice already settled')
    this.#cancel(stored)
  }

  /** A part for our own node, or one that a link replays after its restart. */
  onPart(htlc: IncomingHtlc, total: bigint): void {
    const stored = this.#byHash.get(htlc.hash)
    const known = stored?.parts.get(htlc.key)
    if (stored === undefined || (known === undefined && !this.#takes(stored, htlc, total))) {
      this.#deps.fail(htlc, WRONG_DETAILS)
    } else if (known === undefined)
      this.#accept(stored, { htlc, total, acceptedAt: this.#deps.clock.now(), state: 'accepted' })
    else this.#replay(stored, known)
  }

  /** Whether the node decides over this HTLC: nobody forgot it. */
  holds(htlc: IncomingHtlc): boolean {
    return this.#byHash.get(htlc.hash)?.parts.has(htlc.key) === true
  }

  /** Sum of what was taken for a hash, in msat; undefined when there is no such invoice. */
  taken(hash: string): bigint | undefined {
    const stored = this.#byHash.get(hash)
    return stored && sum([...stored.parts.values()].filter(({ state }) => state === 'settled'))
  }

  /** The node starts: it reads its invoices. Parts come again with their links. */
  load(): void {
    const now = this.#deps.clock.now()
    for (const stored of this.#byHash.values()) {
      if (stored.state !== 'open') continue
      const end = stored.createdAt + stored.request.expirySeconds * MS_PER_SECOND
      this.#expireLater(stored, Math.max(0, end - now))
    }
  }

  onBlock(height: number): void {
    for (const stored of this.#byHash.values()) {
      if (stored.state === 'accepted' && height + HOLD_INVOICE_CANCEL_BLOCKS >= earliestExpiry(stored)) {
        this.#cancel(stored)
      }
      const { preimage } = stored
      if (preimage === undefined) continue
      for (const { htlc, state } of stored.parts.values()) {
        if (state === 'settled' && height + BROADCAST_BLOCKS >= htlc.expiry) this.#deps.claimOnChain(htlc, preimage)
      }
    }
  }

  #takes({ request, state, parts }: Stored, { expiry }: IncomingHtlc, total: bigint): boolean {
    const height = this.#deps.height()
    const others = [...parts.values()].filter((part) => part.state === 'accepted')
    return (
      state === 'open' &&
      total >= request.amount &&
      others.every((part) => part.total === total) &&
      expiry >= height + CLTV_REJECT_DELTA &&
      expiry >= height + request.cltvExpiry
    )
  }

  #accept(stored: Stored, part: Part): void {
    stored.parts.set(part.htlc.key, part)
    if (sum(heldParts(stored)) < part.total) {
      this.#releaseLater(stored, part)
      return
    }
    stored.state = 'accepted'
    if (this.#deps.point('invoice-accepted')) this.#deps.emit(toInvoice(stored))
  }

  #replay(stored: Stored, part: Part): void {
    if (part.state === 'canceled') this.#deps.fail(part.htlc, WRONG_DETAILS)
    else if (stored.preimage !== undefined) this.#deps.settle(part.htlc, stored.preimage)
    else if (stored.state === 'open') this.#releaseLater(stored, part)
  }

  #releaseLater(stored: Stored, part: Part): void {
    const end = part.acceptedAt + MPP_HOLD_MS
    this.#deps.later(Math.max(1, end - this.#deps.clock.now()), () => {
      if (stored.state !== 'open' || part.state !== 'accepted') return
      part.state = 'canceled'
      this.#deps.fail(part.htlc, 'mpp_timeout')
    })
  }

  /** An accepted one outlives its time. */
  #expireLater(stored: Stored, ms: number): void {
    this.#deps.later(Math.max(1, ms), () => {
      if (stored.state === 'open') this.#cancel(stored)
    })
  }

  #cancel(stored: Stored): void {
    stored.state = 'canceled'
    const held = heldParts(stored)
    for (const part of held) part.state = 'canceled'
    if (!this.#deps.point('invoice-canceled')) return
    for (const { htlc } of held) this.#deps.fail(htlc, WRONG_DETAILS)
    this.#deps.emit(toInvoice(stored))
  }
}

function heldParts({ parts }: Stored): readonly Part[] {
  return [...parts.values()].filter(({ state }) => state === 'accepted')
}

function earliestExpiry(stored: Stored): number {
  return Math.min(...heldParts(stored).map(({ htlc }) => htlc.expiry))
}

function sum(parts: readonly Part[]): bigint {
  return parts.reduce((total, { htlc }) => total + htlc.amount, 0n)
}

function toInvoice({ request, state, parts }: Stored): Invoice {
  const all = [...parts.values()]
  return {
    paymentHash: request.paymentHash,
    state,
    amount: request.amount,
    paid: sum(all.filter((part) => part.state !== 'canceled')) as Msat,
    htlcs: all.map(({ htlc, state: of }) => ({ amount: htlc.amount as Msat, expiryHeight: htlc.expiry, state: of })),
  }
}
