import type { Msat, Sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { InvoicePort, OnEvent } from './port-invoices.ts'

export {
  HOLD_INVOICE_CANCEL_BLOCKS,
  type HoldInvoiceRequest,
  type Invoice,
  type InvoiceHtlc,
  type OnEvent,
} from './port-invoices.ts'

/**
 * All that the daemon asks of a Lightning node. Two things implement it: the adapter to lnd (`src/lnd/adapter.ts`) and
 * the simulated node (`src/sandbox`); one compliance suite holds both to the same behaviour.
 *
 * Every call takes an AbortSignal last. A call that fails throws a `SidecarError`: `LND_UNAVAILABLE` when it is unknown
 * whether the node did it, `LND_REFUSED` with the node's words when the node answered that it did not.
 */

/** `txid:index`, txid in block-explorer byte order. */
export type Outpoint = string
/** 32 random bytes in lower-case hex: our own name of a channel that is being opened (decisions D20). */
export type PendingChannelId = string
/** `channel:htlc`: the incoming channel's id and the HTLC's index on it, decimal; unique for the node's life. */
export type CircuitKey = string

export type NodeInfo = {
  readonly nodeId: NodeId
  readonly alias: string
  /** As lnd prints it, for example `0.21.3-beta`. */
  readonly version: string
  readonly network: string
  readonly blockHeight: number
  readonly syncedToChain: boolean
  readonly requireInterceptor: boolean
  readonly features: readonly number[]
  /** Where it says that it can be reached, `nodeid@host:port`; none when it announces no address. */
  readonly uris: readonly string[]
}

/** `features` are the bits of the peer's init message, as they are (18 and 19 are both wumbo); read when asked for. */
export type Peer = { readonly nodeId: NodeId; readonly inbound: boolean; readonly features: readonly number[] }
export type PeerEvent = { readonly nodeId: NodeId; readonly online: boolean }
export type CustomMessage = { readonly peer: NodeId; readonly type: number; readonly data: Uint8Array }

/** An HTLC that stands in a channel now. */
export type PendingHtlc = {
  readonly incoming: boolean
  readonly htlcIndex: bigint
  readonly amount: Msat
  readonly expiryHeight: number
  readonly paymentHash: string
  /** Outgoing half of its circuit; undefined when nothing was forwarded (yet). Only on incoming HTLCs. */
  readonly forwardedTo?: { readonly channel: bigint; readonly htlcIndex: bigint }
}

export type Channel = {
  readonly peer: NodeId
  readonly outpoint: Outpoint
  /**
   * lnd's `chan_id`: for a zero-conf channel its first alias, the base of every further alias, for its whole life; for
   * an ordinary one where its funding stands in the chain.
   */
  readonly chanId: bigint
  readonly active: boolean
  /** Not announced to the network. */
  readonly private: boolean
  /** We opened it. */
  readonly initiator: boolean
  readonly capacity: Sat
  readonly localBalance: Sat
  readonly remoteBalance: Sat
  /** The largest HTLC that lnd would send to the peer now, as far as it lists what decides that. */
  readonly sendable: Msat
  /** All that ever settled from us to the peer over this channel, rounded down to satoshi. */
  readonly totalSent: Sat
  /** The same from the peer to us. What we pushed at the open is in neither. */
  readonly totalReceived: Sat
  /** How long lnd watches the channel, in seconds: since its own start at most. */
  readonly lifetimeSeconds: number
  /** How much of that the peer was connected. */
  readonly uptimeSeconds: number
  readonly memo: string
  readonly pendingHtlcs: readonly PendingHtlc[]
}

/** From any of lnd's four lists of pending channels. */
export type PendingChannel = {
  readonly peer: NodeId
  readonly outpoint: Outpoint
  readonly memo: string
  readonly stage: 'opening' | 'closing'
  /** The unconfirmed closing transaction in hex, where lnd shows it. */
  readonly closingTx?: string
}

export type CloseType =
  | 'cooperative'
  | 'local_force'
  | 'remote_force'
  | 'breach'
  /** The funding never confirmed. */
  | 'funding_canceled'
  /** By `abandonChannel`. */
  | 'abandoned'

/** A channel whose end is final: listed only when its closing transaction is deep enough, or it was given up. */
export type ClosedChannel = {
  readonly peer: NodeId
  readonly outpoint: Outpoint
  readonly closeType: CloseType
  /** Who began the close; `both` when each did, `unknown` when lnd does not say, as of a funding that never confirmed. */
  readonly initiator: 'local' | 'remote' | 'both' | 'unknown'
}

/** A hint that something about a channel changed; never the only source of a fact (lnd does not replay these). */
export type ChannelEvent = {
  readonly type: 'pending' | 'open' | 'active' | 'inactive' | 'closed'
  readonly outpoint?: Outpoint
}

/** The PSBT-shim open of funding.md step 1: fees 0/0, min HTLC 1 msat, ANCHORS, `no_publish`. */
export type OpenRequest = {
  readonly peer: NodeId
  readonly capacity: Sat
  /** How much of the capacity is the peer's from the start; none when left out. */
  readonly push?: Sat
  readonly pendingChannelId: PendingChannelId
  readonly memo: string
  /** False: announced to the network, six blocks after its funding. */
  readonly private: boolean
  /** False: ordinary, it becomes active when both sides have seen as many confirmations as the peer asks for. */
  readonly zeroConf: boolean
  /** Refused for an announced channel. */
  readonly scidAlias: boolean
  /** Cap on the delay that the peer may put on our own outputs, in blocks. */
  readonly maxLocalCsv?: number
}

/** `force` publishes our commitment, without the peer: our money is locked for the delay that the peer asked for. */
export type CloseRequest =
  | { readonly outpoint: Outpoint; readonly how: 'cooperative'; readonly satPerVbyte: number }
  | { readonly outpoint: Outpoint; readonly how: 'force' }

/** Spends an output of the wallet to itself, so that miners take the transaction that made it (CPFP). */
export type BumpRequest = {
  readonly outpoint: Outpoint
  /** What the spending transaction starts with; lnd raises it by itself, up to the budget. */
  readonly satPerVbyte: number
  /** The most that it may cost, in satoshi. */
  readonly budget: Sat
}

/** A transaction of the wallet that spends an output. */
export type Spend = {
  readonly outpoint: Outpoint
  readonly txid: string
  /** 0 while it is in the mempool. */
  readonly confirmations: number
  /** What it paid to miners, where the wallet knows all that went in. */
  readonly fee: Sat
}

/** What lnd wants the funding transaction to pay to: a PSBT with just that output, base64. */
export type FundingTemplate = { readonly template: string; readonly amount: Sat; readonly address: string }

/** A running open. Either promise rejects with `LND_REFUSED` when peer or node end the attempt. */
export type OpenAttempt = {
  /** lnd waits for our funded PSBT. */
  readonly template: Promise<FundingTemplate>
  /** `funding_signed` came: the channel exists from here on. */
  readonly pending: Promise<Outpoint>
  /** Stops listening. lnd goes on with the open: this cancels nothing. */
  readonly detach: () => void
}

/** A payment to an address. */
export type Payment = { readonly address: string; readonly amount: Sat }

export type FundPsbtRequest = {
  readonly satPerVbyte: number
  readonly lockId: string
  readonly lockSeconds: number
  /** 0: unconfirmed coins may be spent too. */
  readonly minConfs: number
} & (
  | { readonly template: string }
  /** No address twice. With `inputs` these coins are spent, all of them and no others; else the wallet selects. */
  | { readonly outputs: readonly Payment[]; readonly inputs?: readonly Outpoint[] }
)

/** An output of the wallet that nobody has locked. */
export type Coin = { readonly outpoint: Outpoint; readonly amount: Sat; readonly confirmations: number }

/** A transaction of the wallet; `raw` in hex. */
export type LabelledTransaction = { readonly txid: string; readonly raw: string; readonly confirmations: number }

/** An output of the wallet that is locked for `id`. */
export type Lease = { readonly id: string; readonly outpoint: Outpoint }

/** An output that pays to an address of the wallet. */
export type Receipt = {
  readonly outpoint: Outpoint
  readonly address: string
  readonly amount: Sat
  /** 0 while the wallet has not seen it in a block, or a reorganisation took it out of its block. */
  readonly confirmations: number
  /**
   * The whole transaction in hex. What it paid to miners is not known: lnd knows no amounts of inputs that are not the
   * wallet's (it says 0), and its other calls know no more.
   */
  readonly rawTx: string
}

export type HtlcOffer = {
  readonly circuit: CircuitKey
  readonly incomingChannel: bigint
  readonly paymentHash: string
  /** The short channel id that the onion names. */
  readonly requestedScid: Scid
  readonly amountIn: Msat
  /** The sender's value from the onion: not checked by lnd. */
  readonly amountOut: Msat
  readonly expiryIn: number
  /** The sender's value from the onion: not checked by lnd. */
  readonly expiryOut: number
  readonly autoFailHeight: number
}

/** `fail` is temporary_channel_failure; unknown_next_peer is `resume` while the scid is not bound (L2-110). */
export type HtlcAnswer =
  | { readonly type: 'resume' }
  | { readonly type: 'resume-modified'; readonly amountOut: Msat; readonly extraFee: Msat }
  | { readonly type: 'fail' }

/**
 * The answering side of one interceptor stream. Answering a circuit twice, or one that this stream did not offer,
 * does nothing: a wrong answer would end the stream for the whole node.
 */
export type Interceptor = { readonly answer: (circuit: CircuitKey, answer: HtlcAnswer) => void }

export type HtlcEvent =
  | { readonly type: 'forwarded'; readonly circuit: CircuitKey; readonly amountIn: Msat; readonly amountOut: Msat }
  | { readonly type: 'settled'; readonly circuit: CircuitKey }
  /** Failed downstream after it was forwarded, or by our own node while forwarding. */
  | { readonly type: 'failed'; readonly circuit: CircuitKey; readonly reason: string }

/** A row of lnd's forwarding history. lnd writes it up to 15 s after the settle and may lose it when killed before. */
export type Forward = {
  readonly circuit?: CircuitKey
  readonly incomingChannel: bigint
  readonly outgoingChannel: bigint
  readonly amountIn: Msat
  readonly amountOut: Msat
  readonly fee: Msat
  readonly at: number
}

export type Alias = { readonly base: bigint; readonly aliases: readonly bigint[] }

export interface LndPort extends InvoicePort {
  getInfo(signal: AbortSignal): Promise<NodeInfo>
  /** By the node's key, as other nodes verify it (L0-77): 104 characters of zbase32. No empty text. */
  signMessage(text: string, signal: AbortSignal): Promise<string>

  listPeers(signal: AbortSignal): Promise<readonly Peer[]>
  disconnectPeer(peer: NodeId, signal: AbortSignal): Promise<void>
  sendCustomMessage(message: CustomMessage, signal: AbortSignal): Promise<void>

  listChannels(signal: AbortSignal, peer?: NodeId): Promise<readonly Channel[]>
  pendingChannels(signal: AbortSignal): Promise<readonly PendingChannel[]>
  closedChannels(signal: AbortSignal): Promise<readonly ClosedChannel[]>

  /** Starts an open; the result is there at once, its promises tell the rest. */
  openChannel(request: OpenRequest, signal: AbortSignal): OpenAttempt
  /** `psbt_verify` with `skip_finalize`. Any error of it means: look (funding.md, Coins). */
  verifyFunding(
    request: { readonly psbt: string; readonly pendingChannelId: PendingChannelId },
    signal: AbortSignal,
  ): Promise<void>
  /** `shim_cancel`. Success proves nothing (funding.md). */
  cancelFunding(pendingChannelId: PendingChannelId, signal: AbortSignal): Promise<void>

  /**
   * Resolves when there is a closing transaction. Refused with "peer is offline" when a cooperative close cannot be
   * agreed on now, with "active htlcs" while a payment stands in the channel. A channel whose funding is not published
   * refuses as well and closes all the same (funding.md): look. lnd goes on when nobody waits any more.
   */
  closeChannel(request: CloseRequest, signal: AbortSignal): Promise<void>
  /** Makes lnd forget a channel and the keys to its money: only for one that can never be on chain. Idempotent. */
  abandonChannel(outpoint: Outpoint, signal: AbortSignal): Promise<void>

  /** XAddLocalChanAliases. Throws `LND_REFUSED` with "already exists" when the alias is there. */
  addAlias(request: { readonly base: bigint; readonly alias: bigint }, signal: AbortSignal): Promise<void>
  listAliases(signal: AbortSignal): Promise<readonly Alias[]>

  /**
   * Base64 PSBT with inputs (locked under `lockId`) and change added. A named input that is locked or spent is refused
   * with "not found in list of non-locked UTXO".
   */
  fundPsbt(request: FundPsbtRequest, signal: AbortSignal): Promise<string>
  /** Signs; the raw transaction in hex. Signing twice gives the same txid. */
  finalizePsbt(psbt: string, signal: AbortSignal): Promise<string>
  /** Success also when it is in the mempool or confirmed already. */
  publishTransaction(request: { readonly raw: string; readonly label: string }, signal: AbortSignal): Promise<void>
  /** Confirmations of a transaction that the wallet knows; undefined when it does not know it. */
  confirmations(txid: string, signal: AbortSignal): Promise<number | undefined>
  /** Again raises the rate. Refused when the wallet does not own the output or its transaction is confirmed. */
  bumpFee(request: BumpRequest, signal: AbortSignal): Promise<void>
  /** Which of these outputs a transaction of the wallet spends, in the mempool or confirmed. Reads the whole wallet. */
  spends(outpoints: readonly Outpoint[], signal: AbortSignal): Promise<readonly Spend[]>
  /** In hex, as it was published; undefined when the wallet does not know it. */
  rawTransaction(txid: string, signal: AbortSignal): Promise<string | undefined>
  /** What was published under this label and is in the mempool or in a block. Reads the whole wallet. */
  labelled(label: string, signal: AbortSignal): Promise<readonly LabelledTransaction[]>
  listLeases(signal: AbortSignal): Promise<readonly Lease[]>
  /** Extends a lock of the same id. */
  leaseOutput(request: Lease & { readonly seconds: number }, signal: AbortSignal): Promise<void>
  releaseOutput(lease: Lease, signal: AbortSignal): Promise<void>
  /** Confirmed wallet balance that is not locked. */
  walletBalance(signal: AbortSignal): Promise<Sat>
  /** Outputs of the wallet that are not locked; with 0 also those whose transaction is in the mempool. */
  listUnspent(minConfs: number, signal: AbortSignal): Promise<readonly Coin[]>
  /** What the node keeps back so that it can close its public anchor channels: 10,000 sat each, 100,000 at most. */
  anchorReserve(signal: AbortSignal): Promise<Sat>
  /** A new address of the wallet's own; every call makes another one. */
  newAddress(signal: AbortSignal): Promise<string>
  /**
   * Receipts in blocks from `sinceHeight` on and of transactions that are in no block, at `wanted` addresses only.
   *
   * Facts about those with 0 confirmations (btcwallet 0.16.19). One is listed as soon as lnd's chain backend tells of
   * it (a neutrino backend never does) and stays until it is in a block or a conflicting transaction that concerns the
   * wallet is. So a replacement that pays the wallet as well stands beside what it replaces until one of them is
   * mined: conflicting ones must not be added up. What a transaction replaced that does not concern the wallet is
   * listed on, as a coin too, until lnd starts again: then it offers all to its backend and forgets what that refuses.
   * A reorganisation puts a transaction back to 0 confirmations; nothing is told on `subscribeTransactions` then.
   */
  receipts(
    request: { readonly sinceHeight: number; readonly wanted: (address: string) => boolean },
    signal: AbortSignal,
  ): Promise<readonly Receipt[]>
  /** Satoshi per virtual byte, rounded up, at least 1. */
  estimateFeerate(confTarget: number, signal: AbortSignal): Promise<number>

  /** Read page by page; only rows that are `wanted` are kept (all, when left out): a history may have millions. */
  forwardingHistory(
    request: { readonly sinceSeconds: number; readonly wanted?: (row: Forward) => boolean },
    signal: AbortSignal,
  ): Promise<readonly Forward[]>

  /** One client per node. `onOffer` must not wait for anything: the whole node's forwards stand behind it. */
  interceptHtlcs(onOffer: (offer: HtlcOffer, stream: Interceptor) => void, signal: AbortSignal): Promise<void>
  subscribeHtlcEvents(onEvent: OnEvent<HtlcEvent>, signal: AbortSignal): Promise<void>
  /**
   * A hint that a transaction of the wallet appeared or is in a block now; not told of what was before, nor of a
   * reorganisation. It comes before the wallet has committed what it tells of: `receipts` may not list that yet.
   */
  subscribeTransactions(onEvent: OnEvent<{ readonly txid: string }>, signal: AbortSignal): Promise<void>
  subscribeChannelEvents(onEvent: OnEvent<ChannelEvent>, signal: AbortSignal): Promise<void>
  subscribePeerEvents(onEvent: OnEvent<PeerEvent>, signal: AbortSignal): Promise<void>
  subscribeCustomMessages(onEvent: OnEvent<CustomMessage>, signal: AbortSignal): Promise<void>
  /** New best heights; the current one comes first. */
  subscribeBlocks(onEvent: OnEvent<number>, signal: AbortSignal): Promise<void>
}
