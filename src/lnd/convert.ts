import { type Msat, msat, type Sat, sat } from '../../lsps/base/amount.ts'
import { type NodeId, parseNodeId } from '../../lsps/base/node-id.ts'
import type {
  Alias,
  Channel,
  ChannelEvent,
  CircuitKey,
  ClosedChannel,
  CloseType,
  Coin,
  Forward,
  FundingTemplate,
  Lease,
  NodeInfo,
  Outpoint,
  Peer,
  PendingChannel,
  PendingHtlc,
  Receipt,
  Spend,
} from './port.ts'
import type {
  RawChannel,
  RawChannelEvent,
  RawClosedChannel,
  RawCoin,
  RawForward,
  RawHtlc,
  RawInfo,
  RawLease,
  RawOpenUpdate,
  RawOutpoint,
  RawPeer,
  RawPendingChannels,
  RawPendingEntry,
  RawPendingUpdate,
  RawTransaction,
} from './raw.ts'
import { sendable } from './sendable.ts'

/** Pure: what lnd answers, in the port's words. */

const NANOSECONDS_PER_MS = 1_000_000n
/** One kilo-weight-unit is 250 virtual bytes. */
const VBYTES_PER_KW = 250n
const OUTPOINT = /^([0-9a-f]{64}):(\d{1,10})$/
const NOT_FORWARDED = '0'

/** lnd has signed fields for amounts that cannot be negative, save for rounding below a reserve. */
export function toSat(text: string): Sat {
  const amount = BigInt(text)
  return sat(amount < 0n ? 0n : amount)
}

export function toMsat(text: string): Msat {
  return msat(BigInt(text))
}

export function toNodeId(hex: string): NodeId {
  const id = parseNodeId(hex)
  if (id === undefined) throw new TypeError(`lnd sent ${hex} as a node id`)
  return id
}

/** Bytes are in the order that transactions hash to; people and lnd's texts use the reverse. */
export function txidFromBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).reverse().toString('hex')
}

export function outpointFromBytes(update: RawPendingUpdate): Outpoint {
  return `${txidFromBytes(update.txid)}:${update.output_index}`
}

/** lnd's form of an outpoint. It accepts the text form of the txid in requests. */
export function toRawOutpoint(outpoint: Outpoint): { readonly txid_str: string; readonly output_index: number } {
  const match = OUTPOINT.exec(outpoint)
  if (match === null) throw new TypeError(`${outpoint} is not an outpoint`)
  return { txid_str: match[1] ?? '', output_index: Number(match[2]) }
}

/** lnd's form of a channel's outpoint, which is another one. */
export function toRawChannelPoint(outpoint: Outpoint): {
  readonly funding_txid_str: string
  readonly output_index: number
} {
  const { txid_str, output_index } = toRawOutpoint(outpoint)
  return { funding_txid_str: txid_str, output_index }
}

export function fromRawOutpoint(raw: RawOutpoint): Outpoint {
  const txid = raw.txid_str === '' ? txidFromBytes(raw.txid_bytes) : raw.txid_str
  return `${txid}:${raw.output_index}`
}

export function circuitKey(channel: string, htlc: string): CircuitKey {
  return `${channel}:${htlc}`
}

export function toNodeInfo(raw: RawInfo): NodeInfo {
  return {
    nodeId: toNodeId(raw.identity_pubkey),
    alias: raw.alias,
    version: raw.version.split(' ')[0] ?? '',
    network: raw.chains[0]?.network ?? '',
    blockHeight: raw.block_height,
    syncedToChain: raw.synced_to_chain,
    requireInterceptor: raw.require_htlc_interceptor,
    features: Object.keys(raw.features).map(Number),
    uris: raw.uris,
  }
}

export function toPeer({ pub_key, inbound, features }: RawPeer): Peer {
  return {
    nodeId: toNodeId(pub_key),
    inbound,
    get features() {
      return features()
    },
  }
}

export function toChannel(raw: RawChannel): Channel {
  return {
    peer: toNodeId(raw.remote_pubkey),
    outpoint: raw.channel_point,
    chanId: BigInt(raw.chan_id),
    active: raw.active,
    private: raw.private,
    initiator: raw.initiator,
    capacity: toSat(raw.capacity),
    localBalance: toSat(raw.local_balance),
    remoteBalance: toSat(raw.remote_balance),
    sendable: sendable(raw),
    totalSent: toSat(raw.total_satoshis_sent),
    totalReceived: toSat(raw.total_satoshis_received),
    lifetimeSeconds: Number(raw.lifetime),
    uptimeSeconds: Number(raw.uptime),
    memo: raw.memo,
    pendingHtlcs: raw.pending_htlcs.map(toPendingHtlc),
  }
}

export function toPendingHtlc(raw: RawHtlc): PendingHtlc {
  const htlc = {
    incoming: raw.incoming,
    htlcIndex: BigInt(raw.htlc_index),
    amount: msat(BigInt(raw.amount) * 1000n),
    expiryHeight: raw.expiration_height,
    paymentHash: raw.hash_lock.toString('hex'),
  }
  // An outgoing HTLC names the incoming half of its circuit in the same fields.
  if (!raw.incoming || raw.forwarding_channel === NOT_FORWARDED) return htlc
  const forwardedTo = { channel: BigInt(raw.forwarding_channel), htlcIndex: BigInt(raw.forwarding_htlc_index) }
  return { ...htlc, forwardedTo }
}

export function toPendingChannels(raw: RawPendingChannels): readonly PendingChannel[] {
  return [
    ...raw.pending_open_channels.map((entry) => toPendingChannel(entry, 'opening')),
    ...raw.pending_closing_channels.map((entry) => toPendingChannel(entry, 'closing')),
    ...raw.pending_force_closing_channels.map((entry) => toPendingChannel(entry, 'closing')),
    ...raw.waiting_close_channels.map((entry) => toPendingChannel(entry, 'closing')),
  ]
}

function toPendingChannel(raw: RawPendingEntry, stage: PendingChannel['stage']): PendingChannel {
  const { remote_node_pub, channel_point, memo } = raw.channel
  const channel = { peer: toNodeId(remote_node_pub), outpoint: channel_point, memo, stage }
  return raw.closing_tx_hex ? { ...channel, closingTx: raw.closing_tx_hex } : channel
}

const CLOSE_TYPES: Readonly<Record<string, CloseType>> = {
  COOPERATIVE_CLOSE: 'cooperative',
  LOCAL_FORCE_CLOSE: 'local_force',
  REMOTE_FORCE_CLOSE: 'remote_force',
  BREACH_CLOSE: 'breach',
  FUNDING_CANCELED: 'funding_canceled',
  ABANDONED: 'abandoned',
}

const INITIATORS: Readonly<Record<string, ClosedChannel['initiator']>> = {
  INITIATOR_LOCAL: 'local',
  INITIATOR_REMOTE: 'remote',
  INITIATOR_BOTH: 'both',
}

export function toClosedChannel(raw: RawClosedChannel): ClosedChannel {
  const closeType = CLOSE_TYPES[raw.close_type]
  if (closeType === undefined) throw new TypeError(`lnd sent ${raw.close_type} as the way in which a channel closed`)
  return {
    peer: toNodeId(raw.remote_pubkey),
    outpoint: raw.channel_point,
    closeType,
    initiator: INITIATORS[raw.close_initiator] ?? 'unknown',
  }
}

/** Undefined for the kinds of event that nobody waits for. */
export function toChannelEvent(raw: RawChannelEvent): ChannelEvent | undefined {
  switch (raw.type) {
    case 'PENDING_OPEN_CHANNEL':
      return withOutpoint('pending', raw.pending_open_channel && outpointFromBytes(raw.pending_open_channel))
    case 'OPEN_CHANNEL':
      return withOutpoint('open', raw.open_channel?.channel_point)
    case 'ACTIVE_CHANNEL':
      return withOutpoint('active', channelPoint(raw.active_channel))
    case 'INACTIVE_CHANNEL':
      return withOutpoint('inactive', channelPoint(raw.inactive_channel))
    case 'CLOSED_CHANNEL':
      return withOutpoint('closed', raw.closed_channel?.channel_point)
    default:
      return undefined
  }
}

function withOutpoint(type: ChannelEvent['type'], outpoint: Outpoint | undefined): ChannelEvent {
  return outpoint === undefined ? { type } : { type, outpoint }
}

function channelPoint(raw: RawChannelEvent['active_channel']): Outpoint | undefined {
  if (raw === undefined) return undefined
  if (raw.funding_txid === 'funding_txid_str') return `${raw.funding_txid_str}:${raw.output_index}`
  return raw.funding_txid_bytes && outpointFromBytes({ txid: raw.funding_txid_bytes, output_index: raw.output_index })
}

export function toFundingTemplate(raw: NonNullable<RawOpenUpdate['psbt_fund']>): FundingTemplate {
  return { template: raw.psbt.toString('base64'), amount: toSat(raw.funding_amount), address: raw.funding_address }
}

export function toForward(raw: RawForward): Forward {
  const forward = {
    incomingChannel: BigInt(raw.chan_id_in),
    outgoingChannel: BigInt(raw.chan_id_out),
    amountIn: toMsat(raw.amt_in_msat),
    amountOut: toMsat(raw.amt_out_msat),
    fee: toMsat(raw.fee_msat),
    at: Number(BigInt(raw.timestamp_ns) / NANOSECONDS_PER_MS),
  }
  if (raw._incoming_htlc_id === undefined) return forward
  return { ...forward, circuit: circuitKey(raw.chan_id_in, raw.incoming_htlc_id) }
}

export function toLease(raw: RawLease): Lease {
  return { id: raw.id.toString('hex'), outpoint: fromRawOutpoint(raw.outpoint) }
}

/** The outputs among `outpoints` that this transaction spends. */
export function toSpends(raw: RawTransaction, outpoints: ReadonlySet<Outpoint>): readonly Spend[] {
  const { tx_hash: txid, num_confirmations, total_fees, previous_outpoints } = raw
  return previous_outpoints
    .filter(({ outpoint }) => outpoints.has(outpoint))
    .map(({ outpoint }) => ({ outpoint, txid, confirmations: num_confirmations, fee: toSat(total_fees) }))
}

/** The outputs of this transaction that pay to the wallet, at addresses that are wanted. */
export function toReceipts(raw: RawTransaction, wanted: (address: string) => boolean): readonly Receipt[] {
  const { tx_hash, num_confirmations: confirmations, raw_tx_hex: rawTx, output_details } = raw
  return output_details
    .filter(({ is_our_address, address }) => is_our_address && wanted(address))
    .map(({ address, amount, output_index }) => ({
      outpoint: `${tx_hash}:${output_index}`,
      address,
      amount: toSat(amount),
      confirmations,
      rawTx,
    }))
}

export function toCoin({ outpoint, amount_sat, confirmations }: RawCoin): Coin {
  return { outpoint: fromRawOutpoint(outpoint), amount: toSat(amount_sat), confirmations: Number(confirmations) }
}

export function toAlias(raw: { readonly base_scid: string; readonly aliases: readonly string[] }): Alias {
  return { base: BigInt(raw.base_scid), aliases: raw.aliases.map(BigInt) }
}

/** Satoshi per virtual byte, rounded up, at least 1. */
export function toSatPerVbyte(satPerKw: string): number {
  const rate = (BigInt(satPerKw) + VBYTES_PER_KW - 1n) / VBYTES_PER_KW
  return Number(rate < 1n ? 1n : rate)
}
