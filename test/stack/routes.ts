import { randomBytes } from 'node:crypto'
import { scidToNumber } from '../../lsps/base/scid.ts'
import type { Wallet } from './ldk/wallet.ts'
import type { Lnd } from './lnd.ts'
import type { Network } from './network.ts'
import type { PaymentResult } from './payments.ts'
import type { Purchase } from './purchase.ts'
import { allEnded } from './wait.ts'

/** Blocks that the wallet gets to claim: more than the 40 of its invoices, so that a new block does no harm. */
const FINAL_DELTA = 50

export type RouteOptions = {
  readonly network: Network
  readonly wallet: Pick<Wallet, 'nodeId'>
  readonly bought: Pick<Purchase, 'invoice' | 'paymentHash' | 'amount' | 'scid' | 'hint'>
  /** Who pays. Default: the network's payer. */
  readonly payer?: Lnd
  /** What this HTLC is to bring the wallet. Default: the whole payment. */
  readonly part?: bigint
  /** What the first HTLC carries. Default: what the onion asks the LSP to forward. */
  readonly amountIn?: bigint
  /** Blocks between the LSP's two HTLCs. Default: what was sold. */
  readonly cltvDelta?: number
  /** Default: the invoice's. */
  readonly paymentHash?: string
}

export type Attempt = PaymentResult['attempts'][number]

/** One HTLC over a route of the payer's own making to the sale's scid: single parts, probes, what no router builds. */
export async function payOverRoute(options: RouteOptions): Promise<Attempt> {
  const { network, wallet, bought, part = options.bought.amount } = options
  const { lsp } = network
  const { payer = network.payer } = options
  const [{ channels }, { block_height: height }, { payment_addr: secret }] = await Promise.all([
    payer.call<{ channels: { chan_id: string; remote_pubkey: string }[] }>('default', 'listChannels'),
    payer.info(),
    payer.call<{ payment_addr: Buffer }>('default', 'decodePayReq', { pay_req: bought.invoice }),
  ])
  const first = channels.find(({ remote_pubkey }) => remote_pubkey === lsp.nodeId)
  if (first === undefined) throw new Error('the payer has no channel to the LSP')
  const { amountIn = part, cltvDelta = bought.hint.cltvDelta, paymentHash = bought.paymentHash } = options
  const expiry = height + FINAL_DELTA
  const hop = { amt_to_forward_msat: String(part), expiry, tlv_payload: true }
  return payer.call<Attempt>('router', 'sendToRouteV2', {
    payment_hash: Buffer.from(paymentHash, 'hex'),
    route: {
      total_time_lock: expiry + cltvDelta,
      total_amt_msat: String(amountIn),
      hops: [
        { ...hop, chan_id: first.chan_id, pub_key: lsp.nodeId },
        {
          ...hop,
          chan_id: String(scidToNumber(bought.scid)),
          pub_key: wallet.nodeId,
          mpp_record: { payment_addr: secret, total_amt_msat: String(bought.amount) },
        },
      ],
    },
  })
}

/** Somebody's look at whether the wallet could be paid: an HTLC with a hash that nobody knows the preimage of. */
export function probe(options: Omit<RouteOptions, 'paymentHash'>): Promise<Attempt> {
  return payOverRoute({ ...options, paymentHash: randomBytes(32).toString('hex') })
}

/** The parts of one payment, each by itself and all at once; how each ended. Nobody tries again. */
export function payParts(options: Omit<RouteOptions, 'part'>, parts: readonly bigint[]): Promise<readonly Attempt[]> {
  return allEnded(parts.map((part) => payOverRoute({ ...options, part })))
}

/** As `probe`, in parts of one hash. */
export function probeParts(
  options: Omit<RouteOptions, 'part' | 'paymentHash'>,
  parts: readonly bigint[],
): Promise<readonly Attempt[]> {
  return payParts({ ...options, paymentHash: randomBytes(32).toString('hex') }, parts)
}
