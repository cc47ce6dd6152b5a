import { randomBytes } from 'node:crypto'
import type { Wallet } from './ldk/wallet.ts'
import type { Lnd } from './lnd.ts'
import type { Network } from './network.ts'
import { type PaymentResult, payInvoice } from './payments.ts'
import { deferred, waitFor, within } from './wait.ts'

const EXTRA_FEE_TYPE = '65537'
const LOCK_SECONDS = 600
const STEP_MS = 60_000
const SECOND_MS = 5_000
/** Short channel ids of sales: block heights 16,000,001 and up (decisions.md D13). */
const FIRST_SALE_HEIGHT = 16_000_001n
const CLTV_DELTA = 144

/** Milliseconds since the HTLC was held, per step of funding.md's recipe. */
export type SaleTimes = {
  readonly templated: number
  readonly funded: number
  readonly verified: number
  readonly pending: number
  readonly active: number
  readonly aliased: number
  readonly resumed: number
  readonly settled: number
  readonly published: number
}

export type BareSale = {
  /** When the HTLC was held, by the system's clock. */
  readonly heldAt: number
  readonly times: SaleTimes
  readonly fundingTxid: string
  readonly channelId: string
}

export type SaleTerms = {
  readonly scid: bigint
  readonly peer: string
  readonly feeMsat: bigint
  readonly capacitySat: bigint
}

type Circuit = { readonly chan_id: string; readonly htlc_id: string }
type Offer = {
  readonly incoming_circuit_key: Circuit
  readonly outgoing_requested_chan_id: string
  readonly outgoing_amount_msat: string
}
type OpenUpdate = {
  readonly update: 'psbt_fund' | 'chan_pending' | 'chan_open'
  readonly psbt_fund?: { readonly psbt: Buffer }
  readonly chan_pending?: { readonly txid: Buffer; readonly output_index: number }
}
type ListedChannel = { readonly chan_id: string; readonly channel_point: string; readonly active: boolean }
/** What of an lnd node is needed. */
export type BareNode = Pick<Lnd, 'name' | 'rpc' | 'call' | 'info'>
export type Stream = {
  on(event: string, listener: (value: never) => void): Stream
  write(message: object): void
  cancel(): void
}

/**
 * One sale after the other made by hand with raw gRPC: the calls that the sidecar makes for it, in the same order and
 * as parallel, and nothing else. No database, no checks, no recovery: what the sidecar's time is compared with.
 */
export class BareSeller {
  readonly #lsp: BareNode
  readonly #streams: Stream[] = []
  #interceptor: Stream
  readonly #sales = new Map<string, (offer: Offer) => void>()
  readonly #settled = new Map<string, () => void>()
  readonly #active = new Map<string, () => void>()
  #refused = false
  /** Offers that were not for a sale and resumed untouched. */
  foreignOffers = 0

  private constructor(lsp: BareNode, interceptor?: Stream) {
    this.#lsp = lsp
    this.#stream<HtlcEvent>(lsp.rpc.router.subscribeHtlcEvents({}), (event) => {
      if (event.event === 'settle_event')
        this.#settled.get(`${event.incoming_channel_id}:${event.incoming_htlc_id}`)?.()
    })
    this.#stream<ChannelEvent>(lsp.rpc.default.subscribeChannelEvents({}), (event) => {
      if (event.active_channel) this.#active.get(pointOf(event.active_channel))?.()
    })
    if (interceptor !== undefined) this.#stream<Offer>(interceptor, (offer) => this.#onOffer(offer))
    this.#interceptor = interceptor ?? this.#intercept()
  }

  /** Becomes the node's interceptor, as soon as one before it is gone; there can be only one. */
  static async attach(lsp: BareNode): Promise<BareSeller> {
    const seller = new BareSeller(lsp)
    await waitFor(() => seller.#isAttached(), { deadline: STEP_MS, what: `the interceptor of ${lsp.name}` })
    return seller
  }

  /** Sells over an interceptor that stands already and that somebody else shares. */
  static beside(lsp: BareNode, interceptor: Stream): BareSeller {
    return new BareSeller(lsp, interceptor)
  }

  #intercept(): Stream {
    this.#refused = false
    const stream = this.#stream<Offer>(this.#lsp.rpc.router.htlcInterceptor({}), (offer) => this.#onOffer(offer))
    stream.on('error', () => {
      this.#refused = true
    })
    return stream
  }

  /**
   * lnd does not greet an interceptor, and fails what is forwarded before it has one (`requireInterceptor`). But it
   * refuses a second one: when that is refused and the first is not, the first is in place.
   */
  async #isAttached(): Promise<boolean> {
    if (this.#refused) this.#interceptor = this.#intercept()
    // lnd starts streams side by side: the second must not overtake the first.
    await this.#lsp.info()
    const second = this.#lsp.rpc.router.htlcInterceptor({}) as Stream
    const end = deferred<string>()
    second.on('error', (error: Error) => end.resolve(error.message))
    second.on('data', () => end.resolve('it was accepted'))
    try {
      const answer = await within(end.promise, { deadline: SECOND_MS, what: 'the second interceptor to be refused' })
      await this.#lsp.info()
      return !this.#refused && answer.includes('interceptor already exists')
    } finally {
      second.cancel()
    }
  }

  detach(): void {
    for (const stream of this.#streams) stream.cancel()
  }

  #stream<T>(stream: Stream, onData: (value: T) => void): Stream {
    this.#streams.push(stream)
    stream.on('error', () => undefined)
    stream.on('data', onData as (value: never) => void)
    return stream
  }

  #onOffer(offer: Offer): void {
    const sale = this.#sales.get(offer.outgoing_requested_chan_id)
    if (sale !== undefined) {
      sale(offer)
      return
    }
    this.foreignOffers += 1
    this.#interceptor.write({ incoming_circuit_key: offer.incoming_circuit_key, action: 'RESUME' })
  }

  /** Waits for the payment to `terms.scid` and serves it; resolves when it is settled and the funding published. */
  async sell(terms: SaleTerms): Promise<BareSale> {
    const offer = await within(
      new Promise<Offer>((resolve) => {
        this.#sales.set(String(terms.scid), resolve)
      }),
      { deadline: STEP_MS, what: `a payment to ${terms.scid}` },
    )
    const held = performance.now()
    const at = () => performance.now() - held
    const pendingId = randomBytes(32)
    const open = this.#open(terms, pendingId)
    const template = await open.template
    const templated = at()
    const { funded_psbt: psbt } = await this.#lsp.call<{ funded_psbt: Buffer }>('wallet', 'fundPsbt', {
      psbt: template,
      sat_per_vbyte: '2',
      min_confs: 1,
      custom_lock_id: pendingId,
      lock_expiration_seconds: String(LOCK_SECONDS),
    })
    const funded = at()
    await this.#lsp.call('default', 'fundingStateStep', {
      psbt_verify: { funded_psbt: psbt, pending_chan_id: pendingId, skip_finalize: true },
    })
    const verified = at()
    const point = await open.pending
    const pending = at()
    const channelId = await this.#waitActive(terms.peer, point)
    const active = at()
    const publishing = this.#publish(terms.peer, psbt).then(() => at())
    publishing.catch(() => undefined) // is waited for below, unless something else fails before
    await this.#lsp.call('router', 'xAddLocalChanAliases', {
      alias_maps: [{ base_scid: channelId, aliases: [String(terms.scid)] }],
    })
    const aliased = at()
    const settling = this.#resume(offer, terms)
    const resumed = at()
    await settling
    const settled = at()
    const published = await publishing
    this.#sales.delete(String(terms.scid))
    const times = { templated, funded, verified, pending, active, aliased, resumed, settled, published }
    return { heldAt: performance.timeOrigin + held, times, fundingTxid: point.split(':')[0] ?? '', channelId }
  }

  #open(terms: SaleTerms, pendingId: Buffer): { template: Promise<Buffer>; pending: Promise<string> } {
    const stream: Stream = this.#lsp.rpc.default.openChannel({
      node_pubkey: Buffer.from(terms.peer, 'hex'),
      local_funding_amount: String(terms.capacitySat),
      private: true,
      commitment_type: 'ANCHORS',
      zero_conf: true,
      scid_alias: true,
      use_base_fee: true,
      base_fee: '0',
      use_fee_rate: true,
      fee_rate: '0',
      min_htlc_msat: '1',
      memo: 'bare sale',
      funding_shim: { psbt_shim: { pending_chan_id: pendingId, no_publish: true } },
    })
    const template = deferred<Buffer>()
    const pending = deferred<string>()
    // Whoever is told by one of them need not listen to the other.
    template.promise.catch(() => undefined)
    pending.promise.catch(() => undefined)
    stream.on('data', (update: OpenUpdate) => {
      if (update.psbt_fund) template.resolve(update.psbt_fund.psbt)
      if (update.chan_pending) {
        const txid = Buffer.from(update.chan_pending.txid).reverse().toString('hex')
        pending.resolve(`${txid}:${update.chan_pending.output_index}`)
        stream.cancel()
      }
    })
    stream.on('error', (error: Error) => {
      template.reject(error)
      pending.reject(error)
    })
    return { template: template.promise, pending: pending.promise }
  }

  /** The channel's `chan_id` once it is active. */
  async #waitActive(peer: string, point: string): Promise<string> {
    const { promise, resolve } = deferred<void>()
    this.#active.set(point, resolve)
    for (;;) {
      const { channels } = await this.#lsp.call<{ channels: ListedChannel[] }>('default', 'listChannels', {
        peer: Buffer.from(peer, 'hex'),
      })
      const channel = channels.find((listed) => listed.channel_point === point)
      if (channel?.active) {
        this.#active.delete(point)
        return channel.chan_id
      }
      await within(promise, { deadline: STEP_MS, what: `channel ${point} to be active` })
    }
  }

  /** As the sidecar looks for the channel before it lets the funding be signed. */
  async #look(peer: string): Promise<void> {
    await this.#lsp.call('default', 'pendingChannels')
    await this.#lsp.call('default', 'listChannels', { peer: Buffer.from(peer, 'hex') })
  }

  #resume(offer: Offer, terms: SaleTerms): Promise<void> {
    const fee = Buffer.alloc(8)
    fee.writeBigUInt64BE(terms.feeMsat)
    const key = offer.incoming_circuit_key
    const { promise, resolve } = deferred<void>()
    this.#settled.set(`${key.chan_id}:${key.htlc_id}`, resolve)
    this.#interceptor.write({
      incoming_circuit_key: key,
      action: 'RESUME_MODIFIED',
      out_amount_msat: String(BigInt(offer.outgoing_amount_msat) - terms.feeMsat),
      out_wire_custom_records: { [EXTRA_FEE_TYPE]: fee },
    })
    return within(promise, { deadline: STEP_MS, what: 'the payment to be settled' })
  }

  async #publish(peer: string, psbt: Buffer): Promise<void> {
    await this.#look(peer)
    const { raw_final_tx: raw } = await this.#lsp.call<{ raw_final_tx: Buffer }>('wallet', 'finalizePsbt', {
      funded_psbt: psbt,
    })
    const { publish_error: refused } = await this.#lsp.call<{ publish_error: string }>('wallet', 'publishTransaction', {
      tx_hex: raw,
    })
    if (refused !== '') throw new Error(`lnd did not publish the funding: ${refused}`)
  }
}

type HtlcEvent = { readonly event: string; readonly incoming_channel_id: string; readonly incoming_htlc_id: string }
type ChannelEvent = { readonly active_channel?: { readonly funding_txid_bytes: Buffer; readonly output_index: number } }

function pointOf(channel: { readonly funding_txid_bytes: Buffer; readonly output_index: number }): string {
  return `${Buffer.from(channel.funding_txid_bytes).reverse().toString('hex')}:${channel.output_index}`
}

let sales = 0n

/** A short channel id that this process has not used for a sale yet. */
export function nextSaleScid(): bigint {
  sales += 1n
  return (FIRST_SALE_HEIGHT << 40n) | (sales << 16n)
}

/** A whole sale: the wallet's invoice over a new short channel id, the payer's payment, the channel, the fee. */
export async function bareSale(options: {
  readonly network: Network
  readonly seller: BareSeller
  /** Connected to the LSP, without a channel. */
  readonly wallet: Wallet
  readonly amountMsat: bigint
  readonly feeMsat: bigint
  readonly capacitySat: bigint
}): Promise<BareSale & { readonly payment: PaymentResult; readonly wholeMs: number }> {
  const { network, seller, wallet, amountMsat, feeMsat, capacitySat } = options
  const scid = nextSaleScid()
  const { invoice, paymentHash } = wallet.createInvoice({
    amountMsat,
    allowedSkimMsat: feeMsat,
    hint: { nodeId: network.lsp.nodeId, scid, feeBaseMsat: 0, feePpm: 0, cltvDelta: CLTV_DELTA },
  })
  const start = performance.now()
  const [sale, payment] = await Promise.all([
    seller.sell({ scid, peer: wallet.nodeId, feeMsat, capacitySat }),
    payInvoice(network.payer, { invoice }).then((paid) => {
      if (!paid.succeeded) throw new Error(`the payer gave up: ${paid.failureReason}, ${JSON.stringify(paid.attempts)}`)
      return paid
    }),
    wallet.waitForPayment(paymentHash),
  ])
  const wholeMs = performance.now() - start
  await waitFor(() => wallet.owned() > 0n, { deadline: STEP_MS, what: 'the wallet to own what it was paid' })
  return { ...sale, payment, wholeMs }
}
