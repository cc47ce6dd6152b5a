import { randomBytes } from 'node:crypto'
import { scidToNumber } from '../../lsps/base/scid.ts'
import type { Wallet } from './ldk/wallet.ts'
import type { Network } from './network.ts'
import type { PaymentResult } from './payments.ts'
import type { Purchase } from './purchase.ts'

/** Blocks that the wallet gets to claim: more than the 40 of its invoices, so that a new block does no harm. */
const FINAL_DELTA = 50

export type RouteOptions = {
  readonly network: Network
  readonly wallet: Wallet
  readonly bought: Purchase
  /** What the first HTLC carries. Default: what the onion asks the LSP to forward. */
  readonly amountIn?: bigint
  /** Blocks between the LSP's two HTLCs. Default: what was sold. */
  readonly cltvDelta?: number
  /** Default: the invoice's. */
  readonly paymentHash?: string
}

type Attempt = PaymentResult['attempts'][number]

/** A route of the payer's own making to the sale's scid: what no honest router would build, and probes. */
export async function payOverRoute(options: RouteOptions): Promise<Attempt> {
  const { network, wallet, bought } = options
  const { payer, lsp } = network
  const [{ channels }, { block_height: height }, { payment_addr: secret }] = await Promise.all([
    payer.call<{ channels: { chan_id: string; remote_pubkey: string }[] }>('default', 'listChannels'),
    payer.info(),
    payer.call<{ payment_addr: Buffer }>('default', 'decodePayReq', { pay_req: bought.invoice }),
  ])
  const first = channels.find(({ remote_pubkey }) => remote_pubkey === lsp.nodeId)
  if (first === undefined) throw new Error('the payer has no channel to the LSP')
  const { amountIn = bought.amount, cltvDelta = bought.hint.cltvDelta, paymentHash = bought.paymentHash } = options
  const expiry = height + FINAL_DELTA
  const hop = { amt_to_forward_msat: String(bought.amount), expiry, tlv_payload: true }
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
