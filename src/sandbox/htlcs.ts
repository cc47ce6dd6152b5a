import type { Scid } from '../../lsps/base/scid.ts'
import type { CircuitKey } from '../lnd/port.ts'
import type { SimChannel } from './channels.ts'

/** What the payer's onion says to our node, unchecked by it, and to the last hop. */
export type Onion = {
  readonly scid: Scid
  readonly amountOut: bigint
  readonly expiryOut: number
  /** What the last hop is told to expect, in msat. */
  readonly finalAmount: bigint
}

/** An HTLC from a payer that stands in one of our channels. */
export type IncomingHtlc = {
  readonly channel: SimChannel
  readonly index: bigint
  readonly hash: string
  readonly amount: bigint
  readonly expiry: number
  readonly onion: Onion
  /** It ends at our node: what its payer says that all parts are together, in msat. Nothing of the onion counts then. */
  readonly exit: { readonly total: bigint } | undefined
  readonly key: CircuitKey
  /** Tells the payer; called once, when the HTLC leaves the channel. */
  readonly onResolved: (resolution: Resolution) => void
  circuit: Circuit | undefined
}

export type OutgoingHtlc = {
  readonly channel: SimChannel
  readonly index: bigint
  readonly hash: string
  readonly amount: bigint
  /** TLV 65537 of update_add_htlc, in msat; undefined when absent. */
  readonly extraFee: bigint | undefined
  readonly finalAmount: bigint
  readonly expiry: number
  readonly circuit: Circuit
  /** The peer has it; otherwise the link sends it when it is up again. */
  delivered: boolean
  /** The peer has decided; waits for the link when that is down. */
  resolution: PeerResolution | undefined
}

export type PeerResolution =
  | { readonly type: 'settle'; readonly preimage: string }
  | { readonly type: 'fail'; readonly reason: string }

export type Resolution =
  | { readonly type: 'settled'; readonly preimage: string }
  | { readonly type: 'failed'; readonly reason: string; readonly by: 'lsp' | 'peer' | 'chain' }

/** lnd's payment circuit: on disk once committed, half-open until its outgoing HTLC is. */
export type Circuit = {
  readonly key: CircuitKey
  readonly incoming: IncomingHtlc
  readonly amountOut: bigint
  outgoing: { readonly channel: SimChannel; readonly index: bigint } | undefined
  /** Read from disk by a node that restarted: what lnd fails, instead of drops, when it is offered again half-open. */
  loaded: boolean
}
