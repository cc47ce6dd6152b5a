import type { Msat } from '../base/amount.ts'
import type { Clock } from '../base/clock.ts'
import type { Timestamp } from '../base/datetime.ts'
import type { ResultOf } from '../base/method.ts'
import type { NodeId } from '../base/node-id.ts'
import { scidToNumber } from '../base/scid.ts'
import type { Patience, RpcClient } from '../rpc/client.ts'
import { RpcFault } from '../rpc/fault.ts'
import { type Choice, chooseOffer } from './choose-offer.ts'
import type { FeeCap } from './fee-cap.ts'
import { LSPS2_FAULTS, lsps2 } from './methods.ts'
import { type InvoiceRules, invoiceRules, type JitPurchase, USUAL_EXPIRY_SECONDS } from './purchase.ts'
import { ReceiveError, receiveErrorOf } from './receive-error.ts'
import type { OpeningFeeParams } from './schema.ts'

/**
 * How long one request waits, and when it is sent again. The repetition has the same id and bytes, so that an LSP
 * that keeps its replies sells once (L0-44); one that does not sells twice, and the wallet uses the answer that came
 * first: what was sold and is not paid for costs nothing and ends with the offer.
 */
export const RECEIVE_PATIENCE: Patience = { answerMs: 30_000, sends: 3, resendAfterMs: 8000 }
/** Menus asked for and bought from: a second time only after the first offer turned out to be stale (201). */
export const MAX_ROUNDS = 2
/** The invoice can live at least this long, in seconds, unless the wallet says otherwise. */
export const LEAST_EXPIRY_SECONDS = 300
/** Two weeks. A route hint that asks for more locks the payer's money up for nothing, and few payers accept it. */
export const MAX_CLTV_EXPIRY_DELTA = 2016
/** One day: what LDK demands of its peers. */
export const USUAL_TO_SELF_DELAY_BLOCKS = 144
/** One day. */
export const LEAST_LIFETIME_BLOCKS = 144

const MS_PER_SECOND = 1000
/** Names nothing: lnd takes them for "no next channel" (0) and "the node itself" (all ones). */
const NO_CHANNEL: readonly bigint[] = [0n, (1n << 64n) - 1n]

/** What the wallet is asked before it buys: the fee in msat, exact for an invoice with an amount. */
export type Quote = { readonly fee: Msat; readonly offer: OpeningFeeParams }

/** What a wallet wants to be paid, and on which terms it lets an LSP open the channel for it. */
export type ReceiveRequest = {
  /** A client of the LSP, connected. */
  readonly client: RpcClient
  readonly clock: Clock
  /** The node id of the LSP, for the route hint. */
  readonly lsp: NodeId
  /**
   * What the invoice will ask for, in msat. `{ likely }`: an invoice without an amount (L2-53), paid in one part;
   * offers are compared, and the cap is enforced before buying, for the likely amount.
   */
  readonly amount: Msat | { readonly likely: Msat }
  /** Enforced before buying; and again by `checkParts`, for what really arrives. */
  readonly maxFee: FeeCap
  /** The `min_final_cltv_expiry_delta` that the wallet demands of any payment, in blocks; two are added (L2-56). */
  readonly finalCltvBlocks: number
  /** What the LSP gave to this client, if it did. */
  readonly token?: string | undefined
  /** In seconds: an offer that ends sooner is not bought, and the invoice never lives longer. 300 and 3600. */
  readonly expiry?: { readonly least?: number | undefined; readonly most?: number | undefined } | undefined
  /** In blocks: how long the LSP must keep the channel, and the `to_self_delay` that it must agree to. 144 and 144. */
  readonly channel?:
    | { readonly lifetimeBlocks?: number | undefined; readonly toSelfDelayBlocks?: number | undefined }
    | undefined
  /** Whether the LSP may hold back the funding until it has the preimage (`client_trusts_lsp`). Refused by default. */
  readonly trust?: 'allow-client-first' | 'refuse-client-first' | undefined
  /** Asked before each purchase, so before at most two; the cap is already kept. Default: buys. */
  readonly confirm?: ((quote: Quote, signal: AbortSignal) => Promise<'buy' | 'stop'>) | undefined
  readonly patience?: Patience | undefined
  readonly signal: AbortSignal
}

/** A channel that opens when the invoice is paid: keep `purchase` beside the invoice, for `checkParts`. */
export type Receivable = { readonly purchase: JitPurchase; readonly invoice: InvoiceRules; readonly fee: Msat }

type Bought = ResultOf<(typeof lsps2)['lsps2.buy']>

/**
 * Buys a way to be paid over a channel that does not exist yet (bLIP-52): asks for the menu, takes the cheapest offer
 * that the wallet accepts, buys it, and tells what goes into the invoice. Make the invoice at once, then be online
 * for the payment and judge its parts with `checkParts`.
 *
 * Nothing is paid here: a purchase that nobody pays for is forgotten by the LSP when its offer ends. Ends after at
 * most four requests, each bounded by `patience`: two minutes, plus what `confirm` takes.
 * @throws ReceiveError for everything that can go wrong outside of this program
 */
export async function receive(request: ReceiveRequest): Promise<Receivable> {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const choice = await choose(request)
    if ((await confirm(request, choice)) === 'stop') throw new ReceiveError({ code: 'declined' })
    const bought = await buy(request, choice)
    const receivable = bought === 'stale' ? undefined : receivableOf(request, choice, bought)
    if (receivable !== undefined) return receivable
  }
  throw new ReceiveError({ code: 'offer-withdrawn' })
}

async function choose(request: ReceiveRequest): Promise<Choice> {
  const { client, clock, amount, maxFee, token, channel = {}, signal, patience = RECEIVE_PATIENCE } = request
  const params = token === undefined ? {} : { token }
  const { opening_fee_params_menu: menu } = await client
    .call(lsps2, 'lsps2.get_info', params, signal, patience)
    .catch((error: unknown) => {
      throw receiveErrorOf(error, 'lsps2.get_info', signal)
    })
  const choice = chooseOffer(menu, {
    payment: typeof amount === 'bigint' ? amount : amount.likely,
    maxFee,
    validUntil: (clock.now() + leastExpiry(request) * MS_PER_SECOND) as Timestamp,
    lifetimeBlocks: channel.lifetimeBlocks ?? LEAST_LIFETIME_BLOCKS,
    toSelfDelayBlocks: channel.toSelfDelayBlocks ?? USUAL_TO_SELF_DELAY_BLOCKS,
  })
  if ('code' in choice) throw new ReceiveError(choice)
  return choice
}

/** What the wallet says; it is not waited for once the signal aborts. */
async function confirm({ confirm: ask, signal }: ReceiveRequest, { offer, fee }: Choice): Promise<'buy' | 'stop'> {
  if (ask === undefined) return 'buy'
  if (signal.aborted) throw new ReceiveError({ code: 'aborted' }, signal.reason)
  let stop: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new ReceiveError({ code: 'aborted' }, signal.reason))
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([ask({ fee, offer }, signal), aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** `stale`: the LSP no longer knows its offer (201). */
async function buy(request: ReceiveRequest, { offer }: Choice): Promise<Bought | 'stale'> {
  const { client, amount, signal, patience = RECEIVE_PATIENCE } = request
  const size = typeof amount === 'bigint' ? { payment_size_msat: amount } : {}
  try {
    return await client.call(lsps2, 'lsps2.buy', { opening_fee_params: offer, ...size }, signal, patience)
  } catch (error) {
    if (error instanceof RpcFault && error.code === LSPS2_FAULTS.invalidFeeParams.code) return 'stale'
    throw receiveErrorOf(error, 'lsps2.buy', signal)
  }
}

/** Undefined when the offer, while it was bought, came too close to its end. */
function receivableOf(request: ReceiveRequest, { offer, fee }: Choice, bought: Bought): Receivable | undefined {
  const { clock, lsp, amount, maxFee, finalCltvBlocks, expiry = {}, trust = 'refuse-client-first' } = request
  const wrong = whatIsWrong(bought)
  if (wrong !== undefined) throw new ReceiveError({ code: 'bad-answer', what: wrong })
  const clientFirst = bought.client_trusts_lsp === true
  if (clientFirst && trust === 'refuse-client-first') throw new ReceiveError({ code: 'needs-trust' })
  const purchase: JitPurchase = {
    lsp,
    scid: bought.jit_channel_scid,
    cltvExpiryDelta: bought.lsp_cltv_expiry_delta,
    minFee: offer.min_fee_msat,
    proportional: offer.proportional,
    validUntil: offer.valid_until,
    lifetimeBlocks: offer.min_lifetime,
    maxToSelfDelayBlocks: offer.max_client_to_self_delay,
    ...(typeof amount === 'bigint' ? { amount } : {}),
    maxFee,
    trust: clientFirst ? 'client-first' : 'lsp-first',
  }
  const invoice = invoiceRules(purchase, { now: clock.now(), finalCltvBlocks, expirySeconds: expiry.most })
  if (invoice === undefined || invoice.expirySeconds < leastExpiry(request)) return undefined
  return { purchase, invoice, fee }
}

function whatIsWrong({ lsp_cltv_expiry_delta: delta, jit_channel_scid: scid }: Bought): string | undefined {
  if (delta < 1 || delta > MAX_CLTV_EXPIRY_DELTA) {
    return `lsp_cltv_expiry_delta is ${delta} blocks, not 1 to ${MAX_CLTV_EXPIRY_DELTA}`
  }
  return NO_CHANNEL.includes(scidToNumber(scid)) ? `jit_channel_scid is ${scid}, which names no channel` : undefined
}

function leastExpiry({ expiry = {} }: ReceiveRequest): number {
  const { least = LEAST_EXPIRY_SECONDS, most = USUAL_EXPIRY_SECONDS } = expiry
  return Math.min(least, most)
}
