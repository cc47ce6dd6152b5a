import type { Lnd } from './lnd.ts'
import { waitFor } from './wait.ts'

const ROUTE_MS = 60_000
/** lnd writes its forwarding history every 15 s at the latest. */
const HISTORY_MS = 60_000
const PAY_SECONDS = 60
const HISTORY_MAX = 50_000

/** The end of a payment as lnd's SendPaymentV2 tells it. Amounts in millisatoshi. */
export type PaymentResult = {
  readonly succeeded: boolean
  /** `FAILURE_REASON_NONE` when it succeeded. */
  readonly failureReason: string
  readonly paymentHash: string
  /** Hex; all zero unless it succeeded. */
  readonly preimage: string
  readonly amount: bigint
  /** What the payer paid for routing. */
  readonly fee: bigint
  readonly attempts: readonly {
    readonly status: string
    readonly failure: { readonly code: string; readonly failure_source_index: number } | null
  }[]
}

export type PayOptions = {
  readonly invoice: string
  /** For invoices without an amount. */
  readonly amountMsat?: bigint
  readonly feeLimitMsat?: bigint
  readonly timeoutSeconds?: number
  readonly maxParts?: number
  readonly maxPartMsat?: bigint
  /** Stops listening; lnd goes on with the payment. */
  readonly signal?: AbortSignal
  /** Told with each update, IN_FLIGHT ones too. */
  readonly onUpdate?: (status: string) => void
}

type RawPayment = {
  payment_hash: string
  payment_preimage: string
  value_msat: string
  fee_msat: string
  status: string
  failure_reason: string
  htlcs: PaymentResult['attempts']
}

/** Pays with SendPaymentV2 and waits for the end. A failed payment is an answer, not an error. */
export function payInvoice(payer: Lnd, options: PayOptions): Promise<PaymentResult> {
  return new Promise((resolve, reject) => {
    const stream = payer.rpc.router.sendPaymentV2({
      payment_request: options.invoice,
      timeout_seconds: options.timeoutSeconds ?? PAY_SECONDS,
      fee_limit_msat: String(options.feeLimitMsat ?? 100_000n),
      max_parts: options.maxParts ?? 1,
      no_inflight_updates: options.onUpdate === undefined,
      ...(options.amountMsat === undefined ? {} : { amt_msat: String(options.amountMsat) }),
      ...(options.maxPartMsat === undefined ? {} : { max_shard_size_msat: String(options.maxPartMsat) }),
    })
    options.signal?.addEventListener('abort', () => stream.cancel(), { once: true })
    stream.on('data', (payment: RawPayment) => {
      options.onUpdate?.(payment.status)
      if (payment.status !== 'SUCCEEDED' && payment.status !== 'FAILED') return
      resolve({
        succeeded: payment.status === 'SUCCEEDED',
        failureReason: payment.failure_reason,
        paymentHash: payment.payment_hash,
        preimage: payment.payment_preimage,
        amount: BigInt(payment.value_msat),
        fee: BigInt(payment.fee_msat),
        attempts: payment.htlcs,
      })
    })
    stream.on('error', (error: Error & { details?: string }) =>
      reject(new Error(`${payer.name} sendPaymentV2: ${error.details || error.message}`, { cause: error })),
    )
    stream.on('end', () => reject(new Error(`${payer.name} sendPaymentV2 ended without a result`)))
  })
}

export type PartOptions = {
  readonly invoice: string
  /** A node with which the payer has a channel, and whose invoice it is. */
  readonly to: string
  readonly amountMsat: bigint
  /** What the payer says that all parts are together. */
  readonly total: bigint
  /** Blocks from now to the expiry of the HTLC. */
  readonly finalDelta: number
}

type RawRoute = { readonly hops: { mpp_record: { total_amt_msat: string } }[] }
type RawAttempt = { readonly status: string; readonly failure: { readonly code: string } | null }

/** One part of a payment over one hop, as its sender pleases; how it ended. Waits as long as it is held. */
export async function sendPart(
  payer: Lnd,
  options: PartOptions,
): Promise<{ readonly settled: boolean; readonly failure?: string }> {
  const { payment_addr, payment_hash } = await payer.call<{ payment_addr: Buffer; payment_hash: string }>(
    'default',
    'decodePayReq',
    { pay_req: options.invoice },
  )
  const { route } = await payer.call<{ route: RawRoute }>('router', 'buildRoute', {
    amt_msat: String(options.amountMsat),
    final_cltv_delta: options.finalDelta,
    hop_pubkeys: [Buffer.from(options.to, 'hex')],
    payment_addr,
  })
  for (const hop of route.hops) hop.mpp_record.total_amt_msat = String(options.total)
  const request = { payment_hash: Buffer.from(payment_hash, 'hex'), route, skip_temp_err: true }
  const { status, failure } = await new Promise<RawAttempt>((resolve, reject) => {
    payer.rpc.router.sendToRouteV2(request, (error: Error | null, attempt: RawAttempt) => {
      if (error === null) resolve(attempt)
      else reject(new Error(`${payer.name} sendToRouteV2: ${error.message}`, { cause: error }))
    })
  })
  return failure === null ? { settled: status === 'SUCCEEDED' } : { settled: false, failure: failure.code }
}

/** A new invoice of an lnd node. `hints`: private channels as route hints. */
export async function addInvoice(
  node: Lnd,
  options: { readonly amountMsat: bigint; readonly memo?: string; readonly hints?: boolean },
): Promise<{ readonly invoice: string; readonly paymentHash: string }> {
  const answer = await node.call<{ payment_request: string; r_hash: Buffer }>('default', 'addInvoice', {
    value_msat: String(options.amountMsat),
    memo: options.memo ?? '',
    private: options.hints ?? false,
  })
  return { invoice: answer.payment_request, paymentHash: answer.r_hash.toString('hex') }
}

export type DecodedInvoice = {
  readonly destination: string
  readonly payment_hash: string
  readonly num_msat: string
  readonly description: string
  readonly cltv_expiry: string
  readonly route_hints: readonly {
    readonly hop_hints: readonly {
      readonly node_id: string
      readonly chan_id: string
      readonly fee_base_msat: number
      readonly fee_proportional_millionths: number
      readonly cltv_expiry_delta: number
    }[]
  }[]
}

/** What lnd reads in an invoice: an outside check of our own encoder. */
export function decodeInvoice(node: Lnd, invoice: string): Promise<DecodedInvoice> {
  return node.call<DecodedInvoice>('default', 'decodePayReq', { pay_req: invoice })
}

export type ForwardingEvent = {
  readonly chan_id_in: string
  readonly chan_id_out: string
  readonly amt_in_msat: string
  readonly amt_out_msat: string
  readonly fee_msat: string
  readonly timestamp_ns: string
  readonly incoming_htlc_id?: string
  readonly outgoing_htlc_id?: string
}

/** All forwards that lnd has written down, oldest first. It writes them in batches: see `waitForwarded`. */
export async function forwardingHistory(node: Lnd): Promise<readonly ForwardingEvent[]> {
  const answer = await node.call<{ forwarding_events: ForwardingEvent[] }>('default', 'forwardingHistory', {
    start_time: '1',
    end_time: String(Math.floor(Date.now() / 1000) + 3600),
    num_max_events: HISTORY_MAX,
  })
  return answer.forwarding_events
}

/** Waits until there are `count` rows, of whatever was forwarded. */
export function waitForwarded(node: Lnd, count: number): Promise<readonly ForwardingEvent[]> {
  return waitFor(
    async () => {
      const events = await forwardingHistory(node)
      return events.length >= count ? events : undefined
    },
    { deadline: HISTORY_MS, pollMs: 250, what: `${count} rows in the forwarding history of ${node.name}` },
  )
}

/** Waits until there are `count` rows of forwards over one channel, and gives all of them. */
export function waitForwardedOver(node: Lnd, chanId: string, count: number): Promise<readonly ForwardingEvent[]> {
  return waitFor(
    async () => {
      const events = (await forwardingHistory(node)).filter(({ chan_id_out }) => chan_id_out === chanId)
      return events.length >= count ? events : undefined
    },
    { deadline: HISTORY_MS, pollMs: 250, what: `${count} forwards over ${chanId} in the history of ${node.name}` },
  )
}

/** Forgets what earlier failures taught the payer's router. */
export async function resetMissionControl(payer: Lnd): Promise<void> {
  await payer.call('router', 'resetMissionControl')
}

/** Waits until the payer's router knows a way (right after a channel opens it may not). */
export async function waitForRoute(payer: Lnd, to: { readonly nodeId: string; readonly amountMsat: bigint }) {
  await waitFor(
    async () => {
      const answer = await payer.call<{ routes: unknown[] }>('default', 'queryRoutes', {
        pub_key: to.nodeId,
        amt_msat: String(to.amountMsat),
        use_mission_control: false,
      })
      return answer.routes.length > 0
    },
    { deadline: ROUTE_MS, what: `a route of ${to.amountMsat} msat from ${payer.name} to ${to.nodeId}` },
  )
}
